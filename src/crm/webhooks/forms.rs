//! What may be said of endpoints.

use chrono::{DateTime, Utc};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::models::DeliveryState;
use crate::calls::forms::{Limit, Moment, Text, default_limit};
use crate::crm::kinds::KindFilter;
use crate::telephony::InvalidValue;

/// Patterns of types as a list.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(try_from = "Vec<String>")]
pub struct Kinds(pub KindFilter);

impl TryFrom<Vec<String>> for Kinds {
    type Error = InvalidValue;

    fn try_from(patterns: Vec<String>) -> Result<Self, InvalidValue> {
        if patterns.len() > 50 {
            return Err(InvalidValue("expected at most 50 types".into()));
        }
        KindFilter::new(patterns.iter().map(String::as_str)).map(Self)
    }
}

/// `POST /api/v1/webhook-endpoints`.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[schema(as = NewWebhookEndpoint)]
#[serde(deny_unknown_fields)]
pub struct NewEndpoint {
    /// Where messages are posted.
    #[schema(inline)]
    pub url: Text<2000>,
    /// Which events: types, or beginnings of them (`call.*`); all if absent.
    #[serde(default)]
    #[schema(inline)]
    pub events: Kinds,
    /// For people.
    #[schema(inline)]
    pub description: Option<Text<200>>,
}

/// `PATCH /api/v1/webhook-endpoints/{id}`: what is absent stays.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[schema(as = WebhookEndpointChange)]
#[serde(deny_unknown_fields)]
pub struct EndpointChange {
    /// Where messages are posted.
    #[schema(inline)]
    pub url: Option<Text<2000>>,
    /// Which events; an empty list for all.
    #[schema(inline)]
    pub events: Option<Kinds>,
    /// For people.
    #[schema(inline)]
    pub description: Option<Text<200>>,
    /// Whether anything is sent.
    pub enabled: Option<bool>,
}

/// `POST …/rotate-secret`.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[schema(as = SecretRotation)]
#[serde(deny_unknown_fields)]
pub struct Rotation {
    /// How long messages are signed with the old secret too, 0 to 168 hours; a day if absent.
    #[serde(default = "a_day")]
    #[schema(inline)]
    pub overlap_hours: OverlapHours,
}

/// Whole hours up to a week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "u32")]
pub struct OverlapHours(u32);

impl OverlapHours {
    /// The number.
    pub fn get(self) -> u32 {
        self.0
    }
}

impl TryFrom<u32> for OverlapHours {
    type Error = &'static str;

    fn try_from(hours: u32) -> Result<Self, Self::Error> {
        if hours <= 168 { Ok(Self(hours)) } else { Err("expected 0 to 168 hours") }
    }
}

impl std::str::FromStr for OverlapHours {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse::<u32>().map_err(|_| "expected a whole number of hours")?.try_into()
    }
}

fn a_day() -> OverlapHours {
    OverlapHours(24)
}

/// `POST …/replay`.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[schema(as = WebhookReplay)]
#[serde(deny_unknown_fields)]
pub struct Replay {
    /// Events from this moment on.
    #[schema(inline)]
    pub since: Moment,
    /// Events before this moment; before now if absent.
    #[schema(inline)]
    pub until: Option<Moment>,
    /// Of these types, of those that the endpoint wants; all of them if absent.
    #[serde(default)]
    #[schema(inline)]
    pub types: Kinds,
}

/// A stretch of time.
#[derive(Debug, Clone, Copy)]
pub struct Span {
    /// From this moment on.
    pub since: DateTime<Utc>,
    /// Before this moment.
    pub until: DateTime<Utc>,
}

/// Query of `GET …/deliveries`.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct DeliveryList {
    /// Only in this state.
    #[param(inline)]
    pub state: Option<DeliveryState>,
    /// `next_cursor` of the page before.
    pub cursor: Option<i64>,
    /// How many at the most, 1 to 200.
    #[serde(default = "default_limit")]
    #[param(inline, default = 50)]
    pub limit: Limit,
}
