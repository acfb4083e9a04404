//! The guard's decisions: values in, refusals out. No I/O, no clock.

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;

use super::hours::{self, Hours, Window};
use super::numbers::{self, Destinations, Objection};
use super::zones::{Place, place_of};
use crate::error::ErrorCode;
use crate::telephony::{Address, PhoneNumber};

/// What the settings `[guard]` say. The default lets nobody be called.
#[derive(Debug, Clone, Default)]
pub struct Rules {
    /// Which numbers may be dialled.
    pub destinations: Destinations,
    /// When customers may be called; `None` at any time.
    pub hours: Option<Hours>,
    /// The zone of customers whose number does not tell one.
    pub default_time_zone: Option<Tz>,
    /// How often one customer may be called on one of their days; 0 for no cap.
    pub attempts_per_day: u32,
    /// How many live calls one agent may have; 0 for no cap.
    pub calls_per_agent: u32,
    /// How many live calls the calls of one API key may be; 0 for no cap.
    pub calls_per_key: u32,
    /// Whether what is shown as caller must be a number of the account.
    pub check_caller_id: bool,
}

/// Whose address it is, or which field it came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// Who is to be called.
    Customer,
    /// Who calls.
    Agent,
    /// Whom a transfer brings in.
    SecondAgent,
}

impl Subject {
    /// The field of the request.
    pub fn field(self) -> &'static str {
        match self {
            Self::Customer => "customer",
            Self::Agent => "agent",
            Self::SecondAgent => "to",
        }
    }

    fn number(self) -> &'static str {
        match self {
            Self::Customer => "The customer's number",
            Self::Agent => "The agent's number",
            Self::SecondAgent => "The second agent's number",
        }
    }
}

/// What is to be judged: a call that is to be placed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// Who is to be called.
    pub customer: Address,
    /// Who is to call them, if that is known.
    pub agent: Option<Address>,
    /// The API key that asks for it, if one does.
    pub api_key_id: Option<String>,
    /// The first number that would be shown as caller and is not the account's.
    pub foreign_caller_id: Option<PhoneNumber>,
}

/// What the database says of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Known {
    /// The customer's number is on the do-not-call list.
    pub do_not_call: Option<Listed>,
    /// How often the customer was called, or is to be, on this day of theirs.
    pub attempts: u32,
    /// Live calls that the agent has, or will have.
    pub calls_of_agent: u32,
    /// Live calls of the API key.
    pub calls_of_key: u32,
}

/// An entry of the do-not-call list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Listed {
    /// Until when it holds; for good if absent.
    pub until: Option<DateTime<Utc>>,
}

/// Why a call is not placed, for programs and for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The stable code, which has the HTTP status.
    pub code: ErrorCode,
    /// What and why, in one plain sentence or two; never more of anybody than whoever asks has said.
    pub sentence: String,
    /// The field of the request that it is about.
    pub field: Option<&'static str>,
    /// From when on this rule would allow it, where that is known.
    pub next_allowed_at: Option<DateTime<Utc>>,
    /// How long that is from now, in seconds, rounded up.
    pub retry_after_secs: Option<i64>,
}

impl Refusal {
    fn new(code: ErrorCode, field: &'static str, sentence: impl Into<String>) -> Self {
        let sentence = sentence.into();
        Self { code, sentence, field: Some(field), next_allowed_at: None, retry_after_secs: None }
    }

    fn until(mut self, next: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Self {
        self.next_allowed_at = next;
        self.retry_after_secs =
            next.map(|next| (next - now + TimeDelta::milliseconds(999)).num_seconds().max(1));
        self
    }

    /// The stable code.
    pub fn code(&self) -> &'static str {
        self.code.entry().0
    }
}

/// Where a customer is, as far as their number says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Whereabouts {
    /// The zones they may be in; none if that is not known.
    pub zones: Vec<Tz>,
    region: Option<String>,
}

impl Whereabouts {
    /// The first and the last moment of the customer's present day; where it has begun and will end in all their zones.
    pub fn day(&self, now: DateTime<Utc>) -> (DateTime<Utc>, DateTime<Utc>) {
        let days = || self.zones.iter().map(|zone| hours::day(*zone, now));
        let utc = || hours::day(Tz::UTC, now);
        (
            days().map(|day| day.0).min().unwrap_or_else(|| utc().0),
            days().map(|day| day.1).max().unwrap_or_else(|| utc().1),
        )
    }
}

