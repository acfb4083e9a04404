//! Owns one virtual world: exchange, service, network and people on one clock, until the call is over and nothing moves.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::DateTime;
use futures_util::FutureExt;
use serde_json::json;
use url::Url;

use super::dice::Dice;
use super::line::{Line, Mishap, Webhook};
use super::script::{self, CALLER_ID, CUSTOMER, FIRST_AGENT, Script};
use super::service::{Moment, Service};
use crate::calls::asking;
use crate::calls::attempts::{self, Attempt, First, Outcome};
use crate::calls::flow::{
    AfterDial, Call, Event, Leg, Plan, Refusal, Role, Stage, Words, after_dial, after_gate,
};
use crate::calls::requests::{Request, request};
use crate::emulator::engine::calls;
use crate::emulator::engine::{Behaviour, Engine, EngineOptions, HttpOutcome, HttpRequest, RequestId};
use crate::emulator::{Audibility, Limits, TimelineEvent};
use crate::telephony::{AccountSid, Address, CallSid};
use crate::twilio::{CallResource, Credentials, TwilioClient, TwilioConfig, TwilioError};
use crate::twiml::Response;
use crate::voice::asked::{Answer, Asked, asked};
use crate::voice::documents::Documents;
use crate::voice::forms;
use crate::voice::links::Links;

/// Begin of virtual time: 2026.
const EPOCH_SECS: i64 = 1_767_225_600;
/// Nothing may go on for longer than this.
const HORIZON_MS: u64 = 3 * 3600 * 1000;
/// How long a client waits for Twilio: `twilio.timeout_ms`.
const TIMEOUT_MS: u64 = 10_000;
/// When Twilio gives up a try at a document, in milliseconds.
const NO_DOCUMENT_MS: u64 = 1_000;

/// Something on its way.
enum Happening {
    /// Somebody asks through the API.
    Wish(Event),
    /// A REST request reaches Twilio.
    Sent(u64, Attempt, Box<Request>, Option<Mishap>),
    /// A look-up reaches Twilio.
    Looked(u64, Attempt, Option<Mishap>),
    /// A look-up's answer reaches us.
    Found(u64, Attempt, Result<Vec<CallResource>, TwilioError>),
    /// An answer reaches us.
    Settled(u64, Outcome),
    /// A webhook reaches us.
    Webhook(Box<HttpRequest>),
    /// What a document request said is written down.
    Written(Event),
    /// Our answer reaches Twilio.
    Answered(RequestId, HttpOutcome),
}

/// What a world has left behind.
pub(super) struct Aftermath {
    pub(super) call: Call,
    pub(super) history: Vec<Moment>,
    pub(super) endings: usize,
    pub(super) timeline: Vec<TimelineEvent>,
    pub(super) audibility: Audibility,
    /// When the world stood still, in milliseconds.
    pub(super) over_ms: u64,
    /// Something still went on when time was up.
    pub(super) is_endless: bool,
    /// Every leg that Twilio has made.
    pub(super) legs: Vec<LegRecord>,
    /// What was asked through the API, and whether it was taken.
    pub(super) wishes: Vec<(u64, Event, Result<(), Refusal>)>,
    /// What went wrong on purpose, and when.
    pub(super) mishaps: Vec<(u64, String)>,
}

/// A leg as Twilio has it in the end.
#[derive(Debug)]
pub(super) struct LegRecord {
    pub(super) sid: CallSid,
    pub(super) address: String,
    pub(super) created_ms: u64,
    pub(super) answered_ms: Option<u64>,
    pub(super) ended_ms: Option<u64>,
    /// A mailbox picks up here.
    pub(super) is_machine: bool,
    ended_by_person: bool,
}

impl LegRecord {
    /// Whether its end was its person's doing, or its time was over.
    pub(super) fn left_by_themselves(&self, script: &Script) -> bool {
        let limit_ms = u64::from(script.time_limit_secs) * 1000;
        let lasted = self.answered_ms.zip(self.ended_ms).map(|(from, to)| to.saturating_sub(from));
        let has_died = script.faults.dying > 0 || script.faults.no_document > 0;
        self.ended_by_person || has_died || lasted.is_some_and(|lasted| lasted >= limit_ms)
    }
}

fn record(call: &calls::Call, timeline: &[TimelineEvent]) -> LegRecord {
    let of_call = timeline.iter().rev().filter(|event| event.call_sid.as_ref() == Some(&call.sid));
    let ended_by = of_call.filter_map(|event| event.data.get("ended_by")).next();
    LegRecord {
        sid: call.sid.clone(),
        address: call.person().to_owned(),
        created_ms: call.created_ms,
        answered_ms: call.answered_ms,
        ended_ms: call.ended_ms,
        is_machine: call.plan.as_ref().is_some_and(|plan| plan.behaviour == Behaviour::Voicemail),
        ended_by_person: ended_by.is_some_and(|by| by == "person"),
    }
}

