//! The queue of commands to Twilio and of timers, as rows: written with the state that wants them, claimed by whoever is
//! alive, so that a restart forgets nothing and another process can carry on.
//!
//! Commands about one leg are carried out one after the other in the order they were decided; all others at once.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use uuid::Uuid;

use super::flow::{Command, SetTimer, Timer};
use super::models::{CommandRow, DbResult, TimerRow};
use super::pacing::Pace;
use crate::clock::IdSource;
use crate::db::schema::{commands, timers};
use crate::db::{DbConnection, DbError};

const WAITING: &str = "waiting";
const CLAIMED: &str = "claimed";

/// Who claims, and until when.
pub struct Claimant<'a> {
    /// This process.
    pub name: &'a str,
    /// The time.
    pub now: DateTime<Utc>,
    /// How long nobody else may take over what is claimed.
    pub lease: TimeDelta,
    /// Names the rows.
    pub ids: &'a dyn IdSource,
    /// How often it may dial.
    pub pace: Pace,
}

/// How a command came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum Settled {
    /// Twilio did it.
    Done,
    /// Twilio will not, or it is not wanted any more.
    Refused,
}

/// Writes the commands down. Those that may start at once are claimed for the caller, who carries them out.
pub fn enqueue(
    conn: &mut DbConnection,
    by: &Claimant<'_>,
    call_id: Uuid,
    wanted: &[Command],
) -> DbResult<Vec<CommandRow>> {
    let mut claimed = Vec::new();
    for command in wanted {
        let leg_id = command.leg_id().map(|id| id.to_string());
        let must_wait = match &leg_id {
            Some(leg_id) => is_busy(conn, leg_id)?,
            None => false,
        };
        let row = CommandRow {
            id: by.ids.id().to_string(),
            call_id: call_id.to_string(),
            leg_id,
            kind: <&str>::from(command).to_owned(),
            payload: serde_json::to_string(command).map_err(DbError::corrupt)?,
            status: if must_wait { WAITING } else { CLAIMED }.to_owned(),
            attempts: 0,
            uncertain: false,
            claimed_by: (!must_wait).then(|| by.name.to_owned()),
            due_at: (if must_wait { by.now } else { by.now + by.lease }).naive_utc(),
            outcome: None,
            created_at: by.now.naive_utc(),
            finished_at: None,
        };
        diesel::insert_into(commands::table).values(&row).execute(conn)?;
        if !must_wait {
            claimed.push(row);
        }
    }
    Ok(claimed)
}

fn is_busy(conn: &mut DbConnection, leg_id: &str) -> DbResult<bool> {
    let open = commands::table.filter(commands::leg_id.eq(leg_id)).filter(commands::finished_at.is_null());
    Ok(open.count().get_result::<i64>(conn)? > 0)
}

/// Notes how a command came out, and claims the next one about the same leg.
pub fn finish(
    conn: &mut DbConnection,
    by: &Claimant<'_>,
    row: &CommandRow,
    settled: Settled,
    outcome: &str,
) -> DbResult<Option<CommandRow>> {
    diesel::update(commands::table.find(&row.id))
        .set((
            commands::status.eq(<&str>::from(settled)),
            commands::outcome.eq(outcome),
            commands::finished_at.eq(by.now.naive_utc()),
        ))
        .execute(conn)?;
    let Some(leg_id) = &row.leg_id else { return Ok(None) };
    let next = commands::table
        .filter(commands::leg_id.eq(leg_id))
        .filter(commands::finished_at.is_null())
        .order(commands::id.asc())
        .select(CommandRow::as_select())
        .first(conn)
        .optional()?;
    match next {
        Some(row) if row.status == WAITING && row.due_at <= by.now.naive_utc() => {
            Ok(Some(claim(conn, by, row)?))
        }
        _ => Ok(None),
    }
}

/// Puts a command back, to be tried again after a while; `uncertain` if this try may have had its effect.
pub fn postpone(
    conn: &mut DbConnection,
    row: &CommandRow,
    until: DateTime<Utc>,
    uncertain: bool,
    outcome: &str,
) -> DbResult<()> {
    diesel::update(commands::table.find(&row.id))
        .set((
            commands::status.eq(WAITING),
            commands::attempts.eq(row.attempts + 1),
            commands::uncertain.eq(row.uncertain || uncertain),
            commands::claimed_by.eq(None::<String>),
            commands::due_at.eq(until.naive_utc()),
            commands::outcome.eq(outcome),
        ))
        .execute(conn)?;
    Ok(())
}

/// Claims what is due: what waits, and what a process claimed that has not been heard of since. The latter may have
/// had its effect.
pub fn claim_due(conn: &mut DbConnection, by: &Claimant<'_>, limit: i64) -> DbResult<Vec<CommandRow>> {
    let due = commands::table
        .filter(commands::finished_at.is_null())
        .filter(commands::due_at.le(by.now.naive_utc()))
        .order(commands::id.asc())
        .limit(limit);
    let rows: Vec<CommandRow> = match conn {
        #[cfg(feature = "postgres")]
        DbConnection::Postgres(conn) => {
            due.for_update().skip_locked().select(CommandRow::as_select()).load(conn)?
        }
        DbConnection::Sqlite(conn) => due.select(CommandRow::as_select()).load(conn)?,
    };
    let mut claimed = Vec::new();
    for row in rows {
        if !has_earlier(conn, &row)? {
            claimed.push(claim(conn, by, row)?);
        }
    }
    Ok(claimed)
}

