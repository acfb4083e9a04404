//! Where a phone number is: the time zones that its beginning can mean, from a table of facts (`zones.txt`).

use std::collections::HashMap;
use std::sync::LazyLock;

use chrono_tz::Tz;

use super::numbers;
use crate::telephony::PhoneNumber;

static TABLE: LazyLock<Table> = LazyLock::new(|| Table::read(include_str!("zones.txt")));

/// Beginnings of numbers, without the plus, and the zones they are in.
struct Table {
    beginnings: HashMap<&'static str, usize>,
    zones: Vec<Vec<Tz>>,
    longest: usize,
}

/// What a number says of its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// In one of these zones.
    In(&'static [Tz]),
    /// Somewhere in a country that has these zones: the number says no more than the country.
    Country(&'static [Tz]),
    /// In no country: a network of its own, or a beginning that nobody uses.
    Unknown,
}

impl Table {
    /// Lines that cannot be read are left out; a test says that there are none.
    fn read(text: &'static str) -> Self {
        let mut table = Self { beginnings: HashMap::new(), zones: vec![], longest: 0 };
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let Some((zones, beginnings)) = line.split_once(": ") else { continue };
            table.zones.push(zones.split(' ').filter_map(|zone| zone.parse().ok()).collect());
            for beginning in beginnings.split(' ') {
                table.longest = table.longest.max(beginning.len());
                table.beginnings.insert(beginning, table.zones.len() - 1);
            }
        }
        table
    }

    fn zones(&self, beginning: &str) -> Option<&[Tz]> {
        self.beginnings.get(beginning).and_then(|at| self.zones.get(*at)).map(Vec::as_slice)
    }

    /// The longest beginning of these digits that the table has.
    fn longest_of<'a>(&self, digits: &'a str) -> Option<&'a str> {
        let longest = self.longest.min(digits.len());
        (1..=longest)
            .rev()
            .filter_map(|len| digits.get(..len))
            .find(|text| self.beginnings.contains_key(text))
    }
}

/// Whether the number's beginning is of a place. In North America every number that begins with an area code is, landline or
/// mobile; elsewhere mobile numbers are not, as a rule.
fn is_geographical(digits: &str, number: &PhoneNumber) -> bool {
    digits.starts_with('1') || numbers::is_geographical(number)
}

/// Where this number is, as far as it says.
pub fn place_of(number: &PhoneNumber) -> Place {
    let table = &*TABLE;
    let digits = number.as_str().trim_start_matches('+');
    let Some(beginning) = table.longest_of(digits) else { return Place::Unknown };
    let Some(zones) = table.zones(beginning) else { return Place::Unknown };
    // The shortest beginning is the country's; where a country has several zones, only some kinds of number tell which.
    let country =
        (1..=beginning.len()).filter_map(|len| beginning.get(..len)).find_map(|text| table.zones(text));
    match country {
        Some(all) if all.len() > 1 && (all == zones || !is_geographical(digits, number)) => {
            Place::Country(all)
        }
        _ => Place::In(zones),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(number: &str) -> Place {
        place_of(&number.parse().unwrap())
    }

    #[test]
    fn every_line_of_the_table_is_read_and_every_zone_is_known() {
        let text = include_str!("zones.txt");
        let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
        let mut count = 0;
        for line in &lines {
            let (zones, beginnings) = line.split_once(": ").unwrap();
            assert!(zones.split(' ').all(|zone| zone.parse::<Tz>().is_ok()), "{line}");
            for beginning in beginnings.split(' ') {
                assert!(beginning.bytes().all(|byte| byte.is_ascii_digit()), "{line}");
                count += 1;
            }
        }
        assert_eq!((TABLE.zones.len(), TABLE.beginnings.len()), (lines.len(), count));
    }

    #[test]
    fn a_number_is_where_its_longest_known_beginning_is() {
        for (number, zone) in [
            ("+13035550123", Tz::America__Denver),
            ("+16025550123", Tz::America__Phoenix),
            ("+12125550123", Tz::America__New_York),
            ("+18085550123", Tz::Pacific__Honolulu),
            ("+18765550123", Tz::America__Jamaica),
            ("+493023125123", Tz::Europe__Berlin),
            ("+912212345678", Tz::Asia__Calcutta),
        ] {
            assert!(matches!(place(number), Place::In([found]) if *found == zone), "{number}");
        }
        // Idaho lies in two zones, and this exchange is in both.
        assert_eq!(place("+12082000000"), Place::In(&[Tz::America__Boise, Tz::America__Los_Angeles]));
        let Place::Country(zones) = place("+15550100123") else { panic!("{:?}", place("+15550100123")) };
        assert!(zones.contains(&Tz::America__New_York) && zones.contains(&Tz::Pacific__Guam));
        assert_eq!(place("+9990000000"), Place::Unknown);
    }

    #[test]
    fn a_mobile_number_says_no_more_than_its_country_outside_north_america() {
        assert!(matches!(
            place("+61391234567"),
            Place::In([Tz::Australia__Melbourne | Tz::Australia__Sydney])
        ));
        assert!(
            matches!(place("+61412345678"), Place::Country(zones) if zones.contains(&Tz::Australia__Perth))
        );
        assert!(
            matches!(place("+79161234567"), Place::Country(zones) if zones.contains(&Tz::Asia__Kamchatka))
        );
        assert!(
            matches!(place("+34612345678"), Place::Country(zones) if zones.contains(&Tz::Atlantic__Canary))
        );
        assert!(matches!(place("+491511234567"), Place::In([Tz::Europe__Berlin])));
        // Brazil's mobile numbers begin with an area code.
        assert!(matches!(place("+5592961234567"), Place::In([Tz::America__Manaus])));
    }
}
