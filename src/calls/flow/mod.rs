//! The heart: one call's state and an event give the next state, what to ask Twilio, and which timers to set.
//!
//! Pure: no I/O, no clock, no `await`. [`step`] first *observes* (what does this news mean, is it new at all?), then
//! looks the meaning up in the [`TABLE`], then applies the rule it finds there, then six laws that hold in every state:
//! supervisors are rung when they can listen in, and leave when the call is over; whoever is in the room is on hold or muted
//! there if that is wanted, or else the customer would hear nothing; supervisors are heard by whom they want; a hold that was
//! refused is undone; a leg that was taken back is ended whenever it is seen alive; and a call whose last leg is over has
//! ended.

mod document;
mod event;
mod hearing;
mod history;
#[cfg(test)]
mod model;
mod observe;
mod policy;
mod rules;
mod state;
mod table;
#[cfg(test)]
mod tests;
mod words;

use chrono::{DateTime, Utc};
use uuid::Uuid;

pub use document::table_page;
pub use event::{
    Command, Control, DialEnded, Event, Explanation, GateAnswer, LegProgress, Participant, Refusal,
    RoomChange, RoomChangeKind, SetTimer, SuperviseRequest, Target, Timer, TransferRequest,
};
pub use hearing::{Hears, Presence, Standing, standings};
pub use history::{Change, changes};
pub use policy::{AgentLeavesEarly, CustomerLeavesConsult, NobodyLeft, Policy, TargetFails};
pub use state::{
    Bridge, Call, CallStatus, EndReason, Failure, Leg, LegStatus, Monitor, Party, Place, Plan, Ring, Role,
    Stage, Style, Transfer, TransferStatus,
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
    step_with(table::rule, call, event, policy, now)
}

/// [`step`], by any table: the search is to find what is wrong with a wrong one.
fn step_with(
    rules: fn(Stage, Trigger) -> Rule,
    call: &Call,
    event: &Event,
    policy: &Policy,
    now: DateTime<Utc>,
) -> Result<Step, Refusal> {
    let subject = observe::subject(call, event);
    let mut taking =
        rules::Taking { call: call.clone(), event, subject, policy, now, commands: vec![], timers: vec![] };
    let trigger = observe::observe(&mut taking.call, event, now);
    if let Some(trigger) = trigger {
        taking.apply(rules(call.stage, trigger))?;
    }
    taking.keep_supervisors();
    keep_wishes(call, &mut taking);
    keep_monitors(call, &mut taking);
    undo_a_refused_hold(&mut taking);
    end_the_taken_back(call, &mut taking);
    close_if_over(&mut taking.call, now);
    Ok(Step { call: taking.call, trigger, commands: taking.commands, timers: taking.timers })
}

/// Whether a command may still be sent: nobody is dialled who was taken back, and nobody is sent where they should not be
/// any more, as they might hear what is not meant for them.
pub fn is_still_wanted(call: &Call, command: &Command) -> bool {
    let Some(leg) = command.leg_id().and_then(|leg_id| call.leg(leg_id)) else { return true };
    match command {
        Command::CreateCall { .. } | Command::CreateParticipant { .. } => {
            leg.status == LegStatus::Creating && !leg.end_wanted
        }
        Command::MoveToRoom { .. } => leg.sent_to == Place::Room,
        Command::MoveToMusic { .. } => leg.sent_to == Place::Music,
        Command::AskToAccept { .. } => leg.sent_to == Place::Gate,
        _ => true,
    }
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
    if !is_over && call.has_left_bridge() && customer.is_some_and(|leg| !leg.is_over()) {
        let is_blind = call.transfers.last().is_some_and(|transfer| transfer.style == Style::Blind);
        return if is_blind { AfterDial::HangUp(Some(Words::HandedOver)) } else { AfterDial::Room };
    }
    let was_transferring = call.transfers.last().is_some_and(|it| it.status == TransferStatus::Abandoned);
    AfterDial::HangUp(match customer.and_then(|leg| leg.failure) {
        Some(failure) => Some(Words::CustomerNotReached { failure }),
        None if was_transferring => Some(Words::CustomerLeft),
        None => None,
    })
}