fn has_earlier(conn: &mut DbConnection, row: &CommandRow) -> DbResult<bool> {
    let Some(leg_id) = &row.leg_id else { return Ok(false) };
    let earlier = commands::table
        .filter(commands::leg_id.eq(leg_id))
        .filter(commands::finished_at.is_null())
        .filter(commands::id.lt(&row.id));
    Ok(earlier.count().get_result::<i64>(conn)? > 0)
}

fn claim(conn: &mut DbConnection, by: &Claimant<'_>, mut row: CommandRow) -> DbResult<CommandRow> {
    row.uncertain |= row.status == CLAIMED;
    row.status = CLAIMED.to_owned();
    row.claimed_by = Some(by.name.to_owned());
    row.due_at = (by.now + by.lease).naive_utc();
    diesel::update(commands::table.find(&row.id))
        .set((
            commands::status.eq(&row.status),
            commands::uncertain.eq(row.uncertain),
            commands::claimed_by.eq(&row.claimed_by),
            commands::due_at.eq(row.due_at),
        ))
        .execute(conn)?;
    Ok(row)
}

/// Keeps what this process is carrying out its own for another lease.
pub fn renew(conn: &mut DbConnection, by: &Claimant<'_>, command_ids: &[String]) -> DbResult<()> {
    let mine = commands::table
        .filter(commands::id.eq_any(command_ids))
        .filter(commands::status.eq(CLAIMED))
        .filter(commands::claimed_by.eq(by.name));
    diesel::update(mine).set(commands::due_at.eq((by.now + by.lease).naive_utc())).execute(conn)?;
    Ok(())
}

/// Brings the watch of every live call forward, one after the other at this distance: what happened while nobody was there
/// to hear of it is asked for now.
pub fn hasten_watches(conn: &mut DbConnection, now: DateTime<Utc>, apart: TimeDelta) -> DbResult<()> {
    let watch = serde_json::to_string(&Timer::Watch).map_err(DbError::corrupt)?;
    let ids: Vec<String> = timers::table.filter(timers::timer.eq(watch)).select(timers::id).load(conn)?;
    let mut due_at = now;
    for id in ids {
        let later = timers::table.find(id).filter(timers::due_at.gt(due_at.naive_utc()));
        diesel::update(later).set(timers::due_at.eq(due_at.naive_utc())).execute(conn)?;
        due_at += apart;
    }
    Ok(())
}

/// Writes timers down.
pub fn set_timers(
    conn: &mut DbConnection,
    by: &Claimant<'_>,
    call_id: Uuid,
    wanted: &[SetTimer],
) -> DbResult<()> {
    for set in wanted {
        let row = TimerRow {
            id: by.ids.id().to_string(),
            call_id: call_id.to_string(),
            timer: serde_json::to_string(&set.timer).map_err(DbError::corrupt)?,
            due_at: (by.now + TimeDelta::seconds(set.after_secs.into())).naive_utc(),
        };
        diesel::insert_into(timers::table).values(&row).execute(conn)?;
    }
    Ok(())
}

/// The timers that are due, soonest first.
pub fn due_timers(conn: &mut DbConnection, now: DateTime<Utc>, limit: i64) -> DbResult<Vec<TimerRow>> {
    let due = timers::table
        .filter(timers::due_at.le(now.naive_utc()))
        .order(timers::due_at.asc())
        .limit(limit)
        .select(TimerRow::as_select());
    Ok(due.load(conn)?)
}

/// Whether any command is due.
pub fn has_due(conn: &mut DbConnection, now: DateTime<Utc>) -> DbResult<bool> {
    let due = commands::table
        .filter(commands::finished_at.is_null())
        .filter(commands::due_at.le(now.naive_utc()))
        .select(commands::id)
        .first::<String>(conn);
    Ok(due.optional()?.is_some())
}

/// When the next timer or command after `now` is due. What is due already has been seen to, or waits for another.
pub fn next_due(conn: &mut DbConnection, now: DateTime<Utc>) -> DbResult<Option<DateTime<Utc>>> {
    let now = now.naive_utc();
    let timer = timers::table
        .filter(timers::due_at.gt(now))
        .order(timers::due_at.asc())
        .select(timers::due_at)
        .first(conn)
        .optional()?;
    let command = commands::table
        .filter(commands::finished_at.is_null())
        .filter(commands::due_at.gt(now))
        .order(commands::due_at.asc())
        .select(commands::due_at)
        .first(conn)
        .optional()?;
    Ok([timer, command].into_iter().flatten().min().map(|at: chrono::NaiveDateTime| at.and_utc()))
}

/// Takes a timer away for good; false if another process has.
pub fn take_timer(conn: &mut DbConnection, row: &TimerRow) -> DbResult<bool> {
    Ok(diesel::delete(timers::table.find(&row.id)).execute(conn)? == 1)
}

/// Forgets the timers of a call that has ended.
pub fn forget_timers(conn: &mut DbConnection, call_id: Uuid) -> DbResult<()> {
    diesel::delete(timers::table.filter(timers::call_id.eq(call_id.to_string()))).execute(conn)?;
    Ok(())
}
