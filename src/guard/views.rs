//! The API of the do-not-call list, and of questions to the guard.

use std::io::Cursor;

use actix_web::web::{Bytes, Path};
use actix_web::{HttpRequest, HttpResponse, http::header};

use super::caller_ids;
use super::forms::{EntryList, NewEntry, Question};
use super::models::{self, EntryRow};
use super::rules::Asked;
use super::serializers::{EntryOut, EntryPage, Verdict};
use super::services::{self, ImportError, Imported};
use crate::agents::models::Scope;
use crate::app::SharedApp;
use crate::calls::forms::Text;
use crate::calls::requesting::resolve;
use crate::error::{AppError, ErrorCode, ValidJson, ValidQuery, unread};
use crate::middleware::api_key::ApiKey;
use crate::telephony::PhoneNumber;

type Answer = Result<HttpResponse, AppError>;

/// `GET /api/v1/do-not-call`: the list, by number.
#[utoipa::path(
    get, path = "/api/v1/do-not-call", tag = "do-not-call",
    summary = "List the numbers that are not to be called",
    description = "Entries that hold, by number.",
    params(EntryList),
    responses((status = 200, body = EntryPage, description = "A page of the list.", example = json!({
        "entries": [{
            "number": "+15550100199", "reason": "asked us", "added_at": "2026-11-21T09:30:00.000000Z", "expires_at": null,
        }],
        "next_cursor": null,
    }))),
    extensions(("x-scope" = json!(Scope::Read))),
)]
pub async fn list(app: SharedApp, key: ApiKey, ValidQuery(query): ValidQuery<EntryList>) -> Answer {
    key.require(Scope::Read)?;
    let (now, limit) = (app.clock.now(), query.limit.get());
    let rows = app.db.read(move |conn| models::list(conn, query.cursor.as_ref(), limit.into(), now)).await?;
    let is_full = rows.len() == limit as usize;
    let next_cursor = rows.last().map(|row| row.number.clone()).filter(|_| is_full);
    Ok(HttpResponse::Ok()
        .json(EntryPage { entries: rows.into_iter().map(EntryOut::from).collect(), next_cursor }))
}

/// `POST /api/v1/do-not-call`: puts a number on the list.
#[utoipa::path(
    post, path = "/api/v1/do-not-call", tag = "do-not-call",
    summary = "Put a number on the list",
    description = "From now on it is not called; a call that waits is not dialled. An entry that is there is written anew.",
    request_body(content = NewEntry, example = json!({ "number": "+15550100199", "reason": "asked us" })),
    responses((status = 201, body = EntryOut, description = "The entry.", headers(("Location" = String, description = "The entry's address.")), example = json!({
        "number": "+15550100199", "reason": "asked us", "added_at": "2026-11-21T09:30:00.000000Z", "expires_at": null,
    }))),
    extensions(("x-scope" = json!(Scope::Admin))),
)]
pub async fn add(app: SharedApp, key: ApiKey, ValidJson(form): ValidJson<NewEntry>) -> Answer {
    key.require(Scope::Admin)?;
    let now = app.clock.now();
    if form.expires_at.is_some_and(|at| at <= now) {
        return Err(AppError::field("expires_at", "is in the past"));
    }
    let row = EntryRow {
        number: form.number.to_string(),
        reason: form.reason.map(Text::into_string).unwrap_or_default(),
        added_at: now.naive_utc(),
        expires_at: form.expires_at.map(|at| at.naive_utc()),
    };
    services::add(&app.db, key.actor(), row.clone(), now).await?;
    let location = (header::LOCATION, format!("/api/v1/do-not-call/{}", row.number));
    Ok(HttpResponse::Created().insert_header(location).json(EntryOut::from(row)))
}

/// `GET /api/v1/do-not-call/{number}`
#[utoipa::path(
    get, path = "/api/v1/do-not-call/{number}", tag = "do-not-call",
    summary = "Read a number's entry",
    description = "404 for a number that may be called, as far as the list goes.",
    params(("number" = PhoneNumber, Path, description = "The number.")),
    responses((status = 200, body = EntryOut, description = "The entry.", example = json!({
        "number": "+15550100199", "reason": "asked us", "added_at": "2026-11-21T09:30:00.000000Z", "expires_at": null,
    }))),
    extensions(("x-scope" = json!(Scope::Read))),
)]
pub async fn detail(app: SharedApp, key: ApiKey, number: Path<PhoneNumber>) -> Answer {
    key.require(Scope::Read)?;
    let now = app.clock.now();
    let row = app.db.read(move |conn| models::entry(conn, &number, now)).await?;
    let row = row.ok_or_else(|| AppError::new(ErrorCode::NotFound))?;
    Ok(HttpResponse::Ok().json(EntryOut::from(row)))
}

