//! Rows of the calls app and their queries: a [`Call`] is loaded whole, stepped by the flow, and saved by its difference.

use std::fmt::Display;
use std::str::FromStr;

use chrono::{DateTime, NaiveDateTime, Utc};
use diesel::prelude::*;
use uuid::Uuid;

use super::flow::{Call, Change, Command, Leg, Timer, Transfer};
use crate::db::schema::{call_requests, calls, commands, events, legs, timers, transfers, webhooks};
use crate::db::{DbConnection, DbError};
use crate::telephony::CallSid;

/// What a query gives.
pub type DbResult<T> = Result<T, DbError>;

#[derive(Queryable, Selectable, Insertable, AsChangeset, Identifiable, Clone, PartialEq)]
#[diesel(table_name = calls, treat_none_as_null = true)]
struct CallRow {
    id: String,
    stage: String,
    status: String,
    bridge: String,
    caller_id: String,
    room: String,
    conference_sid: Option<String>,
    ring_timeout_secs: i32,
    time_limit_secs: i32,
    holder: String,
    move_sent: bool,
    dial_ended: bool,
    pending_words: Option<String>,
    ended_by: Option<String>,
    ended_by_certain: bool,
    end_reason: Option<String>,
    created_at: NaiveDateTime,
    connected_at: Option<NaiveDateTime>,
    ended_at: Option<NaiveDateTime>,
}

#[derive(Queryable, Selectable, Insertable, AsChangeset, Identifiable, Clone, PartialEq)]
#[diesel(table_name = legs, treat_none_as_null = true)]
struct LegRow {
    id: String,
    call_id: String,
    position: i32,
    role: String,
    address: String,
    name: String,
    call_sid: Option<String>,
    parent_call_sid: Option<String>,
    status: String,
    sequence: Option<i64>,
    failure: Option<String>,
    in_room: bool,
    room_sequence: Option<i64>,
    ends_room: bool,
    gone: bool,
    end_wanted: bool,
    answered_at: Option<NaiveDateTime>,
    ended_at: Option<NaiveDateTime>,
}

#[derive(Queryable, Selectable, Insertable, AsChangeset, Identifiable, Clone, PartialEq)]
#[diesel(table_name = transfers, treat_none_as_null = true)]
struct TransferRow {
    id: String,
    call_id: String,
    position: i32,
    leg_id: String,
    style: String,
    briefing: Option<String>,
    status: String,
    failure: Option<String>,
    failure_detail: Option<String>,
    caller_id: String,
    ring_timeout_secs: i32,
    requested_at: NaiveDateTime,
    ended_at: Option<NaiveDateTime>,
}

/// What the CRM said of a call; the flow never reads it.
#[derive(Queryable, Selectable, Insertable, Debug, Clone)]
#[diesel(table_name = call_requests)]
pub struct CallRequest {
    /// The call.
    pub call_id: String,
    /// Whose key asked for it.
    pub api_key_id: String,
    /// The CRM's own id for it.
    pub external_id: Option<String>,
    /// JSON object, as given.
    pub metadata: Option<String>,
    /// `Idempotency-Key` of the request.
    pub idempotency_key: Option<String>,
    /// SHA-256 of what was asked for, to tell a repetition from another request under the same key.
    pub request_hash: String,
}

/// One entry of a call's timeline.
#[derive(Queryable, Selectable, Debug, Clone)]
#[diesel(table_name = events)]
pub struct EventRow {
    /// Ascending.
    pub id: i64,
    /// When.
    pub at: NaiveDateTime,
    /// What, such as `transfer.failed`.
    pub kind: String,
    /// Whose leg.
    pub leg_id: Option<String>,
    /// JSON object.
    pub detail: String,
}

#[derive(Insertable)]
#[diesel(table_name = events)]
struct NewEvent<'a> {
    call_id: &'a str,
    at: NaiveDateTime,
    kind: &'a str,
    leg_id: Option<String>,
    detail: String,
}

/// What Twilio sent, as it sent it.
#[derive(Insertable, Debug, Clone)]
#[diesel(table_name = webhooks)]
pub struct NewWebhook {
    /// When it reached us.
    pub received_at: NaiveDateTime,
    /// Whose call, from the URL.
    pub call_id: Option<String>,
    /// GET or POST.
    pub method: String,
    /// Exactly as sent.
    pub path_and_query: String,
    /// JSON list of name and value pairs, in order.
    pub form: String,
    /// Twilio's, constant across its retries.
    pub idempotency_token: Option<String>,
}

