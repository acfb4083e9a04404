//! What is asked of calls, by programs through the API and by people in the console: it is made whole, judged, and taken in
//! together with its entry in the audit log and the answer that is kept.

use std::borrow::Cow;
use std::sync::Arc;

use actix_web::http::StatusCode;
use serde_json::json;
use uuid::Uuid;

use super::audited;
use super::flow::{Call, Event, Leg, Monitor, Plan, Role, SuperviseRequest, Target, TransferRequest};
use super::forms::{Destination, Destinations, NewCall, NewOutcome, NewTransfer, Text};
use super::models::{self, CallRequest, DbResult, OutcomeRow};
use super::serializers::CallOut;
use super::services::{self, ServiceError};
use crate::agents;
use crate::agents::models::Agent;
use crate::app::{App, SharedApp};
use crate::audit::{self, Actor, Entry};
use crate::db::DbConnection;
use crate::error::{AppError, ErrorCode};
use crate::guard;
use crate::idempotency::{Answered, Idempotency};
use crate::middleware::request_log::about;
use crate::telephony::{Address, PhoneNumber};

/// What must be true of a call, as it is in the database, so that somebody may ask this of it.
pub type May = Arc<dyn Fn(&Call) -> Result<(), ServiceError> + Send + Sync>;

/// Whoever asks.
#[derive(Clone)]
pub struct Asker {
    /// An API key's id, or an account's: whose turn it is in the dial queue, and whose calls are counted.
    pub id: Uuid,
    /// For the audit log, and beside the outcome.
    pub actor: Actor,
    /// Whether they may ask this.
    pub may: May,
    /// Whether they are told that a supervisor is on the call.
    pub sees_supervisors: bool,
}

type Answer = Result<Answered, AppError>;

/// Places a call, which then lives where `location` says.
///
/// # Errors
/// What is wrong with the form, and why the guard will not have it.
pub async fn place(
    app: &SharedApp,
    by: &Asker,
    idempotency: Idempotency,
    form: NewCall,
    location: fn(Uuid) -> String,
) -> Answer {
    if form.unique_external_id && form.external_id.is_none() {
        return Err(AppError::field("external_id", "is required, as unique_external_id is true"));
    }
    let request = call_request(by, &form);
    let (allow_duplicate, must_have_outcome) = (form.allow_duplicate, app.outcomes.required);
    let call = planned(app, form).await?;
    about(call.id, None);
    let request = CallRequest { call_id: call.id.to_string(), ..request };
    let entry = audited::entry(by.actor.clone(), app.clock.now(), call.id, &Event::Placed);
    let placed = services::place(app, call, request, allow_duplicate, move |conn, call| {
        audit::record(conn, &entry)?;
        let answered = shown(conn, StatusCode::CREATED, call, must_have_outcome)?.at(location(call.id));
        idempotency.keep(conn, &answered)?;
        Ok(answered)
    });
    Ok(placed.await?)
}

/// Brings a second agent in.
///
/// # Errors
/// What is wrong with the form, why the guard will not have it, and why the call is not ready for it.
pub async fn transfer(
    app: &SharedApp,
    by: &Asker,
    idempotency: Idempotency,
    call_id: Uuid,
    form: NewTransfer,
) -> Answer {
    let call = services::find(app, call_id).await?;
    // Before anybody learns whom it could be transferred to.
    (by.may)(&call)?;
    let request = TransferRequest {
        transfer_id: app.ids.id(),
        targets: targets(app, &call, form.to).await?,
        ring: form.ring,
        require_accept: form.require_accept.unwrap_or(app.defaults.require_accept),
        style: form.style.unwrap_or(app.defaults.style),
        briefing: form.briefing.map(Text::into_string),
        caller_id: form
            .caller_id
            .or_else(|| app.defaults.transfer_caller_id.clone())
            .unwrap_or_else(|| call.caller_id.clone()),
        ring_timeout_secs: form.ring_timeout_secs.map_or(app.defaults.ring_timeout_secs, |secs| secs.get()),
    };
    let (targets, shown) = (&request.targets, &request.caller_id);
    if let Some(refusal) = guard::services::check_transfer(app, &by.actor, &call, targets, shown).await? {
        return Err(refusal.into());
    }
    tell(app, by, idempotency, call_id, Event::TransferRequested(request)).await
}

