//! The routes that Twilio asks; GET and POST alike, each behind the signature, which its view takes as an argument.

use actix_web::web::{self, ServiceConfig};

use super::links::paths;
use super::views;
use crate::error::method_not_allowed;
use crate::urls::Route;

const fn route(path: &'static str, name: &'static str) -> Route {
    Route { methods: "GET POST", path, name, access: "twilio signature" }
}

/// The routes.
pub const ROUTES: &[Route] = &[
    route(paths::SECOND_LEG, "voice:second-leg"),
    route(paths::CONFERENCE, "voice:conference"),
    route(paths::FIRST_LEG_DISCONNECTED, "voice:first-leg-disconnected"),
    route(paths::ACCEPT, "voice:accept"),
    route(paths::MUSIC, "voice:music"),
    route(paths::WAIT, "voice:wait"),
    route(paths::ANNOUNCE, "voice:announce"),
    route(paths::GOODBYE, "voice:goodbye"),
    route(paths::CALL_STATUS, "voice:call-status"),
    route(paths::CONFERENCE_STATUS, "voice:conference-status"),
];

/// Adds the routes.
pub fn configure(config: &mut ServiceConfig) {
    for route in ROUTES {
        config.service(
            web::resource(route.path)
                .route(web::post().to(views::answer))
                .route(web::get().to(views::answer))
                .default_service(web::to(method_not_allowed)),
        );
    }
}
