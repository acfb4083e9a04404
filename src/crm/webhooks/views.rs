//! Endpoints over HTTP: keys that may read look at them, keys that may do everything change them.

use actix_web::HttpResponse;
use actix_web::http::header;
use actix_web::web::Path;
use serde_json::{Value, json};
use uuid::Uuid;

use super::forms::{DeliveryList, EndpointChange, NewEndpoint, Replay, Rotation, Span};
use super::serializers::{DeliveryPage, EndpointOut, EndpointPage, Replayed, SecretOut};
use super::services::{Desk, WebhookError};
use crate::agents::models::Scope;
use crate::app::SharedApp;
use crate::error::{AppError, ErrorCode, ValidJson, ValidQuery};
use crate::middleware::api_key::ApiKey;

type Answer = Result<HttpResponse, AppError>;

impl From<WebhookError> for AppError {
    fn from(error: WebhookError) -> Self {
        match error {
            WebhookError::Db(error) => error.into(),
            WebhookError::NotFound => Self::new(ErrorCode::NotFound),
            WebhookError::InvalidUrl(reason) => Self::field("url", reason),
            WebhookError::InvalidSpan => Self::field("until", "must be later than since"),
            WebhookError::Disabled => Self::new(ErrorCode::EndpointDisabled),
            WebhookError::TooMany => Self::new(ErrorCode::TooManyEndpoints).with_detail(error.to_string()),
        }
    }
}

fn example() -> Value {
    json!({
        "id": "01a1f3a2-6f00-7c55-9d0b-1f2a3b4c5d70", "url": "https://crm.example.com/hooks", "description": "Deals",
        "events": ["call.*", "transfer.failed"], "enabled": true, "disabled_at": null, "disabled_reason": null,
        "failing_since": null, "old_secret_until": null, "created_at": "2026-11-21T09:30:00.000000Z",
        "created_by": "crm",
    })
}

fn secret_example() -> Value {
    let mut endpoint = example();
    endpoint["secret"] = json!("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
    endpoint
}

fn delivery_example() -> Value {
    json!({
        "id": 9, "webhook_id": "msg_5dd3a0805b5950abac06b4e159cc4154", "type": "call.ended", "cause": "event",
        "event_id": 17, "call_id": "01a1f3a2-6f00-7c55-9d0b-1f2a3b4c5d6e", "state": "pending", "attempts": 1,
        "next_attempt_at": "2026-11-21T09:30:05.400000Z", "last_status": 503,
        "last_error": "HTTP 503 Service Unavailable", "created_at": "2026-11-21T09:30:00.000000Z",
        "finished_at": null,
    })
}

fn desk<'a>(app: &'a SharedApp, key: &ApiKey, scope: Scope) -> Result<Desk<'a>, AppError> {
    key.require(scope)?;
    Ok(Desk {
        db: &app.db,
        clock: &*app.clock,
        ids: &*app.ids,
        by: key.actor(),
        allow_private_addresses: app.crm.webhooks.options.allow_private_addresses,
    })
}

/// `POST /api/v1/webhook-endpoints`: makes one; the answer alone has its secret.
#[utoipa::path(
    post, path = "/api/v1/webhook-endpoints", tag = "webhooks",
    summary = "Add an endpoint",
    description = "Events are posted to it from now on, signed after Standard Webhooks. Its secret is in this answer alone.",
    request_body(content = NewEndpoint, example = json!({ "url": "https://crm.example.com/hooks", "events": ["call.*", "transfer.failed"], "description": "Deals" })),
    responses((status = 201, body = SecretOut, description = "It is made.", headers(("Location" = String, description = "Where it is.")), example = json!(secret_example()))),
    extensions(("x-scope" = json!(Scope::Admin)), ("x-errors" = json!([ErrorCode::TooManyEndpoints]))),
)]
pub async fn create(app: SharedApp, key: ApiKey, ValidJson(form): ValidJson<NewEndpoint>) -> Answer {
    let made = desk(&app, &key, Scope::Admin)?.create(form).await?;
    let location = format!("/api/v1/webhook-endpoints/{}", made.endpoint.id);
    Ok(HttpResponse::Created().insert_header((header::LOCATION, location)).json(made))
}

