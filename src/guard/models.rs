//! The do-not-call list as rows, and what the guard counts of calls.

use std::collections::HashSet;

use chrono::{DateTime, NaiveDateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Bool, Text, Timestamp};
use uuid::Uuid;

use super::import::Line;
use crate::calls::flow::{CallStatus, LegStatus, Role};
use crate::calls::models::DbResult;
use crate::db::schema::{call_requests, calls, do_not_call, legs};
use crate::db::{DbConnection, DbError};
use crate::telephony::{Address, PhoneNumber};

/// A number that is not to be called.
#[derive(Queryable, Selectable, Insertable, AsChangeset, Debug, Clone, PartialEq, Eq)]
#[diesel(table_name = do_not_call, treat_none_as_null = true)]
pub struct EntryRow {
    /// E.164.
    pub number: String,
    /// For people; may be empty.
    pub reason: String,
    /// When it was put on the list.
    pub added_at: NaiveDateTime,
    /// From when on it counts as not there.
    pub expires_at: Option<NaiveDateTime>,
}

/// The number's entry, if it has one that holds.
pub fn entry(
    conn: &mut DbConnection,
    number: &PhoneNumber,
    now: DateTime<Utc>,
) -> DbResult<Option<EntryRow>> {
    let found =
        do_not_call::table.find(number.as_str()).select(EntryRow::as_select()).first(conn).optional()?;
    Ok(found.filter(|row: &EntryRow| row.expires_at.is_none_or(|at| at > now.naive_utc())))
}

/// Entries that hold, by number; `after` continues after the last of an earlier page.
pub fn list(
    conn: &mut DbConnection,
    after: Option<&PhoneNumber>,
    limit: i64,
    now: DateTime<Utc>,
) -> DbResult<Vec<EntryRow>> {
    let holds = do_not_call::expires_at.is_null().or(do_not_call::expires_at.gt(now.naive_utc()));
    let query = do_not_call::table
        .filter(do_not_call::number.gt(after.map_or("", PhoneNumber::as_str)))
        .filter(holds)
        .order(do_not_call::number.asc())
        .limit(limit)
        .select(EntryRow::as_select());
    Ok(query.load(conn)?)
}

/// Writes an entry over whatever was there.
pub fn put(conn: &mut DbConnection, row: &EntryRow) -> DbResult<()> {
    if diesel::update(do_not_call::table.find(&row.number)).set(row).execute(conn)? == 0 {
        diesel::insert_into(do_not_call::table).values(row).execute(conn)?;
    }
    Ok(())
}

/// Takes a number off the list.
pub fn remove(conn: &mut DbConnection, number: &PhoneNumber) -> DbResult<()> {
    diesel::delete(do_not_call::table.find(number.as_str())).execute(conn)?;
    Ok(())
}

/// Adds what is not there yet, and prolongs what would end sooner; gives how many entries that has changed. No number may be
/// among the lines twice.
pub fn add_many(conn: &mut DbConnection, lines: &[Line], now: DateTime<Utc>) -> DbResult<usize> {
    let row = |line: &Line| {
        let expires_at = line.expires_at.map(|at| at.naive_utc().format("%Y-%m-%d %H:%M:%S%.f").to_string());
        (line.number.as_str().to_owned(), line.reason.clone(), expires_at)
    };
    let rows: Vec<_> = lines.iter().map(row).collect();
    let rows = serde_json::to_string(&rows).map_err(DbError::corrupt)?;
    // One statement with one value for thousands of lines; the two databases only name parameters and functions differently.
    let source = match conn {
        DbConnection::Sqlite(_) => {
            "SELECT value ->> 0, value ->> 1, ?2, value ->> 2 FROM json_each(?1) WHERE true"
        }
        #[cfg(feature = "postgres")]
        DbConnection::Postgres(_) => {
            "SELECT row ->> 0, row ->> 1, $2, (row ->> 2)::timestamp FROM json_array_elements($1::json) AS row"
        }
    };
    let query = diesel::sql_query(format!(
        "INSERT INTO do_not_call (number, reason, added_at, expires_at) {source} \
         ON CONFLICT (number) DO UPDATE SET reason = excluded.reason, added_at = excluded.added_at, \
         expires_at = excluded.expires_at \
         WHERE do_not_call.expires_at IS NOT NULL \
         AND (excluded.expires_at IS NULL OR excluded.expires_at > do_not_call.expires_at)"
    ));
    Ok(query.bind::<Text, _>(rows).bind::<Timestamp, _>(now.naive_utc()).execute(conn)?)
}

