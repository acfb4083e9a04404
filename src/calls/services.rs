//! Writes of the calls app: every event goes through [`advance`], which steps the flow and persists state, timeline,
//! commands and timers in one transaction; only then is anything said to Twilio.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde_json::json;
use uuid::Uuid;

use super::flow::{self, Call, Change, Command, Event, Policy, Refusal, Stage};
use super::models::{self, CallRequest, CommandRow, OutcomeRow};
use super::pacing::{self, Turn};
use super::queue::{self, Claimant};
use super::standings;
use crate::agents::models::AgentRole;
use crate::app::App;
use crate::db::{self, DbConnection, DbError, WriteError};
use crate::guard::{self, Guard};

/// Why a write was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// The database's fault.
    #[error(transparent)]
    Db(#[from] DbError),
    /// The call's state does not allow it.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// There is no such call.
    #[error("there is no such call")]
    NotFound,
    /// Whoever asks may see it, and not steer it.
    #[error("the call is not theirs to steer")]
    NotYours,
    /// It takes another role than theirs.
    #[error("this takes the role {0}")]
    RoleRequired(AgentRole),
    /// The guard will not have it dialled; that is recorded.
    #[error("{}", .0.sentence)]
    Guarded(Box<guard::Refusal>),
    /// The customer is being called already, by this call.
    #[error("the customer is being called already")]
    Duplicate(Uuid),
    /// A call of the same API key, this one, has the CRM's id.
    #[error("another call has the same external_id")]
    ExternalIdTaken(Uuid),
    /// The call is not any more what the request takes it for.
    #[error("the call has changed")]
    Changed,
}

impl ServiceError {
    /// Whether trying again later may help.
    pub fn is_unavailable(&self) -> bool {
        matches!(self, Self::Db(error) if error.is_unavailable())
    }
}

impl WriteError for ServiceError {
    fn as_db(&self) -> Option<&DbError> {
        match self {
            Self::Db(error) => Some(error),
            _ => None,
        }
    }
}

/// What a step has become: the call as it is now, and what this process is to carry out.
#[derive(Debug, Clone)]
pub struct Advanced {
    /// The call after the step.
    pub call: Call,
    /// Claimed for this process.
    pub commands: Vec<CommandRow>,
    /// Whether the step has changed anything: news that comes twice is no news.
    pub is_news: bool,
}

/// Takes one event into a call, inside a transaction. `None` if there is no such call.
///
/// # Errors
/// [`ServiceError::Refused`] for a request that comes at the wrong time; the transaction must then be undone.
pub fn advance(
    conn: &mut DbConnection,
    by: &Claimant<'_>,
    policy: &Policy,
    call_id: Uuid,
    event: &Event,
) -> Result<Option<Advanced>, ServiceError> {
    advance_if(conn, by, policy, call_id, event, |_| Ok(()))
}

/// The same, if this holds of the call as it is before.
fn advance_if(
    conn: &mut DbConnection,
    by: &Claimant<'_>,
    policy: &Policy,
    call_id: Uuid,
    event: &Event,
    may: impl Fn(&Call) -> Result<(), ServiceError>,
) -> Result<Option<Advanced>, ServiceError> {
    let Some(before) = models::load_for_update(conn, call_id)? else { return Ok(None) };
    may(&before)?;
    Ok(Some(step(conn, by, policy, Some(&before), before.clone(), event)?))
}

fn step(
    conn: &mut DbConnection,
    by: &Claimant<'_>,
    policy: &Policy,
    stored: Option<&Call>,
    call: Call,
    event: &Event,
) -> Result<Advanced, ServiceError> {
    let step = flow::step(&call, event, policy, by.now)?;
    let is_news = stored != Some(&step.call) || !step.commands.is_empty() || !step.timers.is_empty();
    if !is_news && step.call.stage != Stage::Ended {
        return Ok(Advanced { call: step.call, commands: vec![], is_news });
    }
    models::save(conn, stored, &step.call)?;
    models::append(conn, call.id, &flow::changes(stored, &step.call), by.now)?;
    standings::append(conn, stored, &step.call, by.now)?;
    let turns = step.commands.iter().filter(|command| matches!(command, Command::CreateCall { .. })).count();
    pacing::take(conn, by.pace, turns, by.now)?;
    let commands = queue::enqueue(conn, by, call.id, &step.commands)?;
    if step.call.stage == Stage::Ended {
        queue::forget_timers(conn, call.id)?;
        pacing::leave(conn, call.id)?;
    } else {
        queue::set_timers(conn, by, call.id, &step.timers)?;
    }
    Ok(Advanced { call: step.call, commands, is_news })
}

