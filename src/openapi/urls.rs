//! The routes of the document and its pages, open to everybody: they say nothing that is not in the source.

use std::sync::OnceLock;

use actix_web::HttpResponse;
use actix_web::http::header;
use actix_web::web::{self, ServiceConfig, get};

use super::{json, page};
use crate::error::method_not_allowed;
use crate::urls::Route;

/// Only the style that comes from here: nothing runs on these pages, and nothing is fetched from anywhere else.
const POLICY: &str = "default-src 'none'; style-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The routes.
pub const ROUTES: &[Route] = &[
    Route { methods: "GET", path: "/api/openapi.json", name: "openapi:document", access: "open" },
    Route { methods: "GET", path: "/api/docs", name: "openapi:docs", access: "open" },
    Route { methods: "GET", path: "/api/docs/errors", name: "openapi:errors", access: "open" },
    Route { methods: "GET", path: "/api/docs/style.css", name: "openapi:style", access: "open" },
];

/// Adds the routes.
pub fn configure(config: &mut ServiceConfig) {
    let resource = |path: &str| web::resource(path).default_service(web::to(method_not_allowed));
    config
        .service(resource("/api/openapi.json").route(get().to(document)))
        .service(resource("/api/docs").route(get().to(docs)))
        .service(resource("/api/docs/errors").route(get().to(errors)))
        .service(resource("/api/docs/style.css").route(get().to(style)));
}

/// `GET /api/openapi.json`
async fn document() -> HttpResponse {
    static JSON: OnceLock<String> = OnceLock::new();
    serve("application/json", JSON.get_or_init(json))
}

/// `GET /api/docs`
async fn docs() -> HttpResponse {
    static PAGE: OnceLock<String> = OnceLock::new();
    serve("text/html; charset=utf-8", PAGE.get_or_init(page::docs))
}

/// `GET /api/docs/errors`
async fn errors() -> HttpResponse {
    static PAGE: OnceLock<String> = OnceLock::new();
    serve("text/html; charset=utf-8", PAGE.get_or_init(page::errors))
}

/// `GET /api/docs/style.css`
async fn style() -> HttpResponse {
    serve("text/css; charset=utf-8", include_str!("style.css"))
}

fn serve(kind: &'static str, content: &'static str) -> HttpResponse {
    HttpResponse::Ok()
        .content_type(kind)
        .insert_header((header::CONTENT_SECURITY_POLICY, POLICY))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .insert_header((header::REFERRER_POLICY, "no-referrer"))
        // They belong to the version that runs; another one may be here tomorrow.
        .insert_header((header::CACHE_CONTROL, "no-cache"))
        .body(content)
}
