//! Carries commands out: asks Twilio, and takes what came of it back into the flow. Also fires timers, and takes over what
//! a process that is no more has left.

use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};

use super::asking;
use super::attempts::{self, Attempt, First, Outcome, Settlement};
use super::exchanges::{self, ExchangeRow};
use super::flow::{Call, Event, Failure, LegProgress};
use super::models::{self, CommandRow, TimerRow};
use super::requests::request;
use super::services::{self, Advanced, ServiceError};
use super::{pacing, queue};
use crate::app::App;
use crate::db::DbError;
use crate::twilio::{TwilioClient, TwilioError};

/// Rows taken over at once at the most.
const TAKE_OVER: i64 = 100;
/// How long to sleep at the most, in real time: other processes' rows come without a knock.
const NAP: Duration = Duration::from_millis(500);
/// How often claims are renewed, in real time: a third of a lease.
const RENEW_EVERY: Duration = Duration::from_secs(3);
/// How far apart calls that were alive at the start are asked for: well below what Twilio takes.
const WATCHES_APART: TimeDelta = TimeDelta::milliseconds(20);

/// How often to see, in the time of whoever moves the clock by hand, whether it is somebody's turn to be dialled.
const WAITING_LOOK: TimeDelta = TimeDelta::milliseconds(50);

/// What a look at Twilio comes to.
type Found = Result<Option<LegProgress>, TwilioError>;

/// Starts carrying out what this process has claimed.
pub fn dispatch(app: &Arc<App>, commands: Vec<CommandRow>) {
    for row in commands {
        let task = carry_out(app.clone(), row);
        app.work(task);
    }
}

/// Works through timers and unclaimed commands until the application stops; first asks Twilio about every call that was
/// alive before this process was.
pub async fn run(app: Arc<App>) {
    let now = app.clock.now();
    if let Err(error) = app.db.write(move |conn| queue::hasten_watches(conn, now, WATCHES_APART)).await {
        tracing::warn!(%error, "calls of an earlier process will be looked at later");
    }
    let mut renewed = Instant::now();
    while !app.stopping.is_cancelled() {
        // What waits in the spool happened before what is due now, and may be what a timer asks after.
        let nap = if app.journal.spool.is_empty() { look_for_due(&app).await } else { NAP };
        if renewed.elapsed() >= RENEW_EVERY {
            renewed = Instant::now();
            renew(&app).await;
        }
        tokio::select! {
            () = app.stopping.cancelled() => {}
            () = app.knock.notified() => {}
            () = tokio::time::sleep(nap) => {}
        }
    }
}

/// Without it, another process would take over what this one is still waiting for.
async fn renew(app: &Arc<App>) {
    let ids = app.in_hand.all();
    if ids.is_empty() {
        return;
    }
    let claims = app.claims();
    if let Err(error) = app.db.write(move |conn| queue::renew(conn, &claims.claimant(), &ids)).await {
        tracing::warn!(%error, "claims could not be renewed");
    }
}

/// Does what is due at this moment, for whoever moves the clock by hand; gives when there is more to do.
///
/// # Errors
/// The database's.
pub async fn do_due(app: &Arc<App>) -> Result<Option<DateTime<Utc>>, DbError> {
    let now = app.clock.now();
    look_for_due(app).await;
    let waits = app.db.read(pacing::is_anybody_waiting).await?;
    let next = app.db.read(move |conn| queue::next_due(conn, now)).await?;
    Ok([waits.then(|| now + WAITING_LOOK), next].into_iter().flatten().min())
}

/// Does what is due; gives how long until the next.
async fn look_for_due(app: &Arc<App>) -> Duration {
    if let Err(error) = take_over(app).await {
        tracing::warn!(%error, "cannot look for due commands");
    }
    let until_turn = dial_waiting(app).await.unwrap_or_else(|error| {
        tracing::warn!(%error, "cannot dial who waits");
        NAP
    });
    let until_timer = fire_due(app).await.unwrap_or_else(|error| {
        tracing::warn!(%error, "cannot fire timers");
        NAP
    });
    until_turn.min(until_timer)
}

