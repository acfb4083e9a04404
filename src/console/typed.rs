//! What people type where a phone is to be named: as they would dial it themselves, made an address that can be dialled.

use phonenumber::country;
use phonenumber::metadata::DATABASE;
use phonenumber::{Mode, PhoneNumber as Parsed};

use crate::telephony::{Address, InvalidValue, PhoneNumber};

/// The address that was meant. A number without a country code is one of the country of `home`.
///
/// # Errors
/// A sentence about what is expected.
pub fn address(text: &str, home: Option<&PhoneNumber>) -> Result<Address, InvalidValue> {
    let text = text.trim();
    if let Ok(address) = text.parse() {
        return Ok(address);
    }
    if ["client:", "sip:", "sips:"].iter().any(|scheme| text.starts_with(scheme)) {
        return text.parse();
    }
    number(text, home).map(Address::Phone)
}

fn number(text: &str, home: Option<&PhoneNumber>) -> Result<PhoneNumber, InvalidValue> {
    let wrong = |why: &str| InvalidValue(format!("{why}, such as +15550100123"));
    let is_plain =
        |letter: char| letter.is_ascii_digit() || " ()-./+\u{a0}\u{2010}\u{2011}\u{2013}".contains(letter);
    if !text.chars().all(is_plain) || !text.contains(|letter: char| letter.is_ascii_digit()) {
        return Err(wrong("expected a phone number"));
    }
    let parsed = phonenumber::parse(home.and_then(country_of), text);
    let parsed = parsed.map_err(|_| match text.starts_with('+') || home.is_some() {
        true => wrong("expected a whole phone number"),
        false => wrong("expected a phone number with its country code"),
    })?;
    let e164 = parsed.format().mode(Mode::E164).to_string();
    e164.parse().map_err(|_| wrong("expected a whole phone number"))
}

/// The main country of the number's country code; which of several that share one does not matter for how numbers are written.
fn country_of(number: &PhoneNumber) -> Option<country::Id> {
    let parsed: Parsed = phonenumber::parse(None, number.as_str()).ok()?;
    DATABASE.region(&parsed.code().value())?.first()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_understood_as_people_of_the_callers_country_write_them() {
        let (us, gb) = ("+15550100100", "+442079460100");
        let cases = [
            ("+15550100123", None, Some("+15550100123")),
            (" +1 (555) 010-0123 ", None, Some("+15550100123")),
            ("(555) 010-0123", Some(us), Some("+15550100123")),
            ("555.010.0123", Some(us), Some("+15550100123")),
            ("1 555 010 0123", Some(us), Some("+15550100123")),
            ("011 44 20 7946 0123", Some(us), Some("+442079460123")),
            ("020 7946 0123", Some(gb), Some("+442079460123")),
            ("00 1 555 010 0123", Some(gb), Some("+15550100123")),
            ("+44 20 7946 0123", Some(us), Some("+442079460123")),
            ("client:dana", Some(us), Some("client:dana")),
            ("sip:dana@example.com", None, Some("sip:dana@example.com")),
            ("(555) 010-0123", None, None),
            ("", Some(us), None),
            ("+", Some(us), None),
            ("12", Some(us), None),
            ("client:d ana", Some(us), None),
            ("sip:dana", Some(us), None),
            ("dana", Some(us), None),
            ("555 010 0123 ext. 5", Some(us), None),
            ("+1555010012345678", Some(us), None),
            ("<script>5550100123</script>", Some(us), None),
            ("٥٥٥٠١٠٠١٢٣", Some(us), None),
        ];
        for (text, home, expected) in cases {
            let home: Option<PhoneNumber> = home.map(|home| home.parse().unwrap());
            let found = address(text, home.as_ref());
            assert_eq!(
                found.as_ref().ok().map(ToString::to_string).as_deref(),
                expected,
                "{text}: {found:?}"
            );
        }
    }

    proptest::proptest! {
        #[test]
        fn whatever_is_typed_is_an_address_or_refused(text in "\\PC{0,40}") {
            let home = "+15550100100".parse().unwrap();
            if let Ok(found) = address(&text, Some(&home)) {
                proptest::prop_assert_eq!(found.to_string().parse::<Address>().unwrap(), found);
            }
        }

        #[test]
        fn whatever_digits_are_typed_are_a_number_or_refused(text in "[0-9 ()+.-]{0,24}") {
            for home in [None, Some("+15550100100".parse().unwrap())] {
                if let Ok(found) = address(&text, home.as_ref()) {
                    proptest::prop_assert!(matches!(found, Address::Phone(_)));
                }
            }
        }
    }
}
