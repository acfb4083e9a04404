//! Owns a small application on the engine, without HTTP: it places calls, transfers each once, and counts.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context;
use warm_transfer::emulator::Switches;
use warm_transfer::emulator::engine::{Engine, EngineOptions, HttpOutcome, HttpRequest, PersonAction};

/// What came of a run.
#[derive(Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Calls whose customer talked to the second agent.
    pub transferred: usize,
    /// Legs that are not over.
    pub unfinished: usize,
    /// Entries of the timeline.
    pub events: usize,
    /// Webhooks answered.
    pub webhooks: usize,
    /// How much time has passed in the exchange.
    pub emulated_ms: u64,
}

const ROOT: &str = "/2010-04-01/Accounts/AC00000000000000000000000000000001";
/// A new call every so often, in emulated milliseconds.
const EVERY_MS: u64 = 100;

/// What the application does at a moment of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    Place(usize),
    Transfer(usize),
    AddAgent(usize),
    FirstAgentLeaves(usize),
    CustomerLeaves(usize),
}

struct Run {
    engine: Engine,
    steps: BTreeSet<(u64, Step)>,
    children: BTreeMap<usize, String>,
    transferred: BTreeSet<usize>,
    webhooks: usize,
}

/// Ten digits of its own for each leg of each call.
fn number(kind: usize, call: usize) -> String {
    format!("+1555010{kind}{call:05}")
}

/// Places so many calls and lets everything end.
pub fn run(calls: usize, seed: u64) -> anyhow::Result<Outcome> {
    let engine = Engine::new(EngineOptions {
        account_sid: "AC00000000000000000000000000000001".parse()?,
        seed,
        epoch: chrono::DateTime::UNIX_EPOCH,
        switches: Switches::default(),
    });
    let steps = (0..calls).map(|n| (n as u64 * EVERY_MS, Step::Place(n))).collect();
    let mut run = Run { engine, steps, children: BTreeMap::new(), transferred: BTreeSet::new(), webhooks: 0 };
    run.play()?;
    let statuses = run.engine.timeline().iter().filter(|e| e.kind.to_string() == "queued").count();
    let over = run.engine.timeline().iter().filter(|e| e.data.contains_key("ended_by")).count();
    Ok(Outcome {
        transferred: run.transferred.len(),
        unfinished: statuses.saturating_sub(over),
        events: run.engine.timeline().len(),
        webhooks: run.webhooks,
        emulated_ms: run.engine.now_ms(),
    })
}

impl Run {
    fn play(&mut self) -> anyhow::Result<()> {
        loop {
            for request in self.engine.take_requests() {
                self.webhooks += 1;
                let outcome = self.answer(&request);
                self.engine.http_answer(request.id, &outcome);
            }
            if self.engine.has_requests() {
                continue;
            }
            let step = self.steps.first().copied();
            match (step, self.engine.next_due_ms()) {
                (Some((at, step)), due) if due.is_none_or(|due| at <= due) => {
                    self.steps.pop_first();
                    self.engine.advance(at);
                    self.act(step)?;
                }
                (_, Some(due)) => self.engine.advance(due),
                (_, None) => return Ok(()),
            }
        }
    }

    fn later(&mut self, by_ms: u64, step: Step) {
        self.steps.insert((self.engine.now_ms() + by_ms, step));
    }

    fn post(&mut self, path: &str, form: &[(&str, &str)]) -> anyhow::Result<()> {
        let form = form.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        let (status, body) = self.engine.rest("POST", &format!("{ROOT}/{path}.json"), Vec::new(), form);
        anyhow::ensure!((200..300).contains(&status), "{path}: {status} {body:?}");
        Ok(())
    }

    fn act(&mut self, step: Step) -> anyhow::Result<()> {
        match step {
            Step::Place(n) => {
                let url = format!("http://app/start/{n}");
                self.post("Calls", &[("To", &number(1, n)), ("From", "+15550100000"), ("Url", &url)])
            }
            Step::Transfer(n) => {
                let child = self.children.get(&n).context("no child")?;
                let (path, url) = (format!("Calls/{child}"), format!("http://app/room/{n}"));
                self.later(2_000, Step::AddAgent(n));
                self.post(&path, &[("Url", &url)])
            }
            Step::AddAgent(n) => {
                let path = format!("Conferences/room-{n}/Participants");
                self.later(10_000, Step::FirstAgentLeaves(n));
                self.post(&path, &[("To", &number(3, n)), ("From", "+15550100000")])
            }
            Step::FirstAgentLeaves(n) => {
                self.later(10_000, Step::CustomerLeaves(n));
                Ok(self.engine.act(&number(1, n), &PersonAction::HangUp)?)
            }
            Step::CustomerLeaves(n) => Ok(self.engine.act(&number(2, n), &PersonAction::HangUp)?),
        }
    }

    fn answer(&mut self, request: &HttpRequest) -> HttpOutcome {
        let path = request.url.trim_start_matches("http://app/");
        let (what, n) = path.split_once('/').unwrap_or((path, "0"));
        let n: usize = n.parse().unwrap_or_default();
        let param = |name: &str| request.params.iter().find(|(k, _)| k == name).map(|(_, v)| v.clone());
        let room = |end: bool| {
            format!(
                "<Dial><Conference endConferenceOnExit=\"{end}\" statusCallback=\"http://app/events/{n}\" \
                 statusCallbackEvent=\"start end join leave\">room-{n}</Conference></Dial>"
            )
        };
        let verbs = match what {
            "start" => format!(
                "<Dial action=\"http://app/action/{n}\"><Number statusCallback=\"http://app/child/{n}\" \
                 statusCallbackEvent=\"answered\">{}</Number></Dial>",
                number(2, n)
            ),
            // The customer ends the conference by leaving; the first agent follows the customer into it.
            "room" => room(true),
            "action" => room(false),
            "child" => {
                self.children.insert(n, param("CallSid").unwrap_or_default());
                self.later(5_000, Step::Transfer(n));
                String::new()
            }
            _ => {
                let joined = param("StatusCallbackEvent").as_deref() == Some("participant-join");
                let sid = param("CallSid").unwrap_or_default();
                if joined && request.call_sid.as_ref().is_some_and(|s| s.as_str() == sid) {
                    self.note_join(n, request);
                }
                String::new()
            }
        };
        HttpOutcome::Answer {
            status: 200,
            content_type: Some("text/xml".into()),
            body: format!("<Response>{verbs}</Response>").into_bytes(),
        }
    }

    /// The third to join a call's room is the second agent.
    fn note_join(&mut self, n: usize, request: &HttpRequest) {
        let sequence = request.params.iter().find(|(k, _)| k == "SequenceNumber").map(|(_, v)| v.as_str());
        // join, (start with) join, and only then the second agent's.
        if sequence.and_then(|s| s.parse::<u64>().ok()).is_some_and(|s| s >= 4) {
            self.transferred.insert(n);
        }
    }
}
