//! The CRM's API on calls: parse, ask a service, answer.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{self, IfMatch, IfNoneMatch};
use actix_web::web::{Header, Path};
use uuid::Uuid;

use super::examples;
use super::flow::{Event, Party};
use super::forms::{
    CallList, Expected, NewCall, NewOutcome, NewTransfer, OnParticipant, ParticipantControl, Text,
};
use super::models::{self, CallFilter};
use super::requesting::{self, resolve, shown};
use super::serializers::{CallOut, CallPage};
use super::services::ServiceError;
use crate::agents::models::Scope;
use crate::app::{App, SharedApp};
use crate::db::DbError;
use crate::error::{AppError, ErrorCode, ValidJson, ValidQuery};
use crate::idempotency::{Answered, Idempotency};
use crate::middleware::api_key::ApiKey;

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
    let location = |call_id| format!("/api/v1/calls/{call_id}");
    Ok(requesting::place(&app, &key.asker(), idempotency, form, location).await?.into())
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
    let is_expected =
        move |answered: &Answered| expected.as_ref().is_none_or(|tags| is_one_of(answered, tags));
    Ok(requesting::outcome(&app, &key.asker(), *id, form, is_expected).await?.into())
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
    Ok(requesting::transfer(&app, &key.asker(), idempotency, *id, form).await?.into())
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

async fn tell(
    app: &SharedApp,
    key: &ApiKey,
    idempotency: Idempotency,
    call_id: Uuid,
    event: Event,
) -> Answer {
    Ok(requesting::tell(app, &key.asker(), idempotency, call_id, event).await?.into())
}
