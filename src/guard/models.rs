//! The do-not-call list as rows, and what the guard counts of calls.

use chrono::{DateTime, NaiveDateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Text, Timestamp};
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

/// How often this customer was called, or is to be, by calls placed since then.
pub fn attempts(
    conn: &mut DbConnection,
    customer: &Address,
    since: DateTime<Utc>,
    others: Others,
) -> DbResult<i64> {
    let mut query = legs::table
        .inner_join(calls::table.on(calls::id.eq(legs::call_id)))
        .filter(legs::address.eq(customer.to_string()))
        .filter(legs::role.eq(Role::Customer.to_string()))
        .filter(calls::created_at.ge(since.naive_utc()))
        .filter(legs::status.ne(LegStatus::Unplaced.to_string()).or(calls::ended_at.is_null()))
        .select(diesel::dsl::count(legs::id))
        .into_boxed();
    if let Others::Before(id) = others {
        query = query.filter(calls::id.ne(id.to_string()));
        query = query.filter(calls::id.lt(id.to_string()).or(calls::status.ne(queued())));
    }
    Ok(query.first(conn)?)
}

/// In how many live calls this agent is on the phone, or is to be.
pub fn calls_of_agent(conn: &mut DbConnection, agent: &Address, others: Others) -> DbResult<i64> {
    let over =
        [LegStatus::Completed, LegStatus::Busy, LegStatus::NoAnswer, LegStatus::Failed, LegStatus::Canceled]
            .map(|status| status.to_string());
    // A first agent who is not rung yet will be; a second one only if it comes to that.
    let is_first = legs::role.eq(Role::FirstAgent.to_string());
    let is_rung = legs::status.ne(LegStatus::Unplaced.to_string());
    let is_second = legs::role.eq(Role::SecondAgent.to_string()).and(is_rung);
    let mut query = legs::table
        .inner_join(calls::table.on(calls::id.eq(legs::call_id)))
        .filter(legs::address.eq(agent.to_string()))
        .filter(calls::ended_at.is_null())
        .filter(legs::gone.eq(false))
        .filter(legs::status.ne_all(over))
        .filter(is_first.or(is_second))
        .select(diesel::dsl::count(legs::call_id).aggregate_distinct())
        .into_boxed();
    if let Others::Before(id) = others {
        query = query.filter(calls::id.ne(id.to_string()));
        query = query.filter(calls::id.lt(id.to_string()).or(calls::status.ne(queued())));
    }
    Ok(query.first(conn)?)
}

/// How many live calls this API key has asked for; counted only if there could be as many as `cap`.
pub fn calls_of_key(conn: &mut DbConnection, api_key_id: &str, cap: i64, others: Others) -> DbResult<i64> {
    let live: i64 = calls::table.filter(calls::ended_at.is_null()).count().get_result(conn)?;
    if live < cap {
        return Ok(0);
    }
    let mut query = calls::table
        .inner_join(call_requests::table.on(call_requests::call_id.eq(calls::id)))
        .filter(calls::ended_at.is_null())
        .filter(call_requests::api_key_id.eq(api_key_id.to_owned()))
        .select(diesel::dsl::count(calls::id))
        .into_boxed();
    if let Others::Before(id) = others {
        query = query.filter(calls::id.ne(id.to_string()));
        query = query.filter(calls::id.lt(id.to_string()).or(calls::status.ne(queued())));
    }
    Ok(query.first(conn)?)
}

fn queued() -> String {
    CallStatus::Queued.to_string()
}

/// Lets one transaction at a time count and add calls of the same agent, customer or key, until it ends. SQLite has one writer
/// anyway.
pub fn lock(conn: &mut DbConnection, whom: &[String]) -> DbResult<()> {
    match conn {
        DbConnection::Sqlite(_) => {
            let _ = whom;
            Ok(())
        }
        #[cfg(feature = "postgres")]
        DbConnection::Postgres(conn) => {
            use sha2::{Digest, Sha256};
            let number = |text: &String| {
                let hash: [u8; 32] = Sha256::digest(text).into();
                i64::from_be_bytes(std::array::from_fn(|at| hash[at]))
            };
            // In one order everywhere, so that no two wait for each other.
            let mut numbers: Vec<i64> = whom.iter().map(number).collect();
            numbers.sort_unstable();
            for number in numbers {
                diesel::sql_query("SELECT pg_advisory_xact_lock($1)")
                    .bind::<diesel::sql_types::BigInt, _>(number)
                    .execute(conn)?;
            }
            Ok(())
        }
    }
}
