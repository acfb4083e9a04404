//! The root of all routes: includes each app's, and lists them for people.

use actix_web::web::{self, ServiceConfig};
use serde::Serialize;

use crate::error;
use crate::{audit, calls, console, crm, fixtures, guard, openapi, operations, voice};

/// A route, for `warm-transfer urls`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Route {
    /// `GET`, or `GET POST`.
    pub methods: &'static str,
    /// As the program matches it.
    pub path: &'static str,
    /// `app:view`.
    pub name: &'static str,
    /// Who gets in.
    pub access: &'static str,
}

/// Every route of the service.
pub fn routes() -> impl Iterator<Item = &'static Route> {
    calls::urls::ROUTES
        .iter()
        .chain(guard::urls::ROUTES)
        .chain(audit::urls::ROUTES)
        .chain(crm::urls::ROUTES)
        .chain(console::urls::ROUTES)
        .chain(fixtures::urls::ROUTES)
        .chain(voice::urls::ROUTES)
        .chain(openapi::urls::ROUTES)
        .chain(operations::ROUTES)
}

/// Adds every route to the server.
pub fn configure(config: &mut ServiceConfig) {
    config
        .app_data(error::payload_config())
        .app_data(error::path_config())
        // Routes are tried in this order; Twilio's are asked most, and compare without patterns.
        .configure(voice::urls::configure)
        .configure(calls::urls::configure)
        .configure(guard::urls::configure)
        .configure(crm::urls::configure)
        .configure(console::urls::configure)
        .configure(audit::urls::configure)
        .configure(fixtures::urls::configure)
        .configure(openapi::urls::configure)
        .configure(operations::configure)
        .default_service(web::to(error::not_found));
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn names_and_paths_are_unique() {
        let (mut seen, mut doors) = (HashSet::new(), HashSet::new());
        for route in routes() {
            assert!(seen.insert(route.name), "{}", route.name);
            for method in route.methods.split(' ') {
                assert!(doors.insert((method, route.path)), "{method} {}", route.path);
            }
        }
    }
}
