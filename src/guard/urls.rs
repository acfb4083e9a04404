//! The routes of the do-not-call list and of questions to the guard.

use actix_web::web::{self, PayloadConfig, ServiceConfig, delete, get, post};
use utoipa::OpenApi;

use super::views;
use crate::error::method_not_allowed;
use crate::urls::Route;

const KEY: &str = "api key";
/// The largest list that is taken by the API, in bytes; larger ones are for the command line.
const IMPORT_LIMIT: usize = 16 * 1024 * 1024;

/// The routes.
pub const ROUTES: &[Route] = &[
    Route { methods: "GET", path: "/api/v1/do-not-call", name: "guard:list", access: KEY },
    Route { methods: "POST", path: "/api/v1/do-not-call", name: "guard:add", access: KEY },
    Route { methods: "POST", path: "/api/v1/do-not-call/import", name: "guard:import", access: KEY },
    Route { methods: "DELETE", path: "/api/v1/do-not-call/{number}", name: "guard:remove", access: KEY },
    Route { methods: "GET", path: "/api/v1/do-not-call/{number}", name: "guard:detail", access: KEY },
    Route { methods: "POST", path: "/api/v1/guard/check", name: "guard:check", access: KEY },
];

/// What the OpenAPI document says of them.
#[derive(OpenApi)]
#[openapi(paths(views::list, views::add, views::detail, views::remove, views::import, views::check))]
pub struct Document;

/// Adds the routes.
pub fn configure(config: &mut ServiceConfig) {
    let resource = |path: &str| web::resource(path).default_service(web::to(method_not_allowed));
    config
        .service(resource("/api/v1/do-not-call").route(get().to(views::list)).route(post().to(views::add)))
        .service(
            resource("/api/v1/do-not-call/import")
                .app_data(PayloadConfig::new(IMPORT_LIMIT))
                .route(post().to(views::import)),
        )
        .service(
            resource("/api/v1/do-not-call/{number}")
                .route(get().to(views::detail))
                .route(delete().to(views::remove)),
        )
        .service(resource("/api/v1/guard/check").route(post().to(views::check)));
}
