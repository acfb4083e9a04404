//! Plain telephony values that exist only when they are valid: E.164 numbers, dialable addresses, Twilio SIDs.
//!
//! These are the only types that the service and the emulator share.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Why a text is not the telephony value it was taken for. The text is a sentence for people.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidValue(pub String);

/// A phone number in E.164: `+`, a country code that does not begin with 0, 7 to 15 digits in all.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PhoneNumber(String);

impl PhoneNumber {
    /// The number as written, `+15550100123`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for PhoneNumber {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        let digits = text.strip_prefix('+').unwrap_or_default();
        let valid = (7..=15).contains(&digits.len())
            && digits.bytes().all(|b| b.is_ascii_digit())
            && !digits.starts_with('0');
        if valid {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidValue("expected a phone number in E.164, such as +15550100123".into()))
        }
    }
}

/// Where a leg can be placed to: a phone number, a Twilio Client identity or a SIP URI.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Address {
    /// `+15550100123`
    Phone(PhoneNumber),
    /// `client:dana`: the identity of a registered Voice SDK device.
    Client(String),
    /// `sip:dana@example.com`, kept whole with its scheme.
    Sip(String),
}

impl FromStr for Address {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        if let Some(identity) = text.strip_prefix("client:") {
            return client(identity);
        }
        if let Some(uri) = text.strip_prefix("sip:").or_else(|| text.strip_prefix("sips:")) {
            return sip(text, uri);
        }
        text.parse().map(Self::Phone).map_err(|_| {
            InvalidValue("expected an E.164 number (+15550100123), client:name or sip:user@host".into())
        })
    }
}

fn client(identity: &str) -> Result<Address, InvalidValue> {
    // https://www.twilio.com/docs/voice/client/capability-tokens: 121 characters for a device's identity.
    let valid = (1..=121).contains(&identity.len())
        && identity.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    if valid {
        Ok(Address::Client(identity.to_owned()))
    } else {
        Err(InvalidValue("a client identity is 1 to 121 letters, digits or underscores".into()))
    }
}

fn sip(text: &str, uri: &str) -> Result<Address, InvalidValue> {
    let clean = uri.bytes().all(|b| b.is_ascii_graphic() && !matches!(b, b'<' | b'>' | b'"'));
    match uri.split_once('@') {
        Some((user, host)) if clean && text.len() <= 255 && !user.is_empty() && !host.is_empty() => {
            Ok(Address::Sip(text.to_owned()))
        }
        _ => Err(InvalidValue("expected a SIP URI such as sip:dana@example.com".into())),
    }
}

impl fmt::Display for PhoneNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Phone(number) => number.fmt(f),
            Self::Client(identity) => f.pad(&format!("client:{identity}")),
            Self::Sip(uri) => f.pad(uri),
        }
    }
}

/// Serde as the text that `Display` writes and `FromStr` reads.
macro_rules! serde_as_text {
    ($($type:ty),*) => {$(
        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
            }
        }
    )*};
}

/// A Twilio SID: two letters that name the resource, then 32 hexadecimal digits.
/// https://www.twilio.com/docs/glossary/what-is-a-sid
macro_rules! sid {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(String);

        impl $name {
            /// The two letters every SID of this kind begins with.
            pub const PREFIX: &str = $prefix;

            /// The SID with these 128 bits, for whoever hands SIDs out.
            pub fn from_u128(bits: u128) -> Self {
                Self(format!("{}{bits:032x}", $prefix))
            }

            /// The SID as Twilio writes it.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = InvalidValue;

            fn from_str(text: &str) -> Result<Self, InvalidValue> {
                match text.strip_prefix($prefix) {
                    Some(hex) if hex.len() == 32 && hex.bytes().all(|b| b.is_ascii_hexdigit()) => {
                        Ok(Self(text.to_owned()))
                    }
                    _ => Err(InvalidValue(format!("expected {} and 32 hexadecimal digits", $prefix))),
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        serde_as_text!($name);
    };
}

sid!(/** One leg: a Twilio call. */ CallSid, "CA");
sid!(/** One live or past conference; a friendly name gets a new one each time it opens. */ ConferenceSid, "CF");
sid!(/** A Twilio account. */ AccountSid, "AC");
serde_as_text!(PhoneNumber, Address);

/// A number or address fit for a log line: only its kind and last two characters are left.
pub fn masked(address: &str) -> String {
    let tail: String = address.chars().rev().take(2).collect::<Vec<_>>().into_iter().rev().collect();
    match address.split_once(':') {
        Some((scheme, _)) => format!("{scheme}:…{tail}"),
        None => format!("+…{tail}"),
    }
}

/// The text with whatever looks like a phone number masked. Digits inside a SID stay.
pub fn without_numbers(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(|c: char| c.is_ascii_alphanumeric()) {
        let (before, from_word) = rest.split_at(start);
        let end = from_word.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(from_word.len());
        let (word, after) = from_word.split_at(end);
        let is_number = word.len() >= 7 && word.bytes().all(|b| b.is_ascii_digit());
        safe.push_str(if is_number { before.strip_suffix('+').unwrap_or(before) } else { before });
        safe.push_str(&if is_number { masked(word) } else { word.to_owned() });
        rest = after;
    }
    safe + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phone_number_is_e164_or_nothing() {
        for good in ["+15550100123", "+493023125123", "+1234567"] {
            assert_eq!(good.parse::<PhoneNumber>().unwrap().to_string(), good);
        }
        for bad in
            ["", "+", "15550100123", "+05550100123", "+1555010012x", "+123456", "+1234567890123456", "+1 555"]
        {
            assert!(bad.parse::<PhoneNumber>().is_err(), "{bad}");
        }
    }

    #[test]
    fn an_address_is_a_number_a_client_or_a_sip_uri() {
        for good in
            ["+15550100123", "client:dana_1", "sip:dana@example.com", "sips:d@example.com:5061;transport=tls"]
        {
            assert_eq!(good.parse::<Address>().unwrap().to_string(), good);
        }
        for bad in
            ["dana", "client:", "client:da na", "sip:dana", "sip:@x", "sip:a@", "sip:a@b c", "sip:a@b\"><"]
        {
            assert!(bad.parse::<Address>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_sid_has_its_prefix_and_32_hex_digits() {
        let sid = CallSid::from_u128(0xabc);
        assert_eq!(sid.as_str(), "CA00000000000000000000000000000abc");
        assert_eq!(sid.as_str().parse::<CallSid>().unwrap(), sid);
        assert!(sid.as_str().parse::<ConferenceSid>().is_err());
        assert!("CA123".parse::<CallSid>().is_err());
    }

    #[test]
    fn a_masked_address_keeps_its_kind_and_two_characters() {
        assert_eq!(masked("+15550100123"), "+…23");
        assert_eq!(masked("client:dana"), "client:…na");
    }
}
