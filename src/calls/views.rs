//! The CRM's API on calls: parse, ask a service, answer.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{self, IfMatch, IfNoneMatch};
use actix_web::web::{Header, Path};
use serde_json::json;
use uuid::Uuid;

use super::audited;
use super::examples;
use super::flow::{Call, Event, Leg, Party, Plan, Role, Target, TransferRequest};
use super::forms::{
    CallList, Destination, Destinations, Expected, NewCall, NewOutcome, NewTransfer, OnParticipant,
    ParticipantControl, Text,
};
use super::models::{self, CallFilter, CallRequest, DbResult, OutcomeRow};
use super::serializers::{CallOut, CallPage};
use super::services::{self, ServiceError};
use crate::agents;
use crate::agents::models::{Agent, Scope};
use crate::app::{App, SharedApp};
use crate::audit::{self, Entry};
use crate::db::{DbConnection, DbError};
use crate::error::{AppError, ErrorCode, ValidJson, ValidQuery};
use crate::guard;
use crate::idempotency::{Answered, Idempotency};
use crate::middleware::api_key::ApiKey;
use crate::middleware::request_log::about;
use crate::telephony::{Address, PhoneNumber};

/// What views answer.
type Answer = Result<HttpResponse, AppError>;

/// `POST /api/v1/calls`: asks for a call.
#[utoipa::path(
    post, path = "/api/v1/calls", tag = "calls",
    summary = "Place a call",
    description = "Rings the agent and, once they are on the line, the customer. It waits in the dial queue until it is its turn: `queue_position` says where. Repeating the request with the same `Idempotency-Key` dials nobody again.",
    request_body(content = NewCall, example = json!(examples::new_call())),
    responses((status = 201, body = CallOut, description = "The call, being placed.", headers(("Location" = String, description = "The call's address.")), example = json!(examples::call()))),
    extensions(("x-scope" = json!(Scope::Call)), ("x-errors" = json!([ErrorCode::UnknownAgent, ErrorCode::DuplicateCall, ErrorCode::ExternalIdTaken, ErrorCode::NoDestinationAllowed, ErrorCode::DestinationNotAllowed, ErrorCode::NumberInvalid, ErrorCode::NumberTypeNotAllowed, ErrorCode::CallerIdNotOwned, ErrorCode::DoNotCall, ErrorCode::OutsideCallingHours, ErrorCode::AgentBusy, ErrorCode::TooManyAttempts, ErrorCode::TooManyCalls]))),
)]
pub async fn create(
    app: SharedApp,
    key: ApiKey,
    idempotency: Idempotency,
    ValidJson(form): ValidJson<NewCall>,
) -> Answer {
    key.require(Scope::Call)?;
    if form.unique_external_id && form.external_id.is_none() {
        return Err(AppError::field("external_id", "is required, as unique_external_id is true"));
    }
    let request = call_request(&key, &form);
    let (allow_duplicate, must_have_outcome) = (form.allow_duplicate, app.outcomes.required);
    let call = planned(&app, form).await?;
    about(call.id, None);
    let request = CallRequest { call_id: call.id.to_string(), ..request };
    let entry = audited::entry(key.actor(), app.clock.now(), call.id, &Event::Placed);
    let answered = services::place(&app, call, request, allow_duplicate, move |conn, call| {
        audit::record(conn, &entry)?;
        let answered = shown(conn, StatusCode::CREATED, call, must_have_outcome)?
            .at(format!("/api/v1/calls/{}", call.id));
        idempotency.keep(conn, &answered)?;
        Ok(answered)
    });
    Ok(answered.await?.into())
}

