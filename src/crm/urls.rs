//! The routes on events; each view takes the API key as an argument.

use actix_web::web::{self, ServiceConfig, get};
use utoipa::OpenApi;

use super::views;
use crate::error::method_not_allowed;
use crate::urls::Route;

const KEY: &str = "api key";

/// The routes.
pub const ROUTES: &[Route] =
    &[Route { methods: "GET", path: "/api/v1/events", name: "crm:events", access: KEY }];

/// What the OpenAPI document says of them.
#[derive(OpenApi)]
#[openapi(paths(views::events, views::of_call))]
pub struct Document;

/// Adds the routes.
pub fn configure(config: &mut ServiceConfig) {
    let resource = |path: &str| web::resource(path).default_service(web::to(method_not_allowed));
    config.service(resource("/api/v1/events").route(get().to(views::events)));
}
