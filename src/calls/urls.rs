//! The CRM's routes on calls; each view takes the API key as an argument.

use actix_web::web::{self, ServiceConfig, get, post, put};
use utoipa::OpenApi;

use super::views;
use crate::error::method_not_allowed;
use crate::urls::Route;

const KEY: &str = "api key";

/// The routes.
pub const ROUTES: &[Route] = &[
    Route { methods: "POST", path: "/api/v1/calls", name: "calls:create", access: KEY },
    Route { methods: "GET", path: "/api/v1/calls", name: "calls:list", access: KEY },
    Route { methods: "GET", path: "/api/v1/calls/{id}", name: "calls:detail", access: KEY },
    Route { methods: "PUT", path: "/api/v1/calls/{id}/outcome", name: "calls:outcome", access: KEY },
    Route { methods: "GET", path: "/api/v1/calls/{id}/events", name: "calls:events", access: KEY },
    Route { methods: "POST", path: "/api/v1/calls/{id}/transfer", name: "calls:transfer", access: KEY },
    Route {
        methods: "POST",
        path: "/api/v1/calls/{id}/transfer/complete",
        name: "calls:complete",
        access: KEY,
    },
    Route { methods: "POST", path: "/api/v1/calls/{id}/transfer/cancel", name: "calls:cancel", access: KEY },
    Route { methods: "POST", path: "/api/v1/calls/{id}/transfer/merge", name: "calls:merge", access: KEY },
    Route { methods: "POST", path: "/api/v1/calls/{id}/transfer/swap", name: "calls:swap", access: KEY },
    Route {
        methods: "POST",
        path: "/api/v1/calls/{id}/participants/{role}/{control}",
        name: "calls:participant",
        access: KEY,
    },
    Route { methods: "POST", path: "/api/v1/calls/{id}/hangup", name: "calls:hangup", access: KEY },
];

/// What the OpenAPI document says of them.
#[derive(OpenApi)]
#[openapi(paths(
    views::create,
    views::list,
    views::detail,
    views::outcome,
    views::hangup,
    views::transfer,
    views::complete,
    views::cancel,
    views::merge,
    views::swap,
    views::participant,
))]
pub struct Document;

/// Adds the routes.
pub fn configure(config: &mut ServiceConfig) {
    let resource = |path: &str| web::resource(path).default_service(web::to(method_not_allowed));
    config
        .service(resource("/api/v1/calls").route(post().to(views::create)).route(get().to(views::list)))
        .service(resource("/api/v1/calls/{id}").route(get().to(views::detail)))
        .service(resource("/api/v1/calls/{id}/outcome").route(put().to(views::outcome)))
        .service(resource("/api/v1/calls/{id}/events").route(get().to(crate::crm::views::of_call)))
        .service(resource("/api/v1/calls/{id}/transfer").route(post().to(views::transfer)))
        .service(resource("/api/v1/calls/{id}/transfer/complete").route(post().to(views::complete)))
        .service(resource("/api/v1/calls/{id}/transfer/cancel").route(post().to(views::cancel)))
        .service(resource("/api/v1/calls/{id}/transfer/merge").route(post().to(views::merge)))
        .service(resource("/api/v1/calls/{id}/transfer/swap").route(post().to(views::swap)))
        .service(
            resource("/api/v1/calls/{id}/participants/{role}/{control}").route(post().to(views::participant)),
        )
        .service(resource("/api/v1/calls/{id}/hangup").route(post().to(views::hangup)));
}