/// `GET /api/v1/calls`: calls, newest first.
#[utoipa::path(
    get, path = "/api/v1/calls", tag = "calls",
    summary = "List calls",
    description = "Newest first, a page at a time.",
    params(CallList),
    responses((status = 200, body = CallPage, description = "A page of calls.", example = json!(examples::page()))),
    extensions(("x-scope" = json!(Scope::Read)), ("x-errors" = json!([ErrorCode::UnknownAgent]))),
)]
pub async fn list(app: SharedApp, key: ApiKey, ValidQuery(query): ValidQuery<CallList>) -> Answer {
    key.require(Scope::Read)?;
    let limit = query.limit.get();
    let filter = filter(&app, query).await?;
    let found = app.db.read(move |conn| {
        // One more than is shown tells whether there is another page.
        let calls = models::list(conn, &filter, i64::from(limit) + 1)?;
        Ok::<_, DbError>((models::beside(conn, &calls)?, calls))
    });
    let (beside, calls) = found.await?;
    let page = calls.iter().zip(&beside).take(limit as usize);
    let shown: Vec<CallOut> = page.map(|(call, it)| CallOut::new(call, it, app.outcomes.required)).collect();
    let next_cursor = (calls.len() > shown.len()).then(|| shown.last().map(CallOut::id)).flatten();
    Ok(HttpResponse::Ok().json(CallPage { calls: shown, next_cursor }))
}

async fn filter(app: &App, query: CallList) -> Result<CallFilter, AppError> {
    let agent = match query.agent {
        Some(agent) => Some(resolve(app, "agent", agent, "the agent").await?.address),
        None => None,
    };
    Ok(CallFilter {
        status: query.status,
        agent,
        customer: query.customer,
        external_id: query.external_id.map(Text::into_string),
        created_from: query.created_from.map(|moment| moment.0),
        created_before: query.created_before.map(|moment| moment.0),
        after: query.cursor,
    })
}

/// `GET /api/v1/calls/{id}`
#[utoipa::path(
    get, path = "/api/v1/calls/{id}", tag = "calls",
    summary = "Read a call",
    description = "The call with its legs and transfers, as it is now.",
    params(
        ("id" = Uuid, Path, description = "The call."),
        ("If-None-Match" = Option<String>, Header, description = "The `ETag` that you have: 304 if the call is still that."),
    ),
    responses(
        (status = 200, body = CallOut, description = "The call.", example = json!(examples::connected())),
        (status = 304, description = "It has not changed."),
    ),
    extensions(("x-scope" = json!(Scope::Read))),
)]
pub async fn detail(
    app: SharedApp,
    key: ApiKey,
    id: Path<Uuid>,
    if_none_match: Option<Header<IfNoneMatch>>,
) -> Answer {
    key.require(Scope::Read)?;
    let (call_id, must_have_outcome) = (*id, app.outcomes.required);
    let found = app.db.read(move |conn| {
        let call = models::load(conn, call_id)?.ok_or(ServiceError::NotFound)?;
        Ok::<_, ServiceError>(shown(conn, StatusCode::OK, &call, must_have_outcome)?)
    });
    let answered = found.await?;
    if if_none_match.is_some_and(|Header(tags)| is_among(&answered, &tags)) {
        let etag = answered.etag().unwrap_or_default();
        return Ok(HttpResponse::NotModified().insert_header((header::ETAG, etag)).finish());
    }
    Ok(answered.into())
}

fn is_one_of(answered: &Answered, tags: &IfMatch) -> bool {
    let mine = answered.etag().unwrap_or_default().trim_matches('"');
    match tags {
        IfMatch::Any => true,
        // Without the header there is nothing to compare.
        IfMatch::Items(tags) => tags.is_empty() || tags.iter().any(|tag| tag.tag() == mine),
    }
}

fn is_among(answered: &Answered, tags: &IfNoneMatch) -> bool {
    let mine = answered.etag().unwrap_or_default().trim_matches('"');
    match tags {
        IfNoneMatch::Any => true,
        IfNoneMatch::Items(tags) => tags.iter().any(|tag| tag.tag() == mine),
    }
}

