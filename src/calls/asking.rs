//! Asks Twilio what a command wants, and reads its answers as news of legs and of the room.

use super::attempts::{Answer, Attempt, may_be, progress};
use super::flow::{self, Call, Command, LegProgress, Participant, RoomChange, RoomChangeKind};
use super::requests::{self, Request};
use crate::telephony::ConferenceSid;
use crate::twilio::{
    CallFilter, CallResource, ConferenceFilter, ConferenceStatus, ParticipantStatus, TwilioClient,
    TwilioError,
};

/// Sends a request, and reads the answer.
///
/// # Errors
/// Twilio's, or the way to it.
pub async fn send(twilio: &TwilioClient, command: &Command, request: Request) -> Result<Answer, TwilioError> {
    let leg_of = |call: CallResource| progress(command, &call).into();
    match request {
        Request::CreateCall(create) => twilio.create_call(&create).await.map(leg_of),
        Request::FindChild(parent) => {
            let filter = CallFilter { parent_call_sid: Some(parent), limit: Some(1), ..Default::default() };
            let found = twilio.list_calls(&filter).await?;
            Ok(found.first().and_then(|child| progress(command, child)).into())
        }
        Request::FetchCall(sid) => twilio.fetch_call(&sid).await.map(leg_of),
        Request::UpdateCall(sid, update) => {
            twilio.update_call(&sid, &update).await.map(|_| Answer::default())
        }
        Request::UpdateConference(sid, update) => {
            twilio.update_conference(&sid, &update).await.map(|_| Answer::default())
        }
        Request::UpdateParticipant(room, sid, update) => {
            twilio.update_participant(&room, &sid, &update).await.map(|_| Answer::default())
        }
        Request::CreateParticipant(room, create) => {
            let made = twilio.create_participant(&room, &create).await?;
            let named = command.leg_id().map(|leg_id| LegProgress {
                leg_id,
                call_sid: made.call_sid,
                parent_call_sid: None,
                status: flow::LegStatus::Queued,
                sequence: None,
                sip_code: None,
            });
            Ok(named.into())
        }
        Request::ListParticipants(sid, name) => {
            let present = look_into_room(twilio, sid, name).await?;
            Ok(Answer { progress: None, present })
        }
    }
}

/// Whoever is in the room now, as if they had just come in.
async fn look_into_room(
    twilio: &TwilioClient,
    sid: Option<ConferenceSid>,
    name: String,
) -> Result<Vec<RoomChange>, TwilioError> {
    let open = ConferenceFilter { friendly_name: Some(name), status: Some(ConferenceStatus::InProgress) };
    let sid = match sid {
        Some(sid) => Some(sid),
        None => twilio.list_conferences(&open).await?.into_iter().next().map(|found| found.sid),
    };
    let Some(conference_sid) = sid else { return Ok(vec![]) };
    let people = twilio.list_participants(&conference_sid).await?;
    let connected = people.into_iter().filter(|person| person.status == ParticipantStatus::Connected);
    let came = connected.map(|person| RoomChange {
        conference_sid: conference_sid.clone(),
        sequence: None,
        kind: RoomChangeKind::Joined(Participant {
            label: person.label.as_deref().and_then(|label| label.parse().ok()),
            call_sid: person.call_sid,
        }),
    });
    Ok(came.collect())
}

/// The legs that a create whose answer was lost may have made: to the same person, as the same caller, placed since; the
/// newest first.
///
/// # Errors
/// Twilio's, or the way to it.
pub async fn candidates(
    twilio: &TwilioClient,
    call: &Call,
    attempt: &Attempt,
) -> Result<Vec<CallResource>, TwilioError> {
    let leg = attempt.command.leg_id().and_then(|leg_id| call.leg(leg_id));
    let Some(leg) = leg else { return Ok(vec![]) };
    let (to, from) = requests::parties(call, leg);
    let filter = CallFilter { to: Some(to), from: Some(from), limit: Some(50), ..Default::default() };
    let found = twilio.list_calls(&filter).await?;
    Ok(found.into_iter().filter(|found| may_be(found, attempt)).collect())
}
