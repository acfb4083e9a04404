//! The pure core of the emulator: discrete events in, HTTP requests and a record of what happened out.
//!
//! No I/O, no clock, no await, no randomness but its own seed: the same inputs give the same history byte for byte.
//! Time is emulated milliseconds since the exchange started and moves only by [`Engine::advance`].
//!
//! | file | owns |
//! | --- | --- |
//! | `calls`, `lifecycle` | what a leg is; its way from queued to ended |
//! | `people`, `phones` | what people do, how phones behave |
//! | `twiml`, `interpreter`, `gather` | reading documents, running verbs |
//! | `dial`, `redirect`, `queues` | bridges, and what a REST update does to them |
//! | `recordings`, `recorder`, `detection` | what is recorded; whether a machine answered |
//! | `twins` | calls to numbers of the account and to applications |
//! | `debugger`, `faults` | what Twilio's console would show; what goes wrong on purpose |
//! | `conferences`, `participants`, `tracks` | rooms, their members, what waits, holds and announces |
//! | `pace`, `recordings` | calls per second; what is recorded |
//! | `http`, `fetch`, `callbacks` | requests, answers, parameters |
//! | `audio`, `audibility`, `timeline`, `log` | what is heard, by whom, and what happened |
//! | `overview` | what is to be seen of phones and conferences now |

pub(crate) mod addresses;
mod audibility;
pub(crate) mod audio;
mod callbacks;
pub(crate) mod calls;
pub(crate) mod conferences;
mod debugger;
mod detection;
mod dial;
pub(crate) mod faults;
mod fetch;
mod gather;
pub(crate) mod http;
mod interpreter;
pub(crate) mod lifecycle;
pub(crate) mod log;
mod overview;
pub(crate) mod pace;
pub(crate) mod participants;
pub(crate) mod people;
mod phones;
mod queues;
mod recorder;
pub(crate) mod recordings;
mod redirect;
mod room_events;
mod switches;
#[cfg(test)]
pub(crate) mod tests;
mod timeline;
mod timers;
mod tracks;
mod twiml;
mod twins;

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

pub(crate) use audibility::Change;
pub use audibility::{Audibility, Person, Span};
pub use audio::Heard;
pub(crate) use calls::CallId;
pub use calls::Role;
pub use debugger::{DebuggerEntry, DebuggerLevel, ExecutedDocument};
pub use faults::FaultRules;
pub(crate) use fetch::unusable as fetch_unusable;
pub use http::{HttpOutcome, HttpRequest, Method, RequestId, RequestKind};
pub use people::{NotNow, PersonAction};
pub use phones::{Behaviour, PhonePlan, PlannedPress};
pub(crate) use redirect::Target;
pub use switches::{
    DeclinedStatus, DeletedParticipant, EndedUpdate, LimitFrom, RedirectOrder, RedirectedStatus,
    RefusedStatus, RingingLeg, Switches, UnownedFrom,
};
pub use timeline::{EventKind, TimelineEvent, as_mermaid, as_text};
pub(crate) use twiml::{Beep, WaitSource};

use crate::telephony::AccountSid;
use calls::{Activity, Calls};
use conferences::Rooms;
use http::Purpose;
use pace::Pace;
use people::{Applications, Numbers};
use phones::Phones;
use recordings::Recordings;
use timers::{Timer, Timers, TrackOwner};
use tracks::Track;

/// What an engine starts from.
#[derive(Debug, Clone)]
pub struct EngineOptions {
    /// The account every call belongs to.
    pub account_sid: AccountSid,
    /// Decides everything that varies.
    pub seed: u64,
    /// The wall-clock time of emulated millisecond 0, for dates.
    pub epoch: DateTime<Utc>,
    /// Answers to open questions about Twilio.
    pub switches: Switches,
}

/// A refusal of a REST request, as Twilio words it.
/// <https://www.twilio.com/docs/api/errors>
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RestError {
    pub(crate) status: u16,
    pub(crate) code: u32,
    pub(crate) message: String,
}

impl RestError {
    /// A 400.
    pub(crate) fn bad(code: u32, message: impl Into<String>) -> Self {
        Self { status: 400, code, message: message.into() }
    }

    /// A 404 with 20404.
    pub(crate) fn not_found(resource: &str) -> Self {
        let message = format!("The requested resource {resource} was not found");
        Self { status: 404, code: 20404, message }
    }
}

