//! What the CRM may send: each field parsed into a value that cannot be wrong, unknown fields refused by name.

use std::fmt;
use std::str::FromStr;

use actix_web::dev::Payload;
use actix_web::http::header::{self, EntityTag, IfMatch};
use actix_web::{FromRequest, HttpRequest};
use chrono::{DateTime, Utc};
use futures_util::future::{Ready, ready};
use serde::de::{self, Deserializer};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::flow::{Bridge, CallStatus, Control, Ring, Role, Style};
use crate::error::AppError;
use crate::telephony::{Address, InvalidValue, PhoneNumber};

/// Whom to ring: an address, or somebody in the directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Destination {
    /// As it is.
    Address(Address),
    /// `agent:dana`: whatever address the directory has for that name.
    Agent(String),
}

impl FromStr for Destination {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        match text.strip_prefix("agent:") {
            Some("") => Err(InvalidValue("agent: must be followed by a name of the directory".into())),
            // PostgreSQL's texts cannot hold a NUL.
            Some(name) if name.contains('\0') => Err(InvalidValue("a name holds no NUL".into())),
            Some(name) => Ok(Self::Agent(name.to_owned())),
            None => text.parse().map(Self::Address).map_err(|error: InvalidValue| {
                InvalidValue(format!("{error}, or agent:name for somebody in the directory"))
            }),
        }
    }
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => address.fmt(f),
            Self::Agent(name) => write!(f, "agent:{name}"),
        }
    }
}

impl Serialize for Destination {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Destination {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// A whole number of seconds between two bounds, both allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Secs<const MIN: u32, const MAX: u32>(u32);

impl<const MIN: u32, const MAX: u32> Secs<MIN, MAX> {
    /// The number that stands for an absent one; the nearest that may be.
    pub const fn new(number: u32) -> Self {
        Self(if number < MIN {
            MIN
        } else if number > MAX {
            MAX
        } else {
            number
        })
    }

    /// The number.
    pub fn get(self) -> u32 {
        self.0
    }
}

impl<'de, const MIN: u32, const MAX: u32> Deserialize<'de> for Secs<MIN, MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let secs = u32::deserialize(deserializer)?;
        if (MIN..=MAX).contains(&secs) {
            Ok(Self(secs))
        } else {
            Err(de::Error::custom(format!("expected {MIN} to {MAX} seconds")))
        }
    }
}

/// How long a phone may ring. <https://www.twilio.com/docs/voice/api/conference-participant-resource>
pub type RingTimeout = Secs<5, 600>;
/// How long a leg may last; 24 hours is the most an account can have.
pub type TimeLimit = Secs<1, 86_400>;

/// A text of at most so many characters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Text<const MAX: usize>(String);

impl<const MAX: usize> Text<MAX> {
    /// The text.
    pub fn into_string(self) -> String {
        self.0
    }
}

impl<'de, const MAX: usize> Deserialize<'de> for Text<MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

impl<const MAX: usize> FromStr for Text<MAX> {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        if text.contains('\0') {
            Err(InvalidValue("expected a text without NUL, which PostgreSQL cannot hold".into()))
        } else if text.chars().count() <= MAX {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidValue(format!("expected at most {MAX} characters")))
        }
    }
}

/// A time as RFC 3339 writes it, with any offset; years 0 to 9999, which both databases hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment(pub DateTime<Utc>);

impl FromStr for Moment {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parsed = DateTime::parse_from_rfc3339(text);
        parsed
            .map(|at| Self(at.to_utc()))
            .map_err(|_| "expected a time of RFC 3339, such as 2027-01-31T09:00:00Z")
    }
}

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// `POST /api/v1/calls`.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewCall {
    /// Rung first.
    pub agent: Destination,
    /// Rung once the agent is on the line.
    pub customer: Address,
    /// What both see as caller; the setting `twilio.caller_id` if absent.
    pub caller_id: Option<PhoneNumber>,
    /// The CRM's own id for the call.
    #[schema(inline)]
    pub external_id: Option<Text<200>>,
    /// No other call of this API key may have the same external_id.
    #[serde(default)]
    pub unique_external_id: bool,
    /// Call even if another call to the same customer is under way.
    #[serde(default)]
    pub allow_duplicate: bool,
    /// Kept and given back as it is.
    pub metadata: Option<serde_json::Map<String, serde_json::Value>>,
    /// How agent and customer are joined.
    pub bridge: Option<Bridge>,
    /// How long each phone rings; Twilio adds 5 seconds.
    #[schema(inline)]
    pub ring_timeout_secs: Option<RingTimeout>,
    /// How long the call may last.
    #[schema(inline)]
    pub time_limit_secs: Option<TimeLimit>,
}

