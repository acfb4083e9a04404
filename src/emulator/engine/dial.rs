//! Owns `<Dial>`: ringing its nouns, the bridge, and how it ends on the parent.
//! <https://www.twilio.com/docs/voice/twiml/dial>

use std::collections::VecDeque;
use std::sync::Arc;

use super::addresses;
use super::calls::{Activity, CallExtras, CallId, Callback, Dial, Direction, EndedBy, Role, Start, Status};
use super::conferences::Departure;
use super::http::{Link, RequestKind};
use super::interpreter::Flow;
use super::lifecycle::NewCall;
use super::recordings::Recorded;
use super::timeline::EventKind;
use super::timers::Timer;
use super::twiml::{DialTarget, DialVerb, Endpoint};
use super::{Engine, RefusedStatus, UnownedFrom};

/// Twilio adds this to every `timeout` of `<Dial>` and of a participant.
pub(crate) const EXTRA_RING_MS: u64 = 5_000;

/// How a `<Dial>` ended, as its action is told.
#[derive(Debug, Default)]
pub(super) struct DialEnd {
    pub(super) status: Option<&'static str>,
    pub(super) child: Option<CallId>,
    pub(super) duration_s: Option<u64>,
    pub(super) bridged: Option<bool>,
}

impl DialEnd {
    /// After a conference: always `answered`, nothing else.
    pub(super) fn conference() -> Self {
        Self { status: Some("answered"), ..Self::default() }
    }
}

impl Engine {
    pub(super) fn start_dial(&mut self, call: CallId, verb: Arc<DialVerb>) -> Flow {
        if self.role(call) == Role::Whisper {
            let message = "<Dial> cannot be used in a whisper".to_owned();
            let error = super::twiml::TwimlError { code: 13201, message };
            self.document_failed(call, "", error, Role::Main, false);
            return Flow::Wait;
        }
        if !verb.answer_on_bridge || matches!(verb.target, DialTarget::Conference(_)) {
            self.answer_inbound(call);
        }
        let dial = Dial {
            started_ms: self.now_ms,
            verb: verb.clone(),
            children: Vec::new(),
            pending: VecDeque::new(),
            recording: None,
            answered: None,
            bridged_ms: None,
        };
        match &verb.target {
            DialTarget::Conference(noun) => {
                self.calls[call].dial = Some(dial);
                self.join_by_twiml(call, noun)
            }
            DialTarget::Endpoints(endpoints) => {
                self.wait(call);
                self.calls[call].activity = Activity::Dialing;
                self.calls[call].dial = Some(dial);
                self.dial_endpoints(call, &verb, endpoints);
                Flow::Wait
            }
            DialTarget::Queue(noun) => {
                self.wait(call);
                self.calls[call].activity = Activity::Dialing;
                self.calls[call].dial = Some(dial);
                self.dial_queue(call, noun, verb.timeout_s);
                Flow::Wait
            }
        }
    }

    fn dial_endpoints(&mut self, parent: CallId, verb: &DialVerb, endpoints: &[Endpoint]) {
        let mut children = Vec::new();
        let mut left: VecDeque<Endpoint> = endpoints.iter().cloned().collect();
        while let Some(endpoint) = left.pop_front() {
            children.extend(self.dial_noun(parent, verb, &endpoint));
            if verb.sequential && !children.is_empty() {
                break;
            }
        }
        if children.is_empty() {
            let end = DialEnd { status: Some("failed"), bridged: Some(false), ..DialEnd::default() };
            return self.finish_dial(parent, end, 0);
        }
        if let Some(dial) = self.calls[parent].dial.as_mut() {
            dial.children = children;
            dial.pending = left;
        }
        if verb.record.as_ref().is_some_and(|r| r.from_ringing) {
            self.record_dial(parent);
        }
    }

    /// Dials one noun, if it can be dialled.
    fn dial_noun(&mut self, parent: CallId, verb: &DialVerb, endpoint: &Endpoint) -> Option<CallId> {
        let Some(to) = addresses::normalise(&endpoint.address) else {
            self.warn(parent, 13223, &format!("{} cannot be dialled", endpoint.address));
            return None;
        };
        if to.starts_with("app:") && self.settings_of(&to).is_none() {
            self.warn(parent, 21218, &format!("{to} is no application of the account"));
            return None;
        }
        let from = self.caller_id(parent, verb, &to)?;
        Some(self.dial_endpoint(parent, endpoint, from, to, verb.timeout_s))
    }

