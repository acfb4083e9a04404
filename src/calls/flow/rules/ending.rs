//! How a call ends: who is told what, and who was first.

use uuid::Uuid;

use super::Taking;
use crate::calls::flow::event::{Command, Event, RoomChangeKind, Timer};
use crate::calls::flow::policy::CustomerLeavesConsult;
use crate::calls::flow::state::{
    Bridge, EndReason, Failure, Leg, LegStatus, Party, Role, Stage, TransferStatus,
};
use crate::calls::flow::words::Words;

impl Taking<'_> {
    /// Whoever rings stops ringing; whoever talks is told. An agent whose Dial has not ended yet is told by its action.
    pub(super) fn customer_gone(&mut self) {
        if self.call.stage == Stage::Consulting
            && self.policy.customer_leaves_consult == CustomerLeavesConsult::AgentsFinish
        {
            return self.agents_finish();
        }
        self.drop_targets(None, &Words::CustomerLeft);
        self.close_transfer(TransferStatus::Abandoned, Some(Failure::CustomerLeft));
        let is_closed_by_twilio = self.call.customer().is_some_and(|leg| leg.ends_room);
        let agent = self.call.agent().filter(|leg| leg.is_talking() && !is_closed_by_twilio);
        let action_is_to_come = self.call.bridge == Bridge::Dial
            && !self.call.dial_ended
            && agent.is_some_and(|leg| leg.role == Role::FirstAgent && leg.transfer_id.is_none());
        if !action_is_to_come {
            self.tell_and_end(agent.map(|leg| leg.id), Words::CustomerLeft);
        }
        if self.may_be_on_bridge() {
            let agent_was_first = self.call.agent().is_some_and(Leg::is_over);
            let party = if agent_was_first { self.agent_party() } else { Party::Customer };
            return self.end(party, agent_was_first, EndReason::HungUp);
        }
        let is_certain = !(is_closed_by_twilio || self.may_close_itself()) || self.somebody_hung_up();
        self.end(Party::Customer, is_certain, EndReason::HungUp);
    }

    /// The agents are told, and may finish their talk: when either leaves, Twilio closes the room.
    fn agents_finish(&mut self) {
        let agents = [self.call.agent(), self.call.second_agent()];
        let agents: Vec<Uuid> = agents.into_iter().flatten().map(|leg| leg.id).collect();
        agents.into_iter().for_each(|leg_id| self.exit_ends_room(leg_id, true));
        if let Some(conference_sid) = self.call.conference_sid.clone() {
            self.commands.push(Command::Announce { conference_sid, words: Words::CustomerGone });
        }
        self.close_transfer(TransferStatus::Abandoned, Some(Failure::CustomerLeft));
        self.end(Party::Customer, true, EndReason::HungUp);
        self.timers.retain(|set| set.timer != Timer::EndLimit);
        self.timer(Timer::EndLimit, self.policy.finish_limit_secs);
    }

    pub(super) fn agent_gone(&mut self) {
        if self.calls_back_after_hand_over() && self.ring_first_agent_back() {
            return;
        }
        let is_closed_by_twilio = self.call.agent().is_some_and(|leg| leg.ends_room);
        if !is_closed_by_twilio {
            self.tell_and_end(self.call.customer().map(|leg| leg.id), Words::CallOver);
        }
        let is_certain = !self.may_close_itself() || self.somebody_hung_up();
        self.end(self.agent_party(), is_certain, EndReason::HungUp);
    }

    /// Customer and agent are on the bridge, for all that we know: there, one's hang-up ends the other's leg.
    fn may_be_on_bridge(&self) -> bool {
        self.call.bridge == Bridge::Dial && !self.call.dial_ended
    }

    /// Two who were both in the room: either's leaving closes it, or will as soon as Twilio has heard that it should.
    fn may_close_itself(&self) -> bool {
        let two = [self.call.customer(), self.call.agent()];
        self.call.stage == Stage::InRoom && two.iter().all(|leg| leg.is_some_and(Leg::has_been_in_room))
    }

    /// Where one person's leaving closes the room, the news of both come in any order; only these words are proof.
    fn somebody_hung_up(&self) -> bool {
        let Event::RoomChanged(change) = self.event else { return false };
        matches!(change.kind, RoomChangeKind::Left { hung_up: true, .. })
    }

    pub(super) fn end_all(&mut self) {
        let Event::HangUpRequested { by } = *self.event else { return };
        self.end_everybody(by);
    }

    pub(super) fn finish_by(&mut self, by: Party) {
        self.close_transfer(TransferStatus::Cancelled, None);
        let reason = if self.call.connected_at.is_some() { EndReason::HungUp } else { EndReason::Cancelled };
        self.end(by, true, reason);
    }

    /// On a bridge, whoever hangs up ends both legs, and their last callbacks come in any order. Twilio asks for the
    /// Dial action while the agent is on the line only if the customer was first. In the room, the guess stands until
    /// Twilio says who closed it.
    pub(super) fn blame(&mut self) {
        let is_dials_end = matches!(self.event, Event::DialEnded(ended) if ended.agent_on_line);
        if self.call.ended_by_certain || !(is_dials_end || self.may_be_on_bridge()) {
            return;
        }
        self.call.ended_by_certain = true;
        if !is_dials_end && self.subject_leg().is_some_and(|leg| leg.end_wanted) {
            return; // it left because we wanted it: the guess stands
        }
        self.call.ended_by = Some(if is_dials_end { Party::Customer } else { self.agent_party() });
    }

    pub(super) fn ask(&mut self) {
        let Event::TimerFired(Timer::RingLimit { leg_id }) = *self.event else { return };
        let Some(leg) = self.call.leg(leg_id) else { return };
        if leg.call_sid.is_some() {
            self.commands.push(Command::FetchLeg { leg_id, overdue: true });
        } else if leg.role == Role::Customer && self.is_dialling() {
            self.commands.push(Command::FindCustomer { leg_id });
        }
        self.timer(Timer::RingLimit { leg_id }, self.policy.ring_grace_secs);
    }

    pub(super) fn chase(&mut self) {
        let is_ending = self.call.stage == Stage::Ending;
        let lingering = |leg: &&mut Leg| !leg.is_over() && (is_ending || leg.end_wanted);
        let mut is_any_left = false;
        for leg in self.call.legs.iter_mut().filter(lingering) {
            is_any_left = true;
            leg.end_wanted = true;
            if leg.call_sid.is_some() {
                self.commands.push(Command::EndLeg { leg_id: leg.id });
            }
        }
        if is_any_left {
            self.timer(Timer::EndLimit, self.policy.end_limit_secs);
        } else if is_ending {
            self.call.ended_by_certain = true; // no evidence came: the guess stands
        }
    }

    /// A leg that nobody has been rung on yet is not rung any more.
    pub(super) fn never_ring(&mut self, leg_id: Uuid) {
        if let Some(leg) = self.call.leg_mut(leg_id).filter(|leg| leg.status == LegStatus::Unplaced) {
            leg.end_wanted = true;
        }
    }
}
