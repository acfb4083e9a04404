//! What each [`Rule`] of the table does: one short function a rule, in five files by what they are about.

mod ending;
mod placing;
mod room;
mod supervising;
mod transferring;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::event::{Command, Event, Refusal, SetTimer, Timer};
use super::policy::Policy;
use super::state::{Call, EndReason, Leg, Party, Place, Stage};
use super::table::Rule;
use super::words::Words;

/// A step being taken: the call as it will be, and what is to be done for it.
pub(super) struct Taking<'a> {
    pub call: Call,
    pub event: &'a Event,
    /// Whose leg the event is about.
    pub subject: Option<Uuid>,
    pub policy: &'a Policy,
    pub now: DateTime<Utc>,
    pub commands: Vec<Command>,
    pub timers: Vec<SetTimer>,
}

impl Taking<'_> {
    /// Carries out a cell of the table.
    pub fn apply(&mut self, rule: Rule) -> Result<(), Refusal> {
        match rule {
            Rule::Note | Rule::Close => {}
            Rule::Place => self.place(),
            Rule::Withdraw => self.withdraw(),
            Rule::RingAgent => self.call.enter(Stage::DialingAgent),
            Rule::RingCustomer => self.ring_customer(),
            Rule::Connect => self.connect(),
            Rule::NoAgent => self.no_agent(),
            Rule::NoCustomer => self.no_customer(),
            Rule::HungUp => self.hung_up(),
            Rule::CustOver => self.customer_over(),
            Rule::DialOver => self.dial_over(),
            Rule::Bring => self.bring(),
            Rule::Ring => self.ringing(),
            Rule::PickUp => self.pick_up(),
            Rule::Accept => self.accept(),
            Rule::Arrive => self.arrive(),
            Rule::BringNext => self.bring_next(),
            Rule::Merge => self.merge(),
            Rule::Swap => self.swap(),
            Rule::Complete => self.complete(),
            Rule::Release => self.release(),
            Rule::Return => self.return_back(),
            Rule::Fail => self.fail(),
            Rule::Cancel => self.cancel()?,
            Rule::Wait => self.wait(),
            Rule::Leave => self.leave(),
            Rule::HandOver => self.hand_over(),
            Rule::Goodbye => self.goodbye(),
            Rule::CustGone => self.customer_gone(),
            Rule::AgentGone => self.agent_gone(),
            Rule::Settle => self.settle(),
            Rule::Control => self.control()?,
            Rule::Remove => self.remove()?,
            Rule::Supervise => self.supervise()?,
            Rule::Dismiss => self.dismiss_supervisor()?,
            Rule::EndAll => self.end_all(),
            Rule::Blame => self.blame(),
            Rule::Ask => self.ask(),
            Rule::Seek => self.seek(),
            Rule::Resend => self.resend(),
            Rule::Watch => self.watch(),
            Rule::Chase => self.chase(),
            Rule::NotYet => return Err(Refusal::NotConnected),
            Rule::Busy => return Err(Refusal::TransferInProgress),
            Rule::NoTrans => return Err(Refusal::NoTransfer),
            Rule::Alone => return Err(Refusal::NotJoined),
            Rule::NotApart => return Err(Refusal::NotConsulting),
            Rule::Late => return Err(Refusal::CallEnded),
        }
        Ok(())
    }

    /// The leg that the event is about.
    fn subject_leg(&self) -> Option<&Leg> {
        self.subject.and_then(|leg_id| self.call.leg(leg_id))
    }

    /// Sends a leg to the room or to the music. What it was to be there, on hold say, does not matter any more. It counts as
    /// out of the room at once: exit flags of a leg on its way would close the room behind it.
    fn send(&mut self, leg_id: Option<Uuid>, place: Place) {
        let Some(leg) = leg_id.and_then(|leg_id| self.call.leg_mut(leg_id)) else { return };
        if leg.is_over() {
            return;
        }
        let leg_id = leg.id;
        leg.sent_to = place;
        leg.on_hold = false;
        leg.in_room = false;
        self.commands.push(match place {
            Place::Music => Command::MoveToMusic { leg_id },
            Place::Gate => Command::AskToAccept { leg_id },
            Place::Room | Place::Start | Place::Goodbye => Command::MoveToRoom { leg_id },
        });
        if place != Place::Gate {
            self.timer(Timer::MoveLimit, self.policy.move_limit_secs);
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

    /// Marks the leg to be ended: at once if Twilio has named it, else as soon as it does.
    fn end_leg(&mut self, leg_id: Uuid) {
        if let Some(leg) = self.call.leg_mut(leg_id) {
            leg.end_wanted = true;
            self.timer(Timer::EndLimit, self.policy.end_limit_secs);
        }
    }

    fn tell_and_end(&mut self, leg_id: Option<Uuid>, words: Words) {
        let Some(leg) = leg_id.and_then(|leg_id| self.call.leg_mut(leg_id)) else { return };
        leg.sent_to = Place::Goodbye;
        let leg_id = leg.id;
        self.commands.push(Command::TellAndEnd { leg_id, words });
    }

    /// Who talks is told and ended, who rings is ended.
    fn dismiss(&mut self, leg_id: Uuid, words: Words) {
        match self.call.leg(leg_id) {
            Some(leg) if leg.is_talking() => self.tell_and_end(Some(leg_id), words),
            Some(leg) if !leg.is_over() => self.end_leg(leg_id),
            _ => {}
        }
    }

    fn ring_limit(&mut self, leg_id: Uuid, ring_timeout_secs: u32) {
        // Twilio adds up to 5 s to every ring; https://www.twilio.com/docs/voice/api/call-resource
        self.timer(Timer::RingLimit { leg_id }, ring_timeout_secs + 5 + self.policy.ring_grace_secs);
    }

    fn timer(&mut self, timer: Timer, after_secs: u32) {
        self.timers.push(SetTimer { timer, after_secs });
    }
}