struct World<'a> {
    script: &'a Script,
    dice: Dice,
    line: Arc<Line>,
    twilio: TwilioClient,
    documents: Documents,
    service: Service,
    now_ms: u64,
    coming: BTreeMap<(u64, u64), Happening>,
    count: u64,
    wishes: Vec<(u64, Event, Result<(), Refusal>)>,
    mishaps: Vec<(u64, String)>,
}

/// Plays a script to its end.
pub(super) fn play(script: &Script) -> Aftermath {
    let mut world = World::new(script);
    world.start();
    let is_endless = world.run();
    world.aftermath(is_endless)
}

impl<'a> World<'a> {
    fn new(script: &'a Script) -> Self {
        let mut dice = Dice::new(script.seed, 2);
        let account_sid = AccountSid::from_u128(1);
        let mut engine = Engine::new(EngineOptions {
            account_sid: account_sid.clone(),
            seed: dice.seed(),
            epoch: DateTime::from_timestamp(EPOCH_SECS, 0).unwrap_or_default(),
            switches: script.switches.clone(),
        });
        engine.switches.duplicated_callbacks_percent = script.faults.doubled;
        if script.faults.dying > 0 {
            engine.set_faults(dying(script, dice.seed()));
        }
        for (address, plans) in &script.phones {
            // The addresses are the script's own, and good.
            let _ = engine.set_phone(address, plans.clone());
        }
        let line = Line::new(engine);
        let config = TwilioConfig {
            base_url: "https://api.twilio.com".into(),
            account_sid,
            credentials: Credentials::AuthToken(String::new().into()),
            timeout: std::time::Duration::from_millis(TIMEOUT_MS),
        };
        Self {
            script,
            twilio: TwilioClient::carried(config, line.clone()),
            line,
            documents: Documents {
                links: Links::new("https://transfer.example.com"),
                language: "en-US".into(),
                voice: None,
                hold_music_url: script.has_music.then(|| "https://transfer.example.com/music.mp3".into()),
            },
            service: Service::new(planned(script, &mut dice), script.policy.clone()),
            dice,
            now_ms: 0,
            coming: BTreeMap::new(),
            count: 0,
            wishes: vec![],
            mishaps: vec![],
        }
    }

    fn start(&mut self) {
        for (at_ms, wish) in &self.script.requests {
            self.at(*at_ms, Happening::Wish(wish.clone()));
        }
        self.take_in(&Event::Placed);
    }

    /// Gives whether time was up before all was over.
    fn run(&mut self) -> bool {
        loop {
            let engine_due = self.line.engine().next_due_ms();
            let next = self.coming.first_key_value().map(|((due, _), _)| *due);
            let Some(due) = [engine_due, next, self.service.next_due_ms()].into_iter().flatten().min() else {
                return self.service.call.stage != Stage::Ended;
            };
            if due > HORIZON_MS {
                return true;
            }
            self.now_ms = self.now_ms.max(due);
            self.line.engine().advance(self.now_ms);
            self.send_webhooks();
            while let Some(entry) = self.coming.first_entry().filter(|entry| entry.key().0 <= self.now_ms) {
                let happening = entry.remove();
                self.happens(happening);
                self.send_webhooks();
            }
            if self.service.next_due_ms().is_some_and(|due| due <= self.now_ms) {
                let claimed = self.service.wake(self.now_ms);
                self.carry_out(claimed);
            }
            if self.is_over() {
                return false;
            }
        }
    }

    /// The call has ended, and nothing is on its way that could still ring or hold anybody.
    fn is_over(&self) -> bool {
        self.service.call.stage == Stage::Ended
            && self.service.is_idle()
            && self.coming.values().all(|it| matches!(it, Happening::Wish(_)))
            && self.line.engine().calls.iter().all(|(_, call)| call.is_ended())
    }

    fn at(&mut self, at_ms: u64, happening: Happening) {
        self.count += 1;
        self.coming.insert((at_ms.max(self.now_ms), self.count), happening);
    }

    fn after(&mut self, ms: u64, happening: Happening) {
        self.at(self.now_ms + ms, happening);
    }

    /// One way through the network.
    fn latency(&mut self) -> u64 {
        let (least, most) = self.script.latency_ms;
        self.dice.between(least, most)
    }

    fn take_in(&mut self, event: &Event) {
        // Only wishes can be refused.
        let claimed = self.service.take_in(self.now_ms, event).unwrap_or_default();
        self.carry_out(claimed);
    }

