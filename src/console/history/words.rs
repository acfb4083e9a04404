//! How calls, people and times are written on the pages of the server.

use chrono::{DateTime, SecondsFormat, Utc};

use crate::calls::flow::{Call, Leg, Party};
use crate::console::svg::isolated;
use crate::console::texts;
use crate::telephony::Address;

/// `2026-11-21T09:30:00Z`, for programs.
pub fn iso(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// `2026-11-21 09:30:00`, until a script says it by the clock of whoever looks.
pub fn utc(at: DateTime<Utc>) -> String {
    format!("{} {}", at.format("%Y-%m-%d %H:%M:%S"), texts::t("record.unit.utc"))
}

/// `03:12`, `1:03:12`.
pub fn length(ms: i64) -> String {
    let seconds = ms.max(0) / 1000;
    match seconds / 3600 {
        0 => format!("{:02}:{:02}", seconds / 60, seconds % 60),
        hours => format!("{hours}:{:02}:{:02}", seconds / 60 % 60, seconds % 60),
    }
}

/// `1.4 s`.
pub fn seconds(ms: i64) -> String {
    format!("{}.{} s", ms.max(0) / 1000, ms.max(0) % 1000 / 100)
}

/// `+1 555 010 0123`; other addresses as they are.
pub fn address(address: &Address) -> String {
    let text = address.to_string();
    match text.strip_prefix("+1") {
        Some(digits) if digits.len() == 10 && digits.is_ascii() => {
            format!("+1 {} {} {}", &digits[..3], &digits[3..6], &digits[6..])
        }
        _ => text,
    }
}

/// What to call somebody: a name, or else the number.
pub fn called(leg: &Leg) -> String {
    // What people are called in a sentence is no name.
    let has_name = !leg.name.trim().is_empty() && !leg.name.starts_with("the ");
    if has_name { leg.name.clone() } else { address(&leg.address) }
}

/// What to call whom the call is for.
pub fn customer(call: &Call) -> String {
    call.customer().map(called).unwrap_or_default()
}

/// The words of an area for one of a closed list, or else the word itself.
pub fn of(area: &str, word: &str) -> String {
    texts::word(area, word).map_or_else(|| word.replace('_', " "), str::to_owned)
}

/// Why a call ended, in a sentence; nothing while it has not.
pub fn ended(call: &Call) -> Option<String> {
    call.ended_at?;
    let reason: &str = call.end_reason?.into();
    let by = |party: Party| texts::word("ended.by", party.into());
    let sentence = match reason {
        "hung_up" => call.ended_by.and_then(by),
        reason => texts::word("ended", reason),
    };
    let sentence = sentence.unwrap_or_default();
    Some(match &call.end_detail {
        Some(detail) => format!("{sentence} {detail}"),
        None => sentence.to_owned(),
    })
}

/// A text with somebody's name in it, which may be written in another direction.
pub fn about(area: &str, word: &str, place: &str, name: &str) -> Option<String> {
    texts::word(area, word).map(|text| text.replace(&format!("{{{place}}}"), &isolated(name)))
}
