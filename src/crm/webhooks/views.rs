//! Endpoints over HTTP: keys that may read look at them, keys that may do everything change them.

use actix_web::HttpResponse;
use actix_web::http::header;
use actix_web::web::Path;
use serde_json::json;
use uuid::Uuid;

use super::forms::{DeliveryList, EndpointChange, NewEndpoint, Replay, Rotation, Span};
use super::serializers::{EndpointPage, Replayed};
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
pub async fn create(app: SharedApp, key: ApiKey, ValidJson(form): ValidJson<NewEndpoint>) -> Answer {
    let endpoint = desk(&app, &key, Scope::Admin)?.create(form).await?;
    let location = format!("/api/v1/webhook-endpoints/{}", endpoint.id);
    Ok(HttpResponse::Created().insert_header((header::LOCATION, location)).json(endpoint))
}

/// `GET /api/v1/webhook-endpoints`
pub async fn list(app: SharedApp, key: ApiKey) -> Answer {
    let endpoints = desk(&app, &key, Scope::Read)?.list().await?;
    Ok(HttpResponse::Ok().json(EndpointPage { endpoints }))
}

/// `GET /api/v1/webhook-endpoints/{id}`
pub async fn detail(app: SharedApp, key: ApiKey, id: Path<Uuid>) -> Answer {
    Ok(HttpResponse::Ok().json(desk(&app, &key, Scope::Read)?.show(&id.to_string()).await?))
}

/// `PATCH /api/v1/webhook-endpoints/{id}`: changes what is said, and nothing else.
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
pub async fn remove(app: SharedApp, key: ApiKey, id: Path<Uuid>) -> Answer {
    desk(&app, &key, Scope::Admin)?.remove(&id.to_string()).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// `POST /api/v1/webhook-endpoints/{id}/rotate-secret`: a new secret, which the answer alone has.
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
pub async fn test(app: SharedApp, key: ApiKey, id: Path<Uuid>) -> Answer {
    desk(&app, &key, Scope::Admin)?.test(&id.to_string()).await?;
    app.crm.webhooks.knock();
    Ok(HttpResponse::Accepted().json(json!({ "deliveries": 1 })))
}

/// `GET /api/v1/webhook-endpoints/{id}/deliveries`: newest first.
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