/// Brings a supervisor into the room by their own phone, or changes what they do there.
///
/// # Errors
/// Why their phone may not be rung, and why the call is not ready for it.
pub async fn supervise(
    app: &SharedApp,
    by: &Asker,
    idempotency: Idempotency,
    call_id: Uuid,
    agent: &Agent,
    monitor: Monitor,
) -> Answer {
    let call = services::find(app, call_id).await?;
    (by.may)(&call)?;
    let leg_id = app.ids.id();
    let (to, name) = (agent.address.clone(), agent.display_name.clone());
    let rung = [Target { leg_id, to: to.clone(), name: name.clone(), agent: Some(agent.id) }];
    if let Some(refusal) =
        guard::services::check_transfer(app, &by.actor, &call, &rung, &call.caller_id).await?
    {
        return Err(refusal.into());
    }
    let request = SuperviseRequest { leg_id, agent: agent.id, to, name, monitor };
    tell(app, by, idempotency, call_id, Event::SuperviseRequested(request)).await
}

/// Whom to ring, each of them once, and nobody who is on the line already.
async fn targets(app: &App, call: &Call, to: Destinations) -> Result<Vec<Target>, AppError> {
    let mut targets: Vec<Target> = Vec::with_capacity(to.0.len());
    for destination in to.0 {
        let Resolved { address: to, name, agent } =
            resolve(app, "to", destination, "the second agent").await?;
        // While a transfer is under way the flow refuses another, whomever it is to.
        let mut on_line = call.legs.iter().filter(|leg| !leg.is_over() && call.transfer().is_none());
        on_line.try_for_each(|leg| refuse_same("to", &to, Some(leg)))?;
        if targets.iter().any(|target| target.to == to) {
            return Err(AppError::field("to", "names the same address twice"));
        }
        targets.push(Target { leg_id: app.ids.id(), to, name, agent });
    }
    Ok(targets)
}

/// Takes a request into the call: durable, and being carried out, when it is answered.
///
/// # Errors
/// Why the call is not ready for it.
pub async fn tell(
    app: &SharedApp,
    by: &Asker,
    idempotency: Idempotency,
    call_id: Uuid,
    event: Event,
) -> Answer {
    about(call_id, None);
    let entry = audited::entry(by.actor.clone(), app.clock.now(), call_id, &event);
    let (must_have_outcome, may, sees_supervisors) =
        (app.outcomes.required, by.may.clone(), by.sees_supervisors);
    let taken = services::take_in_if(
        app,
        call_id,
        event,
        move |call| may(call),
        move |conn, call| {
            audit::record(conn, &entry)?;
            let answered =
                shown(conn, StatusCode::ACCEPTED, &seen(call, sees_supervisors), must_have_outcome)?;
            idempotency.keep(conn, &answered)?;
            Ok(answered)
        },
    );
    Ok(taken.await?)
}

/// Writes down what came of a call, if it is still what `is_expected` takes it for.
///
/// # Errors
/// What is wrong with the form; 412 for a call that has changed.
pub async fn outcome(
    app: &SharedApp,
    by: &Asker,
    call_id: Uuid,
    form: NewOutcome,
    is_expected: impl Fn(&Answered) -> bool + Send + 'static,
) -> Answer {
    about(call_id, None);
    let disposition = form.disposition.into_string();
    if !app.outcomes.dispositions.0.contains(&disposition) {
        let words = app.outcomes.dispositions.0.join(", ");
        return Err(AppError::field("disposition", format!("must be one of the setting: {words}")));
    }
    let row = OutcomeRow {
        call_id: call_id.to_string(),
        disposition,
        notes: form.notes.map(Text::into_string),
        set_by: by.actor.name.clone(),
        set_at: app.clock.now().naive_utc(),
    };
    let (must_have_outcome, may, sees_supervisors) =
        (app.outcomes.required, by.may.clone(), by.sees_supervisors);
    let entry = Entry {
        at: row.set_at.and_utc(),
        actor: by.actor.clone(),
        action: "call.outcome_set",
        subject: Some(row.call_id.clone()),
        detail: json!({ "disposition": row.disposition }),
    };
    let set = services::set_outcome(app, call_id, row, move |conn, call, is_before| {
        if is_before {
            may(call)?;
            audit::record(conn, &entry)?;
        }
        let answered = shown(conn, StatusCode::OK, &seen(call, sees_supervisors), must_have_outcome)?;
        if is_before && !is_expected(&answered) { Err(ServiceError::Changed) } else { Ok(answered) }
    });
    Ok(set.await?)
}