/// `GET /api/v1/webhook-endpoints`
#[utoipa::path(
    get, path = "/api/v1/webhook-endpoints", tag = "webhooks",
    summary = "List endpoints",
    description = "All of them, oldest first, without their secrets.",
    responses((status = 200, body = EndpointPage, description = "The endpoints.", example = json!({ "endpoints": [example()] }))),
    extensions(("x-scope" = json!(Scope::Read))),
)]
pub async fn list(app: SharedApp, key: ApiKey) -> Answer {
    let endpoints = desk(&app, &key, Scope::Read)?.list().await?;
    Ok(HttpResponse::Ok().json(EndpointPage { endpoints }))
}

/// `GET /api/v1/webhook-endpoints/{id}`
#[utoipa::path(
    get, path = "/api/v1/webhook-endpoints/{id}", tag = "webhooks",
    summary = "Look at an endpoint",
    description = "How it is, and why nothing is sent if nothing is.",
    params(("id" = Uuid, Path, description = "The endpoint.")),
    responses((status = 200, body = EndpointOut, description = "The endpoint.", example = json!(example()))),
    extensions(("x-scope" = json!(Scope::Read))),
)]
pub async fn detail(app: SharedApp, key: ApiKey, id: Path<Uuid>) -> Answer {
    Ok(HttpResponse::Ok().json(desk(&app, &key, Scope::Read)?.show(&id.to_string()).await?))
}

/// `PATCH /api/v1/webhook-endpoints/{id}`: changes what is said, and nothing else.
#[utoipa::path(
    patch, path = "/api/v1/webhook-endpoints/{id}", tag = "webhooks",
    summary = "Change an endpoint",
    description = "What is absent stays. One that is enabled again is sent first what waited for it.",
    params(("id" = Uuid, Path, description = "The endpoint.")),
    request_body(content = EndpointChange, example = json!({ "enabled": true })),
    responses((status = 200, body = EndpointOut, description = "The endpoint as it is now.", example = json!(example()))),
    extensions(("x-scope" = json!(Scope::Admin))),
)]
pub async fn change(
    app: SharedApp,
    key: ApiKey,
    id: Path<Uuid>,
    ValidJson(form): ValidJson<EndpointChange>,
) -> Answer {
    let endpoint = desk(&app, &key, Scope::Admin)?.change(&id.to_string(), form).await?;
    app.crm.webhooks.knock();
    Ok(HttpResponse::Ok().json(endpoint))
}

/// `DELETE /api/v1/webhook-endpoints/{id}`
#[utoipa::path(
    delete, path = "/api/v1/webhook-endpoints/{id}", tag = "webhooks",
    summary = "Remove an endpoint",
    description = "What it was still to be sent is not sent any more.",
    params(("id" = Uuid, Path, description = "The endpoint.")),
    responses((status = 204, description = "It is gone.")),
    extensions(("x-scope" = json!(Scope::Admin))),
)]
pub async fn remove(app: SharedApp, key: ApiKey, id: Path<Uuid>) -> Answer {
    desk(&app, &key, Scope::Admin)?.remove(&id.to_string()).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// `POST /api/v1/webhook-endpoints/{id}/rotate-secret`: a new secret, which the answer alone has.
#[utoipa::path(
    post, path = "/api/v1/webhook-endpoints/{id}/rotate-secret", tag = "webhooks",
    summary = "Rotate an endpoint's secret",
    description = "Messages are signed with the old secret too while both overlap. The new one is in this answer alone.",
    params(("id" = Uuid, Path, description = "The endpoint.")),
    request_body(content = Rotation, example = json!({ "overlap_hours": 24 })),
    responses((status = 200, body = SecretOut, description = "The endpoint with its new secret.", example = json!(secret_example()))),
    extensions(("x-scope" = json!(Scope::Admin))),
)]
pub async fn rotate(
    app: SharedApp,
    key: ApiKey,
    id: Path<Uuid>,
    ValidJson(form): ValidJson<Rotation>,
) -> Answer {
    let rotated = desk(&app, &key, Scope::Admin)?.rotate(&id.to_string(), form.overlap_hours.get()).await?;
    Ok(HttpResponse::Ok().json(rotated))
}

