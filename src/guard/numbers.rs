//! Which numbers may be dialled at all: prefixes, regions, and what sort of number it is, by libphonenumber's metadata.

use std::collections::BTreeSet;
use std::str::FromStr;

use phonenumber::Type;
use phonenumber::metadata::DATABASE;

use crate::telephony::{InvalidValue, PhoneNumber};

/// Country codes that are no country's: satellites and other networks of the world, universal, shared-cost and premium-rate
/// numbers. Each is charged far above an ordinary call, so fraud likes them.
const NETWORKS: [&str; 9] = ["+808", "+870", "+878", "+881", "+882", "+883", "+888", "+979", "+991"];

/// The beginning of numbers in E.164, such as `+44`; `+` alone is the beginning of all.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Prefix(String);

impl FromStr for Prefix {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        let digits = text.strip_prefix('+').filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()));
        match digits {
            Some(digits) if digits.len() <= 15 && !digits.starts_with('0') => Ok(Self(text.to_owned())),
            _ => Err(InvalidValue(format!(
                "{text:?} is not the beginning of a number in E.164, such as \"+44\""
            ))),
        }
    }
}

impl Prefix {
    /// As written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Which destinations are allowed.
#[derive(Debug, Clone, Default)]
pub struct Destinations {
    /// Admit, unless a longer prefix denies.
    pub allowed: Vec<Prefix>,
    /// Deny, unless a longer prefix admits.
    pub denied: Vec<Prefix>,
    /// Admit a country's numbers, by ISO 3166 code in capitals.
    pub regions: BTreeSet<String>,
    /// Whether numbers that cannot exist are refused, and kinds of number that cost more.
    pub check_numbers: bool,
    /// Whether numbers that cost more are allowed.
    pub allow_premium: bool,
}

/// Why a number is not to be dialled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Objection {
    /// Nothing is allowed.
    NothingAllowed,
    /// This prefix is denied.
    Denied(String),
    /// Nothing admits it; what its beginning and its region say of it.
    NotAllowed(String),
    /// There can be no such number.
    Invalid,
    /// It is of a kind that costs more, in words.
    Costly(&'static str),
}

impl Destinations {
    /// Why this number may not be dialled; `None` if it may.
    pub fn objection(&self, number: &PhoneNumber) -> Option<Objection> {
        if self.allowed.is_empty() && self.regions.is_empty() {
            return Some(Objection::NothingAllowed);
        }
        let denied = longest(&self.denied, number);
        let allowed = longest(&self.allowed, number);
        let length = |prefix: Option<&Prefix>| prefix.map_or(0, |prefix| prefix.0.len());
        match denied {
            Some(prefix) if length(denied) >= length(allowed) => {
                return Some(Objection::Denied(prefix.0.clone()));
            }
            _ => {}
        }
        // The metadata is asked only where it decides.
        if allowed.is_none() && !self.admits_region_of(number) {
            return Some(Objection::NotAllowed(described(number)));
        }
        self.costs_more(number)
    }

    fn admits_region_of(&self, number: &PhoneNumber) -> bool {
        !self.regions.is_empty() && region(number).is_some_and(|region| self.regions.contains(&region))
    }

    fn costs_more(&self, number: &PhoneNumber) -> Option<Objection> {
        let is_network = NETWORKS.iter().any(|network| number.as_str().starts_with(network));
        if is_network && !self.allow_premium {
            return Some(Objection::Costly("is of a satellite or another network of no country"));
        }
        if !self.check_numbers {
            return None;
        }
        let Some(parsed) = parsed(number).filter(phonenumber::is_valid) else {
            return Some(Objection::Invalid);
        };
        let kind = match parsed.number_type(&DATABASE) {
            Type::PremiumRate => "is a premium-rate number",
            Type::SharedCost => "is a shared-cost number",
            Type::PersonalNumber => "is a personal number, which is charged as a premium-rate number is",
            Type::Pager => "is a pager's",
            Type::Emergency | Type::ShortCode => return Some(Objection::Invalid),
            _ => return None,
        };
        (!self.allow_premium).then_some(Objection::Costly(kind))
    }
}

fn longest<'a>(prefixes: &'a [Prefix], number: &PhoneNumber) -> Option<&'a Prefix> {
    let matching = prefixes.iter().filter(|prefix| number.as_str().starts_with(&prefix.0));
    matching.max_by_key(|prefix| prefix.0.len())
}

fn parsed(number: &PhoneNumber) -> Option<phonenumber::PhoneNumber> {
    phonenumber::parse(None, number.as_str()).ok()
}

/// The ISO 3166 code of the country that the number belongs to, where the metadata can tell.
pub fn region(number: &PhoneNumber) -> Option<String> {
    parsed(number)?.country().id().map(|id| id.as_ref().to_owned())
}

/// Whether the number's beginning says where in its country it is: landlines', and mobile numbers' in few countries, those
/// that libphonenumber counts. <https://github.com/google/libphonenumber>: `GEO_MOBILE_COUNTRIES`
pub fn is_geographical(number: &PhoneNumber) -> bool {
    const WITH_AREA_CODES: [u16; 5] = [52, 54, 55, 62, 86];
    parsed(number).is_some_and(|parsed| match parsed.number_type(&DATABASE) {
        Type::FixedLine | Type::FixedLineOrMobile => true,
        Type::Mobile => WITH_AREA_CODES.contains(&parsed.code().value()),
        _ => false,
    })
}

