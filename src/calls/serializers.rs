//! What the API answers: calls, legs and transfers as JSON.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Serialize, Serializer};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use super::flow::{
    Bridge, Call, CallStatus, EndReason, Failure, Leg, LegStatus, Monitor, Party, Ring, Role, Style,
    Transfer, TransferStatus,
};
use super::models::{Beside, OutcomeRow};
use crate::telephony::{Address, CallSid, ConferenceSid, PhoneNumber};

/// A call.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Call)]
pub struct CallOut<'a> {
    /// UUIDv7.
    id: Uuid,
    /// Where it stands.
    status: CallStatus,
    /// Who ended it, once it has ended.
    ended_by: Option<Party>,
    /// Why it ended, once it has.
    end_reason: Option<EndReason>,
    /// The code of the refusal, if it might not be dialled any more when its turn came.
    end_code: Option<&'a str>,
    /// More on that in words, where there is more to say.
    end_detail: Option<&'a str>,
    /// Where it stands in the dial queue, from 1; null once it is being dialled.
    queue_position: Option<i64>,
    /// How agent and customer are joined.
    bridge: Bridge,
    /// What the customer sees as caller.
    caller_id: &'a PhoneNumber,
    /// What the first agent sees as caller.
    agent_caller_id: &'a PhoneNumber,
    /// Its legs, in the order they were planned: first agent, customer, then whoever a transfer rings.
    legs: Vec<LegOut<'a>>,
    /// Its transfers, oldest first; at most the last is under way.
    transfers: Vec<TransferOut<'a>>,
    /// The conference's name.
    room: &'a str,
    /// The conference that bears this name now.
    conference_sid: Option<&'a ConferenceSid>,
    /// The CRM's own id, as given.
    external_id: Option<&'a str>,
    /// What came of it, as somebody has said.
    outcome: Option<OutcomeOut<'a>>,
    /// It is over, should have an outcome, and has none.
    outcome_missing: bool,
    /// As given.
    #[schema(value_type = Option<Object>)]
    metadata: Option<Value>,
    /// How long first agent and customer are rung, in seconds; Twilio adds 5.
    ring_timeout_secs: u32,
    /// How long any leg may last, in seconds.
    time_limit_secs: u32,
    /// When it was asked for.
    #[serde(serialize_with = "rfc3339")]
    created_at: DateTime<Utc>,
    /// When customer and agent first talked.
    #[serde(serialize_with = "rfc3339_or_null")]
    connected_at: Option<DateTime<Utc>>,
    /// When its last leg ended.
    #[serde(serialize_with = "rfc3339_or_null")]
    ended_at: Option<DateTime<Utc>>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Outcome)]
struct OutcomeOut<'a> {
    /// One of the site's words.
    disposition: &'a str,
    /// What else is worth knowing.
    notes: Option<&'a str>,
    /// Whose API key said so, by name.
    set_by: &'a str,
    /// When.
    #[serde(serialize_with = "rfc3339")]
    set_at: DateTime<Utc>,
}

impl<'a> OutcomeOut<'a> {
    fn new(row: &'a OutcomeRow) -> Self {
        Self {
            disposition: &row.disposition,
            notes: row.notes.as_deref(),
            set_by: &row.set_by,
            set_at: row.set_at.and_utc(),
        }
    }
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Leg)]
struct LegOut<'a> {
    /// Ours.
    id: Uuid,
    /// What it is for.
    role: Role,
    /// Whom it rings.
    address: &'a Address,
    /// What to call the person in words; never a number.
    name: &'a str,
    /// Twilio's name for it, once known.
    call_sid: Option<&'a CallSid>,
    /// How far it is.
    status: LegStatus,
    /// Why it was never answered, when it was not.
    failure: Option<Failure>,
    /// The same in words.
    failure_detail: Option<String>,
    /// Twilio's code for why, if it gave one: see the table of errors.
    twilio_code: Option<u32>,
    /// In the conference now.
    in_room: bool,
    /// Hears music in the room, and is not heard.
    on_hold: bool,
    /// Hears the others, and is not heard.
    muted: bool,
    /// What a supervisor does; null on everybody else.
    monitor: Option<Monitor>,
    /// Waits outside the room, with music or at the accept gate.
    is_outside: bool,
    /// The transfer that it was rung for; null on the first two.
    transfer_id: Option<Uuid>,
    /// When it was answered.
    #[serde(serialize_with = "rfc3339_or_null")]
    answered_at: Option<DateTime<Utc>>,
    /// When it ended.
    #[serde(serialize_with = "rfc3339_or_null")]
    ended_at: Option<DateTime<Utc>>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Transfer)]