/// Takes an event into a call, durably, and sets to work on what follows. What must not be lost nor done alone, such as the
/// answer that is kept, is done by `also` in the same transaction.
///
/// # Errors
/// As [`ServiceError`] says.
pub async fn take_in<T: Send + 'static>(
    app: &Arc<App>,
    call_id: Uuid,
    event: Event,
    also: impl Fn(&mut DbConnection, &Call) -> Result<T, ServiceError> + Send + 'static,
) -> Result<T, ServiceError> {
    take_in_if(app, call_id, event, |_| Ok(()), also).await
}

/// The same, if `may` has nothing against it: it sees the call as it is before, in the same transaction.
///
/// # Errors
/// As [`ServiceError`] says.
pub async fn take_in_if<T: Send + 'static>(
    app: &Arc<App>,
    call_id: Uuid,
    event: Event,
    may: impl Fn(&Call) -> Result<(), ServiceError> + Send + 'static,
    also: impl Fn(&mut DbConnection, &Call) -> Result<T, ServiceError> + Send + 'static,
) -> Result<T, ServiceError> {
    let claims = app.claims();
    let policy = app.policy.clone();
    let taken = app.db.write(move |conn| {
        let advanced = advance_if(conn, &claims.claimant(), &policy, call_id, &event, &may)?;
        let advanced = advanced.ok_or(ServiceError::NotFound)?;
        Ok::<_, ServiceError>((also(conn, &advanced.call)?, advanced))
    });
    let (also, advanced) = taken.await?;
    app.carry_on(Some(advanced));
    Ok(also)
}

/// Writes a new call down and sets to work on it; `also` as for [`take_in`].
///
/// # Errors
/// As [`ServiceError`] says.
pub async fn place<T: Send + 'static>(
    app: &Arc<App>,
    call: Call,
    request: CallRequest,
    allow_duplicate: bool,
    also: impl Fn(&mut DbConnection, &Call) -> Result<T, ServiceError> + Send + 'static,
) -> Result<T, ServiceError> {
    let claims = app.claims();
    let policy = app.policy.clone();
    let guard = app.guard.clone();
    let case = guard::services::case_of(app, &call, &request).await;
    let placed = app.db.write(move |conn| {
        refuse_twins(conn, &call, &request, allow_duplicate)?;
        let refusal = match &case {
            Some(case) => guard::services::check_placing(conn, &guard.rules, case, claims.now)?,
            None => None,
        };
        if let Some(refusal) = refusal {
            return Ok(Err(refusal)); // what is recorded of it stays
        }
        models::save(conn, None, &call)?;
        models::insert_request(conn, &request)?;
        models::append(conn, call.id, &flow::changes(None, &call), claims.now)?;
        let dialled = begin(conn, &claims.claimant(), &policy, &guard, &call, &request)?;
        let now = dialled.iter().map(|it| &it.call).find(|it| it.id == call.id).unwrap_or(&call);
        Ok::<_, ServiceError>(Ok((also(conn, now)?, dialled)))
    });
    let (also, dialled) = placed.await?.map_err(|refusal| ServiceError::Guarded(Box::new(refusal)))?;
    dialled.into_iter().for_each(|advanced| app.carry_on(Some(advanced)));
    app.knock.notify_one();
    Ok(also)
}

