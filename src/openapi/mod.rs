//! Owns the OpenAPI document of the CRM's API, put together from what each app says of its own views, and the pages that
//! show it.
//!
//! An app's `urls` has a `Document` that lists its views; a view says what is its own with `#[utoipa::path]`: summary,
//! examples, and in two extensions the scope it takes (`x-scope`) and the errors of its own (`x-errors`). What follows from
//! the rest, `complete` adds: id, security, and every error that an operation of this shape can answer.

mod complete;
mod errors;
mod page;
pub mod schemas;
#[cfg(test)]
mod tests;
pub mod urls;

use std::sync::OnceLock;

use utoipa::OpenApi;
use utoipa::openapi::OpenApi as Document;

use crate::calls::forms::Moment;
use crate::{audit, calls, crm, fixtures, guard};
pub use errors::errors_page;

/// What the whole document says of itself.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "warm-transfer",
        description = "Outbound sales calls over Twilio Voice, transferred warm.\n\n\
            Every request takes an API key in the header `Authorization: Bearer KEY`; a key has scopes, and each operation \
            names the one it takes (`admin` opens all). Times are RFC 3339 in UTC. Unknown fields are refused, not ignored. \
            Errors are problem documents (RFC 9457) with a stable `code`. Where there is a limit, every answer tells in \
            `RateLimit-Limit`, `RateLimit-Remaining` and `RateLimit-Reset` (seconds) how many requests the key has left.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0"),
    ),
    servers((url = "/", description = "Where the service is")),
    tags(
        (name = "calls", description = "Placing calls, and reading what became of them."),
        (name = "transfers", description = "Bringing a second agent in, warm."),
        (name = "participants", description = "What can be done to one person on the line."),
        (name = "events", description = "What happens, as it happens."),
        (name = "webhooks", description = "Where events are sent."),
        (name = "do-not-call", description = "The numbers that are not to be called."),
        (name = "guard", description = "What may be dialled, asked before it is."),
        (name = "audit", description = "Who changed what."),
    ),
    // What only parameters refer to is not found otherwise.
    components(schemas(schemas::Problem, Moment)),
)]
struct Whole;

/// The document.
pub fn document() -> &'static Document {
    static DOCUMENT: OnceLock<Document> = OnceLock::new();
    DOCUMENT.get_or_init(|| {
        let mut document = Whole::openapi();
        document.merge(calls::urls::Document::openapi());
        document.merge(crm::urls::Document::openapi());
        document.merge(guard::urls::Document::openapi());
        document.merge(audit::urls::Document::openapi());
        document.merge(fixtures::urls::Document::openapi());
        complete::complete(&mut document);
        document
    })
}

/// The document as JSON, as it is served, printed, and kept in `docs/openapi.json`.
pub fn json() -> String {
    document().to_pretty_json().unwrap_or_default()
}