struct TransferOut<'a> {
    /// Ours.
    id: Uuid,
    /// The second agent's leg; of several, the one who took the call, or was rung last.
    leg_id: Uuid,
    /// How it is done.
    style: Style,
    /// In which order several are rung.
    ring: Ring,
    /// A second agent counts as present only after pressing a key.
    require_accept: bool,
    /// The agent who left is rung back, as nobody else was reached.
    recall: bool,
    /// Where it stands.
    status: TransferStatus,
    /// Why it came to nothing.
    failure: Option<Failure>,
    /// The same in words.
    failure_detail: Option<&'a str>,
    /// Twilio's code for why, if it gave one: see the table of errors.
    twilio_code: Option<u32>,
    /// What the second agent is told.
    briefing: Option<&'a str>,
    /// How long each second agent is rung, in seconds; Twilio adds 5.
    ring_timeout_secs: u32,
    /// When it was asked for.
    #[serde(serialize_with = "rfc3339")]
    requested_at: DateTime<Utc>,
    /// When it reached a status that does not change any more.
    #[serde(serialize_with = "rfc3339_or_null")]
    ended_at: Option<DateTime<Utc>>,
}

/// A page of calls, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct CallPage<'a> {
    /// The calls.
    pub calls: Vec<CallOut<'a>>,
    /// `cursor` of the next page, if there may be one.
    pub next_cursor: Option<Uuid>,
}

impl<'a> CallOut<'a> {
    /// The call as the API shows it, with what the CRM said of it.
    pub fn new(call: &'a Call, beside: &'a Beside, must_have_outcome: bool) -> Self {
        let request = beside.request.as_ref();
        let metadata = request.and_then(|request| request.metadata.as_deref());
        let is_over = call.status == CallStatus::Ended;
        Self {
            id: call.id,
            status: call.status,
            ended_by: call.ended_by.filter(|_| is_over),
            end_reason: call.end_reason.filter(|_| is_over),
            end_code: call.end_code.as_deref(),
            end_detail: call.end_detail.as_deref(),
            queue_position: beside.queue_position,
            bridge: call.bridge,
            caller_id: &call.caller_id,
            agent_caller_id: &call.agent_caller_id,
            legs: call.legs.iter().map(|leg| LegOut::new(call, leg)).collect(),
            transfers: call.transfers.iter().map(TransferOut::new).collect(),
            room: &call.room,
            conference_sid: call.conference_sid.as_ref(),
            external_id: request.and_then(|request| request.external_id.as_deref()),
            outcome: beside.outcome.as_ref().map(OutcomeOut::new),
            outcome_missing: must_have_outcome
                && is_over
                && call.connected_at.is_some()
                && beside.outcome.is_none(),
            metadata: metadata.and_then(|text| serde_json::from_str(text).ok()),
            ring_timeout_secs: call.ring_timeout_secs,
            time_limit_secs: call.time_limit_secs,
            created_at: call.created_at,
            connected_at: call.connected_at,
            ended_at: call.ended_at,
        }
    }
}

impl CallOut<'_> {
    /// Whose it is.
    pub fn id(&self) -> Uuid {
        self.id
    }
}

impl<'a> LegOut<'a> {
    fn new(call: &Call, leg: &'a Leg) -> Self {
        Self {
            id: leg.id,
            role: leg.role,
            address: &leg.address,
            name: &leg.name,
            call_sid: leg.call_sid.as_ref(),
            status: leg.status,
            failure: leg.failure,
            failure_detail: leg.failure_detail(),
            twilio_code: leg.twilio_code,
            in_room: leg.in_room,
            on_hold: call.is_held(leg) && leg.is_talking(),
            muted: leg.muted,
            monitor: leg.monitor,
            is_outside: leg.is_outside() && leg.is_talking(),
            transfer_id: leg.transfer_id,
            answered_at: leg.answered_at,
            ended_at: leg.ended_at,
        }
    }
}

impl<'a> TransferOut<'a> {
    fn new(transfer: &'a Transfer) -> Self {
        Self {
            id: transfer.id,
            leg_id: transfer.leg_id,
            style: transfer.style,
            ring: transfer.ring,
            require_accept: transfer.require_accept,
            recall: transfer.recall,
            status: transfer.status,
            failure: transfer.failure,
            failure_detail: transfer.failure_detail.as_deref(),
            twilio_code: transfer.twilio_code,
            briefing: transfer.briefing.as_deref(),
            ring_timeout_secs: transfer.ring_timeout_secs,
            requested_at: transfer.requested_at,
            ended_at: transfer.ended_at,
        }
    }
}

/// `2026-11-21T09:30:00.123456Z`.
pub fn rfc3339_text(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Micros, true)
}

/// The same, for fields.
///
/// # Errors
/// The serializer's.
pub fn rfc3339<S: Serializer>(at: &DateTime<Utc>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&rfc3339_text(*at))
}

/// The same, or null.
///
/// # Errors
/// The serializer's.
pub fn rfc3339_or_null<S: Serializer>(at: &Option<DateTime<Utc>>, serializer: S) -> Result<S::Ok, S::Error> {
    match at {
        Some(at) => rfc3339(at, serializer),
        None => serializer.serialize_none(),
    }
}