/// A command to Twilio as a row.
#[derive(Queryable, Selectable, Insertable, Debug, Clone)]
#[diesel(table_name = commands)]
pub struct CommandRow {
    /// UUIDv7; commands about one leg are carried out in this order.
    pub id: String,
    /// Whose call.
    pub call_id: String,
    /// Whose leg, if it is about one.
    pub leg_id: Option<String>,
    /// For people: `create_call`.
    pub kind: String,
    /// The [`Command`] as JSON.
    pub payload: String,
    /// `waiting` until claimed, `claimed` while being carried out, then `done` or `refused`.
    pub status: String,
    /// How often it was tried before.
    pub attempts: i32,
    /// An earlier try may have had its effect: look before repeating.
    pub uncertain: bool,
    /// Which process has it.
    pub claimed_by: Option<String>,
    /// While waiting: when to carry it out. While claimed: until when nobody else may take it over.
    pub due_at: NaiveDateTime,
    /// What came of it, for people.
    pub outcome: Option<String>,
    /// When it was decided.
    pub created_at: NaiveDateTime,
    /// When it was settled.
    pub finished_at: Option<NaiveDateTime>,
}

/// A timer as a row.
#[derive(Queryable, Selectable, Insertable, Debug, Clone)]
#[diesel(table_name = timers)]
pub struct TimerRow {
    /// UUIDv7.
    pub id: String,
    /// Whose call.
    pub call_id: String,
    /// The [`Timer`] as JSON.
    pub timer: String,
    /// When to fire.
    pub due_at: NaiveDateTime,
}

impl CommandRow {
    /// The command.
    pub fn command(&self) -> DbResult<Command> {
        serde_json::from_str(&self.payload).map_err(DbError::corrupt)
    }
}

impl TimerRow {
    /// The timer.
    pub fn timer(&self) -> DbResult<Timer> {
        serde_json::from_str(&self.timer).map_err(DbError::corrupt)
    }
}

/// The call, and on PostgreSQL its row locked until the transaction ends; SQLite has one writer anyway.
pub fn load_for_update(conn: &mut DbConnection, call_id: Uuid) -> DbResult<Option<Call>> {
    let id = call_id.to_string();
    let row = match conn {
        #[cfg(feature = "postgres")]
        DbConnection::Postgres(conn) => {
            calls::table.find(&id).select(CallRow::as_select()).for_update().first(conn).optional()?
        }
        DbConnection::Sqlite(conn) => {
            calls::table.find(&id).select(CallRow::as_select()).first(conn).optional()?
        }
    };
    row.map(|row| whole(conn, row)).transpose()
}

/// The call as it is.
pub fn load(conn: &mut DbConnection, call_id: Uuid) -> DbResult<Option<Call>> {
    let row = calls::table.find(call_id.to_string()).select(CallRow::as_select()).first(conn).optional()?;
    row.map(|row| whole(conn, row)).transpose()
}

/// Whether this Twilio call is a leg of any call of ours.
pub fn knows_call_sid(conn: &mut DbConnection, sid: &CallSid) -> DbResult<bool> {
    Ok(legs::table.filter(legs::call_sid.eq(sid.as_str())).count().get_result::<i64>(conn)? > 0)
}

/// Calls, newest first; `status` narrows, `before` continues after the last of an earlier page.
pub fn list(
    conn: &mut DbConnection,
    status: Option<String>,
    before: Option<Uuid>,
    limit: i64,
) -> DbResult<Vec<Call>> {
    let mut query =
        calls::table.select(CallRow::as_select()).order(calls::id.desc()).limit(limit).into_boxed();
    if let Some(status) = status {
        query = query.filter(calls::status.eq(status));
    }
    if let Some(before) = before {
        query = query.filter(calls::id.lt(before.to_string()));
    }
    let rows: Vec<CallRow> = query.load(conn)?;
    rows.into_iter().map(|row| whole(conn, row)).collect()
}