/// `POST /api/v1/calls/{id}/transfer`.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewTransfer {
    /// The second agent, or several to choose from.
    pub to: Destinations,
    /// In which order several are rung.
    #[serde(default = "default_ring")]
    pub ring: Ring,
    /// How they are brought in; the setting `transfers.style` if absent.
    pub style: Option<Style>,
    /// They count as present only after pressing a key; the setting `transfers.require_accept` if absent. Of several who
    /// are rung together the first to press it takes the call, so there it is always asked for.
    pub require_accept: Option<bool>,
    /// What they are to know.
    #[schema(inline)]
    pub briefing: Option<Text<1000>>,
    /// What they see as caller; the setting `transfers.caller_id`, or else the call's own caller id, if absent.
    pub caller_id: Option<PhoneNumber>,
    /// How long each of their phones rings; Twilio adds 5 seconds.
    #[schema(inline)]
    pub ring_timeout_secs: Option<RingTimeout>,
}

fn default_ring() -> Ring {
    Ring::InTurn
}

/// One destination, or a list of 1 to 10 different ones.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "OneOrMany")]
pub struct Destinations(pub Vec<Destination>);

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

impl TryFrom<OneOrMany> for Destinations {
    type Error = InvalidValue;

    fn try_from(given: OneOrMany) -> Result<Self, InvalidValue> {
        let given = match given {
            OneOrMany::One(text) => vec![text],
            OneOrMany::Many(texts) if (1..=10).contains(&texts.len()) => texts,
            OneOrMany::Many(_) => return Err(InvalidValue("expected 1 to 10 destinations".into())),
        };
        given.iter().map(|text| text.parse()).collect::<Result<_, _>>().map(Self)
    }
}

/// Path of `POST /api/v1/calls/{id}/participants/{role}/{control}`.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct OnParticipant {
    /// The call.
    pub id: uuid::Uuid,
    /// Whoever has this role and is on the line.
    pub role: Role,
    /// What is to be done.
    #[param(inline)]
    pub control: ParticipantControl,
}

/// What can be done to one person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ParticipantControl {
    /// Something in the room.
    Control(Control),
    /// Out of the call.
    Remove,
}

impl<'de> Deserialize<'de> for ParticipantControl {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match String::deserialize(deserializer)?.as_str() {
            "remove" => Ok(Self::Remove),
            word => word.parse().map(Self::Control).map_err(de::Error::custom),
        }
    }
}

/// `PUT /api/v1/calls/{id}/outcome`.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewOutcome {
    /// One of the setting `outcomes.dispositions`.
    #[schema(inline)]
    pub disposition: Text<64>,
    /// What else is worth knowing.
    #[schema(inline)]
    pub notes: Option<Text<4000>>,
}

/// `If-Match`: the version that the request is about, if it says so. One that cannot be understood is refused, as the request
/// counts on being held back.
#[derive(Debug, Clone)]
pub struct Expected(pub Option<IfMatch>);

impl FromRequest for Expected {
    type Error = AppError;
    type Future = Ready<Result<Self, AppError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let Some(header) = request.headers().get(header::IF_MATCH) else { return ready(Ok(Self(None))) };
        ready(match expected(header.to_str().unwrap_or_default()) {
            Some(tags) => Ok(Self(Some(tags))),
            None => Err(AppError::field("If-Match", "must be * or the ETag of a call, in its quotes")),
        })
    }
}

fn expected(text: &str) -> Option<IfMatch> {
    if text.trim() == "*" {
        return Some(IfMatch::Any);
    }
    let tags: Result<Vec<EntityTag>, _> = text.split(',').map(|tag| tag.trim().parse()).collect();
    tags.ok().map(IfMatch::Items)
}

/// Query of `GET /api/v1/calls`.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct CallList {
    /// Only calls in this status.
    pub status: Option<CallStatus>,
    /// Only calls made by this first agent: an address, or `agent:name` for whatever address the directory has now.
    pub agent: Option<Destination>,
    /// Only calls to this customer.
    pub customer: Option<Address>,
    /// Only calls with this id of the CRM's.
    #[param(inline)]
    pub external_id: Option<Text<200>>,
    /// Only calls asked for at this time or later.
    #[param(inline)]
    pub created_from: Option<Moment>,
    /// Only calls asked for before this time.
    #[param(inline)]
    pub created_before: Option<Moment>,
    /// `next_cursor` of the page before.
    pub cursor: Option<uuid::Uuid>,
    /// How many at the most, 1 to 200.
    #[serde(default = "default_limit")]
    #[param(inline, default = 50)]
    pub limit: Limit,
}

/// How many entries a page has.
pub type Limit = Secs<1, 200>;

/// Unless the request says otherwise.
pub fn default_limit() -> Limit {
    Secs(50)
}