/// `DELETE /api/v1/do-not-call/{number}`: takes a number off the list.
#[utoipa::path(
    delete, path = "/api/v1/do-not-call/{number}", tag = "do-not-call",
    summary = "Take a number off the list",
    description = "From now on it may be called, as far as the list goes.",
    params(("number" = PhoneNumber, Path, description = "The number.")),
    responses((status = 204, description = "It is off the list.")),
    extensions(("x-scope" = json!(Scope::Admin))),
)]
pub async fn remove(app: SharedApp, key: ApiKey, number: Path<PhoneNumber>) -> Answer {
    key.require(Scope::Admin)?;
    let actor = key.actor();
    if services::remove(&app.db, actor, number.into_inner(), app.clock.now()).await? {
        Ok(HttpResponse::NoContent().finish())
    } else {
        Err(AppError::new(ErrorCode::NotFound))
    }
}

/// `POST /api/v1/do-not-call/import`: adds a list in CSV.
#[utoipa::path(
    post, path = "/api/v1/do-not-call/import", tag = "do-not-call",
    summary = "Add a list in CSV",
    description = "Columns are `number`, `reason` and `expires_at`, in this order or as a first line names them; a single column is one of numbers. At most 16 MiB. Lines that cannot be read are told, and all others are taken; importing a list again changes nothing. An entry that is there is only ever prolonged.",
    request_body(content = String, content_type = "text/csv", example = json!("number,reason\n+15550100199,asked us\n")),
    responses((status = 200, body = Imported, description = "What came of it.", example = json!({
        "read": 1, "changed": 1, "unreadable": 0, "problems": [],
    }))),
    extensions(("x-scope" = json!(Scope::Admin))),
)]
pub async fn import(
    app: SharedApp,
    key: ApiKey,
    request: HttpRequest,
    body: Result<Bytes, actix_web::Error>,
) -> Answer {
    key.require(Scope::Admin)?;
    let kind =
        request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if !kind.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("text/csv") {
        return Err(AppError::new(ErrorCode::UnsupportedMediaType).with_detail("the body must be text/csv"));
    }
    let body = body.map_err(|error| unread(&error))?;
    let actor = key.actor();
    match services::import(&app.db, &*app.clock, actor, Cursor::new(body), |_| ()).await {
        Ok(imported) => Ok(HttpResponse::Ok().json(imported)),
        Err(ImportError::Db(error)) => Err(error.into()),
        Err(ImportError::Io(_)) => Err(AppError::new(ErrorCode::UnreadableBody)),
    }
}

/// `POST /api/v1/guard/check`: every rule's verdict on a call that is not placed.
#[utoipa::path(
    post, path = "/api/v1/guard/check", tag = "guard",
    summary = "Ask whether a call would be placed",
    description = "Every rule's verdict on a number, as a person types it, say. Changes nothing.",
    request_body(content = Question, example = json!({ "customer": "+13035550123", "agent": "agent:alice" })),
    responses((status = 200, body = Verdict, description = "The verdict.", example = json!({
        "allowed": false, "time_zone": "America/Denver", "local_time": "2026-11-23T21:40:00-07:00",
        "time_zones": ["America/Denver"],
        "refusals": [{
            "code": "outside_calling_hours",
            "sentence": "It is Monday 21:40 in the customer's time zone (America/Denver); calls are allowed Monday to Saturday from 08:00 to 20:00.",
            "field": "customer", "next_allowed_at": "2026-11-24T15:00:00Z",
        }],
    }))),
    extensions(("x-scope" = json!(Scope::Read)), ("x-errors" = json!([ErrorCode::UnknownAgent]))),
)]
pub async fn check(app: SharedApp, key: ApiKey, ValidJson(form): ValidJson<Question>) -> Answer {
    key.require(Scope::Read)?;
    let agent = match form.agent {
        Some(agent) => Some(resolve(&app, "agent", agent, "the agent").await?.address),
        None => None,
    };
    let shown = form.caller_id.or_else(|| app.defaults.caller_id.clone());
    let asked = Asked {
        customer: form.customer,
        agent,
        api_key_id: Some(key.id().to_string()),
        foreign_caller_id: caller_ids::first_foreign(&app, &Vec::from_iter(shown.as_ref())).await,
    };
    let (case, refusals) = services::refusals(&app, asked).await?;
    Ok(HttpResponse::Ok().json(Verdict::new(&case.at, refusals, app.clock.now())))
}
