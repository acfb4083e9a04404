//! The routes on events and webhooks; each view takes the API key as an argument.

use actix_web::web::{self, ServiceConfig, delete, get, patch, post};
use utoipa::OpenApi;

use super::views;
use super::webhooks::views as webhooks;
use crate::error::method_not_allowed;
use crate::urls::Route;

const KEY: &str = "api key";
const ENDPOINTS: &str = "/api/v1/webhook-endpoints";
const ENDPOINT: &str = "/api/v1/webhook-endpoints/{id}";
const ROTATE: &str = "/api/v1/webhook-endpoints/{id}/rotate-secret";
const REPLAY: &str = "/api/v1/webhook-endpoints/{id}/replay";
const TEST: &str = "/api/v1/webhook-endpoints/{id}/test";
const DELIVERIES: &str = "/api/v1/webhook-endpoints/{id}/deliveries";

/// The routes.
pub const ROUTES: &[Route] = &[
    Route { methods: "GET", path: "/api/v1/events", name: "crm:events", access: KEY },
    Route { methods: "POST", path: ENDPOINTS, name: "webhooks:create", access: KEY },
    Route { methods: "GET", path: ENDPOINTS, name: "webhooks:list", access: KEY },
    Route { methods: "GET", path: ENDPOINT, name: "webhooks:detail", access: KEY },
    Route { methods: "PATCH", path: ENDPOINT, name: "webhooks:change", access: KEY },
    Route { methods: "DELETE", path: ENDPOINT, name: "webhooks:remove", access: KEY },
    Route { methods: "POST", path: ROTATE, name: "webhooks:rotate-secret", access: KEY },
    Route { methods: "POST", path: REPLAY, name: "webhooks:replay", access: KEY },
    Route { methods: "POST", path: TEST, name: "webhooks:test", access: KEY },
    Route { methods: "GET", path: DELIVERIES, name: "webhooks:deliveries", access: KEY },
];

/// What the OpenAPI document says of them.
#[derive(OpenApi)]
#[openapi(paths(
    views::events,
    views::of_call,
    webhooks::create,
    webhooks::list,
    webhooks::detail,
    webhooks::change,
    webhooks::remove,
    webhooks::rotate,
    webhooks::replay,
    webhooks::test,
    webhooks::deliveries
))]
pub struct Document;

/// Adds the routes.
pub fn configure(config: &mut ServiceConfig) {
    let resource = |path: &str| web::resource(path).default_service(web::to(method_not_allowed));
    config
        .service(resource("/api/v1/events").route(get().to(views::events)))
        .service(resource(ENDPOINTS).route(post().to(webhooks::create)).route(get().to(webhooks::list)))
        .service(
            resource(ENDPOINT)
                .route(get().to(webhooks::detail))
                .route(patch().to(webhooks::change))
                .route(delete().to(webhooks::remove)),
        )
        .service(resource(ROTATE).route(post().to(webhooks::rotate)))
        .service(resource(REPLAY).route(post().to(webhooks::replay)))
        .service(resource(TEST).route(post().to(webhooks::test)))
        .service(resource(DELIVERIES).route(get().to(webhooks::deliveries)));
}
