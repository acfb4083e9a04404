//! Owns calls to a number of the account or to an application: the leg that dials and the leg that arrives are one conversation.
//! <https://www.twilio.com/docs/voice/api/conference-participant-resource>

use super::Engine;
use super::calls::{CallId, Direction, EndedBy, Status};
use super::timeline::EventKind;
use super::timers::Timer;

/// A number whose document dials the number itself would fill the exchange; SIP's answer to that is 483, too many hops.
const MAX_HOPS: usize = 5;

impl Engine {
    /// When the dialled number is one of the account's with a voice URL, or an application, its document answers in place
    /// of a phone.
    /// Whether it is.
    pub(super) fn ring_own_number(&mut self, id: CallId) -> bool {
        let (from, to) = (self.calls[id].from.clone(), self.calls[id].to.clone());
        let Some(settings) = self.settings_of(&to).cloned() else { return false };
        let Some(voice) = settings.voice.clone() else { return false };
        if self.hops(id) > MAX_HOPS {
            self.fail(id, Status::Failed, 483);
            return true;
        }
        self.set_status(id, Status::Ringing);
        self.record(EventKind::Ringing, Some(id), format!("{to} rings"), &[]);
        self.progress(id, "ringing");
        self.touch(id);
        self.timers.at(self.now_ms + self.calls[id].ring_limit_ms, Timer::RingTimeout(id));
        let twin = self.inbound(&from, &to, settings, voice.clone());
        self.calls[id].twin = Some(twin);
        self.calls[twin].twin = Some(id);
        self.fetch_document(twin, voice, super::RequestKind::Twiml, Vec::new(), 0);
        true
    }

    /// Through how many numbers and applications, each dialled by the document of the one before, a leg has come.
    fn hops(&self, id: CallId) -> usize {
        let before = |id: &CallId| self.calls[*id].parent.and_then(|parent| self.calls[parent].twin);
        std::iter::successors(Some(id), before).take(MAX_HOPS + 1).count()
    }

    /// The arriving leg was answered by its document: so was the dialling one.
    pub(super) fn answer_twin(&mut self, id: CallId) {
        if let Some(twin) = self.calls[id].twin.filter(|_| self.calls[id].direction == Direction::Inbound) {
            self.answer(twin);
        }
    }

    /// Neither leg outlives the other.
    pub(super) fn end_twin(&mut self, id: CallId, status: Status) {
        let Some(twin) = self.calls[id].twin.filter(|twin| !self.calls[*twin].is_ended()) else { return };
        let live = self.calls[twin].is_live();
        let arriving = self.calls[twin].direction == Direction::Inbound;
        let status = match status {
            _ if live => Status::Completed,
            _ if arriving => Status::Canceled,
            Status::Busy | Status::Failed => status,
            _ => Status::NoAnswer,
        };
        self.end_call(twin, status, EndedBy::Twilio);
    }
}
