//! Owns the reading of single attributes: defaults, limits, and the warning for a value Twilio would not take.

use super::super::http::Method;
use super::reader::Element;

/// Twilio's code and what the debugger would say.
pub(super) type Warnings = Vec<(u32, String)>;

/// An attribute that is there and not empty.
pub(super) fn link(e: &Element, name: &str) -> Option<String> {
    e.attribute(name).map(str::trim).filter(|v| !v.is_empty()).map(str::to_owned)
}

/// The events of an attribute like `statusCallbackEvent`, separated by white space.
pub(super) fn events(e: &Element, name: &str, known: &[&str], warnings: &mut Warnings) -> Vec<String> {
    let words = e.attribute(name).unwrap_or_default().split_whitespace();
    for word in words.clone().filter(|word| !known.contains(word)) {
        warnings.push((12200, format!("{name} has no event {word}")));
    }
    words.map(str::to_owned).collect()
}

/// GET or POST; `code` is the warning for anything else.
pub(super) fn method(e: &Element, name: &str, code: u32, warnings: &mut Warnings) -> Method {
    match e.attribute(name) {
        None => Method::Post,
        Some(value) => Method::parse(value).unwrap_or_else(|| {
            warnings.push((code, format!("{name}=\"{value}\" is neither GET nor POST")));
            Method::Post
        }),
    }
}

pub(super) fn flag(e: &Element, name: &str, default: bool, code: u32, warnings: &mut Warnings) -> bool {
    match e.attribute(name).map(str::to_ascii_lowercase).as_deref() {
        None => default,
        Some("true") => true,
        Some("false") => false,
        Some(other) => {
            warnings.push((code, format!("{name}=\"{other}\" is neither true nor false")));
            default
        }
    }
}

pub(super) fn number(
    e: &Element,
    name: &str,
    default: u64,
    allowed: std::ops::RangeInclusive<u64>,
    code: u32,
    warnings: &mut Warnings,
) -> u64 {
    match e.attribute(name) {
        None => default,
        Some(value) => match value.trim().parse::<u64>() {
            Ok(n) if allowed.contains(&n) => n,
            Ok(n) => {
                warnings.push((code, format!("{name}=\"{n}\" is out of range")));
                n.clamp(*allowed.start(), *allowed.end())
            }
            Err(_) => {
                warnings.push((code, format!("{name}=\"{value}\" is not a number")));
                default
            }
        },
    }
}

/// DTMF tones and pauses: `w` waits half a second, `W` a whole one.
pub(crate) fn digits_ms(digits: &str) -> u64 {
    let each = |c: char| match c {
        'w' => 500,
        'W' => 1_000,
        _ => DIGIT_MS,
    };
    digits.chars().map(each).sum()
}

/// One DTMF tone with its gap.
pub(crate) const DIGIT_MS: u64 = 300;
