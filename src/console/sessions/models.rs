//! Rows of sessions and their queries.

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use diesel::prelude::*;
use uuid::Uuid;

use crate::agents::models::AgentRow;
use crate::calls::models::DbResult;
use crate::db::schema::{agents, console_sessions as sessions};
use crate::db::{DbConnection, DbError};
use crate::settings::ConsoleSettings;

/// A session's row. The token is kept as its SHA-256: it is long and random, so a slow hash would add nothing.
#[derive(Queryable, Selectable, Insertable, Debug, Clone)]
#[diesel(table_name = sessions)]
pub struct SessionRow {
    /// UUIDv7.
    pub id: String,
    /// Whose.
    pub agent_id: String,
    /// SHA-256 of the token, in hexadecimal digits.
    pub token_hash: String,
    /// From where it was opened.
    pub address: String,
    /// What the browser called itself.
    pub user_agent: String,
    /// When it was opened.
    pub created_at: NaiveDateTime,
    /// About when it was last used.
    pub seen_at: NaiveDateTime,
    /// Since when it is closed.
    pub revoked_at: Option<NaiveDateTime>,
}

/// Sessions that were opened after one moment and used after another, and are not closed, hold.
#[derive(Debug, Clone, Copy)]
pub struct Horizon {
    /// Those opened before it are over.
    pub opened: DateTime<Utc>,
    /// Those last used before it are over.
    pub used: DateTime<Utc>,
}

impl Horizon {
    /// As the settings have it.
    pub fn of(settings: &ConsoleSettings, now: DateTime<Utc>) -> Self {
        let hours = |hours: u32| TimeDelta::hours(hours.into());
        Self { opened: now - hours(settings.session_hours), used: now - hours(settings.session_idle_hours) }
    }

    fn holds(&self, row: &SessionRow) -> bool {
        row.revoked_at.is_none()
            && row.created_at > self.opened.naive_utc()
            && row.seen_at > self.used.naive_utc()
    }
}

/// The session with this token, and whose it is, while it holds and they are not disabled.
pub(super) fn live(
    conn: &mut DbConnection,
    token_hash: &str,
    horizon: Horizon,
) -> DbResult<Option<(SessionRow, AgentRow)>> {
    let found: Option<(SessionRow, AgentRow)> = sessions::table
        .inner_join(agents::table.on(agents::id.eq(sessions::agent_id)))
        .filter(sessions::token_hash.eq(token_hash))
        .select((SessionRow::as_select(), AgentRow::as_select()))
        .first(conn)
        .optional()?;
    Ok(found.filter(|(session, agent)| horizon.holds(session) && agent.disabled_at.is_none()))
}

/// Whether the session with this id still holds.
pub(super) fn is_live(conn: &mut DbConnection, id: Uuid, horizon: Horizon) -> DbResult<bool> {
    let found: Option<(SessionRow, Option<NaiveDateTime>)> = sessions::table
        .inner_join(agents::table.on(agents::id.eq(sessions::agent_id)))
        .filter(sessions::id.eq(id.to_string()))
        .select((SessionRow::as_select(), agents::disabled_at))
        .first(conn)
        .optional()?;
    Ok(found.is_some_and(|(session, disabled_at)| horizon.holds(&session) && disabled_at.is_none()))
}

/// Somebody's sessions that hold, the one used last first.
///
/// # Errors
/// The database's.
pub fn of_agent(conn: &mut DbConnection, agent_id: &str, horizon: Horizon) -> DbResult<Vec<SessionRow>> {
    let theirs = sessions::table
        .filter(sessions::agent_id.eq(agent_id))
        .filter(sessions::revoked_at.is_null())
        .order(sessions::seen_at.desc());
    let rows: Vec<SessionRow> = theirs.select(SessionRow::as_select()).load(conn)?;
    Ok(rows.into_iter().filter(|row| horizon.holds(row)).collect())
}

/// Writes a new one down, and forgets those that have been over for long.
pub(super) fn open(conn: &mut DbConnection, row: &SessionRow, forget: DateTime<Utc>) -> DbResult<()> {
    let old = sessions::table.filter(sessions::created_at.lt(forget.naive_utc()));
    diesel::delete(old).execute(conn)?;
    diesel::insert_into(sessions::table).values(row).execute(conn)?;
    Ok(())
}

/// Notes that it was used.
pub(super) fn touch(conn: &mut DbConnection, id: &str, now: DateTime<Utc>) -> DbResult<()> {
    diesel::update(sessions::table.find(id)).set(sessions::seen_at.eq(now.naive_utc())).execute(conn)?;
    Ok(())
}

/// Closes the one with this token; whether it was open.
pub(super) fn close_by_token(conn: &mut DbConnection, hash: &str, now: DateTime<Utc>) -> DbResult<bool> {
    let open = sessions::table.filter(sessions::token_hash.eq(hash)).filter(sessions::revoked_at.is_null());
    let closed = diesel::update(open).set(sessions::revoked_at.eq(now.naive_utc())).execute(conn)?;
    Ok(closed > 0)
}

/// Closes one of somebody's; whether it was open and theirs.
pub(super) fn close(conn: &mut DbConnection, agent_id: Uuid, id: Uuid, now: DateTime<Utc>) -> DbResult<bool> {
    let open = sessions::table
        .find(id.to_string())
        .filter(sessions::agent_id.eq(agent_id.to_string()))
        .filter(sessions::revoked_at.is_null());
    let closed = diesel::update(open).set(sessions::revoked_at.eq(now.naive_utc())).execute(conn)?;
    Ok(closed > 0)
}

/// Closes all of somebody's, in the transaction of whatever makes them invalid; all but this one, if it is given.
///
/// # Errors
/// The database's.
pub fn close_all(
    conn: &mut DbConnection,
    agent_id: &str,
    but: Option<Uuid>,
    now: DateTime<Utc>,
) -> Result<usize, DbError> {
    let open = sessions::table
        .filter(sessions::agent_id.eq(agent_id))
        .filter(sessions::id.ne(but.map(|id| id.to_string()).unwrap_or_default()))
        .filter(sessions::revoked_at.is_null());
    Ok(diesel::update(open).set(sessions::revoked_at.eq(now.naive_utc())).execute(conn)?)
}
