//! The console's routes; each view takes the session as an argument, pages one that sends strangers to the log-in.

use actix_web::web::{self, ServiceConfig, get, post};

use super::live::stream;
use super::{assets, log_in, pages};
use crate::error::method_not_allowed;
use crate::urls::Route;

/// What the scripts of pages ask.
const SESSION: &str = "session";
/// Who gets in to a page, or is sent to the log-in.
const PAGE: &str = "page session";

/// The routes.
pub const ROUTES: &[Route] = &[
    Route { methods: "GET", path: "/", name: "console:agent", access: PAGE },
    Route { methods: "GET", path: "/board", name: "console:board", access: PAGE },
    Route { methods: "GET", path: "/static/{name}", name: "console:static", access: "open" },
    Route { methods: "GET", path: "/login", name: "console:log-in-page", access: "open" },
    Route { methods: "POST", path: "/login", name: "console:log-in", access: "name and password" },
    Route { methods: "GET", path: "/console/stream", name: "console:stream", access: SESSION },
    Route { methods: "POST", path: "/logout", name: "console:log-out", access: PAGE },
];

/// Adds the routes.
pub fn configure(config: &mut ServiceConfig) {
    let resource = |path: &str| web::resource(path).default_service(web::to(method_not_allowed));
    config
        .service(resource("/").route(get().to(pages::agent)))
        .service(resource("/board").route(get().to(pages::board)))
        .service(resource("/static/{name}").route(get().to(assets::file)))
        .service(resource("/login").route(get().to(log_in::page)).route(post().to(log_in::log_in)))
        .service(resource("/console/stream").route(get().to(stream::view)))
        .service(resource("/logout").route(post().to(log_in::log_out)));
}
