//! A command of the flow, in Twilio's words: which REST request it is, with all its parameters. Pure.

use uuid::Uuid;

use super::flow::{Bridge, Call, Command, Failure, Leg, LegStatus, Monitor, Ring, Role, Transfer};
use crate::telephony::{Address, CallSid, ConferenceSid};
use crate::twilio::{
    CallStatus, CallUpdate, ConferenceUpdate, CreateCall, CreateParticipant, ParticipantUpdate, TwilioError,
};
use crate::twiml::{Beep, CallEvent, Callback, Method};
use crate::voice::documents::CONFERENCE_EVENTS;
use crate::voice::links::{Gate, InRoom, Links, Music};

/// One REST request.
#[derive(Debug)]
pub enum Request {
    /// Calls create.
    CreateCall(CreateCall),
    /// Participants create, in the room of this name or SID.
    CreateParticipant(String, CreateParticipant),
    /// Calls update.
    UpdateCall(CallSid, CallUpdate),
    /// Calls fetch.
    FetchCall(CallSid),
    /// Calls list: the children of this leg.
    FindChild(CallSid),
    /// Participants list, of the conference with this SID or else the one that bears this name now.
    ListParticipants(Option<ConferenceSid>, String),
    /// Conferences update.
    UpdateConference(ConferenceSid, ConferenceUpdate),
    /// Participants update.
    UpdateParticipant(ConferenceSid, CallSid, ParticipantUpdate),
}

/// The request that carries the command out; `None` when the leg it is about is not known to Twilio.
pub fn request(links: &Links, call: &Call, command: &Command) -> Option<Request> {
    let leg = command.leg_id().and_then(|leg_id| call.leg(leg_id));
    let sid = leg.and_then(|leg| leg.call_sid.clone());
    Some(match command {
        Command::CreateCall { .. } => Request::CreateCall(create_call(links, call, leg?)?),
        Command::CreateParticipant { .. } => {
            // By name, as every other leg: the room may close meanwhile, when all who are in it wait outside, and whoever
            // comes first opens it again.
            Request::CreateParticipant(call.room.clone(), create_participant(links, call, leg?))
        }
        Command::MoveToRoom { leg_id } => {
            let query = InRoom { call: call.id, leg: *leg_id, room: call.room.clone() };
            Request::UpdateCall(sid?, move_to(call, links.conference(&query)))
        }
        Command::MoveToMusic { leg_id } => {
            let transfer = call.transfers.last().map(|transfer| transfer.id);
            let query = Music { call: call.id, leg: *leg_id, transfer };
            Request::UpdateCall(sid?, move_to(call, links.music(&query)))
        }
        Command::AskToAccept { leg_id } => {
            Request::UpdateCall(sid?, move_to(call, links.accept(&gate(call, *leg_id))))
        }
        Command::TellAndEnd { words, .. } => {
            Request::UpdateCall(sid?, move_to(call, links.goodbye(call.id, words)))
        }
        Command::EndLeg { .. } => Request::UpdateCall(sid?, CallUpdate::Complete),
        Command::FetchLeg { .. } => Request::FetchCall(sid?),
        Command::FindCustomer { .. } => Request::FindChild(call.legs.first()?.call_sid.clone()?),
        Command::LookIntoRoom => Request::ListParticipants(call.conference_sid.clone(), call.room.clone()),
        Command::Announce { conference_sid, words } => {
            let update = ConferenceUpdate::Announce {
                url: links.announce(call.id, words),
                method: Some(Method::Post),
            };
            Request::UpdateConference(conference_sid.clone(), update)
        }
        Command::SetEndConferenceOnExit { conference_sid, value, .. } => {
            let update = ParticipantUpdate { end_conference_on_exit: Some(*value), ..Default::default() };
            Request::UpdateParticipant(conference_sid.clone(), sid?, update)
        }
        Command::SetHold { conference_sid, value, leg_id } => {
            let query = Music { call: call.id, leg: *leg_id, transfer: None };
            let update = ParticipantUpdate {
                hold: Some(*value),
                hold_url: value.then(|| links.music(&query)),
                hold_method: value.then_some(Method::Post),
                ..Default::default()
            };
            Request::UpdateParticipant(conference_sid.clone(), sid?, update)
        }
        Command::SetMonitor { conference_sid, monitor, coached, .. } => {
            let coached = coached.and_then(|leg_id| call.leg(leg_id)).and_then(|leg| leg.call_sid.clone());
            Request::UpdateParticipant(conference_sid.clone(), sid?, monitor_as(*monitor, coached))
        }
        Command::SetMuted { conference_sid, value, .. } => {
            let update = ParticipantUpdate { muted: Some(*value), ..Default::default() };
            Request::UpdateParticipant(conference_sid.clone(), sid?, update)
        }
    })
}