/// `PUT /api/v1/calls/{id}/outcome`: what came of the call, in one of the site's words.
#[utoipa::path(
    put, path = "/api/v1/calls/{id}/outcome", tag = "calls",
    summary = "Say what came of a call",
    description = "In one of the site's words (setting `outcomes.dispositions`), during the call or after it. It replaces what was said before.",
    params(
        ("id" = Uuid, Path, description = "The call."),
        ("If-Match" = Option<String>, Header, description = "The `ETag` that you have read: 412 if the call has changed since.", pattern = r#"^(\*|(W/)?"[!#-+.-~-]*"( *, *(W/)?"[!#-+.-~-]*")*)$"#, example = json!("\"5f0c9c1c0e0a4c8e9d7b6a5f4e3d2c1b\"")),
    ),
    request_body(content = NewOutcome, example = json!(examples::new_outcome())),
    responses((status = 200, body = CallOut, description = "The call with its outcome.", example = json!(examples::with_outcome()))),
    extensions(("x-scope" = json!(Scope::Call)), ("x-errors" = json!([ErrorCode::PreconditionFailed]))),
)]
pub async fn outcome(
    app: SharedApp,
    key: ApiKey,
    id: Path<Uuid>,
    Expected(expected): Expected,
    ValidJson(form): ValidJson<NewOutcome>,
) -> Answer {
    key.require(Scope::Call)?;
    about(*id, None);
    let disposition = form.disposition.into_string();
    if !app.outcomes.dispositions.0.contains(&disposition) {
        let words = app.outcomes.dispositions.0.join(", ");
        return Err(AppError::field("disposition", format!("must be one of the setting: {words}")));
    }
    let row = OutcomeRow {
        call_id: id.to_string(),
        disposition,
        notes: form.notes.map(Text::into_string),
        set_by: key.name().to_owned(),
        set_at: app.clock.now().naive_utc(),
    };
    let must_have_outcome = app.outcomes.required;
    let entry = Entry {
        at: row.set_at.and_utc(),
        actor: key.actor(),
        action: "call.outcome_set",
        subject: Some(row.call_id.clone()),
        detail: json!({ "disposition": row.disposition }),
    };
    let set = services::set_outcome(&app, *id, row, move |conn, call, is_before| {
        if is_before {
            audit::record(conn, &entry)?;
        }
        let answered = shown(conn, StatusCode::OK, call, must_have_outcome)?;
        match &expected {
            Some(tags) if is_before && !is_one_of(&answered, tags) => Err(ServiceError::Changed),
            _ => Ok(answered),
        }
    });
    Ok(set.await?.into())
}

/// `POST /api/v1/calls/{id}/transfer`: brings a second agent in.
#[utoipa::path(
    post, path = "/api/v1/calls/{id}/transfer", tag = "transfers",
    summary = "Transfer a call",
    description = "Brings a second agent in while the first is still on the line.",
    params(("id" = Uuid, Path, description = "The call.")),
    request_body(content = NewTransfer, example = json!(examples::new_transfer())),
    responses((status = 202, body = CallOut, description = "The call, with the transfer under way.", example = json!(examples::transferring()))),
    extensions(("x-scope" = json!(Scope::Transfer)), ("x-errors" = json!([ErrorCode::NotConnected, ErrorCode::TransferInProgress, ErrorCode::HandingOver, ErrorCode::CallEnded, ErrorCode::UnknownAgent, ErrorCode::NoDestinationAllowed, ErrorCode::DestinationNotAllowed, ErrorCode::NumberInvalid, ErrorCode::NumberTypeNotAllowed, ErrorCode::CallerIdNotOwned]))),
)]
pub async fn transfer(
    app: SharedApp,
    key: ApiKey,
    idempotency: Idempotency,
    id: Path<Uuid>,
    ValidJson(form): ValidJson<NewTransfer>,
) -> Answer {
    key.require(Scope::Transfer)?;
    let call = services::find(&app, *id).await?;
    let request = TransferRequest {
        transfer_id: app.ids.id(),
        targets: targets(&app, &call, form.to).await?,
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
    if let Some(refusal) = guard::services::check_transfer(&app, &key, &call, targets, shown).await? {
        return Err(refusal.into());
    }
    tell(&app, &key, idempotency, *id, Event::TransferRequested(request)).await
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

/// `POST /api/v1/calls/{id}/transfer/complete`: the agent who holds the customer leaves.
#[utoipa::path(
    post, path = "/api/v1/calls/{id}/transfer/complete", tag = "transfers",
    summary = "Hand the call over",
    description = "The agent who holds the customer leaves, as soon as the other two hear each other.",
    params(("id" = Uuid, Path, description = "The call.")),
    responses((status = 202, body = CallOut, description = "The call, being handed over.", example = json!(examples::transferring()))),
    extensions(("x-scope" = json!(Scope::Transfer)), ("x-errors" = json!([ErrorCode::NoTransfer, ErrorCode::NotJoined, ErrorCode::HandingOver, ErrorCode::CallEnded]))),
)]
pub async fn complete(app: SharedApp, key: ApiKey, idempotency: Idempotency, id: Path<Uuid>) -> Answer {
    key.require(Scope::Transfer)?;
    tell(&app, &key, idempotency, *id, Event::CompleteRequested).await
}

