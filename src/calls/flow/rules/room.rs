//! Who is in the room, on what terms, and where the missing are.

use uuid::Uuid;

use super::Taking;
use crate::calls::flow::event::{Command, Control, Event, Refusal, Timer};
use crate::calls::flow::policy::NobodyLeft;
use crate::calls::flow::state::{Bridge, Leg, Party, Place, Role, Stage};

impl Taking<'_> {
    /// Once the two who stay are in the room, either's leaving closes it; and they hear what there is to say.
    pub(super) fn settle(&mut self) {
        let is_settled = self.call.stage == Stage::InRoom && self.call.are_together();
        if !is_settled {
            return;
        }
        // Twilio ignores a change of this flag for whoever is on hold, so it waits for the end of the hold.
        let [customer, agent] = [self.call.customer(), self.call.agent()];
        if ![customer, agent].into_iter().flatten().any(|leg| self.call.is_held(leg)) {
            self.exits_end_room(true);
        }
        let Some(conference_sid) = self.call.conference_sid.clone() else { return };
        if let Some(words) = self.call.pending_words.take() {
            self.commands.push(Command::Announce { conference_sid, words });
        }
    }

    /// Sets the exit flags of customer and agent. If the customer is to go on without a second agent who leaves, theirs
    /// stays off.
    pub(super) fn exits_end_room(&mut self, value: bool) {
        let agent_may_go = value && self.calls_back_after_hand_over();
        let agent = self.call.agent().filter(|_| !agent_may_go);
        let changed: Vec<Uuid> = [self.call.customer(), agent]
            .into_iter()
            .flatten()
            .filter(|leg| leg.in_room && (!value || !leg.ends_room))
            .map(|leg| leg.id)
            .collect();
        changed.into_iter().for_each(|leg_id| self.exit_ends_room(leg_id, value));
    }

    pub(super) fn exit_ends_room(&mut self, leg_id: Uuid, value: bool) {
        let Some(conference_sid) = self.call.conference_sid.clone() else { return };
        self.commands.push(Command::SetEndConferenceOnExit { conference_sid, leg_id, value });
    }

    /// Whether the first agent is rung back should the second leave now.
    pub(super) fn calls_back_after_hand_over(&self) -> bool {
        let is_second = self.call.agent().is_some_and(|leg| leg.transfer_id.is_some());
        let is_recall = self.call.transfers.last().is_some_and(|transfer| transfer.recall);
        is_second && !is_recall && self.policy.second_agent_leaves == NobodyLeft::RingBack
    }

    /// The last of this role who is on the line.
    fn on_line(&self, role: Role) -> Result<&Leg, Refusal> {
        let mut on_line = self.call.legs.iter().rev().filter(|leg| leg.role == role && leg.is_talking());
        on_line.next().ok_or(Refusal::NotOnLine)
    }

    /// From the bridge, where nothing can be done to a leg, both go to the room first; it is done there on entering.
    pub(super) fn control(&mut self) -> Result<(), Refusal> {
        let Event::ControlRequested { role, control } = *self.event else { return Ok(()) };
        let leg = self.on_line(role)?;
        let leg_id = leg.id;
        if role == Role::Supervisor {
            return Err(Refusal::NotOnLine); // who hears them is theirs to say
        }
        if leg.is_outside() {
            return Err(Refusal::Outside);
        }
        // There is nothing to be ended on the bridge, and nobody is moved for it.
        let is_so = match control {
            Control::Hold | Control::Resume => leg.on_hold,
            Control::Mute | Control::Unmute => leg.muted,
        };
        if is_so == matches!(control, Control::Hold | Control::Mute) {
            return Ok(());
        }
        if self.call.stage == Stage::Connected {
            self.send(self.call.customer().map(|leg| leg.id), Place::Room);
            self.call.enter(Stage::InRoom);
        }
        match control {
            Control::Hold => self.set_hold(leg_id, true),
            Control::Resume => self.set_hold(leg_id, false),
            Control::Mute => self.set_muted(leg_id, true),
            Control::Unmute => self.set_muted(leg_id, false),
        }
        Ok(())
    }

    /// Exit flags come off before a hold and back on after it: while it lasts, Twilio would ignore a change. Who is out of
    /// the room is told the end of it all the same: the hold may still be on its way.
    fn set_hold(&mut self, leg_id: Uuid, value: bool) {
        let Some(leg) = self.call.leg_mut(leg_id).filter(|leg| leg.on_hold != value) else { return };
        leg.on_hold = value;
        let is_out = !leg.in_room;
        let conference_sid = self.call.conference_sid.clone().filter(|_| is_out && !value);
        self.commands.extend(conference_sid.map(|conference_sid| Command::SetHold {
            conference_sid,
            leg_id,
            value,
        }));
        match value {
            true => self.exits_end_room(false),
            false => self.settle(),
        }
    }

    fn set_muted(&mut self, leg_id: Uuid, value: bool) {
        let Some(leg) = self.call.leg_mut(leg_id).filter(|leg| leg.muted != value) else { return };
        leg.muted = value;
        let is_out = !leg.in_room;
        let conference_sid = self.call.conference_sid.clone().filter(|_| is_out && !value);
        self.commands.extend(conference_sid.map(|conference_sid| Command::SetMuted {
            conference_sid,
            leg_id,
            value,
        }));
    }

    /// Without the customer there is no call, without its only agent neither.
    pub(super) fn remove(&mut self) -> Result<(), Refusal> {
        let Event::RemoveRequested { role, by } = *self.event else { return Ok(()) };
        let leg_id = self.on_line(role)?.id;
        let stage = self.call.stage;
        if self.call.second_agent().is_some_and(|leg| leg.id == leg_id) {
            self.remove_second_agent(stage)?;
        } else if role == Role::Supervisor {
            self.end_leg(leg_id);
        } else if leg_id != self.call.holder || matches!(stage, Stage::Connected | Stage::InRoom) {
            self.end_everybody(by);
        } else if matches!(stage, Stage::Consulting | Stage::Swapped) {
            self.complete();
        } else {
            self.end_leg(leg_id);
        }
        Ok(())
    }

    fn remove_second_agent(&mut self, stage: Stage) -> Result<(), Refusal> {
        if stage != Stage::Waiting {
            return self.cancel();
        }
        self.goodbye();
        Ok(())
    }

    /// News of them may have been lost: asks whether they are alive, and whether they are in the room after all.
    pub(super) fn seek(&mut self) {
        let missing = self.missing();
        let is_swapping = self.call.next_in.is_some();
        if missing.is_empty() && !is_swapping {
            return;
        }
        let fetch = |leg_id| Command::FetchLeg { leg_id, overdue: false };
        self.commands.extend(missing.into_iter().map(fetch));
        self.commands.push(Command::LookIntoRoom);
        self.timer(Timer::MoveAgain, self.policy.move_limit_secs);
    }

    /// Twilio was asked, and they are still not there: they are sent again. While two are to talk alone, nobody comes in for
    /// one of whom it is not known that they are out.
    pub(super) fn resend(&mut self) {
        let missing = self.missing();
        missing.into_iter().for_each(|leg_id| self.send(Some(leg_id), Place::Room));
        let Some(next) = self.call.next_in else { return };
        let is_private = self.call.stage != Stage::Waiting;
        let may_be_inside = |leg: &&Leg| {
            leg.id != next && leg.sent_to == Place::Music && (is_private || leg.in_room) && !leg.is_over()
        };
        match self.call.legs.iter().find(may_be_inside).map(|leg| leg.id) {
            Some(leg_id) => self.send(Some(leg_id), Place::Music),
            None => self.bring_next(),
        }
    }

    /// Those who should be in the room, and are not as far as we know. An agent whose Dial is not over yet follows the
    /// customer by themselves; to send them would hang up on whoever they have on the bridge.
    fn missing(&self) -> Vec<Uuid> {
        let is_dialling = |leg: &Leg| {
            self.call.bridge == Bridge::Dial
                && !self.call.dial_ended
                && leg.role == Role::FirstAgent
                && leg.transfer_id.is_none()
        };
        let is_expected = |leg: &&Leg| self.call.stage != Stage::Waiting && !is_dialling(leg);
        let agent = self.call.agent().filter(is_expected);
        let second = self.call.second_agent().filter(|_| self.call.transfer().is_some_and(|it| it.taken));
        let people = [self.call.customer(), agent, second].into_iter().flatten();
        let is_missing =
            |leg: &&Leg| leg.is_talking() && !leg.in_room && !leg.is_outside() && !leg.end_wanted;
        people.filter(is_missing).map(|leg| leg.id).collect()
    }

    /// Asks Twilio how everybody is; what it answers is taken in like any other news.
    pub(super) fn watch(&mut self) {
        let alive = self.call.legs.iter().filter(|leg| !leg.is_over() && leg.call_sid.is_some());
        let fetch = |leg: &Leg| Command::FetchLeg { leg_id: leg.id, overdue: false };
        let mut commands: Vec<_> = alive.map(fetch).collect();
        let unheard = self.call.customer().filter(|leg| leg.call_sid.is_none() && !leg.status.is_terminal());
        if let (Some(customer), true) = (unheard, self.is_dialling()) {
            commands.push(Command::FindCustomer { leg_id: customer.id });
        }
        if self.call.has_left_bridge() && self.call.conference_sid.is_some() {
            commands.push(Command::LookIntoRoom);
        }
        self.commands.extend(commands);
        self.timer(Timer::Watch, self.policy.watch_secs);
    }

    /// Twilio is, or may be, dialling the customer from the agent's document.
    pub(super) fn is_dialling(&self) -> bool {
        self.call.bridge == Bridge::Dial && self.call.agent().is_some_and(Leg::is_talking)
    }

    pub(super) fn end_everybody(&mut self, by: Party) {
        let everyone: Vec<Uuid> =
            self.call.legs.iter().filter(|leg| !leg.is_over()).map(|leg| leg.id).collect();
        everyone.into_iter().for_each(|leg_id| self.end_leg(leg_id));
        self.finish_by(by);
    }
}