/// The call as somebody sees it, who may not be told that a supervisor is there.
fn seen(call: &Call, sees_supervisors: bool) -> Cow<'_, Call> {
    if sees_supervisors { Cow::Borrowed(call) } else { Cow::Owned(call.without_supervisors()) }
}

/// The call as the API shows it now.
///
/// # Errors
/// The database's.
pub(super) fn shown(
    conn: &mut DbConnection,
    status: StatusCode,
    call: &Call,
    must_have_outcome: bool,
) -> DbResult<Answered> {
    let beside = models::beside(conn, std::slice::from_ref(call))?.pop().unwrap_or_default();
    Answered::new(status, &CallOut::new(call, &beside, must_have_outcome))
}

fn call_request(by: &Asker, form: &NewCall) -> CallRequest {
    let metadata = form.metadata.as_ref().and_then(|metadata| serde_json::to_string(metadata).ok());
    let external_id = form.external_id.clone().map(Text::into_string);
    CallRequest {
        call_id: String::new(),
        api_key_id: by.id.to_string(),
        unique_external_id: external_id.clone().filter(|_| form.unique_external_id),
        external_id,
        metadata,
    }
}

/// The call as it will be written down.
async fn planned(app: &App, form: NewCall) -> Result<Call, AppError> {
    let caller_id = caller_id(app, form.caller_id)?;
    let agent = resolve(app, "agent", form.agent, "the agent").await?;
    let agent = Leg::planned(app.ids.id(), Role::FirstAgent, agent.address, agent.name).of_agent(agent.agent);
    let customer = Leg::planned(app.ids.id(), Role::Customer, form.customer, "the customer".into());
    refuse_same("customer", &agent.address, Some(&customer))?;
    refuse_same("caller_id", &Address::Phone(caller_id.clone()), Some(&customer))?;
    Ok(Call::planned(Plan {
        id: app.ids.id(),
        room: app.ids.unguessable(),
        bridge: form.bridge.unwrap_or(app.defaults.bridge),
        agent_caller_id: app.defaults.agent_caller_id.clone().unwrap_or_else(|| caller_id.clone()),
        caller_id,
        agent,
        customer,
        ring_timeout_secs: form.ring_timeout_secs.map_or(app.defaults.ring_timeout_secs, |secs| secs.get()),
        time_limit_secs: form.time_limit_secs.map_or(app.defaults.time_limit_secs, |secs| secs.get()),
        created_at: app.clock.now(),
    }))
}

fn caller_id(app: &App, asked: Option<PhoneNumber>) -> Result<PhoneNumber, AppError> {
    asked.or_else(|| app.defaults.caller_id.clone()).ok_or_else(|| {
        AppError::field("caller_id", "is required, as the setting twilio.caller_id names no default")
    })
}

/// Somebody to be rung.
pub(crate) struct Resolved {
    /// What is rung.
    pub address: Address,
    /// What to call the person in words: never a number.
    pub name: String,
    /// Whose phone of the directory it is.
    pub agent: Option<Uuid>,
}

/// Whom a destination means. The phone of one person of the directory is theirs, however it is named.
pub(crate) async fn resolve(
    app: &App,
    field: &'static str,
    destination: Destination,
    stranger: &str,
) -> Result<Resolved, AppError> {
    match destination {
        Destination::Address(address) => {
            let agent = agents::services::find_by_address(&app.db, &address).await?.map(|agent| agent.id);
            Ok(Resolved { address, name: stranger.to_owned(), agent })
        }
        Destination::Agent(name) => {
            let found = agents::services::find_by_name(&app.db, &name).await?;
            let unknown = || AppError::new(ErrorCode::UnknownAgent).with_field(field);
            let resolved = |agent: Agent| Resolved {
                address: agent.address,
                name: agent.display_name,
                agent: Some(agent.id),
            };
            found.map(resolved).ok_or_else(unknown)
        }
    }
}

/// Twilio refuses a call from a number to itself (21211), and a person cannot be two parties.
fn refuse_same(field: &'static str, address: &Address, other: Option<&Leg>) -> Result<(), AppError> {
    match other {
        Some(leg) if leg.address == *address => {
            Err(AppError::field(field, "is the same address as another party's"))
        }
        _ => Ok(()),
    }
}
