//! Owns a leg's way from queued through ringing and answer to its end, whatever ends it.

use std::collections::BTreeMap;

use super::audio::Heard;
use super::calls::{Activity, Call, CallExtras, CallId, Callback, Direction, EndedBy, Start, Status, Voice};
use super::conferences::{Departure, RoomId};
use super::debugger::DOCUMENTS_KEPT;
use super::http::Link;
use super::log::Log;
use super::pace::Lane;
use super::recordings::Recorded;
use super::timeline::EventKind;
use super::timers::Timer;
use super::twiml::digits_ms;
use super::{Engine, LimitFrom, RestError};
use crate::telephony::CallSid;

/// A leg to be dialled.
#[derive(Debug)]
pub(crate) struct NewCall {
    pub(crate) from: String,
    pub(crate) to: String,
    pub(crate) direction: Direction,
    pub(crate) parent: Option<CallId>,
    pub(crate) callback: Option<Callback>,
    /// How long it may ring, all extra seconds included.
    pub(crate) ring_limit_ms: u64,
    /// How long it may last from its answer.
    pub(crate) time_limit_ms: u64,
    pub(crate) fallback: Option<Link>,
    pub(crate) start: Start,
    pub(crate) room: Option<RoomId>,
}

/// A call without a limit of its own ends after four hours.
/// <https://www.twilio.com/docs/voice/api/call-resource>
pub(crate) const LONGEST_CALL_MS: u64 = 14_400_000;

impl Engine {
    /// REST: creates an outbound call.
    pub(crate) fn create_call(&mut self, new: NewCall) -> CallId {
        let id = self.dial_out(new);
        self.done(id)
    }

    /// Queues a leg; it is placed a moment later.
    pub(super) fn dial_out(&mut self, new: NewCall) -> CallId {
        let id = self.add_call(new, Status::Queued);
        self.record(EventKind::Queued, Some(id), format!("call to {}", self.calls[id].to), &[]);
        // https://www.twilio.com/docs/api/errors/22005: what a `<Dial>` calls never queues.
        if self.calls[id].direction == Direction::OutboundApi {
            let lane = if self.calls[id].room.is_some() { Lane::Participants } else { Lane::Calls };
            self.calls[id].queue_ms = self.enqueue(lane);
        }
        let delay = self.calls[id].queue_ms + self.takes(10, 40);
        self.timers.at(self.now_ms + delay, Timer::Place(id));
        id
    }

    pub(super) fn add_call(&mut self, new: NewCall, status: Status) -> CallId {
        let sid = CallSid::from_u128(self.bits());
        let call = Call {
            sid,
            parent: new.parent,
            direction: new.direction,
            from: new.from,
            to: new.to,
            status,
            created_ms: self.now_ms,
            updated_ms: self.now_ms,
            dialled_ms: None,
            answered_ms: None,
            ended_ms: None,
            sip_code: None,
            callback: new.callback,
            sequence: 0,
            ring_limit_ms: new.ring_limit_ms,
            time_limit_ms: new.time_limit_ms,
            limit_turn: 0,
            fallback: new.fallback,
            queue_ms: 0,
            record: None,
            given: BTreeMap::new(),
            start: new.start,
            document: None,
            activity: Activity::Waiting,
            turn: 0,
            dial: None,
            plan: None,
            voice: Voice::Person,
            room: new.room,
            idle: 0,
            extras: CallExtras::default(),
            answered_by: None,
            queued: None,
            executed: Log::new(DOCUMENTS_KEPT),
            silent_since: None,
            cut: false,
            mute_callbacks: false,
            twin: None,
            statuses: vec![(self.now_ms, status)],
            deleted: false,
            hears: None,
        };
        let id = self.calls.add(call);
        self.turn(id);
        id
    }

    pub(super) fn place(&mut self, id: CallId) {
        if self.calls[id].status != Status::Queued {
            return;
        }
        self.set_status(id, Status::Initiated);
        self.calls[id].dialled_ms = Some(self.now_ms);
        self.record(EventKind::Dialled, Some(id), format!("dialling {}", self.calls[id].to), &[]);
        self.progress(id, "initiated");
        let delay = self.takes(60, 240);
        self.timers.at(self.now_ms + delay, Timer::Ring(id));
    }

