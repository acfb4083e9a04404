//! The API of the do-not-call list, and of questions to the guard.

use std::io::Cursor;

use actix_web::web::{Bytes, Path};
use actix_web::{HttpRequest, HttpResponse, http::header};

use super::caller_ids;
use super::forms::{EntryList, NewEntry, Question};
use super::models::{self, EntryRow, Others};
use super::rules::{self, Asked, Case};
use super::serializers::{EntryOut, EntryPage, Verdict};
use super::services::{self, Hold, ImportError};
use crate::agents::models::Scope;
use crate::app::SharedApp;
use crate::calls::forms::Text;
use crate::calls::views::resolve;
use crate::db::DbError;
use crate::error::{AppError, ErrorCode, ValidJson, ValidQuery, unread};
use crate::middleware::api_key::ApiKey;
use crate::telephony::PhoneNumber;

type Answer = Result<HttpResponse, AppError>;

/// `GET /api/v1/do-not-call`: the list, by number.
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
    let is_new = services::add(&app.db, key.actor(), row.clone(), now).await?;
    let mut response = if is_new { HttpResponse::Created() } else { HttpResponse::Ok() };
    response.insert_header((header::LOCATION, format!("/api/v1/do-not-call/{}", row.number)));
    Ok(response.json(EntryOut::from(row)))
}

/// `GET /api/v1/do-not-call/{number}`
pub async fn detail(app: SharedApp, key: ApiKey, number: Path<PhoneNumber>) -> Answer {
    key.require(Scope::Read)?;
    let now = app.clock.now();
    let row = app.db.read(move |conn| models::entry(conn, &number, now)).await?;
    let row = row.ok_or_else(|| AppError::new(ErrorCode::NotFound))?;
    Ok(HttpResponse::Ok().json(EntryOut::from(row)))
}

/// `DELETE /api/v1/do-not-call/{number}`: takes a number off the list.
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
pub async fn check(app: SharedApp, key: ApiKey, ValidJson(form): ValidJson<Question>) -> Answer {
    key.require(Scope::Read)?;
    let agent = match form.agent {
        Some(agent) => Some(resolve(&app, "agent", agent, "the agent").await?.0),
        None => None,
    };
    let shown = form.caller_id.or_else(|| app.defaults.caller_id.clone());
    let asked = Asked {
        customer: form.customer,
        agent,
        api_key_id: Some(key.id().to_string()),
        foreign_caller_id: caller_ids::first_foreign(&app, &Vec::from_iter(shown.as_ref())).await,
    };
    let (now, guard) = (app.clock.now(), app.guard.clone());
    let case = Case::new(&guard.rules, asked);
    let verdict = app.db.read(move |conn| {
        let known = services::known(conn, &guard.rules, &case, Others::All, Hold::Shared, now)?;
        let refusals = rules::refusals(&guard.rules, &case, &known, now);
        Ok::<_, DbError>(Verdict::new(&case.at, refusals, now))
    });
    Ok(HttpResponse::Ok().json(verdict.await?))
}
