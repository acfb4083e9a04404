//! Published events as rows, and the queries of their readers.

use chrono::{DateTime, NaiveDateTime, Utc};
use diesel::dsl::{max, min};
use diesel::prelude::*;
use uuid::Uuid;

use crate::db::schema::{call_requests, calls, event_feed, events};
use crate::db::{DbConnection, DbError};

/// What a query gives.
pub type DbResult<T> = Result<T, DbError>;

/// A published event.
#[derive(Queryable, Debug, Clone)]
pub struct EventRow {
    /// Its position in the feed.
    pub position: i64,
    /// When it happened.
    pub at: NaiveDateTime,
    /// What, such as `transfer.failed`.
    pub kind: String,
    /// Whose call.
    pub call_id: String,
    /// The CRM's own id for the call.
    pub external_id: Option<String>,
    /// Whose leg.
    pub leg_id: Option<String>,
    /// JSON object.
    pub detail: String,
}

/// What of the feed there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extent {
    /// The oldest that is kept; one more than the newest when none is.
    pub oldest: i64,
    /// The newest that was given to any.
    pub newest: i64,
}

impl Extent {
    /// Whether nothing is missing of what follows this position.
    pub fn can_continue(self, position: i64) -> bool {
        (self.oldest - 1..=self.newest).contains(&position)
    }
}

/// From where to where the feed reaches.
///
/// # Errors
/// The database's.
pub fn extent(conn: &mut DbConnection) -> DbResult<Extent> {
    let newest: i64 = event_feed::table.select(event_feed::last_position).first(conn)?;
    let oldest = events::table
        .filter(events::position.is_not_null())
        .order(events::position.asc())
        .select(events::position.assume_not_null())
        .first(conn)
        .optional()?;
    Ok(Extent { oldest: oldest.unwrap_or(newest + 1), newest })
}

/// Whether any event, or any of this call, has no position yet.
///
/// # Errors
/// The database's.
pub fn has_unpublished(conn: &mut DbConnection, call_id: Option<Uuid>) -> DbResult<bool> {
    let mut open = events::table.filter(events::position.is_null()).select(events::id).into_boxed();
    if let Some(call_id) = call_id {
        open = open.filter(events::call_id.eq(call_id.to_string()));
    }
    Ok(open.first::<i64>(conn).optional()?.is_some())
}

/// Gives the oldest events without a position those that follow `last`; says how many they are.
pub(super) fn number(conn: &mut DbConnection, last: i64, limit: i64) -> DbResult<i64> {
    let numbered = diesel::sql_query(format!(
        "WITH fresh AS (SELECT id, row_number() OVER (ORDER BY id) AS number FROM \
         (SELECT id FROM events WHERE position IS NULL ORDER BY id LIMIT {limit}) AS open) \
         UPDATE events SET position = {last} + fresh.number FROM fresh WHERE events.id = fresh.id"
    ));
    Ok(i64::try_from(numbered.execute(conn)?).unwrap_or(i64::MAX))
}

/// Published events after this position, of all calls or of one, oldest first.
///
/// # Errors
/// The database's.
pub fn after(
    conn: &mut DbConnection,
    position: i64,
    call_id: Option<Uuid>,
    limit: i64,
) -> DbResult<Vec<EventRow>> {
    let mut query = events::table
        .left_join(call_requests::table.on(call_requests::call_id.eq(events::call_id)))
        .filter(events::position.gt(position))
        .order(events::position.asc())
        .limit(limit)
        .select((
            events::position.assume_not_null(),
            events::at,
            events::kind,
            events::call_id,
            call_requests::external_id.nullable(),
            events::leg_id,
            events::detail,
        ))
        .into_boxed();
    if let Some(call_id) = call_id {
        query = query.filter(events::call_id.eq(call_id.to_string()));
    }
    Ok(query.load(conn)?)
}

/// The first and the last position of what happened in a stretch of time, if anything did.
///
/// # Errors
/// The database's.
pub fn between(
    conn: &mut DbConnection,
    since: DateTime<Utc>,
    until: DateTime<Utc>,
) -> DbResult<Option<(i64, i64)>> {
    let then = events::table
        .filter(events::position.is_not_null())
        .filter(events::at.ge(since.naive_utc()))
        .filter(events::at.lt(until.naive_utc()))
        .select((min(events::position), max(events::position)));
    let (first, last) = then.first::<(Option<i64>, Option<i64>)>(conn)?;
    Ok(first.zip(last))
}

/// Whether the call has ended; nothing if there is no such call.
///
/// # Errors
/// The database's.
pub fn has_ended(conn: &mut DbConnection, call_id: Uuid) -> DbResult<Option<bool>> {
    let call = calls::table.find(call_id.to_string()).select(calls::ended_at.is_not_null());
    Ok(call.first(conn).optional()?)
}
