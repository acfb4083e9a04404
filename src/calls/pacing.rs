//! The dial queue: calls wait in it while the account may not start another, which Twilio allows so many times a second.
//! <https://support.twilio.com/hc/en-us/articles/223180028>
//!
//! Fair between API keys: a key's calls stand one in each round, so that a thousand of one key do not keep another's first
//! waiting. Participants have a rate of their own at Twilio, so whoever is brought into a call waits for nobody here; an
//! agent who is rung back takes a turn at once, and the queue waits that much longer.

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use diesel::dsl::max;
use diesel::prelude::*;
use uuid::Uuid;

use super::models::DbResult;
use crate::db::schema::{dial_queue, pacing};
use crate::db::{DbConnection, DbError};

/// A turn that is taken no later than this counts as taken in time, so that many small delays do not add up.
const PUNCTUAL: TimeDelta = TimeDelta::milliseconds(100);

/// How often the account may dial.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace(Option<TimeDelta>);

impl Pace {
    /// So many times a second; 0 as often as it likes.
    pub fn per_second(calls: f64) -> Self {
        let apart = TimeDelta::microseconds((1_000_000.0 / calls) as i64);
        Self((calls > 0.0).then_some(apart))
    }

    /// Whether nobody ever waits.
    pub fn is_unlimited(self) -> bool {
        self.0.is_none()
    }

    /// When the next turn is, after so many that are taken now.
    fn after(self, next_at: DateTime<Utc>, turns: i32, now: DateTime<Utc>) -> DateTime<Utc> {
        let Some(apart) = self.0 else { return now };
        let from = if now - next_at <= PUNCTUAL.min(apart) { next_at } else { now };
        from + apart * turns
    }
}

/// Who is dialled next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// This call, now; it has left the queue.
    Of(Uuid),
    /// Somebody, then.
    At(DateTime<Utc>),
    /// Nobody waits.
    Nobody,
}

#[derive(Queryable, Selectable, Debug, Clone, Copy)]
#[diesel(table_name = pacing)]
struct PacingRow {
    next_at: NaiveDateTime,
    round: i64,
}

/// Everybody who dials takes turns here: on PostgreSQL the row is locked until the transaction ends.
fn lock(conn: &mut DbConnection) -> DbResult<PacingRow> {
    let row = pacing::table.find(1);
    Ok(match conn {
        #[cfg(feature = "postgres")]
        DbConnection::Postgres(conn) => row.select(PacingRow::as_select()).for_update().first(conn)?,
        DbConnection::Sqlite(conn) => row.select(PacingRow::as_select()).first(conn)?,
    })
}

/// Puts a call at the end of its key's calls.
///
/// # Errors
/// The database's.
pub fn join(conn: &mut DbConnection, call_id: Uuid, api_key_id: &str) -> DbResult<()> {
    let row = lock(conn)?;
    let mine = dial_queue::table.filter(dial_queue::api_key_id.eq(api_key_id));
    let last: Option<i64> = mine.select(max(dial_queue::round)).first(conn)?;
    diesel::insert_into(dial_queue::table)
        .values((
            dial_queue::call_id.eq(call_id.to_string()),
            dial_queue::api_key_id.eq(api_key_id),
            dial_queue::round.eq(last.map_or(row.round, |last| row.round.max(last + 1))),
        ))
        .execute(conn)?;
    Ok(())
}

/// Takes a call out of the queue, wherever it stands.
///
/// # Errors
/// The database's.
pub fn leave(conn: &mut DbConnection, call_id: Uuid) -> DbResult<()> {
    diesel::delete(dial_queue::table.find(call_id.to_string())).execute(conn)?;
    Ok(())
}

/// Whether any call waits.
///
/// # Errors
/// The database's.
pub fn is_anybody_waiting(conn: &mut DbConnection) -> DbResult<bool> {
    let first = dial_queue::table.select(dial_queue::call_id).first::<String>(conn).optional()?;
    Ok(first.is_some())
}

/// Lets the next call out of the queue if it may be dialled now. Dialling it takes the turn: see [`take`].
///
/// # Errors
/// The database's.
pub fn next_turn(conn: &mut DbConnection, now: DateTime<Utc>) -> DbResult<Turn> {
    let row = lock(conn)?;
    let head: Option<(String, i64)> = dial_queue::table
        .order((dial_queue::round.asc(), dial_queue::call_id.asc()))
        .select((dial_queue::call_id, dial_queue::round))
        .first(conn)
        .optional()?;
    let Some((call_id, round)) = head else { return Ok(Turn::Nobody) };
    if row.next_at > now.naive_utc() {
        return Ok(Turn::At(row.next_at.and_utc()));
    }
    let call_id: Uuid = call_id.parse().map_err(DbError::corrupt)?;
    leave(conn, call_id)?;
    diesel::update(pacing::table.find(1)).set(pacing::round.eq(round)).execute(conn)?;
    Ok(Turn::Of(call_id))
}

/// Takes so many turns, whether it was time for them or not.
///
/// # Errors
/// The database's.
pub fn take(conn: &mut DbConnection, pace: Pace, turns: usize, now: DateTime<Utc>) -> DbResult<()> {
    let turns = i32::try_from(turns).unwrap_or(i32::MAX);
    if pace.is_unlimited() || turns == 0 {
        return Ok(());
    }
    let next_at = pace.after(lock(conn)?.next_at.and_utc(), turns, now);
    diesel::update(pacing::table.find(1)).set(pacing::next_at.eq(next_at.naive_utc())).execute(conn)?;
    Ok(())
}

/// Where a call stands in the queue, from 1; `None` if it does not wait.
///
/// # Errors
/// The database's.
pub fn position(conn: &mut DbConnection, call_id: Uuid) -> DbResult<Option<i64>> {
    let call_id = call_id.to_string();
    let mine = dial_queue::table.find(&call_id).select(dial_queue::round).first::<i64>(conn).optional()?;
    let Some(round) = mine else { return Ok(None) };
    let earlier = dial_queue::round.lt(round);
    let beside = dial_queue::round.eq(round).and(dial_queue::call_id.lt(&call_id));
    Ok(Some(1 + dial_queue::table.filter(earlier.or(beside)).count().get_result::<i64>(conn)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_delays_do_not_add_up_and_a_long_rest_earns_no_burst() {
        let pace = Pace::per_second(2.0);
        let at = |ms: i64| DateTime::<Utc>::UNIX_EPOCH + TimeDelta::milliseconds(ms);
        assert_eq!(pace.after(at(1000), 1, at(1000)), at(1500));
        assert_eq!(pace.after(at(1000), 1, at(1060)), at(1500), "a little late");
        assert_eq!(pace.after(at(1000), 1, at(5000)), at(5500), "after a rest");
        assert_eq!(pace.after(at(1000), 3, at(700)), at(2500), "before its time");
        assert!(Pace::per_second(0.0).is_unlimited());
    }
}