    /// Whose number the called party sees. A browser has none of its own: without `callerId` it cannot ring a number.
    /// <https://www.twilio.com/docs/api/errors/13214>
    fn caller_id(&mut self, parent: CallId, verb: &DialVerb, to: &str) -> Option<String> {
        let call = &self.calls[parent];
        let Some(wanted) = verb.caller_id.clone() else {
            let own = call.from.clone();
            if own.starts_with("client:") && to.starts_with('+') {
                self.warn(parent, 13214, "a client that dials a number needs a callerId");
                return None;
            }
            return Some(own);
        };
        let number = addresses::normalise(&wanted).unwrap_or(wanted);
        let owned = !number.starts_with('+')
            || number == call.from
            || number == call.to
            || self.switches.unowned_from == UnownedFrom::Accepted
            || self.numbers.contains_key(&number);
        if owned {
            return Some(number);
        }
        let own = call.from.clone();
        self.warn(parent, 13214, &format!("callerId {number} is no number of the account"));
        (!own.starts_with("client:")).then_some(own)
    }

    /// Starts the recording of a `<Dial>`, once.
    fn record_dial(&mut self, parent: CallId) {
        let Some(dial) = self.calls[parent].dial.as_ref().filter(|d| d.recording.is_none()) else { return };
        let Some(record) = dial.verb.record.clone() else { return };
        let order = self.record_order(parent, &record.noun, "DialVerb");
        let id = self.start_recording(Recorded::Call(parent), order);
        if let Some(dial) = self.calls[parent].dial.as_mut() {
            dial.recording = Some(id);
        }
    }

    fn dial_endpoint(
        &mut self,
        parent: CallId,
        endpoint: &Endpoint,
        from: String,
        to: String,
        timeout_s: u64,
    ) -> CallId {
        let absolute = |url: &Option<String>| url.as_ref().and_then(|url| self.resolve(parent, url).ok());
        let whisper = absolute(&endpoint.url).map(|url| Link { url, method: endpoint.method });
        let callback = absolute(&endpoint.callback);
        let mut detection = endpoint.detection.clone();
        if let Some(detection) = detection.as_mut() {
            detection.callback = absolute(&detection.callback);
        }
        let id = self.dial_out(NewCall {
            from,
            to,
            direction: Direction::OutboundDial,
            parent: Some(parent),
            callback: Callback::new(callback, endpoint.callback_method, endpoint.events.clone()),
            ring_limit_ms: timeout_s * 1000 + EXTRA_RING_MS,
            time_limit_ms: super::lifecycle::LONGEST_CALL_MS,
            fallback: None,
            start: Start::Child { whisper },
            room: None,
        });
        self.calls[id].extras = CallExtras { send_digits: endpoint.send_digits.clone(), detection };
        id
    }

    /// Whether the child still belongs to its parent's `<Dial>`.
    pub(super) fn dialling_parent(&self, child: CallId) -> Option<CallId> {
        let taker = self.calls[child].queued.as_ref().and_then(|q| q.taken_by);
        let parent = taker.or(self.calls[child].parent)?;
        let dial = self.calls[parent].dial.as_ref()?;
        dial.children.contains(&child).then_some(parent)
    }

    /// The first to answer wins; the others are cancelled.
    pub(super) fn claim_dial(&mut self, child: CallId) {
        let Some(parent) = self.dialling_parent(child) else { return };
        let losers = match self.calls[parent].dial.as_mut() {
            Some(dial) => {
                dial.answered = Some(child);
                dial.pending.clear();
                std::mem::replace(&mut dial.children, vec![child])
            }
            None => Vec::new(),
        };
        for loser in losers.into_iter().filter(|c| *c != child) {
            self.end_call(loser, Status::Canceled, EndedBy::Twilio);
        }
        self.touch(parent);
    }