/// `POST /api/v1/calls/{id}/transfer/cancel`: takes the transfer back.
#[utoipa::path(
    post, path = "/api/v1/calls/{id}/transfer/cancel", tag = "transfers",
    summary = "Take a transfer back",
    description = "The second agent stops ringing, or leaves; customer and agent are together again.",
    params(("id" = Uuid, Path, description = "The call.")),
    responses((status = 202, body = CallOut, description = "The call, without the transfer.", example = json!(examples::connected()))),
    extensions(("x-scope" = json!(Scope::Transfer)), ("x-errors" = json!([ErrorCode::NoTransfer, ErrorCode::HandingOver, ErrorCode::CallEnded]))),
)]
pub async fn cancel(app: SharedApp, key: ApiKey, idempotency: Idempotency, id: Path<Uuid>) -> Answer {
    key.require(Scope::Transfer)?;
    tell(&app, &key, idempotency, *id, Event::CancelRequested).await
}

/// `POST /api/v1/calls/{id}/transfer/merge`: everybody into the room.
#[utoipa::path(
    post, path = "/api/v1/calls/{id}/transfer/merge", tag = "transfers",
    summary = "Bring everybody together",
    description = "While the agents talk privately: customer and both agents into the room.",
    params(("id" = Uuid, Path, description = "The call.")),
    responses((status = 202, body = CallOut, description = "The call, with everybody on their way to the room.", example = json!(examples::transferring()))),
    extensions(("x-scope" = json!(Scope::Transfer)), ("x-errors" = json!([ErrorCode::NoTransfer, ErrorCode::NotJoined, ErrorCode::NotConsulting, ErrorCode::HandingOver, ErrorCode::CallEnded]))),
)]
pub async fn merge(app: SharedApp, key: ApiKey, idempotency: Idempotency, id: Path<Uuid>) -> Answer {
    key.require(Scope::Transfer)?;
    tell(&app, &key, idempotency, *id, Event::MergeRequested).await
}

/// `POST /api/v1/calls/{id}/transfer/swap`: the agent talks to the other of the two.
#[utoipa::path(
    post, path = "/api/v1/calls/{id}/transfer/swap", tag = "transfers",
    summary = "Talk to the other one",
    description = "While the agents talk privately: the agent talks to the customer, and the second agent hears music; and back again.",
    params(("id" = Uuid, Path, description = "The call.")),
    responses((status = 202, body = CallOut, description = "The call, with the two changing places.", example = json!(examples::transferring()))),
    extensions(("x-scope" = json!(Scope::Transfer)), ("x-errors" = json!([ErrorCode::NoTransfer, ErrorCode::NotJoined, ErrorCode::NotConsulting, ErrorCode::HandingOver, ErrorCode::CallEnded]))),
)]
pub async fn swap(app: SharedApp, key: ApiKey, idempotency: Idempotency, id: Path<Uuid>) -> Answer {
    key.require(Scope::Transfer)?;
    tell(&app, &key, idempotency, *id, Event::SwapRequested).await
}