/// Dials whose turn it is; gives how long until the next one's.
async fn dial_waiting(app: &Arc<App>) -> Result<Duration, ServiceError> {
    if !app.db.read(pacing::is_anybody_waiting).await? {
        return Ok(NAP);
    }
    let claims = app.claims();
    let (policy, guard) = (app.policy.clone(), app.guard.clone());
    let dial = move |conn: &mut _| services::dial_whose_turn_it_is(conn, &claims.claimant(), &policy, &guard);
    let turns = app.db.write(dial).await?;
    turns.dialled.into_iter().for_each(|advanced| app.carry_on(Some(advanced)));
    Ok(turns.next_at.map_or(NAP, |at| nap_until(app, at)))
}

fn nap_until(app: &App, at: DateTime<Utc>) -> Duration {
    app.clock.until(at).clamp(Duration::from_millis(1), NAP)
}

async fn take_over(app: &Arc<App>) -> Result<(), DbError> {
    let claims = app.claims();
    let now = claims.now;
    if !app.db.read(move |conn| queue::has_due(conn, now)).await? {
        return Ok(());
    }
    let rows = app.db.write(move |conn| queue::claim_due(conn, &claims.claimant(), TAKE_OVER)).await?;
    dispatch(app, rows);
    Ok(())
}

/// Fires what is due; gives how long until the next.
async fn fire_due(app: &Arc<App>) -> Result<Duration, DbError> {
    let now = app.clock.now();
    let due = app.db.read(move |conn| queue::due_timers(conn, now, TAKE_OVER)).await?;
    for row in due {
        fire(app, row).await;
    }
    let next = app.db.read(move |conn| queue::next_due(conn, now)).await?;
    Ok(next.map_or(NAP, |at| nap_until(app, at)))
}

async fn fire(app: &Arc<App>, row: TimerRow) {
    let claims = app.claims();
    let policy = app.policy.clone();
    let fired = app.db.write(move |conn| {
        let claimant = claims.claimant();
        if !queue::take_timer(conn, &row)? {
            return Ok(None); // another process was faster
        }
        let call_id = row.call_id.parse().map_err(DbError::corrupt)?;
        services::advance(conn, &claimant, &policy, call_id, &Event::TimerFired(row.timer()?))
    });
    match fired.await {
        Ok(advanced) => app.carry_on(advanced),
        Err(error) => tracing::warn!(%error, "a timer could not be fired"),
    }
}

async fn carry_out(app: Arc<App>, row: CommandRow) {
    let _held = app.in_hand.hold(&row.id);
    let _lane = app.lanes.acquire().await;
    let (twilio, recording) = app.twilio.recording(app.clock.clone());
    let outcome = attempt(&app, &twilio, &row).await.unwrap_or_else(|error| Outcome::again(false, error));
    let exchanges: Arc<[ExchangeRow]> = exchanges::rows(&row.call_id, Some(&row.id), recording.take()).into();
    // What has happened at Twilio must reach the database; until it does, nobody else may repeat it.
    while let Err(error) = settle(&app, &row, &outcome, &exchanges).await {
        tracing::error!(%error, command.id = row.id, "cannot write down what Twilio answered; trying again");
        if app.stopping.is_cancelled() || !error.is_unavailable() {
            return;
        }
        tokio::time::sleep(NAP).await;
    }
}

fn attempt_of(row: &CommandRow) -> Result<Attempt, DbError> {
    Ok(Attempt {
        command: row.command()?,
        attempts: row.attempts,
        uncertain: row.uncertain,
        created_at: row.created_at.and_utc(),
    })
}

