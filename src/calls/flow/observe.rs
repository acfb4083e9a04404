//! From raw news to its meaning: notes what an event says about a leg, and tells which [`Trigger`] it amounts to.
//!
//! Here duplicates, late and reordered callbacks are set aside: a leg only ever moves forward, terminal states absorb,
//! and within a conference only higher sequence numbers count.
//! <https://www.twilio.com/docs/voice/twiml#ending-the-call-callback-requests>

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::event::{Command, DialEnded, Event, LegProgress, Participant, RoomChange, RoomChangeKind, Timer};
use super::state::{Call, Failure, Leg, LegStatus, Role, Stage};
use super::table::Trigger;

/// The part a leg plays at the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Customer,
    Agent,
    SecondAgent,
    Nobody,
}

/// Notes the event on the call's legs; `None` when it means nothing new.
pub fn observe(call: &mut Call, event: &Event, now: DateTime<Utc>) -> Option<Trigger> {
    match event {
        Event::Placed => Some(Trigger::Placed),
        Event::TransferRequested(_) => Some(Trigger::TransferRequested),
        Event::CompleteRequested => Some(Trigger::CompleteRequested),
        Event::CancelRequested => Some(Trigger::CancelRequested),
        Event::HangUpRequested { .. } => Some(Trigger::HangUpRequested),
        Event::LegProgressed(progress) => progressed(call, progress, now),
        Event::DialEnded(ended) => dial_ended(call, ended, now),
        Event::RoomChanged(change) => room_changed(call, change, now),
        Event::CommandDone { command, progress } => done(call, command, progress.as_ref(), now),
        Event::CommandRefused { command, gone, failure } => refused(call, command, *gone, *failure, now),
        Event::TimerFired(timer) => fired(call, *timer),
    }
}

fn part(call: &Call, leg_id: Uuid) -> Part {
    let is_second = call.transfer().is_some_and(|transfer| transfer.leg_id == leg_id);
    match call.leg(leg_id) {
        Some(leg) if leg.role == Role::Customer => Part::Customer,
        Some(_) if is_second => Part::SecondAgent,
        Some(_) if call.holder == leg_id => Part::Agent,
        _ => Part::Nobody,
    }
}

fn progressed(call: &mut Call, news: &LegProgress, now: DateTime<Utc>) -> Option<Trigger> {
    let part = part(call, news.leg_id);
    let leg = call.leg_mut(news.leg_id)?;
    if leg.call_sid.as_ref().is_some_and(|sid| *sid != news.call_sid) {
        return None;
    }
    let is_first_news = leg.call_sid.is_none();
    leg.call_sid.get_or_insert_with(|| news.call_sid.clone());
    leg.parent_call_sid = leg.parent_call_sid.take().or_else(|| news.parent_call_sid.clone());
    leg.sequence = leg.sequence.max(news.sequence);
    if is_first_news && leg.end_wanted && leg.status == LegStatus::Failed && !news.status.is_terminal() {
        leg.status = news.status; // its create was given up, and had its effect all the same: it will be ended
        return None;
    }
    if news.status <= leg.status || leg.status.is_terminal() {
        return None;
    }
    leg.status = news.status;
    let was_gone = leg.gone;
    match news.status {
        LegStatus::InProgress => leg.answered_at = leg.answered_at.or(Some(now)),
        status if status.is_terminal() => {
            leg.ended_at = leg.ended_at.or(Some(now));
            leg.in_room = false;
            leg.failure = leg.failure.or_else(|| failure_of(status, news.sip_code));
        }
        _ => {}
    }
    if was_gone { None } else { meaning(part, leg) }
}

/// What Twilio's terminal status says of a leg that nobody answered. SIP 603 is a person's refusal, 480 a phone that
/// is away; the status alone cannot tell these from an engaged or a wrong number.
fn failure_of(status: LegStatus, sip_code: Option<u16>) -> Option<Failure> {
    match (status, sip_code) {
        (LegStatus::Busy | LegStatus::NoAnswer, Some(603)) => Some(Failure::Declined),
        (LegStatus::Busy, _) => Some(Failure::Busy),
        (LegStatus::NoAnswer, _) | (LegStatus::Failed, Some(480)) => Some(Failure::NoAnswer),
        (LegStatus::Failed, _) => Some(Failure::Unreachable),
        (LegStatus::Canceled, _) => Some(Failure::NoAnswer),
        _ => None,
    }
}