impl Rules {
    /// Where whoever has this address is. A number that says no more than a country of several zones is taken to be in the
    /// setting's, if that is one of them.
    pub fn whereabouts(&self, customer: &Address) -> Whereabouts {
        let Address::Phone(number) = customer else {
            return Whereabouts { zones: Vec::from_iter(self.default_time_zone), region: None };
        };
        let zones = match (place_of(number), self.default_time_zone) {
            (Place::In(zones), _) => zones.to_vec(),
            (Place::Country(zones), Some(default)) if zones.contains(&default) => vec![default],
            (Place::Country(zones), _) => zones.to_vec(),
            (Place::Unknown, default) => Vec::from_iter(default),
        };
        let has_regions = self.hours.as_ref().is_some_and(|hours| !hours.by_region.is_empty());
        Whereabouts { zones, region: if has_regions { numbers::region(number) } else { None } }
    }

    /// Whether libphonenumber's metadata is needed to judge anybody.
    pub fn asks_metadata(&self) -> bool {
        let Destinations { allowed, regions, check_numbers, .. } = &self.destinations;
        let is_any_allowed = !(allowed.is_empty() && regions.is_empty());
        is_any_allowed && (*check_numbers || !regions.is_empty() || self.hours.is_some())
    }

    fn places<'a>(&'a self, at: &Whereabouts) -> Vec<(Tz, &'a Window)> {
        let window = |hours: &'a Hours, zone: Tz| (zone, hours.window(zone, at.region.as_deref()));
        let hours = self.hours.iter();
        hours.flat_map(|hours| at.zones.iter().map(move |zone| window(hours, *zone))).collect()
    }
}

/// What is asked, with all that neither time nor the database can change; so a transaction need not find it out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Case {
    /// What is asked.
    pub asked: Asked,
    /// Where the customer is.
    pub at: Whereabouts,
    /// Why it may not be, at any time.
    standing: Vec<Refusal>,
}

impl Case {
    /// What these rules say of it at any time.
    pub fn new(rules: &Rules, asked: Asked) -> Self {
        let of_agent = asked.agent.as_ref().and_then(|agent| number(rules, Subject::Agent, agent));
        let standing = [
            number(rules, Subject::Customer, &asked.customer),
            of_agent,
            asked.foreign_caller_id.as_ref().map(foreign_caller_id),
        ];
        let at = rules.whereabouts(&asked.customer);
        Self { standing: standing.into_iter().flatten().collect(), at, asked }
    }
}

/// Whether this may be dialled now.
///
/// # Errors
/// The first reason why not.
pub fn check(rules: &Rules, case: &Case, known: &Known, now: DateTime<Utc>) -> Result<(), Refusal> {
    match refusals(rules, case, known, now).into_iter().next() {
        Some(refusal) => Err(refusal),
        None => Ok(()),
    }
}

/// Every reason why this may not be dialled now, those that stay before those that pass.
pub fn refusals(rules: &Rules, case: &Case, known: &Known, now: DateTime<Utc>) -> Vec<Refusal> {
    let Case { asked, at, standing } = case;
    let passing = [
        known.do_not_call.map(|listed| do_not_call(listed, now)),
        calling_hours(rules, asked, at, now),
        attempts(rules, known, at, now),
        asked.agent.as_ref().and_then(|_| agent_cap(rules, known)),
        asked.api_key_id.as_ref().and_then(|_| key_cap(rules, known)),
    ];
    standing.iter().cloned().chain(passing.into_iter().flatten()).collect()
}

