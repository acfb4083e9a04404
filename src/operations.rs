//! What operators and load balancers ask: is it alive, is it ready.

use actix_web::HttpResponse;
use actix_web::web::{self, ServiceConfig};
use serde_json::json;

use crate::app::SharedApp;
use crate::error::{AppError, ErrorCode, method_not_allowed};
use crate::urls::Route;

/// The routes.
pub const ROUTES: &[Route] = &[
    Route { methods: "GET HEAD", path: "/healthz", name: "operations:healthz", access: "open" },
    Route { methods: "GET HEAD", path: "/readyz", name: "operations:readyz", access: "open" },
];

/// Adds the routes. Some load balancers ask by HEAD; the server leaves out the body then.
pub fn configure(config: &mut ServiceConfig) {
    macro_rules! get_or_head {
        ($path:expr, $view:path) => {
            config.service(
                web::resource($path)
                    .route(web::get().to($view))
                    .route(web::head().to($view))
                    .default_service(web::to(method_not_allowed)),
            );
        };
    }
    get_or_head!("/healthz", healthz);
    get_or_head!("/readyz", readyz);
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
