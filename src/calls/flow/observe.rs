//! From raw news to its meaning: notes what an event says about a leg, and tells which [`Trigger`] it amounts to.
//!
//! Here duplicates, late and reordered callbacks are set aside: a leg only ever moves forward, terminal states absorb,
//! and within a conference only higher sequence numbers count.
//! <https://www.twilio.com/docs/voice/twiml#ending-the-call-callback-requests>

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::event::{
    Command, DialEnded, Event, Explanation, GateAnswer, LegProgress, Participant, RoomChange, RoomChangeKind,
    Timer,
};
use super::state::{Bridge, Call, Failure, Leg, LegStatus, Monitor, Place, Ring, Role, Stage};
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
        Event::Withdrawn { .. } => Some(Trigger::Withdrawn),
        Event::TransferRequested(_) => Some(Trigger::TransferRequested),
        Event::CompleteRequested => Some(Trigger::CompleteRequested),
        Event::CancelRequested => Some(Trigger::CancelRequested),
        Event::HangUpRequested { .. } => Some(Trigger::HangUpRequested),
        Event::MergeRequested => Some(Trigger::MergeRequested),
        Event::SwapRequested => Some(Trigger::SwapRequested),
        Event::ControlRequested { .. } => Some(Trigger::ControlRequested),
        Event::RemoveRequested { .. } => Some(Trigger::RemoveRequested),
        Event::SuperviseRequested(_) => Some(Trigger::SuperviseRequested),
        Event::SuperviseEndRequested { .. } => Some(Trigger::SuperviseEndRequested),
        Event::MusicStarted { leg_id, transfer_id } => music_started(call, *leg_id, *transfer_id),
        Event::GateAnswered { leg_id, answer } => gate_answered(call, *leg_id, *answer, now),
        Event::LegProgressed(progress) => progressed(call, progress, now),
        Event::DialEnded(ended) => dial_ended(call, ended, now),
        Event::RoomChanged(change) => room_changed(call, change, now),
        Event::CommandDone { command, progress } => done(call, command, progress.as_ref(), now),
        Event::CommandRefused { command, gone, failure, why } => {
            refused(call, command, *gone, (*failure, why.as_ref()), now)
        }
        Event::TimerFired(timer) => fired(call, *timer),
    }
}

/// Whose leg the event is about, if it is about one.
pub fn subject(call: &Call, event: &Event) -> Option<Uuid> {
    match event {
        Event::LegProgressed(progress) => Some(progress.leg_id),
        Event::MusicStarted { leg_id, .. } | Event::GateAnswered { leg_id, .. } => Some(*leg_id),
        Event::RoomChanged(RoomChange {
            kind: RoomChangeKind::Joined(participant) | RoomChangeKind::Left { participant, .. },
            ..
        }) => leg_of(call, participant),
        Event::CommandDone { command, .. } | Event::CommandRefused { command, .. } => command.leg_id(),
        Event::TimerFired(Timer::RingLimit { leg_id } | Timer::AcceptLimit { leg_id }) => Some(*leg_id),
        _ => None,
    }
}

fn part(call: &Call, leg_id: Uuid) -> Part {
    let is_second = call.transfer().is_some_and(|transfer| {
        let is_rival = transfer.ring == Ring::Together && !transfer.taken;
        let is_target = call.leg(leg_id).is_some_and(|leg| leg.transfer_id == Some(transfer.id));
        transfer.leg_id == leg_id || (is_target && is_rival)
    });
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
    let must_accept = must_accept(call, news.leg_id);
    let leg = call.leg(news.leg_id)?;
    if was_gone { None } else { meaning(part, leg, must_accept) }
}

