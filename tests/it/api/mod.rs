//! The HTTP surface from outside.

mod audit;
mod doors;
mod fields;
mod idempotency;
mod limits;
mod lists;
mod outage;
mod outcomes;
mod problems;
mod schemathesis;

use serde_json::{Value, json};

/// A body that the view of this name takes, if it takes one.
fn body_for(view: &str) -> Option<Value> {
    match view {
        "calls:create" => {
            Some(json!({ "agent": "client:alice", "customer": "+15550100199", "caller_id": "+15550100100" }))
        }
        "calls:transfer" => Some(json!({ "to": "client:dana" })),
        "webhooks:create" => Some(json!({ "url": "https://hooks.invalid/" })),
        "webhooks:change" | "webhooks:rotate-secret" => Some(json!({})),
        "webhooks:replay" => Some(json!({ "since": "2026-01-01T00:00:00Z" })),
        "guard:add" => Some(json!({ "number": "+15550100188" })),
        "guard:check" => Some(json!({ "customer": "+15550100199" })),
        "calls:outcome" => Some(json!({ "disposition": "sale" })),
        _ => None,
    }
}
