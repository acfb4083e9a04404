//! `[guard]`: what is wrong with it is named, and the rest becomes the guard's rules.

use std::collections::BTreeMap;
use std::fmt;

use chrono::Weekday;
use chrono_tz::Tz;
use serde::{Deserialize, Deserializer, de};

use super::SettingsError;
use crate::guard::hours::{Hours, Span, Window};
use crate::guard::numbers::{Destinations, Prefix, is_region};
use crate::guard::rules::Rules;

/// Variables that let everybody be called at any time: for the demo and for tests, whose numbers are fictional.
pub const PERMISSIVE_GUARD: [(&str, &str); 7] = [
    ("WARM_TRANSFER__GUARD__ALLOWED_PREFIXES", "+"),
    ("WARM_TRANSFER__GUARD__CHECK_NUMBERS", "false"),
    ("WARM_TRANSFER__GUARD__CHECK_HOURS", "false"),
    ("WARM_TRANSFER__GUARD__ATTEMPTS_PER_DAY", "0"),
    ("WARM_TRANSFER__GUARD__CALLS_PER_AGENT", "0"),
    ("WARM_TRANSFER__GUARD__CALLS_PER_KEY", "0"),
    ("WARM_TRANSFER__GUARD__CHECK_CALLER_ID", "false"),
];

/// `[guard]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GuardSettings {
    /// Beginnings of numbers, `+44`.
    pub allowed_prefixes: List,
    /// Beginnings of numbers.
    pub denied_prefixes: List,
    /// ISO 3166 codes, `US`.
    pub allowed_regions: List,
    /// Whether numbers must be able to exist.
    pub check_numbers: bool,
    /// Whether numbers that cost more are allowed.
    pub allow_premium: bool,
    /// Whether `hours` hold.
    pub check_hours: bool,
    /// IANA name, or empty.
    pub default_time_zone: String,
    /// 0 for no cap.
    pub attempts_per_day: u32,
    /// 0 for no cap.
    pub calls_per_agent: u32,
    /// 0 for no cap.
    pub calls_per_key: u32,
    /// Whether callers' numbers must be the account's.
    pub check_caller_id: bool,
    /// `[guard.hours]`
    pub hours: HoursSettings,
}

/// `[guard.hours]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HoursSettings {
    /// `08:00-20:00`
    pub window: String,
    /// `mon` to `sun`
    pub days: List,
    /// By ISO 3166 code or IANA name of a zone.
    #[serde(default)]
    pub regions: BTreeMap<String, RegionHours>,
}

/// `[guard.hours.regions.XX]`; what is absent is as everywhere.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegionHours {
    /// As above.
    pub window: Option<String>,
    /// As above.
    pub days: Option<List>,
}

/// Several texts: a list in a file, commas between them in a variable.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct List(pub Vec<String>);

impl<'de> Deserialize<'de> for List {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ListVisitor)
    }
}

struct ListVisitor;

impl<'de> de::Visitor<'de> for ListVisitor {
    type Value = List;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of texts")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<List, E> {
        let texts = text.split(',').map(str::trim).filter(|text| !text.is_empty());
        Ok(List(texts.map(str::to_owned).collect()))
    }

    fn visit_seq<A: de::SeqAccess<'de>>(self, mut texts: A) -> Result<List, A::Error> {
        let mut list = List::default();
        while let Some(text) = texts.next_element()? {
            list.0.push(text);
        }
        Ok(list)
    }
}

impl GuardSettings {
    /// The rules.
    ///
    /// # Errors
    /// One line about the first setting that is wrong.
    pub fn rules(&self) -> Result<Rules, SettingsError> {
        let default_time_zone = match self.default_time_zone.as_str() {
            "" => None,
            name => Some(zone("guard.default_time_zone", name)?),
        };
        Ok(Rules {
            destinations: Destinations {
                allowed: prefixes("guard.allowed_prefixes", &self.allowed_prefixes)?,
                denied: prefixes("guard.denied_prefixes", &self.denied_prefixes)?,
                regions: self.allowed_regions.0.iter().map(|code| region(code)).collect::<Result<_, _>>()?,
                check_numbers: self.check_numbers,
                allow_premium: self.allow_premium,
            },
            hours: self.check_hours.then(|| self.hours.hours()).transpose()?,
            default_time_zone,
            attempts_per_day: self.attempts_per_day,
            calls_per_agent: self.calls_per_agent,
            calls_per_key: self.calls_per_key,
            check_caller_id: self.check_caller_id,
        })
    }
}

impl HoursSettings {
    fn hours(&self) -> Result<Hours, SettingsError> {
        let default = window("guard.hours", &self.window, &self.days)?;
        let mut hours = Hours { default, by_region: Default::default(), by_zone: Default::default() };
        for (name, own) in &self.regions {
            let setting = format!("guard.hours.regions.{name}");
            let text = own.window.as_ref().unwrap_or(&self.window);
            let window = window(&setting, text, own.days.as_ref().unwrap_or(&self.days))?;
            if name.contains('/') {
                hours.by_zone.insert(zone(&setting, name)?, window);
            } else if is_region(&name.to_uppercase()) {
                hours.by_region.insert(name.to_uppercase(), window);
            } else {
                let reason = "is neither a country, such as US, nor a time zone, such as America/New_York";
                return Err(SettingsError::new(&setting, reason));
            }
        }
        Ok(hours)
    }
}

fn window(setting: &str, text: &str, days: &List) -> Result<Window, SettingsError> {
    let span: Span = text.parse().map_err(|error| SettingsError::new(&format!("{setting}.window"), error))?;
    let day = |name: &String| {
        const NAMES: [(&str, Weekday); 7] = [
            ("mon", Weekday::Mon),
            ("tue", Weekday::Tue),
            ("wed", Weekday::Wed),
            ("thu", Weekday::Thu),
            ("fri", Weekday::Fri),
            ("sat", Weekday::Sat),
            ("sun", Weekday::Sun),
        ];
        let found = NAMES.iter().find(|(known, _)| name.eq_ignore_ascii_case(known));
        found.map(|(_, day)| *day).ok_or_else(|| {
            let reason = format!("has {name:?}; expected mon, tue, wed, thu, fri, sat, sun");
            SettingsError::new(&format!("{setting}.days"), reason)
        })
    };
    let days: Vec<Weekday> = days.0.iter().map(day).collect::<Result<_, _>>()?;
    if days.is_empty() {
        let reason = "names no day, so that nobody could ever be called";
        return Err(SettingsError::new(&format!("{setting}.days"), reason));
    }
    Ok(Window::new(span, &days))
}

fn prefixes(setting: &str, list: &List) -> Result<Vec<Prefix>, SettingsError> {
    let prefix = |text: &String| text.parse().map_err(|error| SettingsError::new(setting, error));
    list.0.iter().map(prefix).collect()
}

fn region(code: &str) -> Result<String, SettingsError> {
    let code = code.to_uppercase();
    if is_region(&code) {
        return Ok(code);
    }
    let reason = format!("has {code:?}, which is no country's ISO 3166 code, such as US");
    Err(SettingsError::new("guard.allowed_regions", reason))
}

fn zone(setting: &str, name: &str) -> Result<Tz, SettingsError> {
    // A variable's name is brought into small letters.
    let found = chrono_tz::TZ_VARIANTS.iter().find(|zone| zone.name().eq_ignore_ascii_case(name));
    found.copied().ok_or_else(|| {
        let reason = format!("is {name:?}, which is no IANA time zone, such as America/New_York");
        SettingsError::new(setting, reason)
    })
}