    fn happens(&mut self, happening: Happening) {
        match happening {
            Happening::Wish(wish) => self.wish(wish),
            Happening::Sent(row, attempt, request, mishap) => self.sent(row, &attempt, *request, mishap),
            Happening::Looked(row, attempt, mishap) => self.looked(row, attempt, mishap),
            Happening::Found(row, attempt, found) => self.found(row, &attempt, found),
            Happening::Settled(row, outcome) => {
                let claimed = self.service.settle(self.now_ms, row, &outcome);
                self.carry_out(claimed);
            }
            Happening::Webhook(request) => self.webhook(&request),
            Happening::Written(event) => self.take_in(&event),
            Happening::Answered(id, outcome) => self.line.engine().http_answer(id, &outcome),
        }
    }

    fn wish(&mut self, wish: Event) {
        let taken = self.service.take_in(self.now_ms, &wish);
        self.wishes.push((self.now_ms, wish, taken.as_ref().map(|_| ()).map_err(|refusal| *refusal)));
        self.carry_out(taken.unwrap_or_default());
    }

    /// As the dispatcher does with what was claimed.
    fn carry_out(&mut self, claimed: Vec<u64>) {
        for row in claimed {
            let Some(attempt) = self.service.attempt(row).cloned() else { continue };
            match attempts::first(&self.service.call, &attempt) {
                First::Settle(outcome) => self.after(0, Happening::Settled(row, outcome)),
                First::LookUp => {
                    let (there, mishap) = self.way_there("look-up");
                    self.after(there, Happening::Looked(row, attempt, mishap));
                }
                First::Send => self.send(row, attempt),
            }
        }
    }

    fn send(&mut self, row: u64, attempt: Attempt) {
        let Some(request) = request(&self.documents.links, &self.service.call, &attempt.command) else {
            let reason = "Twilio does not know the leg";
            let outcome = Outcome::refused(false, crate::calls::flow::Failure::Error, reason);
            return self.after(0, Happening::Settled(row, outcome));
        };
        let (there, mishap) = self.way_there((&attempt.command).into());
        self.after(there, Happening::Sent(row, attempt, Box::new(request), mishap));
    }

    /// How long a request is on its way, and what happens to it there.
    fn way_there(&mut self, what: &str) -> (u64, Option<Mishap>) {
        let mut there = self.latency();
        if self.dice.per_mille(self.script.faults.slow_rest) {
            there += self.dice.between(500, 4_000);
            self.mishaps.push((self.now_ms, format!("{what}: {there} ms on its way")));
        }
        let mishap = self.dice.per_mille(self.script.faults.rest).then(|| Mishap::thrown(&mut self.dice));
        if let Some(mishap) = mishap {
            self.mishaps.push((self.now_ms, format!("{what}: {mishap:?}")));
        }
        (there, mishap)
    }

    fn way_back(&mut self, mishap: Option<Mishap>) -> u64 {
        if mishap.is_some_and(Mishap::is_time_out) { TIMEOUT_MS } else { self.latency() }
    }

    fn sent(&mut self, row: u64, attempt: &Attempt, request: Request, mishap: Option<Mishap>) {
        self.line.suffers(mishap);
        let answered = at_once(asking::send(&self.twilio, &attempt.command, request));
        let back = self.way_back(mishap);
        self.after(back, Happening::Settled(row, Outcome::of(answered)));
    }

    fn looked(&mut self, row: u64, attempt: Attempt, mishap: Option<Mishap>) {
        self.line.suffers(mishap);
        let found = at_once(asking::candidates(&self.twilio, &self.service.call, &attempt));
        let back = self.way_back(mishap);
        self.after(back, Happening::Found(row, attempt, found));
    }

    fn found(&mut self, row: u64, attempt: &Attempt, found: Result<Vec<CallResource>, TwilioError>) {
        let found = found.map(|list| {
            let stranger = list.iter().find(|found| !self.service.knows(&found.sid));
            stranger.and_then(|found| attempts::progress(&attempt.command, found))
        });
        match attempts::looked_up(found, attempt) {
            Some(outcome) => self.after(0, Happening::Settled(row, outcome)),
            None => match attempts::first(&self.service.call, attempt) {
                First::Settle(outcome) => self.after(0, Happening::Settled(row, outcome)),
                First::LookUp | First::Send => self.send(row, attempt.clone()),
            },
        }
    }

    fn send_webhooks(&mut self) {
        let requests = self.line.engine().take_requests();
        for request in requests {
            let is_callback = request.kind.is_callback();
            if is_callback && self.dice.per_mille(self.script.faults.lost) {
                self.mishaps.push((self.now_ms, format!("lost: {}", told(&request))));
                continue;
            }
            let mut there = self.latency();
            if !is_callback {
                let (failed, is_given_up) = self.failed_tries(&request);
                there += failed * NO_DOCUMENT_MS;
                if is_given_up {
                    let outcome = HttpOutcome::Failed { code: 11200, reason: "no answer".into() };
                    self.after(there, Happening::Answered(request.id, outcome));
                    continue;
                }
            }
            if self.dice.per_mille(self.script.faults.late) {
                there +=
                    if is_callback { self.dice.between(300, 6_000) } else { self.dice.between(100, 1_500) };
                self.mishaps.push((self.now_ms, format!("{there} ms late: {}", told(&request))));
            }
            self.after(there, Happening::Webhook(Box::new(request)));
        }
    }