    pub(super) fn ring(&mut self, id: CallId) {
        if self.calls[id].status != Status::Initiated {
            return;
        }
        if self.ring_own_number(id) {
            return;
        }
        let plan = self.phones.take(self.calls[id].person());
        self.calls[id].plan = Some(plan.clone());
        if plan.is_unreachable() {
            self.fail(id, Status::Failed, 404);
            return;
        }
        self.set_status(id, Status::Ringing);
        self.record(EventKind::Ringing, Some(id), format!("{} rings", self.calls[id].to), &[]);
        self.progress(id, "ringing");
        self.participant_rings(id);
        self.touch(id);
        self.timers.at(self.now_ms + self.calls[id].ring_limit_ms, Timer::RingTimeout(id));
        self.schedule_phone(id, &plan);
    }

    pub(super) fn ring_timeout(&mut self, id: CallId) {
        if self.calls[id].status == Status::Ringing {
            self.fail(id, Status::NoAnswer, 487);
        }
    }

    /// An attempt that ends before an answer, with its SIP code.
    pub(super) fn fail(&mut self, id: CallId, status: Status, sip_code: u16) {
        self.calls[id].sip_code = Some(sip_code);
        let by = if sip_code == 603 || sip_code == 486 { EndedBy::Person } else { EndedBy::Twilio };
        self.end_call(id, status, by);
    }

    /// Somebody, or something, picks up.
    pub(super) fn answer(&mut self, id: CallId) {
        if self.calls[id].answered_ms.is_some() || self.calls[id].is_ended() {
            return;
        }
        self.calls[id].answered_ms = Some(self.now_ms);
        self.set_status(id, Status::InProgress);
        self.record(EventKind::Answered, Some(id), format!("{} answers", self.calls[id].person()), &[]);
        self.progress(id, "answered");
        self.call_recording_due(id);
        self.touch(id);
        self.set_time_limit(id, self.calls[id].time_limit_ms);
        self.schedule_hang_up(id);
        self.schedule_leg_faults(id);
        self.answer_twin(id);
        // An inbound call is answered by its document, which is running already.
        if self.calls[id].direction == Direction::Inbound {
            return;
        }
        if matches!(self.calls[id].start, Start::Child { .. }) {
            self.claim_dial(id);
        }
        self.read_given(id);
        // https://www.twilio.com/docs/voice/api/call-resource: with SendDigits there is no machine detection.
        if let Some(digits) = self.calls[id].extras.send_digits.take() {
            self.calls[id].extras.detection = None;
            let turn = self.wait(id);
            self.calls[id].activity = Activity::Sound(Some(Heard::Tone));
            self.timers.at(self.now_ms + digits_ms(&digits), Timer::Connected(id, turn));
        } else if !self.start_detection(id) {
            self.connected(id);
        }
    }

    pub(super) fn connected_at(&mut self, id: CallId, turn: u64) {
        if self.calls[id].turn == turn && self.calls[id].is_live() {
            self.connected(id);
        }
    }

    /// The leg does what it was dialled for.
    pub(super) fn connected(&mut self, id: CallId) {
        match self.calls[id].start.clone() {
            Start::Document(link) => self.fetch_document(id, link, super::RequestKind::Twiml, Vec::new(), 0),
            Start::Inline(text) => self.run_inline(id, &text, 0),
            Start::Conference => self.participant_answered(id),
            Start::Child { whisper } => self.child_answered(id, whisper),
        }
    }

    /// (Re)sets how long the call may last, counted from its answer.
    pub(super) fn set_time_limit(&mut self, id: CallId, limit_ms: u64) {
        let call = &mut self.calls[id];
        call.time_limit_ms = limit_ms;
        call.limit_turn += 1;
        if let Some(answered) = call.answered_ms {
            let turn = call.limit_turn;
            let due = answered.saturating_add(limit_ms).max(self.now_ms);
            self.timers.at(due, Timer::TimeLimit(id, turn));
        }
    }

