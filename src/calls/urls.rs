//! The CRM's routes on calls; each view takes the API key as an argument.

use actix_web::web::{self, ServiceConfig, get, post};

use super::views;

/// Adds the routes.
pub fn configure(config: &mut ServiceConfig) {
    config
        .service(web::resource("/api/v1/calls").route(post().to(views::create)).route(get().to(views::list)))
        .service(web::resource("/api/v1/calls/{id}").route(get().to(views::detail)))
        .service(web::resource("/api/v1/calls/{id}/events").route(get().to(views::events)))
        .service(web::resource("/api/v1/calls/{id}/transfer").route(post().to(views::transfer)))
        .service(web::resource("/api/v1/calls/{id}/transfer/complete").route(post().to(views::complete)))
        .service(web::resource("/api/v1/calls/{id}/transfer/cancel").route(post().to(views::cancel)))
        .service(web::resource("/api/v1/calls/{id}/hangup").route(post().to(views::hangup)));
}