/// Which calls count beside the one that is judged.
#[derive(Debug, Clone, Copy)]
pub enum Others {
    /// All, as it is not written down yet.
    All,
    /// Those that came before this one or are already dialled: of two that wait, the first goes first.
    Before(Uuid),
}

impl Others {
    /// The id of the call that is judged, and the word for those that may wait behind it; neither excludes anything for
    /// [`Self::All`].
    fn but(self) -> (String, String) {
        match self {
            Self::All => (Uuid::max().to_string(), String::new()),
            Self::Before(id) => (id.to_string(), CallStatus::Queued.to_string()),
        }
    }
}

/// How often this customer was called, or is to be, by calls placed since then.
pub fn attempts(
    conn: &mut DbConnection,
    customer: &Address,
    since: DateTime<Utc>,
    others: Others,
) -> DbResult<i64> {
    let (id, waiting) = others.but();
    let query = calls::table
        .inner_join(legs::table.on(legs::call_id.eq(calls::id)))
        .filter(calls::customer.eq(customer.to_string()))
        .filter(calls::created_at.ge(since.naive_utc()))
        .filter(legs::role.eq(Role::Customer.to_string()))
        .filter(legs::status.ne(LegStatus::Unplaced.to_string()).or(calls::ended_at.is_null()))
        .filter(calls::id.ne(&id).and(calls::id.lt(&id).or(calls::status.ne(waiting))));
    Ok(query.select(diesel::dsl::count(calls::id).aggregate_distinct()).first(conn)?)
}

/// In how many live calls this agent is on the phone, or is to be.
pub fn calls_of_agent(conn: &mut DbConnection, agent: &Address, others: Others) -> DbResult<usize> {
    let over =
        [LegStatus::Completed, LegStatus::Busy, LegStatus::NoAnswer, LegStatus::Failed, LegStatus::Canceled]
            .map(|status| status.to_string());
    let (id, waiting) = others.but();
    // A first agent who is not rung yet will be; a second one only if it comes to that.
    let first: Vec<String> = calls::table
        .inner_join(legs::table.on(legs::call_id.eq(calls::id)))
        .filter(calls::agent.eq(agent.to_string()))
        .filter(calls::ended_at.is_null())
        .filter(legs::role.eq(Role::FirstAgent.to_string()))
        .filter(legs::gone.eq(false).and(legs::status.ne_all(&over)))
        .filter(calls::id.ne(&id).and(calls::id.lt(&id).or(calls::status.ne(waiting))))
        .select(calls::id)
        .load(conn)?;
    let rung: Vec<String> = legs::table
        .inner_join(calls::table.on(calls::id.eq(legs::call_id)))
        .filter(legs::address.eq(agent.to_string()))
        .filter(legs::ended_at.is_null())
        // As the index says it, or SQLite does not see that it is one.
        .filter(diesel::dsl::sql::<Bool>("legs.status <> 'unplaced'"))
        .filter(legs::role.ne(Role::Customer.to_string()))
        .filter(legs::gone.eq(false).and(legs::status.ne_all(&over)))
        .filter(calls::ended_at.is_null().and(calls::id.ne(&id)))
        .select(calls::id)
        .load(conn)?;
    Ok(first.into_iter().chain(rung).collect::<HashSet<_>>().len())
}

/// How many live calls this API key has asked for; counted only if there could be as many as `cap`.
pub fn calls_of_key(conn: &mut DbConnection, api_key_id: &str, cap: i64, others: Others) -> DbResult<i64> {
    let live: i64 = calls::table.filter(calls::ended_at.is_null()).count().get_result(conn)?;
    if live < cap {
        return Ok(0);
    }
    let (id, waiting) = others.but();
    let query = calls::table
        .inner_join(call_requests::table.on(call_requests::call_id.eq(calls::id)))
        .filter(calls::ended_at.is_null())
        .filter(call_requests::api_key_id.eq(api_key_id))
        .filter(calls::id.ne(&id).and(calls::id.lt(&id).or(calls::status.ne(waiting))));
    Ok(query.select(diesel::dsl::count(calls::id)).first(conn)?)
}

/// The API key that asked for the call.
pub fn api_key_of(conn: &mut DbConnection, call_id: Uuid) -> DbResult<Option<String>> {
    let query = call_requests::table.find(call_id.to_string()).select(call_requests::api_key_id);
    Ok(query.first(conn).optional()?)
}
