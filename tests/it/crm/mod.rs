//! What CRMs are told: the feed of events, and webhooks.

mod day;
mod pages;
pub mod reader;
pub mod receiver;
mod stream;
pub mod webhooks;

use serde_json::json;

use crate::support::service::{TestService, answer};

/// Asks for a call, whose first event is there when it is answered; gives its id.
pub async fn placed(service: &TestService, key: &str) -> String {
    let body = json!({
        "agent": "client:a", "customer": "+15550100199", "caller_id": "+15550100100", "external_id": "deal-42",
        "allow_duplicate": true
    });
    let placed = answer(service.request("POST", "/api/v1/calls").bearer_auth(key).json(&body)).await;
    placed.json["id"].as_str().unwrap_or_else(|| panic!("{placed:?}")).to_owned()
}

/// Ends it.
pub async fn hung_up(service: &TestService, key: &str, call: &str) {
    let path = format!("/api/v1/calls/{call}/hangup");
    let answered = answer(service.request("POST", &path).bearer_auth(key)).await;
    assert!([202, 409].contains(&answered.status), "{answered:?}");
}