async fn attempt(app: &Arc<App>, twilio: &TwilioClient, row: &CommandRow) -> Result<Outcome, DbError> {
    let attempt = attempt_of(row)?;
    let Some(call) = call_of(app, row).await? else { return Ok(unknown_call()) };
    match attempts::first(&call, &attempt) {
        First::Settle(outcome) => return Ok(outcome),
        First::LookUp => {
            if let Some(outcome) = attempts::looked_up(look_up(app, twilio, &call, &attempt).await?, &attempt)
            {
                return Ok(outcome);
            }
            // What it made may have been heard of while we looked: then it is a leg of ours, and none to be found.
            let Some(call) = call_of(app, row).await? else { return Ok(unknown_call()) };
            if let First::Settle(outcome) = attempts::first(&call, &attempt) {
                return Ok(outcome);
            }
        }
        First::Send => {}
    }
    let Some(request) = request(&app.documents.links, &call, &attempt.command) else {
        return Ok(Outcome::refused(false, Failure::Error, "Twilio does not know the leg"));
    };
    Ok(Outcome::of(asking::send(twilio, &attempt.command, request).await))
}

async fn call_of(app: &App, row: &CommandRow) -> Result<Option<Call>, DbError> {
    let call_id = row.call_id.parse().map_err(DbError::corrupt)?;
    app.db.read(move |conn| models::load(conn, call_id)).await
}

fn unknown_call() -> Outcome {
    Outcome::refused(false, Failure::Error, "the call is not known")
}

/// Finds the leg of a create whose answer was lost: the newest that is nobody else's.
async fn look_up(app: &App, twilio: &TwilioClient, call: &Call, attempt: &Attempt) -> Result<Found, DbError> {
    let candidates = match asking::candidates(twilio, call, attempt).await {
        Ok(candidates) => candidates,
        Err(error) => return Ok(Err(error)),
    };
    for found in candidates {
        let sid = found.sid.clone();
        if !app.db.read(move |conn| models::knows_call_sid(conn, &sid)).await? {
            return Ok(Ok(attempts::progress(&attempt.command, &found)));
        }
    }
    Ok(Ok(None))
}

async fn settle(
    app: &Arc<App>,
    row: &CommandRow,
    outcome: &Outcome,
    exchanges: &Arc<[ExchangeRow]>,
) -> Result<(), ServiceError> {
    let (settled, text, events) = match attempts::settlement(&attempt_of(row)?, outcome) {
        Settlement::Postponed(pause) => return postpone(app, row, outcome, exchanges, pause).await,
        Settlement::Over(settled, text, events) => (settled, text, events),
    };
    tracing::info!(call.id = row.call_id, command.kind = row.kind, outcome = text, "command settled");
    let claims = app.claims();
    let policy = app.policy.clone();
    let (row, exchanges) = (row.clone(), exchanges.clone());
    let written = app.db.write(move |conn| {
        let claimant = claims.claimant();
        exchanges::insert(conn, &exchanges)?;
        let next = queue::finish(conn, &claimant, &row, settled, &text)?;
        let call_id = row.call_id.parse().map_err(DbError::corrupt)?;
        let mut commands = Vec::from_iter(next);
        let mut last = None;
        let mut is_news = false;
        for event in &events {
            if let Some(advanced) = services::advance(conn, &claimant, &policy, call_id, event)? {
                is_news |= advanced.is_news;
                commands.extend(advanced.commands);
                last = Some(advanced.call);
            }
        }
        Ok::<Option<Advanced>, ServiceError>(last.map(|call| Advanced { call, commands, is_news }))
    });
    app.carry_on(written.await?);
    Ok(())
}

async fn postpone(
    app: &App,
    row: &CommandRow,
    outcome: &Outcome,
    exchanges: &Arc<[ExchangeRow]>,
    pause: TimeDelta,
) -> Result<(), ServiceError> {
    let Outcome::Again { uncertain, reason } = outcome else { return Ok(()) };
    tracing::warn!(call.id = row.call_id, command.kind = row.kind, reason, "command will be tried again");
    let until = app.clock.now() + pause;
    let (row, uncertain, reason) = (row.clone(), *uncertain, reason.to_owned());
    let exchanges = exchanges.clone();
    let written = app.db.write(move |conn| {
        exchanges::insert(conn, &exchanges)?;
        queue::postpone(conn, &row, until, uncertain, &reason)
    });
    written.await?;
    app.knock.notify_one();
    Ok(())
}