    /// REST: a limit for a call that may be long under way.
    pub(super) fn update_time_limit(&mut self, id: CallId, limit_ms: u64) {
        let call = &self.calls[id];
        let so_far = call.answered_ms.map_or(0, |answered| self.now_ms - answered);
        match self.switches.updated_time_limit_counts_from {
            LimitFrom::Answer => self.set_time_limit(id, limit_ms),
            LimitFrom::Update => self.set_time_limit(id, so_far + limit_ms),
        }
    }

    pub(super) fn time_limit(&mut self, id: CallId, turn: u64) {
        if self.calls[id].limit_turn == turn && self.calls[id].is_live() {
            self.end_call(id, Status::Completed, EndedBy::Twilio);
        }
    }

    pub(super) fn set_status(&mut self, id: CallId, status: Status) {
        self.calls[id].status = status;
        let now = self.now_ms;
        self.calls[id].statuses.push((now, status));
        self.calls[id].updated_ms = self.now_ms;
    }

    /// Ends a leg, once: it leaves its conference, its `<Dial>` or its parent's, and the terminal callback is sent.
    pub(crate) fn end_call(&mut self, id: CallId, status: Status, by: EndedBy) {
        if self.calls[id].is_ended() {
            return;
        }
        let was_queued = self.calls[id].status == Status::Queued;
        self.touch(id);
        self.turn(id);
        self.set_status(id, status);
        self.calls[id].ended_ms = Some(self.now_ms);
        let activity = std::mem::replace(&mut self.calls[id].activity, Activity::Ended);
        self.recorded_is_over(Recorded::Call(id));
        self.record_end(id, status, by);
        // https://www.twilio.com/docs/voice/api/call-resource: nothing is sent for a call cancelled in the queue.
        if !was_queued {
            self.progress(id, "completed");
        }
        if self.calls[id].room.is_some() {
            self.leave_room(id, Departure::CallEnded(by));
        }
        if let Activity::Bridged(peer) = activity {
            self.touch(peer);
        }
        if let Activity::Recording(recorder) = &activity {
            self.recorder_hung_up(id, recorder);
        }
        self.parent_ended(id);
        self.child_ended(id);
        self.abandon_queue(id, "hangup");
        self.end_twin(id, status);
        self.calls[id].document = None;
    }

    fn record_end(&mut self, id: CallId, status: Status, by: EndedBy) {
        let kind = match status {
            Status::Busy => EventKind::Busy,
            Status::NoAnswer => EventKind::NoAnswer,
            Status::Failed => EventKind::Failed,
            Status::Canceled => EventKind::Canceled,
            _ => EventKind::Ended,
        };
        let detail = format!("{status}, ended by {by}");
        self.record(
            kind,
            Some(id),
            detail,
            &[("status", &status.to_string()), ("ended_by", &by.to_string())],
        );
    }

    /// REST: `Status=completed` ends a call in any live state, `Status=canceled` only one that is not yet answered.
    pub(crate) fn set_call_status(&mut self, id: CallId, status: Status) -> Result<(), RestError> {
        let call = &self.calls[id];
        if call.is_ended() {
            return match self.switches.completing_an_ended_call {
                super::EndedUpdate::Ignored => Ok(()),
                super::EndedUpdate::Refused => {
                    Err(RestError::bad(21220, "Call is not in-progress. Cannot redirect."))
                }
            };
        }
        // https://www.twilio.com/docs/api/rest/change-call-state: a child that rings in a <Dial> counts as in progress.
        let in_dial = matches!(call.start, Start::Child { .. });
        let answered = call.is_live();
        match status {
            Status::Canceled if answered || in_dial => {}
            _ if answered => self.end_call(id, Status::Completed, EndedBy::Rest),
            _ => self.end_call(id, Status::Canceled, EndedBy::Rest),
        }
        self.done(Ok(()))
    }
}
