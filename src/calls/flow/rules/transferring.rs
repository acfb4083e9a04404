//! Bringing a second agent in: whom to ring, who waits where, and what happens when it comes to nothing.

use uuid::Uuid;

use super::Taking;
use crate::calls::flow::event::{Command, Event, Explanation, Refusal, Timer, TransferRequest};
use crate::calls::flow::policy::{AgentLeavesEarly, NobodyLeft, TargetFails};
use crate::calls::flow::state::{
    Bridge, EndReason, Failure, Leg, LegStatus, Party, Place, Ring, Role, Stage, Style, Transfer,
    TransferStatus,
};
use crate::calls::flow::words::{Words, failure_detail, outcome};

impl Taking<'_> {
    /// Rings the second agent and moves the customer at the same time: to the room, or to the music outside it. Only where
    /// both are in the room, or on their way, and the agents are to talk alone must the customer be out of it first. Who is
    /// to wait alone, and is in the room, waits there on hold: were it left empty, it would close on whoever is rung for it.
    pub(super) fn bring(&mut self) {
        let Event::TransferRequested(request) = self.event else { return };
        let is_on_bridge = self.call.stage == Stage::Connected;
        self.write_down(request);
        self.call.pending_words = None;
        if !is_on_bridge {
            self.exits_end_room(false);
        }
        let customer = self.call.customer().map(|leg| (leg.id, leg.in_room));
        let leg_id = customer.map(|(leg_id, _)| leg_id);
        match request.style {
            Style::WithCustomer if is_on_bridge => self.send(leg_id, Place::Room),
            Style::WithCustomer => {}
            Style::Blind if customer.is_some_and(|(_, is_here)| is_here) => {}
            Style::PrivateFirst | Style::Blind => self.send(leg_id, Place::Music),
        }
        // The news that they came in may be lost or late, so they count as inside unless they are on the bridge.
        if request.style == Style::PrivateFirst && !is_on_bridge {
            self.call.next_in = self.call.transfer().map(|transfer| transfer.leg_id);
        } else {
            self.ring_targets();
        }
        if request.style == Style::Blind {
            // On the bridge, the Dial action tells the agent.
            let agent = self.call.agent().filter(|_| !is_on_bridge).map(|leg| leg.id);
            self.tell_and_end(agent, Words::HandedOver);
            self.call.enter(Stage::Waiting);
        } else {
            self.call.enter(Stage::Transferring);
        }
    }

    fn write_down(&mut self, request: &TransferRequest) {
        for target in &request.targets {
            let mut leg =
                Leg::planned(target.leg_id, Role::SecondAgent, target.to.clone(), target.name.clone())
                    .of_agent(target.agent);
            leg.transfer_id = Some(request.transfer_id);
            self.call.legs.push(leg);
        }
        let several_at_once = request.ring == Ring::Together && request.targets.len() > 1;
        self.call.transfers.push(Transfer {
            id: request.transfer_id,
            leg_id: request.targets.first().map(|target| target.leg_id).unwrap_or_default(),
            style: request.style,
            ring: request.ring,
            // Who is first must be known before anybody is let in.
            require_accept: request.require_accept || several_at_once,
            taken: false,
            completing: false,
            recall: false,
            briefing: request.briefing.clone(),
            status: TransferStatus::Requested,
            failure: None,
            failure_detail: None,
            twilio_code: None,
            caller_id: request.caller_id.clone(),
            ring_timeout_secs: request.ring_timeout_secs,
            requested_at: self.now,
            ended_at: None,
        });
    }

    /// Rings the first target, or all of them.
    fn ring_targets(&mut self) {
        let Some(transfer) = self.call.transfer() else { return };
        let how_many = if transfer.ring == Ring::Together { usize::MAX } else { 1 };
        let targets: Vec<Uuid> = self.unrung().take(how_many).collect();
        targets.into_iter().for_each(|leg_id| self.ring_target(leg_id));
    }

    fn unrung(&self) -> impl Iterator<Item = Uuid> {
        let targets = self.call.transfer().into_iter().flat_map(|transfer| self.call.targets(transfer.id));
        targets.filter(|leg| leg.status == LegStatus::Unplaced && !leg.end_wanted).map(|leg| leg.id)
    }

    fn ring_target(&mut self, leg_id: Uuid) {
        self.creating(leg_id);
        self.commands.push(Command::CreateParticipant { leg_id });
        let Some(transfer) = self.call.transfer_mut() else { return };
        transfer.status = TransferStatus::Requested;
        if transfer.ring == Ring::InTurn {
            transfer.leg_id = leg_id;
        }
        let ring_timeout_secs = transfer.ring_timeout_secs;
        self.ring_limit(leg_id, ring_timeout_secs);
    }

    pub(super) fn ringing(&mut self) {
        self.transfer_is(TransferStatus::Ringing);
    }

    pub(super) fn pick_up(&mut self) {
        self.transfer_is(TransferStatus::Answered);
        let Some(leg_id) = self.subject else { return };
        if self.call.transfer().is_some_and(|transfer| transfer.require_accept) {
            self.send(Some(leg_id), Place::Gate);
            self.timer(Timer::AcceptLimit { leg_id }, self.policy.accept_limit_secs);
        } else {
            self.take(leg_id);
        }
    }

    /// The gate's own document leads them back into the room.
    pub(super) fn accept(&mut self) {
        let Some(leg_id) = self.subject else { return };
        if let Some(leg) = self.call.leg_mut(leg_id) {
            leg.sent_to = Place::Room;
        }
        self.take(leg_id);
    }

    /// This second agent has the call; the others are told, or stop ringing.
    fn take(&mut self, leg_id: Uuid) {
        let name = self.call.leg(leg_id).map(|leg| leg.name.clone()).unwrap_or_default();
        self.drop_targets(Some(leg_id), &Words::TakenBy { name });
        if let Some(transfer) = self.call.transfer_mut() {
            transfer.taken = true;
            transfer.leg_id = leg_id;
        }
        self.timer(Timer::MoveLimit, self.policy.move_limit_secs);
    }

    pub(super) fn arrive(&mut self) {
        self.transfer_is(TransferStatus::Joined);
        match self.call.transfer().map(|transfer| (transfer.style, transfer.id)) {
            Some((Style::PrivateFirst, transfer_id)) => {
                self.call.enter(Stage::Consulting);
                self.timer(Timer::ConsultLimit { transfer_id }, self.policy.consult_limit_secs);
            }
            _ => self.call.enter(Stage::Introducing),
        }
    }

    pub(super) fn bring_next(&mut self) {
        let Some(leg_id) = self.call.next_in.take() else { return };
        if self.call.leg(leg_id).is_some_and(|leg| leg.status == LegStatus::Unplaced) {
            self.ring_targets();
        } else {
            self.send(Some(leg_id), Place::Room);
        }
    }

    pub(super) fn merge(&mut self) {
        self.call.next_in = None;
        self.bring_inside(self.call.customer().map(|leg| leg.id));
        self.bring_inside(self.call.second_agent().map(|leg| leg.id));
        self.call.enter(Stage::Introducing);
    }

    fn bring_inside(&mut self, leg_id: Option<Uuid>) {
        let outside = leg_id.and_then(|leg_id| self.call.leg(leg_id)).filter(|leg| leg.is_outside());
        self.send(outside.map(|leg| leg.id), Place::Room);
    }

    /// Who comes in waits until the other is out, so that neither hears what is not meant for them.
    pub(super) fn swap(&mut self) {
        let customer = self.call.customer().map(|leg| leg.id);
        let second = self.call.second_agent().map(|leg| leg.id);
        let (goes, comes, next) = match self.call.stage {
            Stage::Consulting => (second, customer, Stage::Swapped),
            _ => (customer, second, Stage::Consulting),
        };
        self.call.next_in = comes;
        let is_inside = goes.and_then(|leg_id| self.call.leg(leg_id)).is_some_and(|leg| !leg.is_outside());
        if is_inside {
            self.send(goes, Place::Music);
        } else {
            self.bring_next(); // swapped back before they had come
        }
        self.call.enter(next);
    }

    pub(super) fn complete(&mut self) {
        if let Some(transfer) = self.call.transfer_mut() {
            transfer.completing = true;
        }
        self.merge();
        self.release();
    }

    /// The agent leaves only when the other two can hear each other.
    pub(super) fn release(&mut self) {
        let in_room = |leg: Option<&Leg>| leg.is_some_and(|leg| leg.in_room && !leg.is_over());
        let is_wanted = self.call.transfer().is_some_and(|transfer| transfer.completing);
        if is_wanted && in_room(self.call.customer()) && in_room(self.call.second_agent()) {
            self.leave();
        }
    }

    pub(super) fn leave(&mut self) {
        self.end_leg(self.call.holder);
    }

    /// Twilio would not move somebody. From the bridge, the two go on as before, unless the bridge is over: then the move
    /// did happen. In the room, whoever was to leave it stays, and whoever was to come is sent again.
    pub(super) fn return_back(&mut self) {
        let Some(leg) = self.subject_leg() else { return };
        let (leg_id, was_to_leave) = (leg.id, leg.is_outside());
        let is_on_bridge = self.call.bridge == Bridge::Dial
            && !self.call.dial_ended
            && leg.role == Role::Customer
            && leg.room_sequence.is_none();
        if is_on_bridge {
            self.drop_targets(None, &Words::NotNeeded);
            self.close_transfer(TransferStatus::Failed, Some(Failure::Error));
            self.call.enter(Stage::Connected);
        } else if was_to_leave {
            self.stay_inside(leg_id);
        } else {
            self.timer(Timer::MoveAgain, self.policy.move_limit_secs);
        }
    }

    fn stay_inside(&mut self, leg_id: Uuid) {
        if let Some(leg) = self.call.leg_mut(leg_id) {
            leg.sent_to = Place::Room;
            leg.in_room = leg.room_sequence.is_some();
        }
        self.call.next_in = None;
        let is_customer = self.call.customer().is_some_and(|leg| leg.id == leg_id);
        match self.call.stage {
            Stage::Consulting | Stage::Swapped if is_customer => self.call.enter(Stage::Swapped),
            Stage::Consulting | Stage::Swapped => self.call.enter(Stage::Consulting),
            Stage::Transferring => self.give_up(Failure::Error),
            _ => {}
        }
    }

    pub(super) fn fail(&mut self) {
        if !self.ring_next() {
            let failure = self.subject_leg().and_then(|leg| leg.failure).unwrap_or(Failure::Declined);
            self.give_up(failure);
        }
    }

    /// Customer and agent are together again, and are told why.
    fn give_up(&mut self, failure: Failure) {
        let outcome = self.outcomes(outcome);
        self.drop_targets(None, &Words::NotNeeded);
        self.close_transfer(TransferStatus::Failed, Some(failure));
        self.call.pending_words = Some(Words::TransferFailed { outcome });
        self.rejoin();
    }

    /// Not when the agent is leaving already: the customer would be left to nobody.
    pub(super) fn cancel(&mut self) -> Result<(), Refusal> {
        if self.call.agent().is_some_and(|leg| leg.end_wanted) {
            return Err(Refusal::HandingOver);
        }
        self.drop_targets(None, &Words::NotNeeded);
        self.close_transfer(TransferStatus::Cancelled, None);
        self.rejoin();
        Ok(())
    }

    fn rejoin(&mut self) {
        self.call.next_in = None;
        self.bring_inside(self.call.customer().map(|leg| leg.id));
        self.call.enter(Stage::InRoom);
        self.settle();
    }

    /// The target that the event is about is out. Gives whether the transfer goes on with another.
    fn ring_next(&mut self) -> bool {
        let Some(transfer) = self.call.transfer() else { return false };
        let (transfer_id, has_joined) = (transfer.id, transfer.status == TransferStatus::Joined);
        if has_joined {
            return false;
        }
        if let Some(leg_id) = self.subject {
            self.dismiss(leg_id, Words::NotNeeded);
        }
        // Whoever was told that somebody else has taken the call does not ring any more.
        let may_come = |leg: &Leg| !leg.is_over() && !leg.end_wanted && leg.sent_to != Place::Goodbye;
        if self.call.targets(transfer_id).any(may_come) {
            return true;
        }
        let waiting = self.unrung().next();
        let next = waiting.or_else(|| self.once_more());
        next.inspect(|leg_id| self.ring_again(*leg_id)).is_some()
    }

    fn ring_again(&mut self, leg_id: Uuid) {
        if let Some(transfer) = self.call.transfer_mut() {
            transfer.taken = false;
            transfer.leg_id = leg_id;
        }
        self.ring_target(leg_id);
    }

    /// A second leg to the same person, if the site rings twice.
    fn once_more(&mut self) -> Option<Uuid> {
        let leg = self.subject_leg()?;
        let is_worth_it = matches!(leg.failure, Some(Failure::Busy | Failure::NoAnswer));
        let rung = self.call.targets(leg.transfer_id?).filter(|it| it.address == leg.address).count();
        if self.policy.target_fails != TargetFails::TryAgain || !is_worth_it || rung > 1 {
            return None;
        }
        let mut again = Leg::planned(
            Uuid::new_v5(&leg.id, b"once more"),
            leg.role,
            leg.address.clone(),
            leg.name.clone(),
        )
        .of_agent(leg.agent);
        again.transfer_id = leg.transfer_id;
        let leg_id = again.id;
        self.call.legs.push(again);
        Some(leg_id)
    }

    /// The agent has left before the second agent was there: the customer waits with music, unless the site ends it here.
    pub(super) fn wait(&mut self) {
        if self.policy.agent_leaves_early == AgentLeavesEarly::EndCall {
            self.drop_targets(None, &Words::NotNeeded);
            self.close_transfer(TransferStatus::Cancelled, None);
            self.tell_and_end(self.call.customer().map(|leg| leg.id), Words::NobodyAvailable);
            return self.end(self.agent_party(), true, EndReason::TransferFailed);
        }
        self.customer_waits();
        self.bring_next();
        self.call.enter(Stage::Waiting);
    }

    /// In the room, on hold; from elsewhere, with the music outside it.
    fn customer_waits(&mut self) {
        let on_way = self.call.customer().filter(|leg| !leg.is_outside() && !leg.in_room);
        self.send(on_way.map(|leg| leg.id), Place::Music);
    }

    pub(super) fn hand_over(&mut self) {
        if let Some(leg_id) = self.call.second_agent().map(|leg| leg.id) {
            self.call.holder = leg_id;
        }
        self.close_transfer(TransferStatus::Completed, None);
        self.call.pending_words = None;
        self.call.next_in = None;
        self.call.enter(Stage::InRoom);
        let two = [self.call.customer(), self.call.agent()].map(|leg| leg.map(|leg| leg.id));
        for leg_id in two.into_iter().flatten() {
            if let Some(leg) = self.call.leg_mut(leg_id) {
                leg.on_hold = false;
            }
            self.bring_inside(Some(leg_id));
        }
        self.settle();
    }

    /// The agent left, and the second agent did not come, or was taken back.
    pub(super) fn goodbye(&mut self) {
        let is_given_up = matches!(self.event, Event::CancelRequested | Event::RemoveRequested { .. });
        if !is_given_up && self.ring_next() {
            return;
        }
        let failure = self.subject_leg().and_then(|leg| leg.failure).unwrap_or(Failure::Declined);
        self.drop_targets(None, &Words::NotNeeded);
        if is_given_up {
            self.close_transfer(TransferStatus::Cancelled, None);
        } else {
            self.close_transfer(TransferStatus::Failed, Some(failure));
        }
        if !self.ring_holder_back() {
            self.tell_and_end(self.call.customer().map(|leg| leg.id), Words::NobodyAvailable);
            self.end(Party::System, true, EndReason::TransferFailed);
        }
    }

    /// The agent who left is rung, if the site wants it so, and once only.
    fn ring_holder_back(&mut self) -> bool {
        let Some(failed) = self.call.transfers.last() else { return false };
        let choice = match failed.style {
            Style::Blind => self.policy.blind_fails,
            Style::WithCustomer | Style::PrivateFirst => self.policy.nobody_reached,
        };
        let is_wanted = choice == NobodyLeft::RingBack && !failed.recall;
        is_wanted && self.ring_back(self.call.holder)
    }

    /// After a hand-over the second agent has left: the customer waits for the first.
    pub(super) fn ring_first_agent_back(&mut self) -> bool {
        let Some(first) = self.call.legs.first().map(|leg| leg.id) else { return false };
        let is_ringing = self.ring_back(first);
        if is_ringing {
            // They hung up, but that was not the end.
            self.call.ended_by = None;
            self.call.ended_by_certain = false;
            self.customer_waits();
            self.call.enter(Stage::Waiting);
        }
        is_ringing
    }

    /// A transfer of our own making, to somebody who had the customer before: as soon as they have put the phone down, for
    /// one that is in use is busy.
    fn ring_back(&mut self, whom: Uuid) -> bool {
        let (Some(agent), Some(last)) = (self.call.leg(whom), self.call.transfers.last()) else {
            return false;
        };
        let transfer_id = Uuid::new_v5(&last.id, b"ring back");
        let mut leg = Leg::planned(
            Uuid::new_v5(&transfer_id, b"leg"),
            agent.role,
            agent.address.clone(),
            agent.name.clone(),
        )
        .of_agent(agent.agent);
        leg.transfer_id = Some(transfer_id);
        let transfer = Transfer {
            id: transfer_id,
            leg_id: leg.id,
            style: Style::Blind,
            ring: Ring::InTurn,
            require_accept: false,
            taken: false,
            completing: false,
            recall: true,
            status: TransferStatus::Requested,
            failure: None,
            failure_detail: None,
            twilio_code: None,
            requested_at: self.now,
            ended_at: None,
            ..last.clone()
        };
        let leg_id = leg.id;
        let is_on_phone = agent.is_talking();
        self.call.legs.push(leg);
        self.call.transfers.push(transfer);
        if is_on_phone {
            self.call.next_in = Some(leg_id);
            self.timer(Timer::MoveLimit, self.policy.move_limit_secs);
        } else {
            self.ring_target(leg_id);
        }
        true
    }

    pub(super) fn transfer_is(&mut self, status: TransferStatus) {
        if let Some(transfer) = self.call.transfer_mut() {
            transfer.status = status;
        }
    }

    pub(super) fn close_transfer(&mut self, status: TransferStatus, failure: Option<Failure>) {
        let now = self.now;
        let ring_timeout_secs = self.call.transfer().map(|transfer| transfer.ring_timeout_secs);
        let detail = match failure {
            None => None,
            Some(Failure::CustomerLeft) => Some(outcome(Failure::CustomerLeft, "", false)),
            Some(_) => Some(self.outcomes(|failure, name, has_hung_up| {
                failure_detail(failure, name, has_hung_up, ring_timeout_secs.unwrap_or_default())
            })),
        };
        // Twilio's word that a leg has ended explains nothing that the customer's leaving does not.
        let why = failure.filter(|it| *it != Failure::CustomerLeft).and_then(|_| self.explanation());
        if let Some(transfer) = self.call.transfer_mut() {
            transfer.status = status;
            transfer.failure = failure;
            transfer.twilio_code = why.as_ref().and_then(|why| why.twilio_code);
            transfer.failure_detail = match (detail, why) {
                (Some(detail), Some(why)) => Some(format!("{detail}. {}", why.words)),
                (detail, _) => detail,
            };
            transfer.ended_at = Some(now);
        }
    }

    /// Why Twilio did not do what was to bring the second agent in: the last one that it said something of, or else a move.
    fn explanation(&self) -> Option<Explanation> {
        let targets = self.call.transfer().into_iter().flat_map(|transfer| self.call.targets(transfer.id));
        let explained = targets.filter_map(|leg| {
            let words = leg.explanation.clone()?;
            Some(Explanation { twilio_code: leg.twilio_code, words })
        });
        match self.event {
            Event::CommandRefused { gone: false, why: Some(why), .. } => Some(why.clone()),
            _ => explained.last(),
        }
    }

    /// What became of each second agent who was rung, in words; of one who was rung twice, the last time.
    fn outcomes(&self, words: impl Fn(Failure, &str, bool) -> String) -> String {
        let targets = self.call.transfer().into_iter().flat_map(|transfer| self.call.targets(transfer.id));
        let rung: Vec<&Leg> = targets.filter(|leg| leg.status != LegStatus::Unplaced).collect();
        let is_last = |at: usize, leg: &Leg| !rung[at + 1..].iter().any(|later| later.address == leg.address);
        let said = rung.iter().enumerate().filter(|(at, leg)| is_last(*at, leg)).map(|(_, leg)| {
            let has_hung_up = leg.answered_at.is_some() && leg.failure.is_none();
            let otherwise = if has_hung_up { Failure::Declined } else { Failure::Error };
            words(leg.failure.unwrap_or(otherwise), &leg.name, has_hung_up)
        });
        said.collect::<Vec<_>>().join(", ")
    }

    /// The second agents are out, but for the one who has the call.
    pub(super) fn drop_targets(&mut self, except: Option<Uuid>, words: &Words) {
        let Some(transfer_id) = self.call.transfer().map(|transfer| transfer.id) else { return };
        let others: Vec<Uuid> = self
            .call
            .targets(transfer_id)
            .map(|leg| leg.id)
            .filter(|leg_id| Some(*leg_id) != except)
            .collect();
        for leg_id in others {
            self.never_ring(leg_id);
            self.dismiss(leg_id, words.clone());
        }
    }
}
