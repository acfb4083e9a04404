//! What Twilio sends, parsed into events of the flow. News that cannot be understood is no event; it is kept all the same.

use std::str::FromStr;

use serde::de::DeserializeOwned;
use uuid::Uuid;

use super::links::{Gate, Music, OfLeg, paths};
use crate::calls::attempts::explained_code;
use crate::calls::flow::{
    DialEnded, Event, GateAnswer, LegProgress, LegStatus, Participant, RoomChange, RoomChangeKind,
};
use crate::middleware::signature::TwilioRequest;

/// A request of Twilio's, as far as its meaning goes.
pub trait Sent {
    /// The path of the URL.
    fn path(&self) -> &str;

    /// The path and the query exactly as they were sent.
    fn path_and_query(&self) -> &str;

    /// The first value of this name, of Twilio's parameters or of ours.
    fn get(&self, name: &str) -> Option<&str>;
}

impl Sent for TwilioRequest {
    fn path(&self) -> &str {
        self.path()
    }

    fn path_and_query(&self) -> &str {
        self.path_and_query()
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.get(name)
    }
}

/// How often a second agent is asked whether they take the call.
const GATE_ATTEMPTS: u32 = 2;

/// The typed query of a URL that we gave Twilio; `None` if it is not one of ours.
pub fn query<T: DeserializeOwned>(request: &impl Sent) -> Option<T> {
    let (_, query) = request.path_and_query().split_once('?')?;
    serde_urlencoded::from_str(query).ok()
}

/// What a request tells the flow, by the address that we gave for it.
pub fn event(request: &impl Sent) -> Option<Event> {
    let leg = || query::<OfLeg>(request).map(|query| query.leg);
    match request.path() {
        paths::CALL_STATUS => leg_progress(request, leg()?),
        paths::CONFERENCE_STATUS => room_change(request),
        paths::SECOND_LEG | paths::CONFERENCE => leg_on_line(request, leg()?),
        paths::MUSIC => {
            let query = query::<Music>(request)?;
            Some(Event::MusicStarted { leg_id: query.leg, transfer_id: query.transfer })
        }
        paths::ACCEPT => at_gate(request),
        paths::FIRST_LEG_DISCONNECTED => Some(Event::DialEnded(dial_ended(request))),
        _ => None,
    }
}

/// Progress of a leg, from its status callback.
/// <https://www.twilio.com/docs/voice/api/call-resource#statuscallback>
pub fn leg_progress(request: &impl Sent, leg_id: Uuid) -> Option<Event> {
    Some(Event::LegProgressed(LegProgress {
        leg_id,
        call_sid: parsed(request, "CallSid")?,
        parent_call_sid: parsed(request, "ParentCallSid"),
        status: call_status(request.get("CallStatus")?)?,
        sequence: parsed(request, "SequenceNumber"),
        sip_code: parsed(request, "SipResponseCode"),
    }))
}

/// That a leg asks for a document says that it has been answered.
pub fn leg_on_line(request: &impl Sent, leg_id: Uuid) -> Option<Event> {
    let Some(Event::LegProgressed(progress)) = leg_progress(request, leg_id) else { return None };
    Some(Event::LegProgressed(LegProgress { sequence: None, ..progress }))
}

/// The end of the first agent's Dial, from its action request. `CallStatus` is the agent's own.
/// <https://www.twilio.com/docs/voice/twiml/dial#action>
pub fn dial_ended(request: &impl Sent) -> DialEnded {
    DialEnded {
        agent_on_line: request
            .get("CallStatus")
            .and_then(call_status)
            .is_none_or(|status| !status.is_terminal()),
        dial_status: request.get("DialCallStatus").and_then(call_status),
        why: parsed(request, "ErrorCode").and_then(explained_code),
    }
}

fn at_gate(request: &impl Sent) -> Option<Event> {
    let query: Gate = query(request)?;
    match gate_answer(request, &query) {
        Some(answer) => Some(Event::GateAnswered { leg_id: query.leg, answer }),
        None => leg_on_line(request, query.leg),
    }
}

/// How a second agent answered at the accept gate; `None` if they are to be asked.
pub fn gate_answer(request: &impl Sent, query: &Gate) -> Option<GateAnswer> {
    match request.get("Digits") {
        Some("1") => Some(GateAnswer::Accepted),
        Some("2") => Some(GateAnswer::Declined),
        _ if query.accepted => Some(GateAnswer::Accepted),
        _ => (query.attempt > GATE_ATTEMPTS).then_some(GateAnswer::Silent),
    }
}

/// A change in the room, from the conference's status callback.
/// <https://www.twilio.com/docs/voice/twiml/conference#attributes-statusCallback>
pub fn room_change(request: &impl Sent) -> Option<Event> {
    let kind = match request.get("StatusCallbackEvent")? {
        "participant-join" => RoomChangeKind::Joined(participant(request)?),
        "participant-leave" => left(request)?,
        "conference-end" => RoomChangeKind::Ended { by: parsed(request, "CallSidEndingConference") },
        _ => RoomChangeKind::Other,
    };
    Some(Event::RoomChanged(RoomChange {
        conference_sid: parsed(request, "ConferenceSid")?,
        sequence: parsed(request, "SequenceNumber"),
        kind,
    }))
}

fn participant(request: &impl Sent) -> Option<Participant> {
    Some(Participant { label: parsed(request, "ParticipantLabel"), call_sid: parsed(request, "CallSid")? })
}

/// Somebody left: Twilio names what became of their leg, or else the reason may.
fn left(request: &impl Sent) -> Option<RoomChangeKind> {
    let hung_up = request.get("ReasonParticipantLeft") == Some("participant_hung_up");
    let status = request.get("ParticipantCallStatus").and_then(call_status);
    Some(RoomChangeKind::Left {
        participant: participant(request)?,
        status: status.or(hung_up.then_some(LegStatus::Completed)),
        hung_up,
    })
}

/// Twilio's word for a call's status; `answered` is what a Dial that reached a conference says.
fn call_status(word: &str) -> Option<LegStatus> {
    Some(match word {
        "queued" => LegStatus::Queued,
        "initiated" => LegStatus::Initiated,
        "ringing" => LegStatus::Ringing,
        "in-progress" | "answered" => LegStatus::InProgress,
        "completed" => LegStatus::Completed,
        "busy" => LegStatus::Busy,
        "no-answer" => LegStatus::NoAnswer,
        "failed" => LegStatus::Failed,
        "canceled" => LegStatus::Canceled,
        _ => return None,
    })
}

fn parsed<T: FromStr>(request: &impl Sent, name: &str) -> Option<T> {
    request.get(name)?.parse().ok()
}