    /// A whisper runs before the bridge.
    pub(super) fn child_answered(&mut self, child: CallId, whisper: Option<Link>) {
        if self.dialling_parent(child).is_none() {
            return self.end_call(child, Status::Completed, EndedBy::Twilio);
        }
        match whisper {
            Some(link) => self.fetch_document(child, link, RequestKind::Whisper, Vec::new(), 0),
            None => self.bridge(child),
        }
    }

    /// Parent and child hear each other from now on.
    pub(super) fn bridge(&mut self, child: CallId) {
        let Some(parent) = self.dialling_parent(child) else {
            return self.end_call(child, Status::Completed, EndedBy::Twilio);
        };
        self.answer_inbound(parent);
        self.wait(child);
        self.calls[child].activity = Activity::Bridged(parent);
        self.calls[child].document = None;
        self.calls[parent].activity = Activity::Bridged(child);
        let now = self.now_ms;
        let turn = self.calls[parent].turn;
        if let Some(dial) = self.calls[parent].dial.as_mut() {
            dial.bridged_ms = Some(now);
            let limit = dial.verb.time_limit_s * 1000;
            self.timers.at(now + limit, Timer::DialTimeLimit(parent, turn));
        }
        self.record_dial(parent);
        let (one, other) = (self.calls[parent].person().to_owned(), self.calls[child].person().to_owned());
        self.touch(parent);
        self.record(
            EventKind::Bridged,
            Some(parent),
            format!("{one} and {other} are connected"),
            &[("with", &other)],
        );
    }

    pub(super) fn dial_time_limit(&mut self, parent: CallId, turn: u64) {
        if self.calls[parent].turn != turn {
            return;
        }
        match self.calls[parent].dial.as_ref().map(|d| d.answered) {
            Some(Some(child)) => self.release(child, "bridged", EndedBy::Twilio),
            // Nobody came to the queue in time.
            Some(None) => {
                let end = DialEnd { status: Some("no-answer"), bridged: Some(false), ..DialEnd::default() };
                self.finish_dial(parent, end, 0);
            }
            None => {}
        }
    }

    /// `hangupOnStar`: the parent ends its `<Dial>` without hanging up.
    pub(super) fn star(&mut self, call: CallId) {
        let Some(dial) = self.calls[call].dial.as_ref().filter(|d| d.verb.hangup_on_star) else { return };
        if matches!(self.calls[call].activity, Activity::Room(_)) {
            self.leave_room(call, Departure::Star);
            self.finish_dial(call, DialEnd::conference(), 0);
            return;
        }
        for child in dial.children.clone() {
            self.release(child, "bridged", EndedBy::Person);
        }
    }

    /// A child has ended: the parent goes on, unless others still ring.
    pub(super) fn child_ended(&mut self, child: CallId) {
        let Some(parent) = self.dialling_parent(child) else { return };
        let Some(dial) = self.calls[parent].dial.as_mut() else { return };
        dial.children.retain(|c| *c != child);
        let won = dial.answered == Some(child);
        if !won && !dial.children.is_empty() {
            return;
        }
        if !won && self.dial_next(parent) {
            return;
        }
        let end = self.ended_with(parent, child);
        self.finish_dial(parent, end, 0);
    }

    /// `sequential`: the next noun that can be dialled; whether there is one.
    fn dial_next(&mut self, parent: CallId) -> bool {
        loop {
            let Some(dial) = self.calls[parent].dial.as_mut() else { return false };
            let verb = dial.verb.clone();
            let Some(endpoint) = dial.pending.pop_front() else { return false };
            if let Some(child) = self.dial_noun(parent, &verb, &endpoint) {
                if let Some(dial) = self.calls[parent].dial.as_mut() {
                    dial.children.push(child);
                }
                return true;
            }
        }
    }

