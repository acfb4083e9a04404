//! Carries commands out: asks Twilio, and takes what came of it back into the flow. Also fires timers, and takes over what
//! a process that is no more has left.

use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::TimeDelta;

use super::flow::{
    self, Call, Command, Event, Failure, LegProgress, Participant, RoomChange, RoomChangeKind,
};
use super::models::{self, CommandRow, TimerRow};
use super::queue::{self, Settled};
use super::requests::{self, Request, failure_of, leg_status, request};
use super::services::{self, Advanced, ServiceError};
use crate::app::App;
use crate::db::DbError;
use crate::telephony::ConferenceSid;
use crate::twilio::{
    CallFilter, CallResource, ConferenceFilter, ConferenceStatus, ParticipantStatus, TwilioError,
};

/// How often a command is tried in all before it is given up.
const ATTEMPTS: i32 = 6;
/// How long after an uncertain create Twilio is asked whether it happened: its list lags behind.
const LOOK_AFTER_SECS: i64 = 2;
/// After how many tries a create that Twilio does not show is believed not to have happened. Its callbacks, which would
/// prove the contrary, have had the same time to arrive.
const LOOKS: i32 = 2;
/// How far Twilio's clock may be behind ours, when a lost create is looked for by its time.
const CLOCK_SKEW_SECS: i64 = 5;
/// Rows taken over at once at the most.
const TAKE_OVER: i64 = 100;
/// How long to sleep at the most, in real time: other processes' rows come without a knock.
const NAP: Duration = Duration::from_millis(500);
/// How often claims are renewed, in real time: a third of a lease.
const RENEW_EVERY: Duration = Duration::from_secs(3);
/// How far apart calls that were alive at the start are asked for: well below what Twilio takes.
const WATCHES_APART: TimeDelta = TimeDelta::milliseconds(20);

/// What Twilio answered: news of the leg, and of who is in the room.
#[derive(Clone, Default)]
struct Answer {
    progress: Option<LegProgress>,
    present: Vec<RoomChange>,
}

impl From<Option<LegProgress>> for Answer {
    fn from(progress: Option<LegProgress>) -> Self {
        Self { progress, present: vec![] }
    }
}

/// What came of one try.
enum Outcome {
    Done(Answer),
    Refused { gone: bool, failure: Failure, reason: String },
    Again { uncertain: bool, reason: String },
}

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

/// Does what is due; gives how long until the next.
async fn look_for_due(app: &Arc<App>) -> Duration {
    if let Err(error) = take_over(app).await {
        tracing::warn!(%error, "cannot look for due commands");
    }
    fire_due(app).await.unwrap_or_else(|error| {
        tracing::warn!(%error, "cannot fire timers");
        NAP
    })
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
    Ok(next.map_or(NAP, |at| app.clock.until(at).clamp(Duration::from_millis(1), NAP)))
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
    let outcome = attempt(&app, &row).await.unwrap_or_else(|error| again(false, error));
    // What has happened at Twilio must reach the database; until it does, nobody else may repeat it.
    while let Err(error) = settle(&app, &row, &outcome).await {
        tracing::error!(%error, command.id = row.id, "cannot write down what Twilio answered; trying again");
        if app.stopping.is_cancelled() || !error.is_unavailable() {
            return;
        }
        tokio::time::sleep(NAP).await;
    }
}

fn again(uncertain: bool, reason: impl ToString) -> Outcome {
    Outcome::Again { uncertain, reason: reason.to_string() }
}

async fn attempt(app: &Arc<App>, row: &CommandRow) -> Result<Outcome, DbError> {
    let command = row.command()?;
    let call_id = row.call_id.parse().map_err(DbError::corrupt)?;
    let Some(call) = app.db.read(move |conn| models::load(conn, call_id)).await? else {
        return Ok(refused(false, Failure::Error, "the call is not known"));
    };
    if !flow::is_still_wanted(&call, &command) {
        let is_moot = !command.dials();
        return Ok(match is_moot {
            true => Outcome::Done(Answer::default()),
            false => refused(false, Failure::Error, "not wanted any more"),
        });
    }
    if command.dials() && row.uncertain {
        match look_up(app, &call, &command, row).await {
            Ok(Some(found)) => return Ok(Outcome::Done(Some(found).into())),
            Ok(None) if row.attempts < LOOKS => return Ok(again(true, "Twilio does not show it yet")),
            Ok(None) => {}
            Err(error) => return Ok(again(true, error)),
        }
    }
    let Some(request) = request(&app.documents.links, &call, &command) else {
        return Ok(refused(false, Failure::Error, "Twilio does not know the leg"));
    };
    Ok(match send(app, &command, request).await {
        Ok(answer) => Outcome::Done(answer),
        Err(error) if error.is_gone() => refused(true, Failure::Error, error),
        Err(error @ TwilioError::Refused { .. }) => refused(false, failure_of(&error), error),
        Err(error) => again(error.may_have_happened(), error),
    })
}

fn refused(gone: bool, failure: Failure, reason: impl ToString) -> Outcome {
    Outcome::Refused { gone, failure, reason: reason.to_string() }
}