/// Why this address may not be dialled at all, whenever; only numbers may be refused.
pub fn number(rules: &Rules, subject: Subject, address: &Address) -> Option<Refusal> {
    let Address::Phone(number) = address else { return None };
    let whose = subject.number();
    let (code, sentence) = match rules.destinations.objection(number)? {
        Objection::NothingAllowed => (
            ErrorCode::NoDestinationAllowed,
            "No number may be called yet: the settings guard.allowed_prefixes and guard.allowed_regions name none."
                .to_owned(),
        ),
        Objection::Denied(prefix) => (
            ErrorCode::DestinationNotAllowed,
            format!("{whose} begins with {prefix}, which the setting guard.denied_prefixes rules out."),
        ),
        Objection::NotAllowed(described) => (
            ErrorCode::DestinationNotAllowed,
            format!(
                "{whose} {described}, and neither of the settings guard.allowed_prefixes and guard.allowed_regions \
                 admits it."
            ),
        ),
        Objection::Invalid => {
            (ErrorCode::NumberInvalid, format!("{whose} is not one that can exist in its country."))
        }
        Objection::Costly(kind) => (
            ErrorCode::NumberTypeNotAllowed,
            format!("{whose} {kind}; the setting guard.allow_premium would have to be on."),
        ),
    };
    Some(Refusal::new(code, subject.field(), sentence))
}

/// What is shown as caller is not a number of the account.
pub fn foreign_caller_id(number: &PhoneNumber) -> Refusal {
    let sentence = format!(
        "{number} is neither a phone number of the Twilio account nor one of its verified caller ids, so it may not be \
         shown as caller."
    );
    Refusal::new(ErrorCode::CallerIdNotOwned, "caller_id", sentence)
}

fn do_not_call(listed: Listed, now: DateTime<Utc>) -> Refusal {
    let until = listed
        .until
        .map(|until| format!(" until {}", until.format("%Y-%m-%d %H:%M UTC")))
        .unwrap_or_default();
    let sentence = format!("The customer's number is on the do-not-call list{until}.");
    Refusal::new(ErrorCode::DoNotCall, "customer", sentence).until(listed.until, now)
}

fn calling_hours(rules: &Rules, asked: &Asked, at: &Whereabouts, now: DateTime<Utc>) -> Option<Refusal> {
    rules.hours.as_ref()?;
    let refusal = |sentence: String| Refusal::new(ErrorCode::OutsideCallingHours, "customer", sentence);
    if at.zones.is_empty() {
        let unknown = "The customer's time zone is not known from the number, and the setting guard.default_time_zone names none.";
        return matches!(asked.customer, Address::Phone(_)).then(|| refusal(unknown.to_owned()));
    }
    let places = rules.places(at);
    let (zone, window) = hours::closed_at(&places, now)?;
    let where_ = match places.len() {
        1 => format!("in the customer's time zone ({zone})"),
        _ => format!("in one of the time zones that the customer may be in ({zone})"),
    };
    let next = hours::next_open(&places, now);
    let never = match next {
        Some(_) => "",
        None => " No hour is allowed in all of them: set guard.default_time_zone.",
    };
    let clock = hours::clock_shows(window, zone, now);
    Some(refusal(format!("It is {clock} {where_}; calls are allowed {window}.{never}")).until(next, now))
}

fn attempts(rules: &Rules, known: &Known, at: &Whereabouts, now: DateTime<Utc>) -> Option<Refusal> {
    let cap = rules.attempts_per_day;
    if cap == 0 || known.attempts < cap {
        return None;
    }
    let tomorrow = at.day(now).1;
    // Tomorrow may be a Sunday.
    let next = hours::next_open(&rules.places(at), tomorrow);
    let times = if cap == 1 { "once".to_owned() } else { format!("{cap} times") };
    let sentence =
        format!("The customer has been called {times} today, which is as often as is allowed on one day.");
    Some(Refusal::new(ErrorCode::TooManyAttempts, "customer", sentence).until(next, now))
}

fn agent_cap(rules: &Rules, known: &Known) -> Option<Refusal> {
    let cap = rules.calls_per_agent;
    (cap > 0 && known.calls_of_agent >= cap).then(|| {
        let calls =
            if cap == 1 { "a live or queued call" } else { "as many live or queued calls as are allowed" };
        Refusal::new(ErrorCode::AgentBusy, "agent", format!("The agent has {calls} already (at most {cap})."))
    })
}

fn key_cap(rules: &Rules, known: &Known) -> Option<Refusal> {
    let cap = rules.calls_per_key;
    (cap > 0 && known.calls_of_key >= cap).then(|| Refusal {
        field: None,
        ..Refusal::new(
            ErrorCode::TooManyCalls,
            "",
            format!("This API key has as many live or queued calls as it may have at once ({cap})."),
        )
    })
}

#[cfg(test)]
mod tests;