    /// What the action is told when the `<Dial>` is over because of this child.
    pub(super) fn ended_with(&self, parent: CallId, child: CallId) -> DialEnd {
        let bridged_ms = self.calls[parent].dial.as_ref().and_then(|d| d.bridged_ms);
        let status = match (self.calls[child].status, bridged_ms) {
            (_, Some(_)) => "completed",
            (Status::Busy, _) => "busy",
            (Status::NoAnswer, _) => "no-answer",
            (Status::Failed, _) => "failed",
            (Status::Completed | Status::InProgress, None) => match self.switches.refused_whisper_status {
                RefusedStatus::Completed => "completed",
                RefusedStatus::NoAnswer => "no-answer",
            },
            _ => "canceled",
        };
        DialEnd {
            status: Some(status),
            child: Some(child),
            duration_s: bridged_ms.map(|at| (self.now_ms - at).div_ceil(1000)),
            bridged: Some(bridged_ms.is_some()),
        }
    }

    /// The parent goes on with the action, or the next verb; past the last verb it is hung up.
    pub(super) fn finish_dial(&mut self, parent: CallId, end: DialEnd, delay_ms: u64) {
        let Some(dial) = self.calls[parent].dial.take() else { return };
        self.close_dial(parent, &dial);
        let turn = self.wait(parent);
        self.did_something(parent, Some(self.now_ms - dial.started_ms));
        match dial.verb.action.as_deref().map(|action| self.resolve(parent, action)) {
            None => self.timers.at(self.now_ms + delay_ms, Timer::Next(parent, turn)),
            Some(Ok(url)) => {
                let link = Link { url, method: dial.verb.method };
                let extra = self.dial_params(&dial, &end);
                self.fetch_document(parent, link, RequestKind::DialAction, extra, delay_ms);
            }
            Some(Err(error)) => self.document_failed(parent, "", error, Role::Main, true),
        }
    }

    /// Twilio asks the action of a `<Dial>` that was cut short, and throws the answer away.
    pub(super) fn ask_action_in_vain(&mut self, parent: CallId, dial: &Dial, end: &DialEnd, delay_ms: u64) {
        let Some(action) = dial.verb.action.as_deref() else { return };
        if let Ok(url) = self.resolve(parent, action) {
            let link = Link { url, method: dial.verb.method };
            let extra = self.dial_params(dial, end);
            self.fetch_and_discard(parent, link, RequestKind::DialAction, extra, delay_ms);
        }
    }

    /// What ends with a `<Dial>`, however it ends.
    pub(super) fn close_dial(&mut self, parent: CallId, dial: &Dial) {
        if let Some(recording) = dial.recording {
            self.end_recording(recording);
        }
        if matches!(dial.verb.target, DialTarget::Queue(_)) {
            self.forget_taker(parent);
        }
        if dial.bridged_ms.is_some() {
            self.record(EventKind::Unbridged, Some(parent), "the bridge has ended", &[]);
        }
    }

    fn dial_params(&self, dial: &Dial, end: &DialEnd) -> Vec<(String, String)> {
        let mut params = Vec::new();
        let mut add = |name: &str, value: Option<String>| {
            params.extend(value.map(|value| (name.to_owned(), value)));
        };
        add("DialCallStatus", end.status.map(str::to_owned));
        add("DialCallSid", end.child.map(|c| self.calls[c].sid.to_string()));
        add("DialCallDuration", end.duration_s.map(|s| s.to_string()));
        add("DialBridged", end.bridged.map(|b| b.to_string()));
        add("RecordingUrl", dial.recording.map(|id| self.recording_url(&self.recordings[id].sid)));
        params
    }

    /// A leg with a `<Dial>` has ended: its children go too, and its action may still be asked.
    pub(super) fn parent_ended(&mut self, parent: CallId) {
        let Some(dial) = self.calls[parent].dial.clone() else { return };
        let last = dial.answered.or_else(|| dial.children.last().copied());
        let end = match (&dial.verb.target, last) {
            (DialTarget::Endpoints(_) | DialTarget::Queue(_), Some(child)) => {
                let end = self.ended_with(parent, child);
                let ringing = end.bridged == Some(false) && dial.answered.is_none();
                DialEnd { status: if ringing { Some("canceled") } else { end.status }, ..end }
            }
            _ => DialEnd::conference(),
        };
        self.calls[parent].dial = None;
        self.close_dial(parent, &dial);
        for child in dial.children.clone() {
            self.release(child, "bridged", EndedBy::Twilio);
        }
        if self.switches.action_when_parent_hangs_up {
            self.ask_action_in_vain(parent, &dial, &end, 0);
        }
    }
}
