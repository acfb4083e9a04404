//! A call, its legs and its transfers as rows, there and back.

use std::fmt::Display;
use std::str::FromStr;

use chrono::NaiveDateTime;
use diesel::prelude::*;

use super::flow::{Call, Leg, Role, Transfer};
use super::models::DbResult;
use crate::db::DbError;
use crate::db::schema::{calls, legs, transfers};

#[derive(Queryable, Selectable, Insertable, AsChangeset, Identifiable, Clone, PartialEq)]
#[diesel(table_name = calls, treat_none_as_null = true)]
pub(super) struct CallRow {
    pub(super) id: String,
    stage: String,
    status: String,
    bridge: String,
    caller_id: String,
    agent_caller_id: String,
    agent: String,
    customer: String,
    room: String,
    conference_sid: Option<String>,
    ring_timeout_secs: i32,
    time_limit_secs: i32,
    holder: String,
    next_in: Option<String>,
    dial_ended: bool,
    pending_words: Option<String>,
    ended_by: Option<String>,
    ended_by_certain: bool,
    end_reason: Option<String>,
    end_code: Option<String>,
    end_detail: Option<String>,
    created_at: NaiveDateTime,
    connected_at: Option<NaiveDateTime>,
    ended_at: Option<NaiveDateTime>,
}

#[derive(Queryable, Selectable, Insertable, AsChangeset, Identifiable, Clone, PartialEq)]
#[diesel(table_name = legs, treat_none_as_null = true)]
pub(super) struct LegRow {
    pub(super) id: String,
    pub(super) call_id: String,
    position: i32,
    role: String,
    address: String,
    name: String,
    agent_id: Option<String>,
    call_sid: Option<String>,
    parent_call_sid: Option<String>,
    status: String,
    sequence: Option<i64>,
    failure: Option<String>,
    failure_detail: Option<String>,
    twilio_code: Option<i32>,
    in_room: bool,
    room_sequence: Option<i64>,
    ends_room: bool,
    gone: bool,
    transfer_id: Option<String>,
    sent_to: String,
    on_hold: bool,
    muted: bool,
    monitor: Option<String>,
    end_wanted: bool,
    answered_at: Option<NaiveDateTime>,
    ended_at: Option<NaiveDateTime>,
}

#[derive(Queryable, Selectable, Insertable, AsChangeset, Identifiable, Clone, PartialEq)]
#[diesel(table_name = transfers, treat_none_as_null = true)]
pub(super) struct TransferRow {
    pub(super) id: String,
    pub(super) call_id: String,
    position: i32,
    leg_id: String,
    style: String,
    ring: String,
    require_accept: bool,
    taken: bool,
    completing: bool,
    recall: bool,
    briefing: Option<String>,
    status: String,
    failure: Option<String>,
    failure_detail: Option<String>,
    twilio_code: Option<i32>,
    caller_id: String,
    ring_timeout_secs: i32,
    requested_at: NaiveDateTime,
    ended_at: Option<NaiveDateTime>,
}

impl CallRow {
    pub(super) fn of(call: &Call) -> DbResult<Self> {
        let words = call.pending_words.as_ref().map(serde_json::to_string).transpose();
        Ok(Self {
            id: call.id.to_string(),
            stage: call.stage.to_string(),
            status: call.status.to_string(),
            bridge: call.bridge.to_string(),
            caller_id: call.caller_id.to_string(),
            agent_caller_id: call.agent_caller_id.to_string(),
            agent: address(call, Role::FirstAgent),
            customer: address(call, Role::Customer),
            room: call.room.clone(),
            conference_sid: text(call.conference_sid.as_ref()),
            ring_timeout_secs: to_i32(call.ring_timeout_secs),
            time_limit_secs: to_i32(call.time_limit_secs),
            holder: call.holder.to_string(),
            next_in: text(call.next_in),
            dial_ended: call.dial_ended,
            pending_words: words.map_err(DbError::corrupt)?,
            ended_by: text(call.ended_by),
            ended_by_certain: call.ended_by_certain,
            end_reason: text(call.end_reason),
            end_code: call.end_code.clone(),
            end_detail: call.end_detail.clone(),
            created_at: call.created_at.naive_utc(),
            connected_at: call.connected_at.map(|at| at.naive_utc()),
            ended_at: call.ended_at.map(|at| at.naive_utc()),
        })
    }

    pub(super) fn with(self, legs: Vec<LegRow>, transfers: Vec<TransferRow>) -> DbResult<Call> {
        let words = self.pending_words.as_deref().map(serde_json::from_str).transpose();
        Ok(Call {
            id: value(&self.id)?,
            stage: value(&self.stage)?,
            status: value(&self.status)?,
            bridge: value(&self.bridge)?,
            caller_id: value(&self.caller_id)?,
            agent_caller_id: value(&self.agent_caller_id)?,
            room: self.room,
            conference_sid: optional(self.conference_sid)?,
            ring_timeout_secs: to_u32(self.ring_timeout_secs),
            time_limit_secs: to_u32(self.time_limit_secs),
            holder: value(&self.holder)?,
            next_in: optional(self.next_in)?,
            dial_ended: self.dial_ended,
            pending_words: words.map_err(DbError::corrupt)?,
            ended_by: optional(self.ended_by)?,
            ended_by_certain: self.ended_by_certain,
            end_reason: optional(self.end_reason)?,
            end_code: self.end_code,
            end_detail: self.end_detail,
            legs: legs.into_iter().map(LegRow::leg).collect::<DbResult<_>>()?,
            transfers: transfers.into_iter().map(TransferRow::transfer).collect::<DbResult<_>>()?,
            created_at: self.created_at.and_utc(),
            connected_at: self.connected_at.map(|at| at.and_utc()),
            ended_at: self.ended_at.map(|at| at.and_utc()),
        })
    }
}

