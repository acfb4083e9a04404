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
