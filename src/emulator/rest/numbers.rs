//! Owns `IncomingPhoneNumbers` and `OutgoingCallerIds`: the numbers that the control API was told about.
//! <https://www.twilio.com/docs/phone-numbers/api/incomingphonenumber-resource>,
//! <https://www.twilio.com/docs/voice/api/outgoing-caller-ids>

use serde_json::{Value, json};

use super::super::engine::http::Link;
use super::super::engine::people::VoiceSettings;
use super::super::engine::{Engine, Method, RestError, addresses};
use super::calls::formatted;
use super::form::Form;
use super::{RestAnswer, Result, lists, uri};

/// Which of the two lists, by its name in the path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::Display, strum::EnumString)]
pub(super) enum Kind {
    IncomingPhoneNumbers,
    OutgoingCallerIds,
}

pub(super) fn list(engine: &Engine, kind: Kind, query: &Form<'_>) -> Result {
    let phone = query.get("PhoneNumber").map(|p| addresses::normalise(p).unwrap_or_else(|| p.to_owned()));
    let name = query.get("FriendlyName");
    let found: Vec<(String, (&String, &VoiceSettings))> = engine
        .numbers
        .iter()
        .filter(|(number, _)| phone.as_ref().is_none_or(|p| p == *number))
        .filter(|(number, _)| name.is_none_or(|n| n == formatted(number)))
        .map(|(number, config)| (sid(number), (number, config)))
        .collect();
    let plural = match kind {
        Kind::IncomingPhoneNumbers => "incoming_phone_numbers",
        Kind::OutgoingCallerIds => "outgoing_caller_ids",
    };
    let path = uri(engine, &format!("{kind}.json"));
    let list = lists::List { plural, path, filters: &["PhoneNumber", "FriendlyName"] };
    lists::page(&list, query, &found, |(number, config)| render(engine, kind, number, config))
}

pub(super) fn read(engine: &Engine, kind: Kind, wanted: &str) -> Result {
    let number = find(engine, kind, wanted)?;
    Ok(RestAnswer::json(200, render(engine, kind, &number, &engine.numbers[&number])))
}

/// Where a number's calls go.
pub(super) fn update(engine: &mut Engine, wanted: &str, form: &Form<'_>) -> Result {
    let kind = Kind::IncomingPhoneNumbers;
    let number = find(engine, kind, wanted)?;
    let voice = form.link("VoiceUrl", "VoiceMethod", Method::Post, 21502)?;
    let fallback = form.link("VoiceFallbackUrl", "VoiceFallbackMethod", Method::Post, 21502)?;
    let callback = form.link("StatusCallback", "StatusCallbackMethod", Method::Post, 21502)?;
    if let Some(config) = engine.numbers.get_mut(&number) {
        if form.raw("VoiceUrl").is_some() {
            config.voice = voice;
        }
        if form.raw("VoiceFallbackUrl").is_some() {
            config.fallback = fallback;
        }
        if form.raw("StatusCallback").is_some() {
            config.callback = callback;
        }
    }
    read(engine, kind, wanted)
}

fn find(engine: &Engine, kind: Kind, wanted: &str) -> Result<String> {
    let found = engine.numbers.keys().find(|number| sid(number) == wanted).cloned();
    found.ok_or_else(|| RestError::not_found(&uri(engine, &format!("{kind}/{wanted}.json"))))
}

/// The same number has always the same SID.
fn sid(number: &str) -> String {
    let digits: u128 = number.trim_start_matches('+').parse().unwrap_or_default();
    format!("PN{digits:032x}")
}

fn render(engine: &Engine, kind: Kind, number: &str, config: &VoiceSettings) -> Value {
    let sid = sid(number);
    let mut body = json!({
        "sid": sid, "account_sid": engine.options.account_sid.as_str(), "phone_number": number,
        "friendly_name": formatted(number), "date_created": engine.rfc2822(0), "date_updated": engine.rfc2822(0),
        "uri": uri(engine, &format!("{kind}/{sid}.json")),
    });
    if kind == Kind::IncomingPhoneNumbers
        && let (Some(fields), Value::Object(more)) = (body.as_object_mut(), incoming(config))
    {
        fields.extend(more);
    }
    body
}

fn incoming(config: &VoiceSettings) -> Value {
    let url = |link: &Option<Link>| link.as_ref().map(|l| l.url.clone());
    let method = |link: &Option<Link>| link.as_ref().map_or(Method::Post, |l| l.method).to_string();
    json!({
        "voice_url": url(&config.voice), "voice_method": method(&config.voice),
        "voice_fallback_url": url(&config.fallback), "voice_fallback_method": method(&config.fallback),
        "voice_caller_id_lookup": false,
        "voice_application_sid": null, "voice_receive_mode": "voice",
        "status_callback": url(&config.callback), "status_callback_method": method(&config.callback),
        "sms_url": null, "sms_method": "POST", "sms_fallback_url": null, "sms_fallback_method": "POST",
        "sms_application_sid": null, "status": "in-use", "api_version": "2010-04-01", "beta": false,
        "capabilities": {"voice": true, "sms": false, "mms": false, "fax": false},
        "address_requirements": "none", "address_sid": null, "bundle_sid": null, "identity_sid": null,
        "trunk_sid": null, "origin": "twilio", "type": "local", "emergency_status": "Inactive",
        "emergency_address_sid": null, "emergency_address_status": "unregistered",
    })
}
