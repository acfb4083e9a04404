//! The heart: one call's state and an event give the next state, what to ask Twilio, and which timers to set.
//!
//! Pure: no I/O, no clock, no `await`. [`step`] first *observes* (what does this news mean, is it new at all?), then
//! looks the meaning up in the [`TABLE`], then applies the rule it finds there, then two laws that hold in every state:
//! a leg that was taken back is ended whenever it is seen alive, and a call whose last leg is over has ended.

mod document;
mod event;
mod history;
mod observe;
mod policy;
mod rules;
mod state;
mod table;
#[cfg(test)]
mod tests;
mod words;

use chrono::{DateTime, Utc};

pub use document::table_page;
pub use event::{
    Command, DialEnded, Event, LegProgress, Participant, Refusal, RoomChange, RoomChangeKind, SetTimer,
    Timer, TransferRequest,
};
pub use history::{Change, changes};
pub use policy::Policy;
pub use state::{
    Bridge, Call, CallStatus, EndReason, Failure, Leg, LegStatus, Party, Plan, Role, Stage, Style, Transfer,
    TransferStatus,
};
pub use table::{Row, Rule, TABLE, Trigger, rule};
pub use words::Words;

/// What an event leads to.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// The call as it is now.
    pub call: Call,
    /// What the event meant; `None` if it was no news.
    pub trigger: Option<Trigger>,
    /// What to ask Twilio, at the same time unless two are about one leg; those in this order.
    pub commands: Vec<Command>,
    /// When to be woken.
    pub timers: Vec<SetTimer>,
}

/// Takes one step.
///
/// # Errors
/// A [`Refusal`] when the event is a request that the call's state does not allow; nothing has changed then.
pub fn step(call: &Call, event: &Event, policy: &Policy, now: DateTime<Utc>) -> Result<Step, Refusal> {
    let mut taking =
        rules::Taking { call: call.clone(), event, policy, now, commands: vec![], timers: vec![] };
    let trigger = observe::observe(&mut taking.call, event, now);
    if let Some(trigger) = trigger {
        taking.apply(table::rule(call.stage, trigger))?;
    }
    end_the_taken_back(call, &mut taking);
    close_if_over(&mut taking.call, now);
    Ok(Step { call: taking.call, trigger, commands: taking.commands, timers: taking.timers })
}

/// Whether a command that dials may still be sent: not if the leg was taken back or the call is over.
pub fn is_still_wanted(call: &Call, command: &Command) -> bool {
    let leg = command.leg_id().and_then(|leg_id| call.leg(leg_id));
    !command.dials() || leg.is_some_and(|leg| leg.status == LegStatus::Creating && !leg.end_wanted)
}

/// What the first agent hears next when their `<Dial>` has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AfterDial {
    /// The same room as the customer.
    Room,
    /// These words, if any, and the end.
    HangUp(Option<Words>),
}

/// Answers the Dial action from the call's state after the event was taken in: was that a transfer or a hang-up?
pub fn after_dial(call: &Call) -> AfterDial {
    let is_over = matches!(call.stage, Stage::Ending | Stage::Ended);
    let customer = call.customer();
    if !is_over && call.move_sent && customer.is_some_and(|leg| !leg.is_over()) {
        return AfterDial::Room;
    }
    let was_transferring = call.transfers.last().is_some_and(|it| it.status == TransferStatus::Abandoned);
    AfterDial::HangUp(match customer.and_then(|leg| leg.failure) {
        Some(failure) => Some(Words::CustomerNotReached { failure }),
        None if was_transferring => Some(Words::CustomerLeft),
        None => None,
    })
}

/// A leg that was taken back (cancelled while its create was on its way, say) is ended as soon as it is seen alive.
fn end_the_taken_back(before: &Call, taking: &mut rules::Taking<'_>) {
    let is_ended = taking.call.stage == Stage::Ended;
    for leg in &mut taking.call.legs {
        leg.end_wanted |= is_ended;
        let is_news = before.leg(leg.id) != Some(leg);
        let can_be_ended = leg.end_wanted && leg.call_sid.is_some() && !leg.is_over();
        let command = Command::EndLeg { leg_id: leg.id };
        if is_news && can_be_ended && !taking.commands.contains(&command) {
            taking.commands.push(command);
        }
    }
}

fn close_if_over(call: &mut Call, now: DateTime<Utc>) {
    if call.stage == Stage::Ending && call.ended_by_certain && call.legs.iter().all(Leg::is_over) {
        call.ended_at = Some(now);
        call.enter(Stage::Ended);
    }
}