/// One emulated exchange.
pub struct Engine {
    pub(crate) options: EngineOptions,
    pub(crate) switches: Switches,
    now_ms: u64,
    rng: StdRng,
    timers: Timers,
    turns: u64,
    pub(crate) calls: Calls,
    pub(crate) rooms: Rooms,
    pub(crate) recordings: Recordings,
    pub(crate) pace: Pace,
    /// What the addresses that webhooks name begin with.
    pub(crate) base_url: String,
    tracks: BTreeMap<TrackOwner, Track>,
    pub(crate) phones: Phones,
    pub(crate) numbers: Numbers,
    pub(crate) applications: Applications,
    queues: queues::Queues,
    debugger: debugger::Debugger,
    pub(crate) faults: faults::Faults,
    requests: u64,
    outbox: Vec<HttpRequest>,
    asked: BTreeMap<RequestId, (Purpose, RequestKind, String, Option<CallId>)>,
    timeline: Vec<TimelineEvent>,
    heard: audibility::Record,
    dirty: BTreeSet<CallId>,
}

impl Engine {
    /// A fresh exchange at millisecond 0.
    pub fn new(options: EngineOptions) -> Self {
        Self {
            switches: options.switches.clone(),
            now_ms: 0,
            rng: StdRng::seed_from_u64(options.seed),
            options,
            timers: Timers::default(),
            turns: 0,
            calls: Calls::default(),
            rooms: Rooms::default(),
            recordings: Recordings::default(),
            pace: Pace::default(),
            base_url: "https://api.twilio.com".into(),
            tracks: BTreeMap::new(),
            phones: Phones::default(),
            numbers: Numbers::default(),
            applications: Applications::default(),
            queues: queues::Queues::default(),
            debugger: debugger::Debugger::default(),
            faults: faults::Faults::default(),
            requests: 0,
            outbox: Vec::new(),
            asked: BTreeMap::new(),
            timeline: Vec::new(),
            heard: audibility::Record::default(),
            dirty: BTreeSet::new(),
        }
    }

    /// The emulated time.
    pub fn now_ms(&self) -> u64 {
        self.now_ms
    }

    /// When something will next happen by itself.
    pub fn next_due_ms(&self) -> Option<u64> {
        self.timers.next_due_ms()
    }

    /// Lets time pass; everything due by `now_ms` happens in order, each at its own time. Time never goes back.
    pub fn advance(&mut self, now_ms: u64) {
        while let Some((due, timer)) = self.timers.pop_due(now_ms) {
            self.now_ms = self.now_ms.max(due);
            self.fire(timer);
            self.settle();
        }
        self.now_ms = self.now_ms.max(now_ms);
    }

    /// The requests Twilio would send now; each is handed out once.
    pub fn take_requests(&mut self) -> Vec<HttpRequest> {
        std::mem::take(&mut self.outbox)
    }

    /// Whether there are any to take.
    pub fn has_requests(&self) -> bool {
        !self.outbox.is_empty()
    }

    /// Gives the answer to a request. An unknown or twice answered id is ignored.
    pub fn http_answer(&mut self, id: RequestId, outcome: &HttpOutcome) {
        if let Some((purpose, kind, url, call)) = self.asked.remove(&id) {
            self.note_failure(id, kind, &url, call, outcome);
            self.answered_request(purpose, kind, &url, outcome);
            self.settle();
        }
    }

    /// Everything that happened so far.
    pub fn timeline(&self) -> &[TimelineEvent] {
        &self.timeline
    }

    /// What somebody began to hear, change by change.
    pub(crate) fn changes_heard(&self) -> &log::Log<Change> {
        &self.heard.changes
    }

    /// Who could hear whom or what, from when to when.
    pub fn audibility(&self) -> Audibility {
        self.heard.report(self.now_ms)
    }

    fn fire(&mut self, timer: Timer) {
        match timer {
            Timer::Place(call) => self.place(call),
            Timer::Ring(call) => self.ring(call),
            Timer::PhoneActs(call) => self.phone_acts(call),
            Timer::RingTimeout(call) => self.ring_timeout(call),
            Timer::PhoneHangsUp(call) => self.phone_hangs_up(call),
            Timer::Mailbox(call, step) => self.mailbox(call, step),
            Timer::TimeLimit(call, turn) => self.time_limit(call, turn),
            Timer::DialTimeLimit(call, turn) => self.dial_time_limit(call, turn),
            Timer::Next(call, turn) => self.next(call, turn),
            Timer::TrackNext(owner, turn) => self.track_next(owner, turn),
            Timer::Fetch(fetch) => self.fetch_now(*fetch),
            Timer::Start(inline) => self.start_inline(*inline),
            Timer::RecordingReady(recording) => self.recording_ready(recording),
            Timer::Callback(request) => self.outbox.push(*request),
            Timer::Lost(id) => self.lost(id),
            Timer::Connected(call, turn) => self.connected_at(call, turn),
            Timer::Detected(call, turn, found) => self.detected(call, turn, found),
            Timer::Silence(call, since) => self.silent_too_long(call, since),
            Timer::Press(call, digits) => self.planned_press(call, &digits),
            Timer::Cut(call, cut) => self.cut_media(call, cut),
            Timer::Die(call) => self.die(call),
            Timer::End(call, status, by) => self.end_call(call, status, by),
        }
    }