/// What a leg's new status means, by the part it plays.
fn meaning(part: Part, leg: &Leg) -> Option<Trigger> {
    let is_over = leg.gone || leg.status.is_terminal();
    let was_on_line = leg.answered_at.is_some() || leg.status == LegStatus::Completed;
    let trigger = match (part, leg.status) {
        (Part::Customer, _) if is_over && was_on_line => Trigger::CustomerLeft,
        (Part::Customer, _) if is_over => Trigger::CustomerFailed,
        (Part::Agent, _) if is_over && was_on_line => Trigger::AgentLeft,
        (Part::Agent, _) if is_over => Trigger::AgentFailed,
        (Part::SecondAgent, _) if is_over && was_on_line => Trigger::SecondAgentLeft,
        (Part::SecondAgent, _) if is_over => Trigger::SecondAgentFailed,
        (Part::Nobody, _) if is_over => Trigger::LegOver,
        (Part::Customer, LegStatus::InProgress) => Trigger::CustomerAnswered,
        (Part::Customer, LegStatus::Initiated | LegStatus::Ringing) => Trigger::CustomerRinging,
        (Part::Agent, LegStatus::InProgress) => Trigger::AgentAnswered,
        (Part::Agent, _) => Trigger::AgentDialled,
        (Part::SecondAgent, LegStatus::InProgress) if leg.in_room => Trigger::SecondAgentJoined,
        (Part::SecondAgent, LegStatus::InProgress) => Trigger::SecondAgentAnswered,
        (Part::SecondAgent, LegStatus::Ringing) => Trigger::SecondAgentRinging,
        _ => return None,
    };
    Some(trigger)
}

/// Notes that nobody is on the leg any more, before its last callback says so.
fn gone(call: &mut Call, leg_id: Uuid, now: DateTime<Utc>) -> Option<Trigger> {
    let part = part(call, leg_id);
    let leg = call.leg_mut(leg_id)?;
    if leg.gone || leg.status.is_terminal() {
        return None;
    }
    leg.gone = true;
    leg.in_room = false;
    leg.ended_at = leg.ended_at.or(Some(now));
    meaning(part, leg)
}

fn dial_ended(call: &mut Call, ended: &DialEnded, now: DateTime<Utc>) -> Option<Trigger> {
    if !ended.agent_on_line {
        let first = call.legs.iter().find(|leg| leg.role == Role::FirstAgent)?.id;
        return gone(call, first, now);
    }
    call.dial_ended = true;
    let customer = call.legs.iter_mut().find(|leg| leg.role == Role::Customer)?;
    let unreached = ended.dial_status.and_then(|status| failure_of(status, None));
    if customer.answered_at.is_some() || customer.status.is_terminal() || unreached.is_none() {
        return Some(Trigger::DialEnded);
    }
    customer.status = ended.dial_status.unwrap_or(LegStatus::Failed);
    customer.failure = unreached;
    customer.ended_at = Some(now);
    Some(Trigger::CustomerFailed)
}

fn room_changed(call: &mut Call, change: &RoomChange, now: DateTime<Utc>) -> Option<Trigger> {
    let opens = matches!(change.kind, RoomChangeKind::Joined { .. }) || call.conference_sid.is_none();
    if call.conference_sid.as_ref() != Some(&change.conference_sid) {
        if !opens {
            return None; // late news of an earlier conference of the same name
        }
        call.conference_sid = Some(change.conference_sid.clone());
        call.legs.iter_mut().for_each(|leg| leg.room_sequence = None);
    }
    match &change.kind {
        RoomChangeKind::Joined(participant) => {
            let leg_id = leg_of(call, participant)?;
            let part = part(call, leg_id);
            let leg = fresh_participant(call, leg_id, change.sequence)?;
            leg.call_sid.get_or_insert_with(|| participant.call_sid.clone());
            leg.in_room = true;
            leg.ends_room = false; // as its document says
            joined(part, leg, now)
        }
        RoomChangeKind::Left { participant, status, hung_up } => {
            let leg_id = leg_of(call, participant)?;
            if *hung_up {
                was_first(call, leg_id);
            }
            fresh_participant(call, leg_id, change.sequence)?.in_room = false;
            // A leg that could not be added reports itself, with the SIP code that tells a refusal from an absence.
            if *status == Some(LegStatus::Completed) { gone(call, leg_id, now) } else { None }
        }
        RoomChangeKind::Ended { by } => {
            if let Some(leg_id) = by.as_ref().and_then(|sid| call.leg_by_sid(sid)).map(|leg| leg.id) {
                was_first(call, leg_id);
            }
            for leg in &mut call.legs {
                leg.in_room = false;
                leg.room_sequence = leg.room_sequence.max(change.sequence);
            }
            None
        }
        RoomChangeKind::Other => None,
    }
}

/// By the label we gave, or by SID where Twilio sends no label.
fn leg_of(call: &Call, participant: &Participant) -> Option<Uuid> {
    participant.label.or_else(|| call.leg_by_sid(&participant.call_sid).map(|leg| leg.id))
}