/// Reads the metadata, which takes a while the first time, so that no call has to wait for it.
pub fn warm_up() {
    is_region("US");
}

/// Whether this is the code of a country that numbers can belong to.
pub fn is_region(code: &str) -> bool {
    DATABASE.by_id(code).is_some()
}

/// Where a number is, saying no more of it than that: `is in GB (+44)`.
fn described(number: &PhoneNumber) -> String {
    let Some(parsed) = parsed(number) else { return "has no country code that is known".into() };
    let code = parsed.code().value();
    match parsed.country().id() {
        Some(id) => format!("is in {} (+{code})", id.as_ref()),
        None => format!("begins with +{code}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> PhoneNumber {
        text.parse().unwrap()
    }

    fn prefixes(texts: &[&str]) -> Vec<Prefix> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    fn rules(allowed: &[&str], denied: &[&str], regions: &[&str]) -> Destinations {
        Destinations {
            allowed: prefixes(allowed),
            denied: prefixes(denied),
            regions: regions.iter().map(|region| (*region).to_owned()).collect(),
            check_numbers: true,
            allow_premium: false,
        }
    }

    #[test]
    fn the_longest_prefix_decides_and_denies_when_in_doubt() {
        let rules = Destinations {
            check_numbers: false,
            ..rules(&["+1", "+44", "+4420", "+1876555"], &["+1876", "+44", "+1900"], &[])
        };
        for (text, expected) in [
            ("+15550100123", None),
            ("+442079460123", None),
            ("+18765550123", None),
            ("+441632960123", Some(Objection::Denied("+44".into()))),
            ("+18764440123", Some(Objection::Denied("+1876".into()))),
            ("+493023125123", Some(Objection::NotAllowed("is in DE (+49)".into()))),
            ("+9990000000", Some(Objection::NotAllowed("has no country code that is known".into()))),
        ] {
            assert_eq!(rules.objection(&number(text)), expected, "{text}");
        }
    }

    #[test]
    fn a_region_admits_its_own_part_of_a_shared_country_code() {
        let rules = rules(&[], &["+1212"], &["US", "CA"]);
        assert_eq!(rules.objection(&number("+13035550123")), None);
        assert_eq!(rules.objection(&number("+14165550123")), None);
        let jamaica = Objection::NotAllowed("is in JM (+1)".into());
        assert_eq!(rules.objection(&number("+18765230123")), Some(jamaica));
        assert_eq!(rules.objection(&number("+12125550123")), Some(Objection::Denied("+1212".into())));
        // Fictional, so of no region.
        let nowhere = Objection::NotAllowed("begins with +1".into());
        assert_eq!(rules.objection(&number("+15550100123")), Some(nowhere));
    }

    #[test]
    fn nothing_configured_is_nothing_allowed() {
        for text in ["+13035550123", "+15550100123", "+442079460123"] {
            assert_eq!(Destinations::default().objection(&number(text)), Some(Objection::NothingAllowed));
        }
    }

    #[test]
    fn what_fraud_likes_is_refused_inside_an_allowed_prefix() {
        let mut rules = rules(&["+"], &[], &[]);
        for text in [
            "+13035550123",
            "+442079460123",
            "+390612345678",
            "+4915112345678",
            "+18005550123",
            "+33142685300",
        ] {
            assert_eq!(rules.objection(&number(text)), None, "{text}");
        }
        for (text, word) in [
            ("+19005550123", "premium"),
            ("+449098790123", "premium"),
            ("+4990012345678", "premium"),
            ("+448452345678", "premium"),
            ("+4918012345678", "shared"),
            ("+447012345678", "personal"),
            ("+881612345678", "satellite"),
            ("+870773111632", "satellite"),
            ("+88213123456", "satellite"),
            ("+883510012345", "satellite"),
            ("+979123456789", "satellite"),
        ] {
            let found = rules.objection(&number(text));
            assert!(
                matches!(found, Some(Objection::Costly(kind)) if kind.contains(word)),
                "{text}: {found:?}"
            );
        }
        for text in ["+15550100123", "+1234567", "+9990000000", "+44999999", "+390000000"] {
            assert_eq!(rules.objection(&number(text)), Some(Objection::Invalid), "{text}");
        }
        rules.allow_premium = true;
        assert_eq!(rules.objection(&number("+19005550123")), None);
        assert_eq!(rules.objection(&number("+15550100123")), Some(Objection::Invalid));
        (rules.allow_premium, rules.check_numbers) = (false, false);
        assert_eq!(rules.objection(&number("+15550100123")), None);
        assert!(rules.objection(&number("+881612345678")).is_some());
    }

    #[test]
    fn a_prefix_is_the_beginning_of_a_number() {
        for good in ["+", "+1", "+441632"] {
            assert_eq!(good.parse::<Prefix>().unwrap().as_str(), good);
        }
        for bad in ["", "1", "+0", "+44x", "0044", "+1234567890123456"] {
            assert!(bad.parse::<Prefix>().is_err(), "{bad}");
        }
        assert!(is_region("US") && is_region("DE") && !is_region("XX") && !is_region("us"));
    }
}
