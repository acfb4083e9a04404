//! Owns the account itself: what a client reads to see whether its credentials are good.
//! <https://www.twilio.com/docs/iam/api/account>

use serde_json::{Map, Value, json};

use super::super::engine::Engine;
use super::{RestAnswer, uri};

/// The resources below an account, as its links name them.
const BELOW: [(&str, &str); 6] = [
    ("calls", "Calls"),
    ("conferences", "Conferences"),
    ("incoming_phone_numbers", "IncomingPhoneNumbers"),
    ("outgoing_caller_ids", "OutgoingCallerIds"),
    ("recordings", "Recordings"),
    ("queues", "Queues"),
];

pub(super) fn read(engine: &Engine) -> RestAnswer {
    let sid = engine.options.account_sid.as_str();
    let below: Map<String, Value> = BELOW
        .iter()
        .map(|(name, path)| ((*name).to_owned(), json!(uri(engine, &format!("{path}.json")))))
        .collect();
    RestAnswer::json(
        200,
        json!({
            "sid": sid, "owner_account_sid": sid, "friendly_name": "Emulated account", "status": "active", "type": "Full",
            // The engine has no secrets.
            "auth_token": null,
            "date_created": engine.rfc2822(0), "date_updated": engine.rfc2822(0),
            "uri": format!("/2010-04-01/Accounts/{sid}.json"), "subresource_uris": below,
        }),
    )
}
