//! The console's routes; each view takes the session as an argument, pages one that sends strangers to the log-in.

use actix_web::web::{self, ServiceConfig, get, post, put};

use super::live::stream;
use super::{account, assets, history, log_in, numbers, pages, team, views};
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
    Route { methods: "GET", path: "/account", name: "console:account", access: PAGE },
    Route { methods: "POST", path: "/account/password", name: "console:password", access: PAGE },
    Route { methods: "POST", path: "/account/sessions/revoke", name: "console:revoke-others", access: PAGE },
    Route { methods: "POST", path: "/account/sessions/{id}/revoke", name: "console:revoke", access: PAGE },
    Route { methods: "GET", path: "/team", name: "console:team", access: PAGE },
    Route { methods: "POST", path: "/team", name: "console:team-add", access: PAGE },
    Route { methods: "POST", path: "/team/{name}/role", name: "console:team-role", access: PAGE },
    Route { methods: "POST", path: "/team/{name}/disable", name: "console:team-disable", access: PAGE },
    Route { methods: "POST", path: "/team/{name}/enable", name: "console:team-enable", access: PAGE },
    Route { methods: "POST", path: "/team/{name}/password", name: "console:team-password", access: PAGE },
    Route { methods: "GET", path: "/calls", name: "console:history", access: PAGE },
    Route { methods: "GET", path: "/calls/{id}", name: "console:call", access: PAGE },
    Route { methods: "GET", path: "/static/{name}", name: "console:static", access: "open" },
    Route { methods: "GET", path: "/login", name: "console:log-in-page", access: "open" },
    Route { methods: "POST", path: "/login", name: "console:log-in", access: "name and password" },
    Route { methods: "GET", path: "/console/stream", name: "console:stream", access: SESSION },
    Route { methods: "POST", path: "/logout", name: "console:log-out", access: PAGE },
    Route { methods: "GET", path: "/console/numbers", name: "console:numbers", access: SESSION },
    Route { methods: "GET", path: "/console/check", name: "console:check", access: SESSION },
    Route { methods: "GET", path: "/console/numbers", name: "console:numbers", access: SESSION },
    Route { methods: "GET", path: "/console/recent", name: "console:recent", access: SESSION },
    Route { methods: "PUT", path: "/console/presence", name: "console:presence", access: SESSION },
    Route { methods: "PUT", path: "/console/phone", name: "console:phone", access: SESSION },
    Route { methods: "POST", path: "/console/calls", name: "console:create", access: SESSION },
    Route {
        methods: "POST",
        path: "/console/calls/{id}/transfer",
        name: "console:transfer",
        access: SESSION,
    },
    Route {
        methods: "POST",
        path: "/console/calls/{id}/complete",
        name: "console:complete",
        access: SESSION,
    },
    Route { methods: "POST", path: "/console/calls/{id}/cancel", name: "console:cancel", access: SESSION },
    Route { methods: "POST", path: "/console/calls/{id}/merge", name: "console:merge", access: SESSION },
    Route { methods: "POST", path: "/console/calls/{id}/swap", name: "console:swap", access: SESSION },
    Route { methods: "POST", path: "/console/calls/{id}/hangup", name: "console:hangup", access: SESSION },
    Route { methods: "PUT", path: "/console/calls/{id}/outcome", name: "console:outcome", access: SESSION },
    Route {
        methods: "POST",
        path: "/console/calls/{id}/supervise",
        name: "console:supervise",
        access: SESSION,
    },
    Route {
        methods: "POST",
        path: "/console/calls/{id}/supervise/end",
        name: "console:supervise-end",
        access: SESSION,
    },
    Route {
        methods: "POST",
        path: "/console/calls/{id}/participants/{role}/{control}",
        name: "console:participant",
        access: SESSION,
    },
];

/// Adds the routes.
pub fn configure(config: &mut ServiceConfig) {
    let resource = |path: &str| web::resource(path).default_service(web::to(method_not_allowed));
    config
        .service(resource("/").route(get().to(pages::agent)))
        .service(resource("/board").route(get().to(pages::board)))
        .service(resource("/account").route(get().to(account::page)))
        .service(resource("/account/password").route(post().to(account::password)))
        .service(resource("/account/sessions/revoke").route(post().to(account::revoke_others)))
        .service(resource("/account/sessions/{id}/revoke").route(post().to(account::revoke)))
        .service(resource("/team").route(get().to(team::page)).route(post().to(team::add)))
        .service(resource("/team/{name}/role").route(post().to(team::role)))
        .service(resource("/team/{name}/disable").route(post().to(team::disable)))
        .service(resource("/team/{name}/enable").route(post().to(team::enable)))
        .service(resource("/team/{name}/password").route(post().to(team::password)))
        .service(resource("/calls").route(get().to(history::views::list)))
        .service(resource("/calls/{id}").route(get().to(history::views::detail)))
        .service(resource("/static/{name}").route(get().to(assets::file)))
        .service(resource("/login").route(get().to(log_in::page)).route(post().to(log_in::log_in)))
        .service(resource("/console/stream").route(get().to(stream::view)))
        .service(resource("/logout").route(post().to(log_in::log_out)))
        .service(resource("/console/numbers").route(get().to(numbers::view)))
        .service(resource("/console/check").route(get().to(views::check)))
        .service(resource("/console/numbers").route(get().to(numbers::view)))
        .service(resource("/console/recent").route(get().to(views::recent)))
        .service(resource("/console/presence").route(put().to(views::presence)))
        .service(resource("/console/phone").route(put().to(views::phone)))
        .service(resource("/console/calls").route(post().to(views::create)))
        .service(resource("/console/calls/{id}/transfer").route(post().to(views::transfer)))
        .service(resource("/console/calls/{id}/complete").route(post().to(views::complete)))
        .service(resource("/console/calls/{id}/cancel").route(post().to(views::cancel)))
        .service(resource("/console/calls/{id}/merge").route(post().to(views::merge)))
        .service(resource("/console/calls/{id}/swap").route(post().to(views::swap)))
        .service(resource("/console/calls/{id}/supervise").route(post().to(views::supervise)))
        .service(resource("/console/calls/{id}/supervise/end").route(post().to(views::supervise_end)))
        .service(resource("/console/calls/{id}/hangup").route(post().to(views::hangup)))
        .service(resource("/console/calls/{id}/outcome").route(put().to(views::outcome)))
        .service(
            resource("/console/calls/{id}/participants/{role}/{control}")
                .route(post().to(views::participant)),
        );
}