/// What a second agent hears who takes the call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AfterGate {
    /// The room.
    Room,
    /// These words, and the end: a colleague was faster, or the transfer is over.
    HangUp(Words),
}

/// Answers a second agent's acceptance from the call's state after the event was taken in.
pub fn after_gate(call: &Call, leg_id: Uuid) -> AfterGate {
    let leg = call.leg(leg_id);
    let is_expected = leg.is_some_and(|leg| leg.sent_to == Place::Room && !leg.end_wanted && !leg.is_over());
    let transfer = leg.and_then(|leg| call.transfers.iter().find(|it| Some(it.id) == leg.transfer_id));
    let Some(transfer) = transfer.filter(|transfer| transfer.taken) else {
        return AfterGate::HangUp(Words::NotNeeded);
    };
    let is_over = matches!(call.stage, Stage::Ending | Stage::Ended);
    if transfer.leg_id == leg_id && is_expected && !is_over {
        return AfterGate::Room;
    }
    match call.leg(transfer.leg_id).filter(|taker| taker.id != leg_id) {
        Some(taker) => AfterGate::HangUp(Words::TakenBy { name: taker.name.clone() }),
        None => AfterGate::HangUp(Words::NotNeeded),
    }
}

/// Puts on hold and mutes whoever is to be so: for whoever comes into the room, which knows nothing of it, that is asked
/// again. Holds end first, as Twilio ignores a change of the exit flag of whoever is on hold.
fn keep_wishes(before: &Call, taking: &mut rules::Taking<'_>) {
    let Some(conference_sid) = &taking.call.conference_sid else { return };
    for leg in taking.call.legs.iter().filter(|leg| leg.in_room) {
        let (leg_id, conference_sid) = (leg.id, conference_sid.clone());
        let was_here = before.leg(leg_id).filter(|leg| leg.in_room);
        let was_held = was_here.is_some_and(|leg| before.is_held(leg));
        match (was_held, taking.call.is_held(leg)) {
            (false, true) => {
                taking.commands.push(Command::SetHold {
                    conference_sid: conference_sid.clone(),
                    leg_id,
                    value: true,
                });
            }
            (true, false) => {
                let resume =
                    Command::SetHold { conference_sid: conference_sid.clone(), leg_id, value: false };
                taking.commands.insert(0, resume);
            }
            _ => {}
        }
        if was_here.is_some_and(|leg| leg.muted) != leg.muted {
            taking.commands.push(Command::SetMuted { conference_sid, leg_id, value: leg.muted });
        }
    }
}

/// Supervisors come in unheard; by whom they are heard is said as soon as it can be, and again when it changes.
fn keep_monitors(before: &Call, taking: &mut rules::Taking<'_>) {
    let Some(conference_sid) = &taking.call.conference_sid else { return };
    for leg in taking.call.legs.iter().filter(|leg| leg.in_room && leg.monitor.is_some()) {
        let was_here = before.leg(leg.id).filter(|leg| leg.in_room);
        let was = was_here.map_or((Monitor::Listen, None), |leg| before.monitoring(leg));
        let (monitor, coached) = taking.call.monitoring(leg);
        if was != (monitor, coached) {
            let (conference_sid, leg_id) = (conference_sid.clone(), leg.id);
            taking.commands.push(Command::SetMonitor { conference_sid, leg_id, monitor, coached });
        }
    }
}

/// A hold that Twilio is believed to have refused may have happened: nobody is to hear music that nobody knows of.
fn undo_a_refused_hold(taking: &mut rules::Taking<'_>) {
    let Event::CommandRefused { command: Command::SetHold { conference_sid, leg_id, value: true }, .. } =
        taking.event
    else {
        return;
    };
    let undo = Command::SetHold { conference_sid: conference_sid.clone(), leg_id: *leg_id, value: false };
    let is_to_hear = taking.call.leg(*leg_id).is_some_and(|leg| leg.in_room && !taking.call.is_held(leg));
    if is_to_hear && !taking.commands.contains(&undo) {
        taking.commands.push(undo);
    }
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
