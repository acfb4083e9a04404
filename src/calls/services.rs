//! Writes of the calls app: every event goes through [`advance`], which steps the flow and persists state, timeline,
//! commands and timers in one transaction; only then is anything said to Twilio.

use std::sync::Arc;

use uuid::Uuid;

use super::flow::{self, Call, Event, Policy, Refusal, Stage};
use super::models::{self, CallRequest, CommandRow, DbResult};
use super::queue::{self, Claimant};
use crate::app::App;
use crate::db::{DbConnection, DbError, WriteError};

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
    /// Another request was made under the same idempotency key.
    #[error("another request was made under the same Idempotency-Key")]
    IdempotencyKeyReused,
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
    let Some(before) = models::load_for_update(conn, call_id)? else { return Ok(None) };
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
    let commands = queue::enqueue(conn, by, call.id, &step.commands)?;
    if step.call.stage == Stage::Ended {
        queue::forget_timers(conn, call.id)?;
    } else {
        queue::set_timers(conn, by, call.id, &step.timers)?;
    }
    Ok(Advanced { call: step.call, commands, is_news })
}

/// Takes an event into a call, durably, and sets to work on what follows.
///
/// # Errors
/// As [`ServiceError`] says.
pub async fn take_in(app: &Arc<App>, call_id: Uuid, event: Event) -> Result<Call, ServiceError> {
    let claims = app.claims();
    let policy = app.policy.clone();
    let advanced =
        app.db.write(move |conn| advance(conn, &claims.claimant(), &policy, call_id, &event)).await?;
    let call = advanced.as_ref().map(|advanced| advanced.call.clone());
    app.carry_on(advanced);
    call.ok_or(ServiceError::NotFound)
}

/// Writes a new call down and sets to work on it. A repetition under the same idempotency key gives the call that the
/// first made.
///
/// # Errors
/// As [`ServiceError`] says.
pub async fn place(app: &Arc<App>, call: Call, request: CallRequest) -> Result<Call, ServiceError> {
    let claims = app.claims();
    let policy = app.policy.clone();
    let advanced = app.db.write(move |conn| {
        if let Some(made) = made_before(conn, &request)? {
            return Ok(Advanced { call: made, commands: vec![], is_news: false });
        }
        models::save(conn, None, &call)?;
        models::insert_request(conn, &request)?;
        models::append(conn, call.id, &flow::changes(None, &call), claims.now)?;
        step(conn, &claims.claimant(), &policy, Some(&call), call.clone(), &Event::Placed)
    });
    let advanced = advanced.await?;
    let call = advanced.call.clone();
    app.carry_on(Some(advanced));
    Ok(call)
}

fn made_before(conn: &mut DbConnection, request: &CallRequest) -> Result<Option<Call>, ServiceError> {
    let Some(key) = &request.idempotency_key else { return Ok(None) };
    let Some(made) = models::request_by_idempotency_key(conn, &request.api_key_id, key)? else {
        return Ok(None);
    };
    if made.request_hash != request.request_hash {
        return Err(ServiceError::IdempotencyKeyReused);
    }
    let call_id = made.call_id.parse().map_err(DbError::corrupt)?;
    Ok(models::load(conn, call_id)?)
}

/// A call and what the CRM said of it.
///
/// # Errors
/// The database's.
pub async fn find(app: &App, call_id: Uuid) -> DbResult<Option<(Call, Option<CallRequest>)>> {
    app.db
        .read(move |conn| {
            let Some(call) = models::load(conn, call_id)? else { return Ok(None) };
            Ok(Some((call, models::request_of(conn, call_id)?)))
        })
        .await
}
