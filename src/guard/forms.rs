//! What may be asked of the guard and sent to the do-not-call list.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Deserializer, de};
use utoipa::{IntoParams, ToSchema};

use crate::calls::forms::{Destination, Limit, Text, default_limit};
use crate::telephony::{Address, PhoneNumber};

/// `POST /api/v1/do-not-call`.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[schema(as = NewDoNotCallEntry)]
#[serde(deny_unknown_fields)]
pub struct NewEntry {
    /// Not to be called.
    pub number: PhoneNumber,
    /// Why, for people.
    // As long as `import::REASON_MOST` allows.
    pub reason: Option<Text<500>>,
    /// Until when; for good if absent.
    pub expires_at: Option<DateTime<Utc>>,
}

/// Query of `GET /api/v1/do-not-call`.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct EntryList {
    /// `next_cursor` of the page before.
    #[serde(default, deserialize_with = "cursor")]
    pub cursor: Option<PhoneNumber>,
    /// How many at the most, 1 to 200.
    #[serde(default = "default_limit")]
    #[param(inline)]
    pub limit: Limit,
}

/// A plus that was not encoded arrives as a space.
fn cursor<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<PhoneNumber>, D::Error> {
    let text = String::deserialize(deserializer)?;
    let text = text.strip_prefix(' ').map_or_else(|| text.clone(), |digits| format!("+{digits}"));
    text.parse().map(Some).map_err(de::Error::custom)
}

/// `POST /api/v1/guard/check`.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[schema(as = GuardQuestion)]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// Who would be called.
    pub customer: Address,
    /// Who would call them.
    pub agent: Option<Destination>,
    /// What they would see as caller; the setting `twilio.caller_id` if absent.
    pub caller_id: Option<PhoneNumber>,
}