/// What the CRM said of the call.
pub fn request_of(conn: &mut DbConnection, call_id: Uuid) -> DbResult<Option<CallRequest>> {
    let query = call_requests::table.find(call_id.to_string()).select(CallRequest::as_select());
    Ok(query.first(conn).optional()?)
}

/// The request this key made before under this idempotency key.
pub fn request_by_idempotency_key(
    conn: &mut DbConnection,
    api_key_id: &str,
    key: &str,
) -> DbResult<Option<CallRequest>> {
    let query = call_requests::table
        .filter(call_requests::api_key_id.eq(api_key_id))
        .filter(call_requests::idempotency_key.eq(key))
        .select(CallRequest::as_select());
    Ok(query.first(conn).optional()?)
}

/// Keeps what the CRM said.
pub fn insert_request(conn: &mut DbConnection, request: &CallRequest) -> DbResult<()> {
    diesel::insert_into(call_requests::table).values(request).execute(conn)?;
    Ok(())
}

/// The call's timeline, oldest first, from after the given entry.
pub fn timeline(conn: &mut DbConnection, call_id: Uuid, after: i64, limit: i64) -> DbResult<Vec<EventRow>> {
    let query = events::table
        .filter(events::call_id.eq(call_id.to_string()))
        .filter(events::id.gt(after))
        .order(events::id.asc())
        .limit(limit)
        .select(EventRow::as_select());
    Ok(query.load(conn)?)
}

/// Writes what is different between the two states; `before` is absent for a new call.
pub fn save(conn: &mut DbConnection, before: Option<&Call>, after: &Call) -> DbResult<()> {
    let row = CallRow::of(after)?;
    match before.map(CallRow::of).transpose()? {
        None => drop(diesel::insert_into(calls::table).values(&row).execute(conn)?),
        Some(old) if old != row => {
            diesel::update(calls::table.find(&row.id)).set(&row).execute(conn)?;
        }
        Some(_) => {}
    }
    for (position, leg) in after.legs.iter().enumerate() {
        let row = LegRow::of(after, position, leg);
        match before.and_then(|call| call.leg(leg.id)) {
            None => drop(diesel::insert_into(legs::table).values(&row).execute(conn)?),
            Some(old) if old != leg => {
                diesel::update(legs::table.find(&row.id)).set(&row).execute(conn)?;
            }
            Some(_) => {}
        }
    }
    for (position, transfer) in after.transfers.iter().enumerate() {
        let row = TransferRow::of(after, position, transfer);
        match before.and_then(|call| call.transfers.get(position)) {
            None => drop(diesel::insert_into(transfers::table).values(&row).execute(conn)?),
            Some(old) if old != transfer => {
                diesel::update(transfers::table.find(&row.id)).set(&row).execute(conn)?;
            }
            Some(_) => {}
        }
    }
    Ok(())
}

/// Adds entries to a call's timeline.
pub fn append(
    conn: &mut DbConnection,
    call_id: Uuid,
    changes: &[Change],
    now: DateTime<Utc>,
) -> DbResult<()> {
    let call_id = call_id.to_string();
    for change in changes {
        let entry = NewEvent {
            call_id: &call_id,
            at: now.naive_utc(),
            kind: &change.kind,
            leg_id: change.leg_id.map(|id| id.to_string()),
            detail: change.detail.to_string(),
        };
        diesel::insert_into(events::table).values(&entry).execute(conn)?;
    }
    Ok(())
}

/// Keeps what Twilio sent.
pub fn keep_webhook(conn: &mut DbConnection, webhook: &NewWebhook) -> DbResult<()> {
    diesel::insert_into(webhooks::table).values(webhook).execute(conn)?;
    Ok(())
}

fn whole(conn: &mut DbConnection, row: CallRow) -> DbResult<Call> {
    let legs: Vec<LegRow> = legs::table
        .filter(legs::call_id.eq(&row.id))
        .order(legs::position.asc())
        .select(LegRow::as_select())
        .load(conn)?;
    let transfers: Vec<TransferRow> = transfers::table
        .filter(transfers::call_id.eq(&row.id))
        .order(transfers::position.asc())
        .select(TransferRow::as_select())
        .load(conn)?;
    row.with(legs, transfers)
}