/// `POST /api/v1/calls/{id}/participants/{role}/{control}`: hold, resume, mute, unmute or remove one person.
#[utoipa::path(
    post, path = "/api/v1/calls/{id}/participants/{role}/{control}", tag = "participants",
    summary = "Hold, mute or remove somebody",
    description = "To whoever has this role and is on the line.",
    params(OnParticipant),
    responses((status = 202, body = CallOut, description = "The call, with this being done.", example = json!(examples::connected()))),
    extensions(("x-scope" = json!(Scope::Call)), ("x-errors" = json!([ErrorCode::NotConnected, ErrorCode::NotOnLine, ErrorCode::OutsideRoom, ErrorCode::HandingOver, ErrorCode::CallEnded]))),
)]
pub async fn participant(
    app: SharedApp,
    key: ApiKey,
    idempotency: Idempotency,
    path: Path<OnParticipant>,
) -> Answer {
    key.require(Scope::Call)?;
    let OnParticipant { id, role, control } = path.into_inner();
    let event = match control {
        ParticipantControl::Control(control) => Event::ControlRequested { role, control },
        ParticipantControl::Remove => Event::RemoveRequested { role, by: Party::Crm },
    };
    tell(&app, &key, idempotency, id, event).await
}

/// `POST /api/v1/calls/{id}/hangup`: ends the call for everybody.
#[utoipa::path(
    post, path = "/api/v1/calls/{id}/hangup", tag = "calls",
    summary = "End a call",
    description = "Ends it for everybody.",
    params(("id" = Uuid, Path, description = "The call.")),
    responses((status = 202, body = CallOut, description = "The call, being ended.", example = json!(examples::connected()))),
    extensions(("x-scope" = json!(Scope::Call)), ("x-errors" = json!([ErrorCode::CallEnded]))),
)]
pub async fn hangup(app: SharedApp, key: ApiKey, idempotency: Idempotency, id: Path<Uuid>) -> Answer {
    key.require(Scope::Call)?;
    tell(&app, &key, idempotency, *id, Event::HangUpRequested { by: Party::Crm }).await
}

/// Takes a request into the call: durable, and being carried out, when it is answered.
async fn tell(
    app: &SharedApp,
    key: &ApiKey,
    idempotency: Idempotency,
    call_id: Uuid,
    event: Event,
) -> Answer {
    about(call_id, None);
    let entry = audited::entry(key.actor(), app.clock.now(), call_id, &event);
    let must_have_outcome = app.outcomes.required;
    let answered = services::take_in(app, call_id, event, move |conn, call| {
        audit::record(conn, &entry)?;
        let answered = shown(conn, StatusCode::ACCEPTED, call, must_have_outcome)?;
        idempotency.keep(conn, &answered)?;
        Ok(answered)
    });
    Ok(answered.await?.into())
}

/// The call as the API shows it now.
fn shown(
    conn: &mut DbConnection,
    status: StatusCode,
    call: &Call,
    must_have_outcome: bool,
) -> DbResult<Answered> {
    let beside = models::beside(conn, std::slice::from_ref(call))?.pop().unwrap_or_default();
    Answered::new(status, &CallOut::new(call, &beside, must_have_outcome))
}

fn call_request(key: &ApiKey, form: &NewCall) -> CallRequest {
    let metadata = form.metadata.as_ref().and_then(|metadata| serde_json::to_string(metadata).ok());
    let external_id = form.external_id.clone().map(Text::into_string);
    CallRequest {
        call_id: String::new(),
        api_key_id: key.id().to_string(),
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
