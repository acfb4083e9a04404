//! Owns how Twilio reads an address: US formats become E.164, the rest must be E.164, `client:`, `sip:` or `app:`.

use crate::telephony::Address;

/// `AP` and 32 hexadecimal digits.
pub(crate) fn is_application_sid(text: &str) -> bool {
    let digits = text.strip_prefix("AP").unwrap_or_default();
    digits.len() == 32 && digits.chars().all(|c| c.is_ascii_hexdigit())
}

/// The address in its normal form, or nothing when Twilio could not dial it.
pub(crate) fn normalise(text: &str) -> Option<String> {
    let text = text.trim();
    // `client:dana?k=v` carries parameters for the device; the person is `client:dana`.
    if let Some(identity) = text.strip_prefix("client:") {
        let name = identity.split('?').next().unwrap_or_default();
        let usable = !name.is_empty() && name.len() <= 256 && !name.chars().any(char::is_whitespace);
        return usable.then(|| format!("client:{name}"));
    }
    if let Some(sid) = text.strip_prefix("app:") {
        return is_application_sid(sid).then(|| text.to_owned());
    }
    if text.starts_with("sip:") || text.starts_with("sips:") {
        return text.parse::<Address>().ok().map(|a| a.to_string());
    }
    let digits: String = text.chars().filter(|c| !matches!(c, ' ' | '-' | '(' | ')' | '.')).collect();
    let number = match digits.len() {
        10 if !digits.starts_with('+') => format!("+1{digits}"),
        11 if digits.starts_with('1') => format!("+{digits}"),
        _ => digits,
    };
    number.parse::<Address>().ok().map(|a| a.to_string())
}
