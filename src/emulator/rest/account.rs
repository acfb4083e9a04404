//! Owns the account's own resources: what a client reads to see whether its credentials are good.

use serde_json::json;

use super::super::engine::Engine;
use super::form::Form;
use super::{RestAnswer, Result, lists, uri};

pub(super) fn read(engine: &Engine) -> RestAnswer {
    let sid = engine.options.account_sid.as_str();
    RestAnswer::json(
        200,
        json!({
            "sid": sid, "owner_account_sid": sid, "friendly_name": "Emulated account", "status": "active", "type": "Full",
            "date_created": engine.rfc2822(0), "date_updated": engine.rfc2822(0),
            "uri": format!("/2010-04-01/Accounts/{sid}.json"), "subresource_uris": {},
        }),
    )
}

/// The numbers that the control API was told about.
pub(super) fn numbers(engine: &Engine, query: &Form<'_>) -> Result {
    let wanted = query.get("PhoneNumber");
    let items = engine.numbers.iter().filter(|(number, _)| wanted.is_none_or(|w| w == number.as_str()));
    let items = items.map(|(number, config)| {
        let digits: u128 = number.trim_start_matches('+').parse().unwrap_or_default();
        let sid = format!("PN{digits:032x}");
        let body = json!({
            "sid": sid, "account_sid": engine.options.account_sid.as_str(), "phone_number": number,
            "friendly_name": number, "voice_url": config.voice.as_ref().map(|l| l.url.as_str()),
            "voice_method": config.voice.as_ref().map(|l| l.method.to_string()),
            "status_callback": config.status_callback, "capabilities": {"voice": true, "sms": false, "mms": false, "fax": false},
            "status": "in-use", "api_version": "2010-04-01",
            "uri": uri(engine, &format!("IncomingPhoneNumbers/{sid}.json")),
        });
        (sid, body)
    });
    let items = items.collect();
    lists::page(
        "incoming_phone_numbers",
        &uri(engine, "IncomingPhoneNumbers.json"),
        query,
        &["PhoneNumber"],
        items,
    )
}