impl CallRow {
    fn of(call: &Call) -> DbResult<Self> {
        let words = call.pending_words.as_ref().map(serde_json::to_string).transpose();
        Ok(Self {
            id: call.id.to_string(),
            stage: call.stage.to_string(),
            status: call.status.to_string(),
            bridge: call.bridge.to_string(),
            caller_id: call.caller_id.to_string(),
            room: call.room.clone(),
            conference_sid: text(call.conference_sid.as_ref()),
            ring_timeout_secs: to_i32(call.ring_timeout_secs),
            time_limit_secs: to_i32(call.time_limit_secs),
            holder: call.holder.to_string(),
            move_sent: call.move_sent,
            dial_ended: call.dial_ended,
            pending_words: words.map_err(DbError::corrupt)?,
            ended_by: text(call.ended_by),
            ended_by_certain: call.ended_by_certain,
            end_reason: text(call.end_reason),
            created_at: call.created_at.naive_utc(),
            connected_at: call.connected_at.map(|at| at.naive_utc()),
            ended_at: call.ended_at.map(|at| at.naive_utc()),
        })
    }

    fn with(self, legs: Vec<LegRow>, transfers: Vec<TransferRow>) -> DbResult<Call> {
        let words = self.pending_words.as_deref().map(serde_json::from_str).transpose();
        Ok(Call {
            id: value(&self.id)?,
            stage: value(&self.stage)?,
            status: value(&self.status)?,
            bridge: value(&self.bridge)?,
            caller_id: value(&self.caller_id)?,
            room: self.room,
            conference_sid: optional(self.conference_sid)?,
            ring_timeout_secs: to_u32(self.ring_timeout_secs),
            time_limit_secs: to_u32(self.time_limit_secs),
            holder: value(&self.holder)?,
            move_sent: self.move_sent,
            dial_ended: self.dial_ended,
            pending_words: words.map_err(DbError::corrupt)?,
            ended_by: optional(self.ended_by)?,
            ended_by_certain: self.ended_by_certain,
            end_reason: optional(self.end_reason)?,
            legs: legs.into_iter().map(LegRow::leg).collect::<DbResult<_>>()?,
            transfers: transfers.into_iter().map(TransferRow::transfer).collect::<DbResult<_>>()?,
            created_at: self.created_at.and_utc(),
            connected_at: self.connected_at.map(|at| at.and_utc()),
            ended_at: self.ended_at.map(|at| at.and_utc()),
        })
    }
}

impl LegRow {
    fn of(call: &Call, position: usize, leg: &Leg) -> Self {
        Self {
            id: leg.id.to_string(),
            call_id: call.id.to_string(),
            position: to_i32(position),
            role: leg.role.to_string(),
            address: leg.address.to_string(),
            name: leg.name.clone(),
            call_sid: text(leg.call_sid.as_ref()),
            parent_call_sid: text(leg.parent_call_sid.as_ref()),
            status: leg.status.to_string(),
            sequence: leg.sequence,
            failure: text(leg.failure),
            in_room: leg.in_room,
            room_sequence: leg.room_sequence,
            ends_room: leg.ends_room,
            gone: leg.gone,
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
            call_sid: optional(self.call_sid)?,
            parent_call_sid: optional(self.parent_call_sid)?,
            status: value(&self.status)?,
            sequence: self.sequence,
            failure: optional(self.failure)?,
            in_room: self.in_room,
            room_sequence: self.room_sequence,
            ends_room: self.ends_room,
            gone: self.gone,
            end_wanted: self.end_wanted,
            answered_at: self.answered_at.map(|at| at.and_utc()),
            ended_at: self.ended_at.map(|at| at.and_utc()),
        })
    }
}

impl TransferRow {
    fn of(call: &Call, position: usize, transfer: &Transfer) -> Self {
        Self {
            id: transfer.id.to_string(),
            call_id: call.id.to_string(),
            position: to_i32(position),
            leg_id: transfer.leg_id.to_string(),
            style: transfer.style.to_string(),
            briefing: transfer.briefing.clone(),
            status: transfer.status.to_string(),
            failure: text(transfer.failure),
            failure_detail: transfer.failure_detail.clone(),
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
            briefing: self.briefing,
            status: value(&self.status)?,
            failure: optional(self.failure)?,
            failure_detail: self.failure_detail,
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
