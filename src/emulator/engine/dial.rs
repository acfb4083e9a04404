//! Owns `<Dial>`: ringing its nouns, the bridge, and how it ends on the parent.
//! <https://www.twilio.com/docs/voice/twiml/dial>

use std::sync::Arc;

use super::addresses;
use super::calls::{Activity, CallId, Callback, Dial, Direction, EndedBy, Start, Status};
use super::conferences::Departure;
use super::http::{Link, RequestKind};
use super::interpreter::Flow;
use super::lifecycle::NewCall;
use super::timeline::EventKind;
use super::timers::Timer;
use super::twiml::{DialTarget, DialVerb, Endpoint};
use super::{Engine, RefusedStatus};

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
        if self.calls[call].document.as_ref().is_some_and(|d| d.whisper) {
            let message = "<Dial> cannot be used in a whisper".to_owned();
            self.document_failed(call, "", super::twiml::TwimlError { code: 13201, message }, false, false);
            return Flow::Wait;
        }
        if !verb.answer_on_bridge || matches!(verb.target, DialTarget::Conference(_)) {
            self.answer_inbound(call);
        }
        let dial = Dial {
            started_ms: self.now_ms,
            verb: verb.clone(),
            children: Vec::new(),
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
        }
    }

    fn dial_endpoints(&mut self, parent: CallId, verb: &DialVerb, endpoints: &[Endpoint]) {
        let mut children = Vec::new();
        for endpoint in endpoints {
            match addresses::normalise(&endpoint.address) {
                Some(to) => children.push(self.dial_endpoint(parent, verb, endpoint, to)),
                None => {
                    let detail = format!("13223 {} cannot be dialled", endpoint.address);
                    self.record(EventKind::TwimlWarning, Some(parent), detail, &[("code", "13223")]);
                }
            }
        }
        if children.is_empty() {
            let end = DialEnd { status: Some("failed"), bridged: Some(false), ..DialEnd::default() };
            self.finish_dial(parent, end, 0);
        } else if let Some(dial) = self.calls[parent].dial.as_mut() {
            dial.children = children;
        }
    }

    fn dial_endpoint(&mut self, parent: CallId, verb: &DialVerb, endpoint: &Endpoint, to: String) -> CallId {
        let from = verb.caller_id.clone().unwrap_or_else(|| self.calls[parent].from.clone());
        let absolute = |url: &Option<String>| url.as_ref().and_then(|url| self.resolve(parent, url).ok());
        let whisper = absolute(&endpoint.url).map(|url| Link { url, method: endpoint.method });
        let callback = absolute(&endpoint.callback);
        self.dial_out(NewCall {
            from,
            to,
            direction: Direction::OutboundDial,
            parent: Some(parent),
            callback: Callback::new(callback, endpoint.callback_method, endpoint.events.clone()),
            ring_limit_ms: verb.timeout_s * 1000 + EXTRA_RING_MS,
            time_limit_ms: super::lifecycle::LONGEST_CALL_MS,
            fallback: None,
            start: Start::Child { whisper },
            room: None,
        })
    }

    /// Whether the child still belongs to its parent's `<Dial>`.
    pub(super) fn dialling_parent(&self, child: CallId) -> Option<CallId> {
        let parent = self.calls[child].parent?;
        let dial = self.calls[parent].dial.as_ref()?;
        dial.children.contains(&child).then_some(parent)
    }

    /// The first to answer wins; the others are cancelled. A whisper runs before the bridge.
    pub(super) fn child_answered(&mut self, child: CallId, whisper: Option<Link>) {
        let Some(parent) = self.dialling_parent(child) else {
            return self.end_call(child, Status::Completed, EndedBy::Twilio);
        };
        let losers = match self.calls[parent].dial.as_mut() {
            Some(dial) => {
                dial.answered = Some(child);
                std::mem::replace(&mut dial.children, vec![child])
            }
            None => Vec::new(),
        };
        for loser in losers.into_iter().filter(|c| *c != child) {
            self.end_call(loser, Status::Canceled, EndedBy::Twilio);
        }
        self.touch(parent);
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
        if let Some(child) = self.calls[parent].dial.as_ref().and_then(|d| d.answered) {
            self.end_call(child, Status::Completed, EndedBy::Twilio);
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
            let status = if self.calls[child].is_live() { Status::Completed } else { Status::Canceled };
            self.end_call(child, status, EndedBy::Person);
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
        let end = self.ended_with(parent, child);
        self.finish_dial(parent, end, 0);
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
        let turn = self.wait(parent);
        self.did_something(parent, Some(self.now_ms - dial.started_ms));
        if dial.bridged_ms.is_some() {
            self.record(EventKind::Unbridged, Some(parent), "the bridge has ended", &[]);
        }
        match dial.verb.action.as_deref().map(|action| self.resolve(parent, action)) {
            None => self.timers.at(self.now_ms + delay_ms, Timer::Next(parent, turn)),
            Some(Ok(url)) => {
                let link = Link { url, method: dial.verb.method };
                let extra = self.dial_params(&end);
                self.fetch_document(parent, link, RequestKind::DialAction, extra, delay_ms);
            }
            Some(Err(error)) => self.document_failed(parent, "", error, false, true),
        }
    }

    /// Twilio asks the action of a `<Dial>` that was cut short, and throws the answer away.
    pub(super) fn ask_action_in_vain(&mut self, parent: CallId, dial: &Dial, end: &DialEnd, delay_ms: u64) {
        let Some(action) = dial.verb.action.as_deref() else { return };
        if let Ok(url) = self.resolve(parent, action) {
            let link = Link { url, method: dial.verb.method };
            let extra = self.dial_params(end);
            self.fetch_and_discard(parent, link, RequestKind::DialAction, extra, delay_ms);
        }
    }

    pub(super) fn dial_params(&self, end: &DialEnd) -> Vec<(String, String)> {
        let mut params = Vec::new();
        let mut add = |name: &str, value: Option<String>| {
            params.extend(value.map(|value| (name.to_owned(), value)));
        };
        add("DialCallStatus", end.status.map(str::to_owned));
        add("DialCallSid", end.child.map(|c| self.calls[c].sid.to_string()));
        add("DialCallDuration", end.duration_s.map(|s| s.to_string()));
        add("DialBridged", end.bridged.map(|b| b.to_string()));
        params
    }

    /// A leg with a `<Dial>` has ended: its children go too, and its action may still be asked.
    pub(super) fn parent_ended(&mut self, parent: CallId) {
        let Some(dial) = self.calls[parent].dial.clone() else { return };
        let last = dial.answered.or_else(|| dial.children.last().copied());
        let end = match (&dial.verb.target, last) {
            (DialTarget::Endpoints(_), Some(child)) => {
                let end = self.ended_with(parent, child);
                let ringing = end.bridged == Some(false) && dial.answered.is_none();
                DialEnd { status: if ringing { Some("canceled") } else { end.status }, ..end }
            }
            _ => DialEnd::conference(),
        };
        self.calls[parent].dial = None;
        if dial.bridged_ms.is_some() {
            self.record(EventKind::Unbridged, Some(parent), "the bridge has ended", &[]);
        }
        for child in dial.children.clone() {
            let status = if self.calls[child].is_live() { Status::Completed } else { Status::Canceled };
            self.end_call(child, status, EndedBy::Twilio);
        }
        if self.switches.action_when_parent_hangs_up {
            self.ask_action_in_vain(parent, &dial, &end, 0);
        }
    }
}
