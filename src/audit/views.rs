//! The log over HTTP, for keys that may do everything.

use actix_web::HttpResponse;

use super::forms::AuditList;
use super::serializers::AuditPage;
use super::services;
use crate::agents::models::Scope;
use crate::app::SharedApp;
use crate::error::{AppError, ValidQuery};
use crate::middleware::api_key::ApiKey;

/// `GET /api/v1/audit`: who changed what, newest first.
///
/// # Errors
/// As [`AppError`] says.
#[utoipa::path(
    get, path = "/api/v1/audit", tag = "audit",
    summary = "Read the audit log",
    description = "Who changed what, newest first.",
    params(AuditList),
    responses((status = 200, body = AuditPage, description = "A page of the log.", example = json!({
        "entries": [{
            "id": 7, "at": "2026-11-21T09:30:00.000000Z", "actor_kind": "api_key", "actor": "crm",
            "action": "call.placed", "subject": "01a1f3a2-6f00-7c55-9d0b-1f2a3b4c5d6e", "detail": {},
        }],
        "next_cursor": null,
    }))),
    extensions(("x-scope" = json!(Scope::Admin))),
)]
pub async fn list(
    app: SharedApp,
    key: ApiKey,
    ValidQuery(query): ValidQuery<AuditList>,
) -> Result<HttpResponse, AppError> {
    key.require(Scope::Admin)?;
    let limit = query.limit.get();
    let page: AuditPage = services::page(&app.db, query.filter(), limit).await?;
    Ok(HttpResponse::Ok().json(page))
}