/// Nobody is called twice because a CRM asked twice.
fn refuse_twins(
    conn: &mut DbConnection,
    call: &Call,
    request: &CallRequest,
    allow_duplicate: bool,
) -> Result<(), ServiceError> {
    if let Some(taken) = models::call_with_external_id(conn, request)? {
        return Err(ServiceError::ExternalIdTaken(taken));
    }
    let Some(customer) = call.customer().filter(|_| !allow_duplicate) else { return Ok(()) };
    db::lock(conn, &format!("customer {}", customer.address))?;
    models::live_call_to(conn, &customer.address)?.map_or(Ok(()), |live| Err(ServiceError::Duplicate(live)))
}

/// Dials the call if it is its turn. If it is somebody else's, they are dialled.
fn begin(
    conn: &mut DbConnection,
    by: &Claimant<'_>,
    policy: &Policy,
    guard: &Guard,
    call: &Call,
    request: &CallRequest,
) -> Result<Vec<Advanced>, ServiceError> {
    if by.pace.is_unlimited() {
        return Ok(vec![step(conn, by, policy, Some(call), call.clone(), &Event::Placed)?]);
    }
    pacing::join(conn, call.id, &request.api_key_id)?;
    Ok(dial_whose_turn_it_is(conn, by, policy, guard)?.dialled)
}

/// Whose turn it was, and when the next is.
pub struct Dialled {
    /// They are being dialled.
    pub dialled: Vec<Advanced>,
    /// When the next may be, if anybody waits.
    pub next_at: Option<DateTime<Utc>>,
}

/// Dials whoever waits and may be dialled now, inside a transaction.
///
/// # Errors
/// As [`ServiceError`] says.
pub fn dial_whose_turn_it_is(
    conn: &mut DbConnection,
    by: &Claimant<'_>,
    policy: &Policy,
    guard: &Guard,
) -> Result<Dialled, ServiceError> {
    let mut dialled = vec![];
    loop {
        match pacing::next_turn(conn, by.now)? {
            Turn::Of(call_id) => {
                let event = turn_of(conn, guard, call_id, by.now)?;
                dialled.extend(advance(conn, by, policy, call_id, &event)?);
            }
            Turn::At(next_at) => return Ok(Dialled { dialled, next_at: Some(next_at) }),
            Turn::Nobody => return Ok(Dialled { dialled, next_at: None }),
        }
    }
}

/// The call is dialled, unless that is not allowed any more: it may have waited for hours.
fn turn_of(
    conn: &mut DbConnection,
    guard: &Guard,
    call_id: Uuid,
    now: DateTime<Utc>,
) -> Result<Event, ServiceError> {
    let call = models::load(conn, call_id)?.ok_or(ServiceError::NotFound)?;
    let refusal = guard::services::check_again(conn, guard, &call, now)?;
    Ok(match refusal {
        Some(refusal) => {
            Event::Withdrawn { code: refusal.code.entry().0.to_owned(), reason: refusal.sentence }
        }
        None => Event::Placed,
    })
}

/// Writes down what came of a call; `check` sees the call as it was before, and gives what is answered after.
///
/// # Errors
/// As [`ServiceError`] says.
pub async fn set_outcome<T: Send + 'static>(
    app: &Arc<App>,
    call_id: Uuid,
    row: OutcomeRow,
    check: impl Fn(&mut DbConnection, &Call, bool) -> Result<T, ServiceError> + Send + 'static,
) -> Result<T, ServiceError> {
    let now = app.clock.now();
    let written = app.db.write(move |conn| {
        let call = models::load_for_update(conn, call_id)?.ok_or(ServiceError::NotFound)?;
        check(conn, &call, true)?;
        models::set_outcome(conn, &row)?;
        let detail = json!({ "disposition": row.disposition, "set_by": row.set_by });
        let change = Change { kind: "call.outcome".into(), leg_id: None, detail };
        models::append(conn, call_id, &[change], now)?;
        check(conn, &call, false)
    });
    let answer = written.await?;
    app.tell(call_id);
    Ok(answer)
}

/// A call.
///
/// # Errors
/// As [`ServiceError`] says.
pub async fn find(app: &App, call_id: Uuid) -> Result<Call, ServiceError> {
    app.db.read(move |conn| models::load(conn, call_id)?.ok_or(ServiceError::NotFound)).await
}
