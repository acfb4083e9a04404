//! Rows of the calls app and their queries: a [`Call`] is loaded whole, stepped by the flow, and saved by its difference.

use chrono::{DateTime, NaiveDateTime, Utc};
use diesel::prelude::*;
use uuid::Uuid;

use super::flow::{Call, Change, Command, Timer};
use super::rows::{CallRow, LegRow, TransferRow};
use crate::db::schema::{call_requests, calls, commands, events, legs, timers, transfers};
use crate::db::{DbConnection, DbError};
use crate::telephony::CallSid;

/// What a query gives.
pub type DbResult<T> = Result<T, DbError>;

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

/// One entry of a call's timeline; whoever reads it reads [`crate::crm::models`].
#[derive(Insertable)]
#[diesel(table_name = events)]
struct NewEvent<'a> {
    call_id: &'a str,
    at: NaiveDateTime,
    kind: &'a str,
    leg_id: Option<String>,
    detail: String,
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