    /// How often Twilio asks in vain for a document, as often as its URL says; and whether it gives up.
    fn failed_tries(&mut self, request: &HttpRequest) -> (u64, bool) {
        let tries = Url::parse(&request.url).map_or(1, |url| 1 + Limits::of(&url).retries);
        let mut failed = 0;
        while failed < tries && self.dice.per_mille(self.script.faults.no_document) {
            failed += 1;
        }
        if failed > 0 {
            self.mishaps.push((self.now_ms, format!("not to be had {failed} times: {}", told(request))));
        }
        (failed, failed == tries)
    }

    /// As the views do.
    fn webhook(&mut self, request: &HttpRequest) {
        let Some(webhook) = Webhook::of(request) else { return };
        let Some(Asked { answer, .. }) = asked(&self.documents, &webhook) else { return };
        let event = forms::event(&webhook);
        let document = match answer {
            Answer::Document(document) => {
                if let Some(event) = event {
                    let written = self.dice.between(1, self.script.commit_ms);
                    self.after(written, Happening::Written(event));
                }
                document
            }
            Answer::AfterDial(query) => {
                self.take_in_now(event);
                let next = after_dial(&self.service.call);
                debug_assert_ne!(next, AfterDial::HangUp(Some(Words::Apology)));
                self.documents.after_dial(&query, &next)
            }
            Answer::AfterGate(query) => {
                self.take_in_now(event);
                self.documents.after_gate(&query, &after_gate(&self.service.call, query.leg))
            }
            Answer::Kept => return self.take_in_now(event),
        };
        if !request.delivery.is_copy {
            let back = self.latency();
            self.after(back, Happening::Answered(request.id, twiml(&document)));
        }
    }

    fn take_in_now(&mut self, event: Option<Event>) {
        if let Some(event) = event {
            self.take_in(&event);
        }
    }

    fn aftermath(self, is_endless: bool) -> Aftermath {
        let engine = self.line.engine();
        Aftermath {
            endings: self.service.endings,
            legs: engine.calls.iter().map(|(_, call)| record(call, engine.timeline())).collect(),
            timeline: engine.timeline().to_vec(),
            audibility: engine.audibility(),
            over_ms: self.now_ms,
            is_endless,
            call: self.service.call,
            history: self.service.history,
            wishes: self.wishes,
            mishaps: self.mishaps,
        }
    }
}

/// The carrier answers before it returns, so nothing is ever waited for.
fn at_once<T>(asked: impl Future<Output = Result<T, TwilioError>>) -> Result<T, TwilioError> {
    let pending = || Err(TwilioError::NotSent("the carrier did not answer at once".into()));
    asked.now_or_never().unwrap_or_else(pending)
}

fn dying(script: &Script, seed: u64) -> crate::emulator::FaultRules {
    let rule = json!({
        "match": "*",
        "chance": script.faults.dying as f64 / 1000.0,
        "die_after_ms": [500, 60_000],
    });
    serde_json::from_value(json!({ "seed": seed, "legs": [rule] })).unwrap_or_default()
}

fn planned(script: &Script, dice: &mut Dice) -> Call {
    let leg = |id, role, address: &str, name: &str| {
        Leg::planned(id, role, Address::Phone(script::number(address)), name.into())
    };
    let room = format!("room-{}", dice.id());
    Call::planned(Plan {
        id: dice.id(),
        room,
        bridge: script.bridge,
        caller_id: script::number(CALLER_ID),
        agent_caller_id: script::number(CALLER_ID),
        agent: leg(dice.id(), Role::FirstAgent, FIRST_AGENT, "Alice"),
        customer: leg(dice.id(), Role::Customer, CUSTOMER, "the customer"),
        ring_timeout_secs: script.ring_timeout_secs,
        time_limit_secs: script.time_limit_secs,
        created_at: DateTime::from_timestamp(EPOCH_SECS, 0).unwrap_or_default(),
    })
}

fn twiml(document: &Response) -> HttpOutcome {
    HttpOutcome::Answer {
        status: 200,
        content_type: Some("text/xml; charset=utf-8".into()),
        body: document.to_xml().into_bytes(),
    }
}

/// A webhook in a few words.
fn told(request: &HttpRequest) -> String {
    let value = |name: &str| {
        let found = request.params.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str()).unwrap_or_default()
    };
    format!("{} {} {} {}", request.kind, value("To"), value("CallStatus"), value("StatusCallbackEvent"))
}
