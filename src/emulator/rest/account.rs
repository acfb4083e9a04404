//! Owns the account's own resources: what a client reads to see whether its credentials are good.

use serde_json::{Value, json};

use super::super::engine::Engine;
use super::super::engine::people::Number;
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
    let found: Vec<(String, (&String, &Number))> = engine
        .numbers
        .iter()
        .filter(|(number, _)| wanted.is_none_or(|w| w == number.as_str()))
        .map(|(number, config)| (number_sid(number), (number, config)))
        .collect();
    let path = uri(engine, "IncomingPhoneNumbers.json");
    let list = lists::List { plural: "incoming_phone_numbers", path, filters: &["PhoneNumber"] };
    lists::page(&list, query, &found, |(number, config)| render_number(engine, number, config))
}

fn number_sid(number: &str) -> String {
    let digits: u128 = number.trim_start_matches('+').parse().unwrap_or_default();
    format!("PN{digits:032x}")
}

fn render_number(engine: &Engine, number: &str, config: &Number) -> Value {
    let sid = number_sid(number);
    json!({
        "sid": sid, "account_sid": engine.options.account_sid.as_str(), "phone_number": number,
        "friendly_name": number, "voice_url": config.voice.as_ref().map(|l| l.url.as_str()),
        "voice_method": config.voice.as_ref().map(|l| l.method.to_string()),
        "status_callback": config.status_callback, "status": "in-use", "api_version": "2010-04-01",
        "capabilities": {"voice": true, "sms": false, "mms": false, "fax": false},
        "uri": uri(engine, &format!("IncomingPhoneNumbers/{sid}.json")),
    })
}
