//! Owns what the fuzz targets share: an exchange on the virtual clock whose webhooks are answered at once, and the
//! bounds that no input may break.

use chrono::DateTime;
use warm_transfer::emulator::engine::{Engine, EngineOptions, HttpOutcome, HttpRequest};
use warm_transfer::emulator::{Behaviour, PersonAction, PhonePlan, Switches};

/// What every path of the REST API begins with.
pub const ROOT: &str = "/2010-04-01/Accounts/AC00000000000000000000000000000001";
/// Whom the exchange calls first.
pub const CALLED: &str = "+15550100001";
/// The account's number.
pub const NUMBER: &str = "+15550100000";

/// No input of a few kilobytes writes more events than this …
const MAX_EVENTS: usize = 200_000;
/// … or asks for more documents and callbacks.
const MAX_REQUESTS: usize = 50_000;

/// An exchange with phones that answer, refuse and press keys.
pub struct World {
    /// The exchange itself.
    pub engine: Engine,
    requests: usize,
}

impl World {
    /// At millisecond 0; the same one each time.
    pub fn new() -> Self {
        let account_sid = "AC00000000000000000000000000000001".parse().expect("a constant");
        let epoch = DateTime::UNIX_EPOCH;
        let mut engine =
            Engine::new(EngineOptions { account_sid, seed: 1, epoch, switches: Switches::default() });
        let busy = PhonePlan { behaviour: Behaviour::Busy, ..PhonePlan::answer() };
        let voicemail = PhonePlan { behaviour: Behaviour::Voicemail, ..PhonePlan::answer() };
        engine.set_phone("+15550100003", vec![busy]).expect("a constant");
        engine.set_phone("+15550100004", vec![voicemail]).expect("a constant");
        Self { engine, requests: 0 }
    }

    /// A REST request with form and query parameters alike: status and body.
    pub fn rest(
        &mut self,
        method: &str,
        path: &str,
        pairs: Vec<(String, String)>,
    ) -> (u16, Option<serde_json::Value>) {
        let (query, form) = if method == "GET" { (pairs, Vec::new()) } else { (Vec::new(), pairs) };
        self.engine.rest(method, &format!("{ROOT}/{path}"), query, form)
    }

    /// Lets time pass up to `until_ms`, every webhook answered by `answer`. The first leg presses keys now and then.
    pub fn pass(&mut self, until_ms: u64, mut answer: impl FnMut(&HttpRequest) -> HttpOutcome) {
        let mut keys = ["1", "5#", "*"].iter().cycle();
        while self.engine.now_ms() < until_ms {
            let pause_ms = self.engine.now_ms().saturating_add(7_300).min(until_ms);
            self.run(pause_ms, &mut answer);
            if let Some(keys) = keys.next() {
                // Nobody may be there to press them.
                let _ = self.engine.act(CALLED, &PersonAction::Press((*keys).to_owned()));
            }
        }
    }

    fn run(&mut self, until_ms: u64, answer: &mut impl FnMut(&HttpRequest) -> HttpOutcome) {
        loop {
            for request in self.engine.take_requests() {
                self.requests += 1;
                let outcome = answer(&request);
                self.engine.http_answer(request.id, &outcome);
            }
            self.check_bounds();
            match self.engine.next_due_ms() {
                _ if self.engine.has_requests() => {}
                Some(due) if due <= until_ms => self.engine.advance(due),
                _ => return self.engine.advance(until_ms),
            }
        }
    }

    fn check_bounds(&self) {
        assert!(self.requests <= MAX_REQUESTS, "{} requests", self.requests);
        assert!(self.engine.timeline().len() <= MAX_EVENTS, "{} events", self.engine.timeline().len());
    }

    /// Whether every leg is over.
    pub fn is_over(&self) -> bool {
        let count = |kind: fn(&str) -> bool| {
            self.engine.timeline().iter().filter(|e| kind(&e.kind.to_string())).count()
        };
        let begun = count(|kind| kind == "queued");
        let over = self.engine.timeline().iter().filter(|e| e.data.contains_key("ended_by")).count();
        begun <= over
    }
}

impl Default for World {
    fn default() -> Self {
        Self::new()
    }
}

/// A good HTTP answer.
pub fn answer(content_type: &str, body: &[u8]) -> HttpOutcome {
    HttpOutcome::Answer { status: 200, content_type: Some(content_type.to_owned()), body: body.to_vec() }
}
