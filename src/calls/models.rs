//! Rows of the calls app and their queries: a [`Call`] is loaded whole, stepped by the flow, and saved by its difference.

use std::collections::HashMap;

use chrono::{DateTime, NaiveDateTime, Utc};
use diesel::prelude::*;
use uuid::Uuid;

use super::flow::{Call, CallStatus, Change, Command, Stage, Timer};
use super::pacing;
use super::rows::{CallRow, LegRow, TransferRow};
use crate::db::schema::{call_requests, calls, commands, events, legs, outcomes, timers, transfers};
use crate::db::{DbConnection, DbError};
use crate::telephony::{Address, CallSid};

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
    /// The same, if no other call of this key may have it.
    pub unique_external_id: Option<String>,
    /// JSON object, as given.
    pub metadata: Option<String>,
}

/// What came of a conversation.
#[derive(Queryable, Selectable, Insertable, Debug, Clone)]
#[diesel(table_name = outcomes)]
pub struct OutcomeRow {
    /// The call.
    pub call_id: String,
    /// One of the site's words.
    pub disposition: String,
    /// More of it.
    pub notes: Option<String>,
    /// Who said so: the name of an API key or of an agent.
    pub set_by: String,
    /// When.
    pub set_at: NaiveDateTime,
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

/// Which calls a list is of; what is absent narrows nothing.
#[derive(Debug, Clone, Default)]
pub struct CallFilter {
    /// In this status.
    pub status: Option<CallStatus>,
    /// Made by the first agent with this address.
    pub agent: Option<Address>,
    /// To this address.
    pub customer: Option<Address>,
    /// With this id of the CRM's.
    pub external_id: Option<String>,
    /// Asked for at this time or later.
    pub created_from: Option<DateTime<Utc>>,
    /// Asked for before this time.
    pub created_before: Option<DateTime<Utc>>,
    /// Older than this call: the last of an earlier page.
    pub after: Option<Uuid>,
}

/// Calls, newest first, in an order that does not change while pages are turned.
///
/// # Errors
/// The database's.
pub fn list(conn: &mut DbConnection, filter: &CallFilter, limit: i64) -> DbResult<Vec<Call>> {
    let newest_first = (calls::created_at.desc(), calls::id.desc());
    let mut query = calls::table.select(CallRow::as_select()).order(newest_first).limit(limit).into_boxed();
    if let Some(status) = filter.status {
        query = query.filter(calls::status.eq(status.to_string()));
    }
    if let Some(agent) = &filter.agent {
        query = query.filter(calls::agent.eq(agent.to_string()));
    }
    if let Some(customer) = &filter.customer {
        query = query.filter(calls::customer.eq(customer.to_string()));
    }
    if let Some(external_id) = &filter.external_id {
        let named = call_requests::table.filter(call_requests::external_id.eq(external_id.clone()));
        query = query.filter(calls::id.eq_any(named.select(call_requests::call_id)));
    }
    if let Some(from) = filter.created_from {
        query = query.filter(calls::created_at.ge(from.naive_utc()));
    }
    if let Some(before) = filter.created_before {
        query = query.filter(calls::created_at.lt(before.naive_utc()));
    }
    if let Some(after) = filter.after {
        let last = calls::table.find(after.to_string()).select((calls::created_at, calls::id));
        let Some((at, id)) = last.first::<(NaiveDateTime, String)>(conn).optional()? else {
            return Ok(vec![]);
        };
        let as_old = calls::created_at.eq(at).and(calls::id.lt(id));
        query = query.filter(calls::created_at.le(at)).filter(calls::created_at.lt(at).or(as_old));
    }
    let rows: Vec<CallRow> = query.load(conn)?;
    whole_ones(conn, rows)
}

/// Those of these that are calls.
///
/// # Errors
/// The database's.
pub fn load_many(conn: &mut DbConnection, ids: &[Uuid]) -> DbResult<Vec<Call>> {
    let ids: Vec<String> = ids.iter().map(Uuid::to_string).collect();
    let rows = calls::table.filter(calls::id.eq_any(ids)).select(CallRow::as_select()).load(conn)?;
    whole_ones(conn, rows)
}

/// The calls that have not ended, or not before this moment.
///
/// # Errors
/// The database's.
pub fn live_since(conn: &mut DbConnection, moment: DateTime<Utc>) -> DbResult<Vec<Call>> {
    let mut rows: Vec<CallRow> =
        calls::table.filter(calls::ended_at.is_null()).select(CallRow::as_select()).load(conn)?;
    let ended = calls::table.filter(calls::ended_at.ge(moment.naive_utc()));
    rows.extend(ended.select(CallRow::as_select()).load(conn)?);
    whole_ones(conn, rows)
}

fn whole_ones(conn: &mut DbConnection, rows: Vec<CallRow>) -> DbResult<Vec<Call>> {
    let ids: Vec<&String> = rows.iter().map(|row| &row.id).collect();
    let legs: Vec<LegRow> = legs::table
        .filter(legs::call_id.eq_any(&ids))
        .order(legs::position.asc())
        .select(LegRow::as_select())
        .load(conn)?;
    let transfers: Vec<TransferRow> = transfers::table
        .filter(transfers::call_id.eq_any(&ids))
        .order(transfers::position.asc())
        .select(TransferRow::as_select())
        .load(conn)?;
    let mut legs = grouped(legs, |leg| &leg.call_id);
    let mut transfers = grouped(transfers, |transfer| &transfer.call_id);
    let mut take = |row: CallRow| {
        let (legs, transfers) = (legs.remove(&row.id), transfers.remove(&row.id));
        row.with(legs.unwrap_or_default(), transfers.unwrap_or_default())
    };
    rows.into_iter().map(&mut take).collect()
}

fn grouped<T>(rows: Vec<T>, call_id: impl Fn(&T) -> &String) -> HashMap<String, Vec<T>> {
    let mut groups: HashMap<String, Vec<T>> = HashMap::new();
    for row in rows {
        groups.entry(call_id(&row).clone()).or_default().push(row);
    }
    groups
}

/// What is known of a call beside its flow.
#[derive(Debug, Clone, Default)]
pub struct Beside {
    /// What the CRM said of it.
    pub request: Option<CallRequest>,
    /// Where it stands in the dial queue, from 1.
    pub queue_position: Option<i64>,
    /// What came of it.
    pub outcome: Option<OutcomeRow>,
}

/// What is known of these calls beside their flow, in their order.
///
/// # Errors
/// The database's.
pub fn beside(conn: &mut DbConnection, of: &[Call]) -> DbResult<Vec<Beside>> {
    let ids: Vec<String> = of.iter().map(|call| call.id.to_string()).collect();
    let requests: Vec<CallRequest> = call_requests::table
        .filter(call_requests::call_id.eq_any(&ids))
        .select(CallRequest::as_select())
        .load(conn)?;
    let outcomes: Vec<OutcomeRow> =
        outcomes::table.filter(outcomes::call_id.eq_any(&ids)).select(OutcomeRow::as_select()).load(conn)?;
    let mut requests: HashMap<String, _> = requests.into_iter().map(|it| (it.call_id.clone(), it)).collect();
    let mut outcomes: HashMap<String, _> = outcomes.into_iter().map(|it| (it.call_id.clone(), it)).collect();
    let mut known = |(call, id): (&Call, &String)| {
        let waits = call.stage == Stage::Queued;
        let queue_position = if waits { pacing::position(conn, call.id)? } else { None };
        Ok(Beside { request: requests.remove(id), queue_position, outcome: outcomes.remove(id) })
    };
    of.iter().zip(&ids).map(&mut known).collect()
}

/// A live call to this customer.
///
/// # Errors
/// The database's.
pub fn live_call_to(conn: &mut DbConnection, customer: &Address) -> DbResult<Option<Uuid>> {
    let live = calls::table
        .filter(calls::customer.eq(customer.to_string()))
        .filter(calls::stage.ne(Stage::Ended.to_string()))
        .select(calls::id);
    id_of(live.first(conn).optional()?)
}

/// A call of this key's that has the CRM's id, when it or the new one is to be the only one.
///
/// # Errors
/// The database's.
pub fn call_with_external_id(conn: &mut DbConnection, request: &CallRequest) -> DbResult<Option<Uuid>> {
    let Some(external_id) = &request.external_id else { return Ok(None) };
    let mut same = call_requests::table
        .filter(call_requests::api_key_id.eq(&request.api_key_id))
        .filter(call_requests::external_id.eq(external_id))
        .select(call_requests::call_id)
        .into_boxed();
    if request.unique_external_id.is_none() {
        same = same.filter(call_requests::unique_external_id.is_not_null());
    }
    id_of(same.first(conn).optional()?)
}

fn id_of(found: Option<String>) -> DbResult<Option<Uuid>> {
    found.map(|id| id.parse().map_err(DbError::corrupt)).transpose()
}

/// Keeps what came of a call; said again, the new word counts.
///
/// # Errors
/// The database's.
pub fn set_outcome(conn: &mut DbConnection, row: &OutcomeRow) -> DbResult<()> {
    diesel::delete(outcomes::table.find(&row.call_id)).execute(conn)?;
    diesel::insert_into(outcomes::table).values(row).execute(conn)?;
    Ok(())
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
    let mut found = whole_ones(conn, vec![row])?;
    found.pop().ok_or_else(|| DbError::corrupt("a call was lost on its way"))
}