/// <https://www.twilio.com/docs/voice/api/conference-participant-resource>: a coach is heard by one member alone.
fn monitor_as(monitor: Monitor, coached: Option<CallSid>) -> ParticipantUpdate {
    ParticipantUpdate {
        muted: Some(monitor == Monitor::Listen),
        coaching: Some(coached.is_some()),
        call_sid_to_coach: coached,
        ..Default::default()
    }
}

/// Sends a leg to another document, with the call's limit. A customer who was dialled by `<Dial>` leaves its `timeLimit`
/// behind with the bridge, and Twilio's own four hours would be all they have. The limit is sent whole: should Twilio count
/// from the answer, as its words say ("the maximum duration of the call"), what remains would be too short and cut people
/// off; should it count from the move, a leg lasts at most so much longer for each move.
fn move_to(call: &Call, url: String) -> CallUpdate {
    CallUpdate::redirect(url, Some(call.time_limit_secs))
}

fn create_call(links: &Links, call: &Call, agent: &Leg) -> Option<CreateCall> {
    let from = Address::Phone(call.agent_caller_id.clone());
    let room = InRoom { call: call.id, leg: agent.id, room: call.room.clone() };
    // A fallback is asked for whichever document of the leg is not to be had, the Dial's action too: to dial there would
    // ring a customer again who has hung up, or has been moved.
    let (url, fallback_url) = match call.bridge {
        Bridge::Dial => {
            (links.second_leg(call, agent, call.customer()?), links.first_leg_disconnected(&room))
        }
        Bridge::Room => (links.conference(&room), links.conference(&room)),
    };
    Some(CreateCall {
        method: Some(Method::Post),
        fallback_url: Some(fallback_url),
        status_callback: Some(progress_of(links, call, agent)),
        timeout: Some(call.ring_timeout_secs),
        time_limit: Some(call.time_limit_secs),
        ..CreateCall::new(agent.address.clone(), from, url)
    })
}

/// A leg that is rung into the room. The conference callback is the same as on every other leg: whoever comes first
/// counts. Of several who are rung at once, nobody hears the ringing; of whoever must accept, nobody hears how they answer,
/// until they come from the accept gate; a supervisor comes in unheard.
fn create_participant(links: &Links, call: &Call, leg: &Leg) -> CreateParticipant {
    let transfer = transfer_of(call, leg);
    let is_one_of_many = transfer
        .is_some_and(|transfer| transfer.ring == Ring::Together && call.targets(transfer.id).count() > 1);
    let is_supervisor = leg.role == Role::Supervisor;
    let (_, from) = parties(call, leg);
    CreateParticipant {
        label: Some(leg.id.to_string()),
        timeout: Some(transfer.map_or(call.ring_timeout_secs, |transfer| transfer.ring_timeout_secs)),
        time_limit: Some(call.time_limit_secs),
        early_media: Some(!is_one_of_many && !is_supervisor),
        muted: (is_supervisor || transfer.is_some_and(|transfer| transfer.require_accept)).then_some(true),
        beep: Some(Beep::Never),
        start_conference_on_enter: Some(true),
        end_conference_on_exit: Some(false),
        wait_url: Some(links.wait(call.id)),
        wait_method: Some(Method::Post),
        status_callback: Some(progress_of(links, call, leg)),
        conference_status_callback: Some(Callback::post(links.conference_status(call.id), CONFERENCE_EVENTS)),
        ..CreateParticipant::new(leg.address.clone(), from)
    }
}

