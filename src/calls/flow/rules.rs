//! What each [`Rule`] of the table does: one short function a rule.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::event::{Command, Event, Refusal, RoomChangeKind, SetTimer, Timer, TransferRequest};
use super::policy::Policy;
use super::state::{Call, EndReason, Failure, Leg, LegStatus, Party, Role, Stage, Transfer, TransferStatus};
use super::table::Rule;
use super::words::{Words, failure_detail, outcome};

/// A step being taken: the call as it will be, and what is to be done for it.
pub(super) struct Taking<'a> {
    pub call: Call,
    pub event: &'a Event,
    pub policy: &'a Policy,
    pub now: DateTime<Utc>,
    pub commands: Vec<Command>,
    pub timers: Vec<SetTimer>,
}

impl Taking<'_> {
    /// Carries out a cell of the table.
    pub fn apply(&mut self, rule: Rule) -> Result<(), Refusal> {
        match rule {
            Rule::Note => {}
            Rule::Place => self.place(),
            Rule::RingAgent => self.call.enter(Stage::DialingAgent),
            Rule::RingCustomer => self.call.enter(Stage::DialingCustomer),
            Rule::Connect => self.connect(),
            Rule::NoAgent => self.no_agent(),
            Rule::NoCustomer => self.no_customer(),
            Rule::HungUp => self.end(self.agent_party(), true, EndReason::HungUp),
            Rule::CustOver => self.end(Party::Customer, false, EndReason::HungUp),
            Rule::DialOver => self.dial_over(),
            Rule::Move => self.bring(true),
            Rule::Bring => self.bring(false),
            Rule::Ring => self.transfer_is(TransferStatus::Ringing),
            Rule::PickUp => self.pick_up(),
            Rule::Introduce => self.introduce(),
            Rule::Return => self.return_to_bridge(),
            Rule::Fail => self.fail(),
            Rule::Cancel => self.cancel(),
            Rule::Wait => self.wait(),
            Rule::Leave => self.leave(),
            Rule::HandOver => self.hand_over(),
            Rule::Goodbye => self.goodbye(),
            Rule::CustGone => self.customer_gone(),
            Rule::AgentGone => self.agent_gone(),
            Rule::Settle => self.settle(),
            Rule::EndAll => self.end_all(),
            Rule::Close => {}
            Rule::Blame => self.blame(),
            Rule::Ask => self.ask(),
            Rule::Seek => self.seek(),
            Rule::Chase => self.chase(),
            Rule::NotYet => return Err(Refusal::NotConnected),
            Rule::Busy => return Err(Refusal::TransferInProgress),
            Rule::NoTrans => return Err(Refusal::NoTransfer),
            Rule::Alone => return Err(Refusal::NotJoined),
            Rule::Late => return Err(Refusal::CallEnded),
        }
        Ok(())
    }

    fn place(&mut self) {
        let leg_id = self.call.holder;
        if let Some(leg) = self.call.leg_mut(leg_id) {
            leg.status = LegStatus::Creating;
        }
        self.commands.push(Command::CreateCall { leg_id });
        self.ring_limit(leg_id, self.call.ring_timeout_secs);
    }

    fn connect(&mut self) {
        self.call.enter(Stage::Connected);
        self.call.connected_at = Some(self.now);
    }

    fn no_agent(&mut self) {
        let reason = match self.call.agent().and_then(|leg| leg.failure) {
            Some(Failure::Busy | Failure::Declined) => EndReason::AgentBusy,
            Some(Failure::NoAnswer | Failure::Voicemail) => EndReason::AgentNoAnswer,
            _ => EndReason::AgentUnreachable,
        };
        self.end(Party::System, true, reason);
    }

    fn no_customer(&mut self) {
        let reason = match self.call.customer().and_then(|leg| leg.failure) {
            Some(Failure::Busy | Failure::Declined) => EndReason::CustomerBusy,
            Some(Failure::NoAnswer | Failure::Voicemail) => EndReason::CustomerNoAnswer,
            _ => EndReason::CustomerUnreachable,
        };
        self.end(Party::System, true, reason);
    }

    /// The bridge is gone. If the customer was ever sent to the room, both are going there after all.
    fn dial_over(&mut self) {
        let customer_lives = self.call.customer().is_some_and(|leg| !leg.is_over());
        if self.call.move_sent && customer_lives {
            self.call.enter(Stage::InRoom);
        } else {
            self.end(Party::Customer, true, EndReason::HungUp);
        }
    }

    /// Rings the second agent and, from the bridge, moves the customer: at the same time. In the room, nobody's leaving
    /// may close it any more.
    fn bring(&mut self, from_bridge: bool) {
        let Event::TransferRequested(request) = self.event else { return };
        if !from_bridge {
            self.exits_end_room(false);
        } else if let Some(leg_id) = self.call.customer().map(|leg| leg.id) {
            self.call.move_sent = true;
            self.commands.push(Command::MoveToRoom { leg_id });
            self.timer(Timer::MoveLimit, self.policy.move_limit_secs);
        }
        self.commands.push(Command::CreateParticipant { leg_id: request.leg_id });
        self.ring_limit(request.leg_id, request.ring_timeout_secs);
        self.write_down(request);
        self.call.pending_words = None;
        self.call.enter(Stage::Transferring);
    }

    fn write_down(&mut self, request: &TransferRequest) {
        let mut leg =
            Leg::planned(request.leg_id, Role::SecondAgent, request.to.clone(), request.name.clone());
        leg.status = LegStatus::Creating;
        self.call.legs.push(leg);
        self.call.transfers.push(Transfer {
            id: request.transfer_id,
            leg_id: request.leg_id,
            style: request.style,
            briefing: request.briefing.clone(),
            status: TransferStatus::Requested,
            failure: None,
            failure_detail: None,
            caller_id: request.caller_id.clone(),
            ring_timeout_secs: request.ring_timeout_secs,
            requested_at: self.now,
            ended_at: None,
        });
    }

    fn pick_up(&mut self) {
        self.transfer_is(TransferStatus::Answered);
        self.timer(Timer::MoveLimit, self.policy.move_limit_secs);
    }

    fn introduce(&mut self) {
        self.transfer_is(TransferStatus::Joined);
        self.call.enter(Stage::Introducing);
    }

    /// Twilio would not move the customer. On the bridge the two go on as before; but if the bridge is over, the move
    /// did happen, and the refusal changes nothing.
    fn return_to_bridge(&mut self) {
        let has_moved = self.call.dial_ended || self.call.customer().is_some_and(|leg| leg.in_room);
        if has_moved {
            return;
        }
        self.drop_second_agent();
        self.close_transfer(TransferStatus::Failed, Some(Failure::Error));
        self.call.enter(Stage::Connected);
    }

    fn fail(&mut self) {
        let leg = self.call.second_agent();
        let failure = leg.and_then(|leg| leg.failure).unwrap_or(Failure::Declined);
        let outcome =
            leg.map(|leg| outcome(failure, &leg.name, leg.answered_at.is_some())).unwrap_or_default();
        self.drop_second_agent();
        self.close_transfer(TransferStatus::Failed, Some(failure));
        self.call.pending_words = Some(Words::TransferFailed { outcome });
        self.call.enter(Stage::InRoom);
        self.settle();
    }

    fn cancel(&mut self) {
        self.drop_second_agent();
        self.close_transfer(TransferStatus::Cancelled, None);
        self.call.enter(Stage::InRoom);
        self.settle();
    }

    fn wait(&mut self) {
        self.call.pending_words = Some(Words::OneMoment);
        self.call.enter(Stage::Waiting);
        self.settle();
    }

    fn leave(&mut self) {
        self.end_leg(self.call.holder);
    }

    fn hand_over(&mut self) {
        if let Some(leg_id) = self.call.second_agent().map(|leg| leg.id) {
            self.call.holder = leg_id;
        }
        self.close_transfer(TransferStatus::Completed, None);
        self.call.pending_words = None;
        self.call.enter(Stage::InRoom);
        self.settle();
    }

    /// The agent left, the second agent did not come, or was taken back: nobody is left for the customer.
    fn goodbye(&mut self) {
        let failure = self.call.second_agent().and_then(|leg| leg.failure).unwrap_or(Failure::Declined);
        self.drop_second_agent();
        if matches!(self.event, Event::CancelRequested) {
            self.close_transfer(TransferStatus::Cancelled, None);
        } else {
            self.close_transfer(TransferStatus::Failed, Some(failure));
        }
        self.tell_and_end(self.call.customer().map(|leg| leg.id), Words::NobodyAvailable);
        self.end(Party::System, true, EndReason::TransferFailed);
    }

    /// Whoever rings stops ringing; whoever talks is told. An agent whose Dial has not ended yet is told by its action.
    fn customer_gone(&mut self) {
        if self.call.second_agent().is_some_and(Leg::is_talking) {
            self.tell_and_end(self.call.second_agent().map(|leg| leg.id), Words::CustomerLeft);
        } else {
            self.drop_second_agent();
        }
        self.close_transfer(TransferStatus::Abandoned, Some(Failure::CustomerLeft));
        let is_closed_by_twilio = self.call.customer().is_some_and(|leg| leg.ends_room);
        let agent = self.call.agent().filter(|leg| leg.is_talking() && !is_closed_by_twilio);
        let action_is_to_come =
            agent.is_some_and(|leg| leg.role == Role::FirstAgent) && !self.call.dial_ended;
        if !action_is_to_come {
            self.tell_and_end(agent.map(|leg| leg.id), Words::CustomerLeft);
        }
        let is_certain = !(is_closed_by_twilio || self.may_close_itself()) || self.somebody_hung_up();
        self.end(Party::Customer, is_certain, EndReason::HungUp);
    }

    fn agent_gone(&mut self) {
        let is_closed_by_twilio = self.call.agent().is_some_and(|leg| leg.ends_room);
        if !is_closed_by_twilio {
            self.tell_and_end(self.call.customer().map(|leg| leg.id), Words::CallOver);
        }
        let is_certain = !self.may_close_itself() || self.somebody_hung_up();
        self.end(self.agent_party(), is_certain, EndReason::HungUp);
    }

    /// Two who were both in the room: either's leaving closes it, or will as soon as Twilio has heard that it should.
    fn may_close_itself(&self) -> bool {
        let has_been_in_room = |leg: Option<&Leg>| leg.is_some_and(|leg| leg.room_sequence.is_some());
        self.call.stage == Stage::InRoom
            && has_been_in_room(self.call.customer())
            && has_been_in_room(self.call.agent())
    }

    /// Where one person's leaving closes the room, the news of both come in any order; only these words are proof.
    fn somebody_hung_up(&self) -> bool {
        let Event::RoomChanged(change) = self.event else { return false };
        matches!(change.kind, RoomChangeKind::Left { hung_up: true, .. })
    }

    /// Once the two who stay are in the room, either's leaving closes it; and they hear what there is to say. A customer
    /// who waits alone hears it too.
    fn settle(&mut self) {
        let is_settled = self.call.stage == Stage::InRoom && self.call.are_together();
        let is_waiting =
            self.call.stage == Stage::Waiting && self.call.customer().is_some_and(|leg| leg.in_room);
        if is_settled {
            self.exits_end_room(true);
        }
        let Some(conference_sid) = self.call.conference_sid.clone() else { return };
        if !(is_settled || is_waiting) {
            return;
        }
        if let Some(words) = self.call.pending_words.take() {
            self.commands.push(Command::Announce { conference_sid, words });
        }
    }

    fn exits_end_room(&mut self, value: bool) {
        let Some(conference_sid) = self.call.conference_sid.clone() else { return };
        let two = [self.call.customer(), self.call.agent()];
        let changed = two.into_iter().flatten().filter(|leg| leg.in_room && (!value || !leg.ends_room));
        let commands: Vec<_> = changed
            .map(|leg| Command::SetEndConferenceOnExit {
                conference_sid: conference_sid.clone(),
                leg_id: leg.id,
                value,
            })
            .collect();
        self.commands.extend(commands);
    }

    fn end_all(&mut self) {
        let Event::HangUpRequested { by } = *self.event else { return };
        let everyone: Vec<Uuid> =
            self.call.legs.iter().filter(|leg| !leg.is_over()).map(|leg| leg.id).collect();
        everyone.into_iter().for_each(|leg_id| self.end_leg(leg_id));
        self.close_transfer(TransferStatus::Cancelled, None);
        let reason = if self.call.connected_at.is_some() { EndReason::HungUp } else { EndReason::Cancelled };
        self.end(by, true, reason);
    }

    /// On a bridge, whoever hangs up ends both legs, and their last callbacks come in any order. Twilio asks for the
    /// Dial action while the agent is on the line only if the customer was first.
    fn blame(&mut self) {
        if self.call.ended_by_certain {
            return;
        }
        let agent_was_first = !self.call.dial_ended;
        self.call.ended_by = Some(if agent_was_first { self.agent_party() } else { Party::Customer });
        self.call.ended_by_certain = true;
    }

    fn ask(&mut self) {
        let Event::TimerFired(Timer::RingLimit { leg_id }) = *self.event else { return };
        if self.call.leg(leg_id).is_some_and(|leg| leg.call_sid.is_some()) {
            self.commands.push(Command::FetchLeg { leg_id });
        }
        self.timer(Timer::RingLimit { leg_id }, self.policy.ring_grace_secs);
    }

    /// News of them may have been lost: asks whether they are alive, and whether they are in the room after all.
    fn seek(&mut self) {
        let people = [self.call.customer(), self.call.agent(), self.call.second_agent()];
        let missing = people.into_iter().flatten().filter(|leg| leg.is_talking() && !leg.in_room);
        let commands: Vec<_> = missing.map(|leg| Command::FetchLeg { leg_id: leg.id }).collect();
        if !commands.is_empty() {
            self.commands.extend(commands);
            self.commands.push(Command::LookIntoRoom);
        }
    }

    fn chase(&mut self) {
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

    /// The conversation is over; the call ends when its last leg does.
    fn end(&mut self, by: Party, is_certain: bool, reason: EndReason) {
        if !self.call.ended_by_certain {
            self.call.ended_by = Some(by);
            self.call.ended_by_certain = is_certain;
        }
        self.call.end_reason = Some(reason);
        self.call.enter(Stage::Ending);
        self.timer(Timer::EndLimit, self.policy.end_limit_secs);
    }

    fn agent_party(&self) -> Party {
        self.call.agent().map_or(Party::FirstAgent, |leg| leg.role.into())
    }

    fn transfer_is(&mut self, status: TransferStatus) {
        if let Some(transfer) = self.call.transfer_mut() {
            transfer.status = status;
        }
    }

    fn close_transfer(&mut self, status: TransferStatus, failure: Option<Failure>) {
        let now = self.now;
        let leg = self.call.second_agent();
        let name = leg.map(|leg| leg.name.clone()).unwrap_or_default();
        let had_picked_up = leg.is_some_and(|leg| leg.answered_at.is_some());
        if let Some(transfer) = self.call.transfer_mut() {
            transfer.status = status;
            transfer.failure = failure;
            transfer.failure_detail = failure
                .map(|failure| failure_detail(failure, &name, had_picked_up, transfer.ring_timeout_secs));
            transfer.ended_at = Some(now);
        }
    }

    fn drop_second_agent(&mut self) {
        if let Some(leg) = self.call.second_agent().filter(|leg| !leg.is_over()) {
            self.end_leg(leg.id);
        }
    }

    /// Marks the leg to be ended: at once if Twilio has named it, else as soon as it does.
    fn end_leg(&mut self, leg_id: Uuid) {
        if let Some(leg) = self.call.leg_mut(leg_id) {
            leg.end_wanted = true;
            self.timer(Timer::EndLimit, self.policy.end_limit_secs);
        }
    }

    fn tell_and_end(&mut self, leg_id: Option<Uuid>, words: Words) {
        self.commands.extend(leg_id.map(|leg_id| Command::TellAndEnd { leg_id, words }));
    }

    fn ring_limit(&mut self, leg_id: Uuid, ring_timeout_secs: u32) {
        // Twilio adds up to 5 s to every ring; https://www.twilio.com/docs/voice/api/call-resource
        self.timer(Timer::RingLimit { leg_id }, ring_timeout_secs + 5 + self.policy.ring_grace_secs);
    }

    fn timer(&mut self, timer: Timer, after_secs: u32) {
        self.timers.push(SetTimer { timer, after_secs });
    }
}
