//! What operators and load balancers ask: is it alive, is it ready.

use actix_web::HttpResponse;
use actix_web::web::{self, ServiceConfig, get};
use serde_json::json;

use crate::app::SharedApp;
use crate::error::{AppError, ErrorCode, method_not_allowed};
use crate::urls::Route;

/// The routes.
pub const ROUTES: &[Route] = &[
    Route { methods: "GET", path: "/healthz", name: "operations:healthz", access: "open" },
    Route { methods: "GET", path: "/readyz", name: "operations:readyz", access: "open" },
];

/// Adds the routes.
pub fn configure(config: &mut ServiceConfig) {
    let only_get = || web::to(method_not_allowed);
    config
        .service(web::resource("/healthz").route(get().to(healthz)).default_service(only_get()))
        .service(web::resource("/readyz").route(get().to(readyz)).default_service(only_get()));
}

/// The process answers.
async fn healthz() -> HttpResponse {
    HttpResponse::Ok().json(json!({ "status": "ok" }))
}

/// The database is there and has its schema, so that calls can be taken; and what Twilio sends can be kept without it.
async fn readyz(app: SharedApp) -> Result<HttpResponse, AppError> {
    let unavailable = |detail| Err(AppError::new(ErrorCode::Unavailable).with_detail(detail));
    let spool = &app.journal.spool;
    if spool.is_full() {
        return unavailable(format!("the spool is full: {} callbacks wait for the database", spool.len()));
    }
    match app.db.pending_migrations().await? {
        0 => Ok(HttpResponse::Ok().json(json!({ "status": "ready", "spooled": spool.len() }))),
        missing => unavailable(format!("{missing} migrations are missing")),
    }
}