/// `POST /api/v1/webhook-endpoints/{id}/replay`: sends what happened in a stretch of time once more.
#[utoipa::path(
    post, path = "/api/v1/webhook-endpoints/{id}/replay", tag = "webhooks",
    summary = "Replay a stretch of time",
    description = "What happened then is sent once more, each message under the id that it always had.",
    params(("id" = Uuid, Path, description = "The endpoint.")),
    request_body(content = Replay, example = json!({ "since": "2026-11-21T09:00:00Z", "until": "2026-11-21T10:00:00Z" })),
    responses((status = 202, body = Replayed, description = "How many messages will be sent.", example = json!({ "deliveries": 12 }))),
    extensions(("x-scope" = json!(Scope::Admin)), ("x-errors" = json!([ErrorCode::EndpointDisabled]))),
)]
pub async fn replay(
    app: SharedApp,
    key: ApiKey,
    id: Path<Uuid>,
    ValidJson(form): ValidJson<Replay>,
) -> Answer {
    let desk = desk(&app, &key, Scope::Admin)?;
    let until = form.until.map_or_else(|| app.clock.now(), |until| until.0);
    let span = Span { since: form.since.0, until };
    let deliveries = desk.replay(&id.to_string(), span, form.types.0).await?;
    app.crm.webhooks.knock();
    Ok(HttpResponse::Accepted().json(Replayed { deliveries }))
}

/// `POST /api/v1/webhook-endpoints/{id}/test`: sends `webhook.test`.
#[utoipa::path(
    post, path = "/api/v1/webhook-endpoints/{id}/test", tag = "webhooks",
    summary = "Try an endpoint",
    description = "Sends one message of the type `webhook.test`.",
    params(("id" = Uuid, Path, description = "The endpoint.")),
    responses((status = 202, body = Replayed, description = "It will be sent.", example = json!({ "deliveries": 1 }))),
    extensions(("x-scope" = json!(Scope::Admin)), ("x-errors" = json!([ErrorCode::EndpointDisabled]))),
)]
pub async fn test(app: SharedApp, key: ApiKey, id: Path<Uuid>) -> Answer {
    desk(&app, &key, Scope::Admin)?.test(&id.to_string()).await?;
    app.crm.webhooks.knock();
    Ok(HttpResponse::Accepted().json(Replayed { deliveries: 1 }))
}

/// `GET /api/v1/webhook-endpoints/{id}/deliveries`: newest first.
#[utoipa::path(
    get, path = "/api/v1/webhook-endpoints/{id}/deliveries", tag = "webhooks",
    summary = "List an endpoint's deliveries",
    description = "What was, and is to be, sent to it, newest first.",
    params(("id" = Uuid, Path, description = "The endpoint."), DeliveryList),
    responses((status = 200, body = DeliveryPage, description = "A page of deliveries.", example = json!({ "deliveries": [delivery_example()], "next_cursor": null }))),
    extensions(("x-scope" = json!(Scope::Read))),
)]
pub async fn deliveries(
    app: SharedApp,
    key: ApiKey,
    id: Path<Uuid>,
    ValidQuery(query): ValidQuery<DeliveryList>,
) -> Answer {
    let desk = desk(&app, &key, Scope::Read)?;
    let id = id.to_string();
    let page = desk.deliveries(&id, query.state, query.cursor, query.limit.get()).await?;
    Ok(HttpResponse::Ok().json(page))
}