/// Whether this leg is a second agent's who has not yet said that they take the call.
fn must_accept(call: &Call, leg_id: Uuid) -> bool {
    let is_asked = call.transfer().is_some_and(|transfer| transfer.require_accept && !transfer.taken);
    is_asked && part(call, leg_id) == Part::SecondAgent
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
fn meaning(part: Part, leg: &Leg, must_accept: bool) -> Option<Trigger> {
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
        (Part::SecondAgent, LegStatus::InProgress) if leg.in_room && !must_accept => {
            Trigger::SecondAgentJoined
        }
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
    meaning(part, leg, false)
}

/// Who asks for the music is out of the room, and off the bridge. The first matters only while somebody else waits for it;
/// music without a recording asks again and again. What an earlier transfer has sent there may ask late, and be back in the
/// room; and whoever is on hold asks from inside.
fn music_started(call: &mut Call, leg_id: Uuid, transfer_id: Option<Uuid>) -> Option<Trigger> {
    let current = call.transfers.last().map(|transfer| transfer.id);
    if transfer_id.is_none() || transfer_id != current {
        return None;
    }
    let leg = call.leg_mut(leg_id).filter(|leg| leg.sent_to == Place::Music)?;
    leg.in_room = false;
    let is_customer = leg.role == Role::Customer;
    call.dial_ended |= is_customer && call.bridge == Bridge::Dial;
    is_awaited_outside(call, leg_id).then_some(Trigger::Parked)
}

/// Whether somebody may come in as soon as this leg is out. Who is to come in themselves is out already.
fn is_awaited_outside(call: &Call, leg_id: Uuid) -> bool {
    let is_sent = call.leg(leg_id).is_some_and(|leg| leg.sent_to == Place::Music);
    is_sent && call.next_in.is_some_and(|next| next != leg_id)
}

/// Who does not take the call hears a goodbye from the gate itself, so their leg is as good as over.
fn gate_answered(call: &mut Call, leg_id: Uuid, answer: GateAnswer, now: DateTime<Utc>) -> Option<Trigger> {
    let is_asked = part(call, leg_id) == Part::SecondAgent;
    let leg = call.leg_mut(leg_id).filter(|leg| is_asked && leg.sent_to == Place::Gate && !leg.is_over())?;
    leg.failure = match answer {
        GateAnswer::Accepted => return Some(Trigger::SecondAgentAccepted),
        GateAnswer::Declined => Some(Failure::Declined),
        GateAnswer::Silent => Some(Failure::NoAnswer),
    };
    leg.gone = true;
    leg.in_room = false;
    leg.ended_at = leg.ended_at.or(Some(now));
    Some(Trigger::SecondAgentDeclined)
}

fn dial_ended(call: &mut Call, ended: &DialEnded, now: DateTime<Utc>) -> Option<Trigger> {
    if !ended.agent_on_line {
        let first = call.legs.iter().find(|leg| leg.role == Role::FirstAgent)?.id;
        return gone(call, first, now);
    }
    call.dial_ended = true;
    let customer = call.legs.iter_mut().find(|leg| leg.role == Role::Customer)?;
    // The fallback of the document that was to dial them: there was no Dial.
    let was_never_dialled = ended.dial_status.is_none() && customer.status == LegStatus::Unplaced;
    let unreached = match ended.dial_status {
        Some(status) => failure_of(status, None),
        None => was_never_dialled.then_some(Failure::Error),
    };
    if customer.answered_at.is_some() || customer.status.is_terminal() || unreached.is_none() {
        return Some(Trigger::DialEnded);
    }
    customer.status = ended.dial_status.unwrap_or(LegStatus::Failed);
    customer.failure = unreached;
    customer.explain(ended.why.as_ref());
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
        for leg in &mut call.legs {
            (leg.room_sequence, leg.in_room, leg.ends_room) = (None, false, false);
        }
    }
    match &change.kind {
        RoomChangeKind::Joined(participant) => {
            let leg_id = leg_of(call, participant)?;
            let part = part(call, leg_id);
            let (must_accept, bridge) = (must_accept(call, leg_id), call.bridge);
            let leg = fresh_participant(call, leg_id, change.sequence)?;
            leg.call_sid.get_or_insert_with(|| participant.call_sid.clone());
            let is_no_news = leg.in_room && change.sequence.is_none();
            leg.in_room = true;
            leg.ends_room &= is_no_news; // who comes in has the flag that their document says
            let meaning = if must_accept { None } else { joined(part, leg, bridge, now) };
            call.dial_ended |= part == Part::Customer && bridge == Bridge::Dial;
            meaning
        }
        RoomChangeKind::Left { participant, status, hung_up } => {
            let leg_id = leg_of(call, participant)?;
            if *hung_up {
                was_first(call, leg_id);
            }
            let leg = fresh_participant(call, leg_id, change.sequence)?;
            leg.in_room = false;
            // A leg that could not be added reports itself, with the SIP code that tells a refusal from an absence.
            if *status == Some(LegStatus::Completed) {
                return gone(call, leg_id, now);
            }
            None // a move to the room makes them leave it, too: only the music proves that they are outside
        }
        RoomChangeKind::Ended { by } => {
            // Whom we sent away closed the room by our doing.
            let closer = by.as_ref().and_then(|sid| call.leg_by_sid(sid));
            if let Some(leg_id) = closer.filter(|leg| leg.sent_to != Place::Goodbye).map(|leg| leg.id) {
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

/// A leg that REST added may join while it still rings, with early media: present means answered as well.
fn joined(part: Part, leg: &mut Leg, bridge: Bridge, now: DateTime<Utc>) -> Option<Trigger> {
    let was_added = leg.transfer_id.is_some() || (leg.role == Role::Customer && bridge == Bridge::Room);
    let may_ring = was_added && leg.sent_to == Place::Start && leg.status < LegStatus::InProgress;
    match part {
        _ if may_ring => None,
        Part::Customer | Part::Agent => {
            // Only an answered leg runs the document that leads here.
            leg.status = LegStatus::InProgress;
            leg.answered_at = leg.answered_at.or(Some(now));
            Some(Trigger::Gathered)
        }
        Part::SecondAgent => {
            leg.status = LegStatus::InProgress;
            leg.answered_at = leg.answered_at.or(Some(now));
            Some(Trigger::SecondAgentJoined)
        }
        Part::Nobody => None,
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
        Command::FetchLeg { leg_id, overdue: true } => fetched(call, *leg_id, news?, now),
        Command::FetchLeg { .. } | Command::FindCustomer { .. } => progressed(call, news?, now),
        Command::SetEndConferenceOnExit { leg_id, value, .. } => {
            call.leg_mut(*leg_id)?.ends_room = *value;
            None
        }
        Command::MoveToRoom { .. }
        | Command::MoveToMusic { .. }
        | Command::AskToAccept { .. }
        | Command::SetHold { .. }
        | Command::SetMuted { .. }
        | Command::SetMonitor { .. }
        | Command::TellAndEnd { .. }
        | Command::Announce { .. } => None,
        Command::LookIntoRoom => looked(call),
    }
}

/// Whom Twilio did not see in the room, of those who were to leave it, is out.
fn looked(call: &Call) -> Option<Trigger> {
    let is_out = |leg: &&Leg| !leg.in_room && !leg.is_over() && is_awaited_outside(call, leg.id);
    call.legs.iter().find(is_out).map(|_| Trigger::Parked)
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
        Part::Customer => Some(Trigger::CustomerFailed),
        Part::Nobody => None,
    }
}

fn refused(
    call: &mut Call,
    command: &Command,
    is_gone: bool,
    (failure, why): (Failure, Option<&Explanation>),
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
            leg.explain(why);
            leg.ended_at = Some(now);
            meaning(part, leg, false)
        }
        // Whoever is not in the room is neither held nor muted; what is wanted of them counts when they come.
        Command::SetHold { .. } | Command::SetMuted { .. } | Command::SetMonitor { .. } if is_gone => None,
        Command::SetHold { value, .. } => {
            call.leg_mut(leg_id)?.on_hold = !value;
            None
        }
        Command::SetMuted { value, .. } => {
            call.leg_mut(leg_id)?.muted = !value;
            None
        }
        // They are heard by nobody then, and told so by the screen.
        Command::SetMonitor { .. } => {
            call.leg_mut(leg_id)?.monitor = Some(Monitor::Listen);
            None
        }
        Command::SetEndConferenceOnExit { conference_sid, .. } => {
            let is_news = is_gone && call.conference_sid.as_ref() == Some(conference_sid);
            call.leg_mut(leg_id).filter(|leg| is_news && leg.in_room)?.in_room = false;
            Some(Trigger::MoveOverdue) // they have left unheard: time to ask where they are
        }
        Command::Announce { .. } => None,
        _ if is_gone => gone(call, leg_id, now),
        Command::MoveToRoom { .. } | Command::MoveToMusic { .. } => Some(Trigger::MoveRefused),
        Command::AskToAccept { .. } => {
            let leg = call.leg_mut(leg_id)?;
            leg.failure = Some(Failure::Error);
            leg.explain(why);
            leg.end_wanted = true;
            (part(call, leg_id) == Part::SecondAgent).then_some(Trigger::SecondAgentDeclined)
        }
        Command::TellAndEnd { .. } => {
            call.leg_mut(leg_id)?.end_wanted = true;
            None
        }
        Command::EndLeg { .. }
        | Command::FetchLeg { .. }
        | Command::FindCustomer { .. }
        | Command::LookIntoRoom => None,
    }
}

fn fired(call: &mut Call, timer: Timer) -> Option<Trigger> {
    match timer {
        Timer::RingLimit { leg_id } => {
            let leg = call.leg(leg_id)?;
            let is_unheard = leg.role == Role::Customer && leg.status == LegStatus::Unplaced && !leg.gone;
            let is_unresolved =
                (is_unheard || !leg.is_over()) && !leg.end_wanted && leg.status < LegStatus::InProgress;
            (is_unresolved && part(call, leg_id) != Part::Nobody).then_some(Trigger::RingOverdue)
        }
        Timer::AcceptLimit { leg_id } => {
            let is_asked = part(call, leg_id) == Part::SecondAgent;
            let leg = call.leg_mut(leg_id).filter(|leg| leg.sent_to == Place::Gate && !leg.is_over())?;
            leg.failure = leg.failure.or(Some(Failure::NoAnswer));
            leg.end_wanted = true;
            is_asked.then_some(Trigger::SecondAgentDeclined)
        }
        Timer::MoveLimit => Some(Trigger::MoveOverdue),
        Timer::MoveAgain => Some(Trigger::MoveLost),
        Timer::ConsultLimit { transfer_id } => {
            let is_current = call.transfer().is_some_and(|transfer| transfer.id == transfer_id);
            is_current.then_some(Trigger::ConsultOverdue)
        }
        Timer::Watch => Some(Trigger::WatchDue),
        Timer::EndLimit => Some(Trigger::EndOverdue),
    }
}
