//! From the request to the first conversation.

use uuid::Uuid;

use super::Taking;
use crate::calls::flow::event::{Command, Event, Timer};
use crate::calls::flow::state::{Bridge, EndReason, Failure, Leg, LegStatus, Party, Place, Stage};
use crate::calls::flow::words::Words;

impl Taking<'_> {
    pub(super) fn place(&mut self) {
        let leg_id = self.call.holder;
        self.creating(leg_id);
        self.commands.push(Command::CreateCall { leg_id });
        self.ring_limit(leg_id, self.call.ring_timeout_secs);
        self.timer(Timer::Watch, self.policy.watch_secs);
    }

    pub(super) fn withdraw(&mut self) {
        if let Event::Withdrawn { code, reason } = self.event {
            self.call.end_code = Some(code.clone());
            self.call.end_detail = Some(reason.clone());
        }
        self.end(Party::System, true, EndReason::Refused);
    }

    /// On the bridge, Twilio rings the customer because the agent's document says so; for the room, we do.
    pub(super) fn ring_customer(&mut self) {
        self.call.enter(Stage::DialingCustomer);
        let Some(customer) = self.call.customer() else { return };
        let (leg_id, is_unplaced) = (customer.id, customer.status == LegStatus::Unplaced);
        if self.call.bridge == Bridge::Room && is_unplaced {
            self.creating(leg_id);
            self.commands.push(Command::CreateParticipant { leg_id });
        }
        self.ring_limit(leg_id, self.call.ring_timeout_secs);
    }

    pub(super) fn creating(&mut self, leg_id: Uuid) {
        if let Some(leg) = self.call.leg_mut(leg_id) {
            leg.status = LegStatus::Creating;
        }
    }

    pub(super) fn connect(&mut self) {
        self.call.connected_at = Some(self.now);
        if self.call.bridge == Bridge::Dial {
            self.call.enter(Stage::Connected);
        } else {
            self.call.enter(Stage::InRoom);
            self.timer(Timer::MoveLimit, self.policy.move_limit_secs);
            self.settle();
        }
    }

    pub(super) fn no_agent(&mut self) {
        let reason = match self.call.agent().and_then(|leg| leg.failure) {
            Some(Failure::Busy | Failure::Declined) => EndReason::AgentBusy,
            Some(Failure::NoAnswer | Failure::Voicemail) => EndReason::AgentNoAnswer,
            _ => EndReason::AgentUnreachable,
        };
        self.drop_customer();
        self.end(Party::System, true, reason);
    }

    /// On the bridge, the agent is told by the Dial action; in the room, they are fetched out of it.
    pub(super) fn no_customer(&mut self) {
        let failure = self.call.customer().and_then(|leg| leg.failure);
        let reason = match failure {
            Some(Failure::Busy | Failure::Declined) => EndReason::CustomerBusy,
            Some(Failure::NoAnswer | Failure::Voicemail) => EndReason::CustomerNoAnswer,
            _ => EndReason::CustomerUnreachable,
        };
        if self.call.bridge == Bridge::Room {
            let failure = failure.unwrap_or(Failure::Error);
            self.dismiss(self.call.holder, Words::CustomerNotReached { failure });
        }
        self.end(Party::System, true, reason);
    }

    /// On the bridge, Twilio ends the customer's leg with the agent's.
    pub(super) fn hung_up(&mut self) {
        self.drop_customer();
        self.end(self.agent_party(), true, EndReason::HungUp);
    }

    fn drop_customer(&mut self) {
        let in_room = self.call.bridge == Bridge::Room;
        if let Some(leg_id) = self.call.customer().filter(|_| in_room).map(|leg| leg.id) {
            self.dismiss(leg_id, Words::CallOver);
        }
    }

    /// On the bridge, the customer's was the hang-up unless the agent's proves to be.
    pub(super) fn customer_over(&mut self) {
        match self.call.bridge {
            Bridge::Dial => self.end(Party::Customer, false, EndReason::HungUp),
            Bridge::Room => self.customer_gone(),
        }
    }

    /// The bridge is gone. If the customer was ever sent away from it, both are on their way to the room after all.
    pub(super) fn dial_over(&mut self) {
        let customer = self.call.customer().filter(|leg| !leg.is_over());
        match customer.map(|leg| (leg.id, leg.sent_to)) {
            None | Some((_, Place::Start)) => self.end(Party::Customer, true, EndReason::HungUp),
            Some((leg_id, place)) => {
                self.call.enter(Stage::InRoom);
                if place != Place::Room {
                    self.send(Some(leg_id), Place::Room);
                }
            }
        }
    }

    pub(super) fn agent_party(&self) -> Party {
        self.call.agent().map_or(Party::FirstAgent, |leg: &Leg| leg.role.into())
    }
}
