//! The log's route.

use actix_web::web::{self, ServiceConfig, get};
use utoipa::OpenApi;

use super::views;
use crate::error::method_not_allowed;
use crate::urls::Route;

/// The routes.
pub const ROUTES: &[Route] =
    &[Route { methods: "GET", path: "/api/v1/audit", name: "audit:list", access: "api key" }];

/// What the OpenAPI document says of it.
#[derive(OpenApi)]
#[openapi(paths(views::list))]
pub struct Document;

/// Adds the routes.
pub fn configure(config: &mut ServiceConfig) {
    let log = web::resource("/api/v1/audit").default_service(web::to(method_not_allowed));
    config.service(log.route(get().to(views::list)));
}