/// Whom a call is for and who makes it never changes, so lists can find it by them.
fn address(call: &Call, role: Role) -> String {
    call.legs.iter().find(|leg| leg.role == role).map(|leg| leg.address.to_string()).unwrap_or_default()
}

impl LegRow {
    pub(super) fn of(call: &Call, position: usize, leg: &Leg) -> Self {
        Self {
            id: leg.id.to_string(),
            call_id: call.id.to_string(),
            position: to_i32(position),
            role: leg.role.to_string(),
            address: leg.address.to_string(),
            name: leg.name.clone(),
            agent_id: text(leg.agent),
            call_sid: text(leg.call_sid.as_ref()),
            parent_call_sid: text(leg.parent_call_sid.as_ref()),
            status: leg.status.to_string(),
            sequence: leg.sequence,
            failure: text(leg.failure),
            failure_detail: leg.explanation.clone(),
            twilio_code: leg.twilio_code.map(to_i32),
            in_room: leg.in_room,
            room_sequence: leg.room_sequence,
            ends_room: leg.ends_room,
            gone: leg.gone,
            transfer_id: text(leg.transfer_id),
            sent_to: leg.sent_to.to_string(),
            on_hold: leg.on_hold,
            muted: leg.muted,
            monitor: text(leg.monitor),
            end_wanted: leg.end_wanted,
            answered_at: leg.answered_at.map(|at| at.naive_utc()),
            ended_at: leg.ended_at.map(|at| at.naive_utc()),
        }
    }

    fn leg(self) -> DbResult<Leg> {
        Ok(Leg {
            id: value(&self.id)?,
            role: value(&self.role)?,
            address: value(&self.address)?,
            name: self.name,
            agent: optional(self.agent_id)?,
            call_sid: optional(self.call_sid)?,
            parent_call_sid: optional(self.parent_call_sid)?,
            status: value(&self.status)?,
            sequence: self.sequence,
            failure: optional(self.failure)?,
            explanation: self.failure_detail,
            twilio_code: self.twilio_code.map(to_u32),
            in_room: self.in_room,
            room_sequence: self.room_sequence,
            ends_room: self.ends_room,
            gone: self.gone,
            transfer_id: optional(self.transfer_id)?,
            sent_to: value(&self.sent_to)?,
            on_hold: self.on_hold,
            muted: self.muted,
            monitor: optional(self.monitor)?,
            end_wanted: self.end_wanted,
            answered_at: self.answered_at.map(|at| at.and_utc()),
            ended_at: self.ended_at.map(|at| at.and_utc()),
        })
    }
}

impl TransferRow {
    pub(super) fn of(call: &Call, position: usize, transfer: &Transfer) -> Self {
        Self {
            id: transfer.id.to_string(),
            call_id: call.id.to_string(),
            position: to_i32(position),
            leg_id: transfer.leg_id.to_string(),
            style: transfer.style.to_string(),
            ring: transfer.ring.to_string(),
            require_accept: transfer.require_accept,
            taken: transfer.taken,
            completing: transfer.completing,
            recall: transfer.recall,
            briefing: transfer.briefing.clone(),
            status: transfer.status.to_string(),
            failure: text(transfer.failure),
            failure_detail: transfer.failure_detail.clone(),
            twilio_code: transfer.twilio_code.map(to_i32),
            caller_id: transfer.caller_id.to_string(),
            ring_timeout_secs: to_i32(transfer.ring_timeout_secs),
            requested_at: transfer.requested_at.naive_utc(),
            ended_at: transfer.ended_at.map(|at| at.naive_utc()),
        }
    }

    fn transfer(self) -> DbResult<Transfer> {
        Ok(Transfer {
            id: value(&self.id)?,
            leg_id: value(&self.leg_id)?,
            style: value(&self.style)?,
            ring: value(&self.ring)?,
            require_accept: self.require_accept,
            taken: self.taken,
            completing: self.completing,
            recall: self.recall,
            briefing: self.briefing,
            status: value(&self.status)?,
            failure: optional(self.failure)?,
            failure_detail: self.failure_detail,
            twilio_code: self.twilio_code.map(to_u32),
            caller_id: value(&self.caller_id)?,
            ring_timeout_secs: to_u32(self.ring_timeout_secs),
            requested_at: self.requested_at.and_utc(),
            ended_at: self.ended_at.map(|at| at.and_utc()),
        })
    }
}

fn text<T: Display>(value: Option<T>) -> Option<String> {
    value.map(|value| value.to_string())
}

fn value<T: FromStr<Err: Display>>(text: &str) -> DbResult<T> {
    text.parse().map_err(DbError::corrupt)
}

fn optional<T: FromStr<Err: Display>>(text: Option<String>) -> DbResult<Option<T>> {
    text.as_deref().map(value).transpose()
}

fn to_i32(number: impl TryInto<i32>) -> i32 {
    number.try_into().unwrap_or(i32::MAX)
}

fn to_u32(number: i32) -> u32 {
    number.try_into().unwrap_or_default()
}