/// The leg, unless this news of it is older than what is known.
fn fresh_participant(call: &mut Call, leg_id: Uuid, sequence: Option<i64>) -> Option<&mut Leg> {
    let leg = call.leg_mut(leg_id)?;
    let is_stale = sequence.is_some() && leg.room_sequence >= sequence;
    if is_stale || leg.gone || leg.status.is_terminal() {
        return None;
    }
    leg.room_sequence = leg.room_sequence.max(sequence);
    Some(leg)
}

fn joined(part: Part, leg: &mut Leg, now: DateTime<Utc>) -> Option<Trigger> {
    match part {
        Part::Customer | Part::Agent => {
            // Only an answered leg runs the document that leads here.
            leg.status = LegStatus::InProgress;
            leg.answered_at = leg.answered_at.or(Some(now));
            Some(Trigger::Gathered)
        }
        // With early media a leg may join while it still rings: present means answered as well.
        Part::SecondAgent if leg.status == LegStatus::InProgress => Some(Trigger::SecondAgentJoined),
        _ => None,
    }
}

/// Evidence that this person hung up first. It may be the first news of the end, or come when the call is ending and does
/// not know yet who did it.
fn was_first(call: &mut Call, leg_id: Uuid) {
    let is_one_of_two = matches!(part(call, leg_id), Part::Customer | Part::Agent);
    let is_open = matches!(call.stage, Stage::InRoom | Stage::Ending) && !call.ended_by_certain;
    let role = call.leg(leg_id).map(|leg| leg.role);
    if let Some(role) = role.filter(|_| is_one_of_two && is_open) {
        call.ended_by = Some(role.into());
        call.ended_by_certain = true;
    }
}

fn done(
    call: &mut Call,
    command: &Command,
    news: Option<&LegProgress>,
    now: DateTime<Utc>,
) -> Option<Trigger> {
    match command {
        Command::CreateCall { .. } | Command::CreateParticipant { .. } => progressed(call, news?, now),
        Command::EndLeg { leg_id } => gone(call, *leg_id, now),
        Command::FetchLeg { leg_id } => fetched(call, *leg_id, news?, now),
        Command::SetEndConferenceOnExit { leg_id, value, .. } => {
            call.leg_mut(*leg_id)?.ends_room = *value;
            None
        }
        Command::MoveToRoom { .. }
        | Command::TellAndEnd { .. }
        | Command::Announce { .. }
        | Command::LookIntoRoom => None,
    }
}

/// Twilio was asked about a leg whose news was overdue: one that still rings has rung long enough.
fn fetched(call: &mut Call, leg_id: Uuid, news: &LegProgress, now: DateTime<Utc>) -> Option<Trigger> {
    if news.status >= LegStatus::InProgress {
        return progressed(call, news, now);
    }
    let part = part(call, leg_id);
    let leg = call.leg_mut(leg_id)?;
    if leg.status >= LegStatus::InProgress || leg.gone {
        return None;
    }
    leg.end_wanted = true;
    leg.failure = Some(Failure::NoAnswer);
    match part {
        Part::Agent => Some(Trigger::AgentFailed),
        Part::SecondAgent => Some(Trigger::SecondAgentFailed),
        Part::Customer | Part::Nobody => None,
    }
}

fn refused(
    call: &mut Call,
    command: &Command,
    is_gone: bool,
    failure: Failure,
    now: DateTime<Utc>,
) -> Option<Trigger> {
    let leg_id = command.leg_id()?;
    match command {
        Command::CreateCall { .. } | Command::CreateParticipant { .. } => {
            let part = part(call, leg_id);
            let leg = call.leg_mut(leg_id)?;
            if leg.call_sid.is_some() {
                return None; // a callback has proved that it was placed
            }
            leg.status = LegStatus::Failed;
            leg.end_wanted = true; // should it exist after all
            leg.failure = Some(failure);
            leg.ended_at = Some(now);
            meaning(part, leg)
        }
        Command::SetEndConferenceOnExit { .. } | Command::Announce { .. } => None,
        _ if is_gone => gone(call, leg_id, now),
        Command::MoveToRoom { .. } => Some(Trigger::MoveRefused),
        Command::TellAndEnd { .. } => {
            call.leg_mut(leg_id)?.end_wanted = true;
            None
        }
        Command::EndLeg { .. } | Command::FetchLeg { .. } | Command::LookIntoRoom => None,
    }
}

fn fired(call: &Call, timer: Timer) -> Option<Trigger> {
    match timer {
        Timer::RingLimit { leg_id } => {
            let leg = call.leg(leg_id)?;
            let is_unresolved = !leg.is_over() && !leg.end_wanted && leg.status < LegStatus::InProgress;
            (is_unresolved && part(call, leg_id) != Part::Nobody).then_some(Trigger::RingOverdue)
        }
        Timer::MoveLimit => Some(Trigger::MoveOverdue),
        Timer::EndLimit => Some(Trigger::EndOverdue),
    }
}