    /// After each event: whoever it may have changed something for, hears what is now to be heard.
    fn settle(&mut self) {
        for call in std::mem::take(&mut self.dirty) {
            let hears = self.hears(call);
            if self.calls[call].hears != hears {
                self.calls[call].hears.clone_from(&hears);
                self.notice_silence(call, hears.as_deref());
                let person = self.calls[call].person().to_owned();
                let sid = self.calls[call].sid.clone();
                self.heard.change(call, sid, &person, self.now_ms, hears);
            }
        }
    }

    /// Ends one REST or person input: settles what it changed.
    fn done<T>(&mut self, result: T) -> T {
        self.settle();
        result
    }

    /// Marks a leg, and whoever is connected with it, as perhaps hearing something else.
    fn touch(&mut self, call: CallId) {
        self.touch_leg(call);
        if let Some(twin) = self.calls[call].twin {
            self.touch_leg(twin);
        }
    }

    fn touch_leg(&mut self, call: CallId) {
        self.dirty.insert(call);
        match self.calls[call].activity {
            Activity::Bridged(peer) => {
                self.dirty.insert(peer);
            }
            Activity::Room(room) => self.touch_room(room),
            _ => {}
        }
        if let Some(room) = self.calls[call].room {
            self.touch_room(room);
        }
    }

    /// A new turn for a call: what was pending for it is void.
    fn turn(&mut self, call: CallId) -> u64 {
        self.turns += 1;
        self.calls[call].turn = self.turns;
        self.turns
    }

    fn between(&mut self, low: u64, high: u64) -> u64 {
        self.rng.random_range(low..=high.max(low))
    }

    /// How long Twilio itself takes for something that is assumed to take so many milliseconds.
    fn takes(&mut self, low: u64, high: u64) -> u64 {
        self.between(low, high) * u64::from(self.switches.delays_percent) / 100
    }

    fn bits(&mut self) -> u128 {
        self.rng.random()
    }

    /// Draws only when there is something to draw, so that unused switches change no history.
    fn chance(&mut self, percent: u8) -> bool {
        percent > 0 && self.between(1, 100) <= u64::from(percent)
    }

    fn coin(&mut self) -> bool {
        self.rng.random()
    }

    /// The wall-clock time of an emulated one.
    pub(crate) fn date(&self, at_ms: u64) -> DateTime<Utc> {
        let passed = TimeDelta::try_milliseconds(i64::try_from(at_ms).unwrap_or(i64::MAX));
        passed.and_then(|d| self.options.epoch.checked_add_signed(d)).unwrap_or(self.options.epoch)
    }

    /// RFC 2822, as Twilio writes dates: `Tue, 31 Aug 2010 20:36:28 +0000`.
    pub(crate) fn rfc2822(&self, at_ms: u64) -> String {
        self.date(at_ms).format("%a, %d %b %Y %H:%M:%S +0000").to_string()
    }

    fn record(
        &mut self,
        kind: EventKind,
        call: Option<CallId>,
        detail: impl Into<String>,
        data: &[(&'static str, &str)],
    ) {
        let event = TimelineEvent {
            index: u64::try_from(self.timeline.len()).unwrap_or(u64::MAX).saturating_add(1),
            at_ms: self.now_ms,
            kind,
            call_sid: call.map(|id| self.calls[id].sid.clone()),
            address: call.map(|id| self.calls[id].person().to_owned()),
            detail: detail.into(),
            data: data.iter().map(|(name, value)| (*name, (*value).to_owned())).collect(),
        };
        self.timeline.push(event);
    }

    /// REST: what can be changed about a live call beside its document.
    pub(crate) fn amend(
        &mut self,
        call: CallId,
        fallback: Option<http::Link>,
        callback: Option<calls::Callback>,
        limit_ms: Option<u64>,
    ) {
        if fallback.is_some() {
            self.calls[call].fallback = fallback;
        }
        // The event list cannot be updated.
        if let Some(mut callback) = callback {
            if let Some(old) = self.calls[call].callback.take() {
                callback.events = old.events;
            }
            self.calls[call].callback = Some(callback);
        }
        if let Some(limit) = limit_ms {
            self.update_time_limit(call, limit);
        }
    }

    /// Puts a REST request on the record; `call` is whom it concerns.
    pub(crate) fn record_rest(&mut self, detail: String, call: Option<CallId>, status: u16) {
        let detail = format!("{detail} -> {status}");
        self.record(EventKind::RestRequest, call, detail, &[("status", &status.to_string())]);
    }
}