fn progress_of(links: &Links, call: &Call, leg: &Leg) -> Callback<CallEvent> {
    Callback::post(links.call_status(call.id, leg.id), CallEvent::ALL)
}

/// Whom a dialling command calls, and as whom: what a lost create is looked up by.
pub fn parties(call: &Call, leg: &Leg) -> (Address, Address) {
    let from = match (transfer_of(call, leg), leg.role) {
        (Some(transfer), _) => &transfer.caller_id,
        (None, Role::FirstAgent) => &call.agent_caller_id,
        (None, _) => &call.caller_id,
    };
    (leg.address.clone(), Address::Phone(from.clone()))
}

fn transfer_of<'a>(call: &'a Call, leg: &Leg) -> Option<&'a Transfer> {
    call.transfers.iter().find(|transfer| Some(transfer.id) == leg.transfer_id)
}

fn gate(call: &Call, leg_id: Uuid) -> Gate {
    let transfer = call.leg(leg_id).and_then(|leg| transfer_of(call, leg));
    Gate {
        call: call.id,
        leg: leg_id,
        room: call.room.clone(),
        attempt: 1,
        accepted: false,
        briefing: transfer.and_then(|transfer| transfer.briefing.clone()),
    }
}

/// Twilio's call status as a leg's progress; `None` for a word this version does not know.
pub fn leg_status(status: CallStatus) -> Option<LegStatus> {
    Some(match status {
        CallStatus::Queued => LegStatus::Queued,
        CallStatus::Initiated => LegStatus::Initiated,
        CallStatus::Ringing => LegStatus::Ringing,
        CallStatus::InProgress => LegStatus::InProgress,
        CallStatus::Completed => LegStatus::Completed,
        CallStatus::Busy => LegStatus::Busy,
        CallStatus::NoAnswer => LegStatus::NoAnswer,
        CallStatus::Failed => LegStatus::Failed,
        CallStatus::Canceled => LegStatus::Canceled,
        CallStatus::Unknown => return None,
    })
}

/// What Twilio's refusal says of the person who was to be rung: these codes are about the number, all others about us.
/// <https://www.twilio.com/docs/api/errors>
pub fn failure_of(error: &TwilioError) -> Failure {
    match error.code() {
        Some(21211 | 21214..=21217 | 21219) => Failure::Unreachable,
        _ => Failure::Error,
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;
    use crate::calls::flow::Plan;

    #[test]
    fn a_second_agent_is_rung_into_the_room_by_name_even_while_it_is_open() {
        let leg = |id, role, address: &str| {
            Leg::planned(Uuid::from_u128(id), role, address.parse().unwrap(), "Dana".into())
        };
        let caller_id = || "+15550100100".parse().unwrap();
        let mut call = Call::planned(Plan {
            id: Uuid::from_u128(9),
            room: "room-1".into(),
            bridge: Bridge::Room,
            caller_id: caller_id(),
            agent_caller_id: caller_id(),
            agent: leg(1, Role::FirstAgent, "+15550100101"),
            customer: leg(2, Role::Customer, "+15550100102"),
            ring_timeout_secs: 20,
            time_limit_secs: 3600,
            created_at: DateTime::UNIX_EPOCH,
        });
        call.conference_sid = Some(ConferenceSid::from_u128(7));
        call.legs[0].in_room = true;
        let command = Command::CreateParticipant { leg_id: Uuid::from_u128(2) };
        match request(&Links::new("https://app.example.com"), &call, &command) {
            Some(Request::CreateParticipant(room, _)) => assert_eq!(room, "room-1"),
            other => panic!("{other:?}"),
        }
    }
}