async fn send(app: &App, command: &Command, request: Request) -> Result<Answer, TwilioError> {
    let leg_of = |call: CallResource| progress(command, &call).into();
    match request {
        Request::CreateCall(create) => app.twilio.create_call(&create).await.map(leg_of),
        Request::FindChild(parent) => {
            let filter = CallFilter { parent_call_sid: Some(parent), limit: Some(1), ..Default::default() };
            let found = app.twilio.list_calls(&filter).await?;
            Ok(found.first().and_then(|child| progress(command, child)).into())
        }
        Request::FetchCall(sid) => app.twilio.fetch_call(&sid).await.map(leg_of),
        Request::UpdateCall(sid, update) => {
            app.twilio.update_call(&sid, &update).await.map(|_| Answer::default())
        }
        Request::UpdateConference(sid, update) => {
            app.twilio.update_conference(&sid, &update).await.map(|_| Answer::default())
        }
        Request::UpdateParticipant(room, sid, update) => {
            app.twilio.update_participant(&room, &sid, &update).await.map(|_| Answer::default())
        }
        Request::CreateParticipant(room, create) => {
            let made = app.twilio.create_participant(&room, &create).await?;
            let named = command.leg_id().map(|leg_id| LegProgress {
                leg_id,
                call_sid: made.call_sid,
                parent_call_sid: None,
                status: flow::LegStatus::Queued,
                sequence: None,
                sip_code: None,
            });
            Ok(named.into())
        }
        Request::ListParticipants(sid, name) => {
            let present = look_into_room(app, sid, name).await?;
            Ok(Answer { progress: None, present })
        }
    }
}

/// Whoever is in the room now, as if they had just come in.
async fn look_into_room(
    app: &App,
    sid: Option<ConferenceSid>,
    name: String,
) -> Result<Vec<RoomChange>, TwilioError> {
    let open = ConferenceFilter { friendly_name: Some(name), status: Some(ConferenceStatus::InProgress) };
    let sid = match sid {
        Some(sid) => Some(sid),
        None => app.twilio.list_conferences(&open).await?.into_iter().next().map(|found| found.sid),
    };
    let Some(conference_sid) = sid else { return Ok(vec![]) };
    let people = app.twilio.list_participants(&conference_sid).await?;
    let connected = people.into_iter().filter(|person| person.status == ParticipantStatus::Connected);
    let came = connected.map(|person| RoomChange {
        conference_sid: conference_sid.clone(),
        sequence: None,
        kind: RoomChangeKind::Joined(Participant {
            label: person.label.as_deref().and_then(|label| label.parse().ok()),
            call_sid: person.call_sid,
        }),
    });
    Ok(came.collect())
}

fn progress(command: &Command, call: &CallResource) -> Option<LegProgress> {
    Some(LegProgress {
        leg_id: command.leg_id()?,
        call_sid: call.sid.clone(),
        parent_call_sid: call.parent_call_sid.clone(),
        status: leg_status(call.status)?,
        sequence: None,
        sip_code: None,
    })
}

/// Finds the leg of a create whose answer was lost: the newest to the same person, placed since, that is nobody else's.
async fn look_up(
    app: &App,
    call: &Call,
    command: &Command,
    row: &CommandRow,
) -> Result<Option<LegProgress>, TwilioError> {
    let Some(leg) = command.leg_id().and_then(|leg_id| call.leg(leg_id)) else { return Ok(None) };
    let (to, from) = requests::parties(call, leg);
    let filter = CallFilter { to: Some(to), from: Some(from), limit: Some(50), ..Default::default() };
    let since = row.created_at.and_utc() - TimeDelta::seconds(CLOCK_SKEW_SECS);
    for found in app.twilio.list_calls(&filter).await? {
        let is_recent = found.date_created.is_none_or(|at| at >= since);
        if is_recent && found.parent_call_sid.is_none() && !is_known(app, &found).await {
            return Ok(progress(command, &found));
        }
    }
    Ok(None)
}

async fn is_known(app: &App, found: &CallResource) -> bool {
    let sid = found.sid.clone();
    // When in doubt it is somebody else's: the caller looks again rather than adopting a stranger's leg.
    app.db.read(move |conn| models::knows_call_sid(conn, &sid)).await.unwrap_or(true)
}

async fn settle(app: &Arc<App>, row: &CommandRow, outcome: &Outcome) -> Result<(), ServiceError> {
    let command = row.command()?;
    let is_last = row.attempts + 1 >= ATTEMPTS;
    let (settled, text, events): (_, _, Vec<Event>) = match outcome {
        Outcome::Again { uncertain, reason } if !is_last => {
            return postpone(app, row, *uncertain, reason).await;
        }
        Outcome::Done(answer) => {
            let done = Event::CommandDone { command, progress: answer.progress.clone() };
            let seen = answer.present.iter().cloned().map(Event::RoomChanged);
            (Settled::Done, "done".to_owned(), std::iter::once(done).chain(seen).collect())
        }
        Outcome::Refused { gone, failure, reason } => {
            let event = Event::CommandRefused { command, gone: *gone, failure: *failure };
            (Settled::Refused, reason.clone(), vec![event])
        }
        Outcome::Again { reason, .. } => {
            let event = Event::CommandRefused { command, gone: false, failure: Failure::Error };
            (Settled::Refused, format!("given up: {reason}"), vec![event])
        }
    };
    tracing::info!(call.id = row.call_id, command.kind = row.kind, outcome = text, "command settled");
    let claims = app.claims();
    let policy = app.policy.clone();
    let row = row.clone();
    let written = app.db.write(move |conn| {
        let claimant = claims.claimant();
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

async fn postpone(app: &App, row: &CommandRow, uncertain: bool, reason: &str) -> Result<(), ServiceError> {
    tracing::warn!(call.id = row.call_id, command.kind = row.kind, reason, "command will be tried again");
    // 0.5, 1, 2, 4 … seconds; a create that may have happened is not looked for at once.
    let wait = TimeDelta::milliseconds(500 << row.attempts.clamp(0, 6));
    let wait = if uncertain { wait.max(TimeDelta::seconds(LOOK_AFTER_SECS)) } else { wait };
    let until = app.clock.now() + wait;
    let (row, reason) = (row.clone(), reason.to_owned());
    app.db.write(move |conn| queue::postpone(conn, &row, until, uncertain, &reason)).await?;
    app.knock.notify_one();
    Ok(())
}
