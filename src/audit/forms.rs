//! What the log may be asked for.

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde::de::{self, Deserializer};
use utoipa::IntoParams;

use super::models::{ActorKind, Filter};
use crate::calls::forms::{Limit, Text};

/// Query of `GET /api/v1/audit`.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct AuditList {
    /// Only by whom, by name.
    #[param(inline)]
    pub actor: Option<Text<255>>,
    /// Only by this sort of somebody.
    #[param(inline)]
    pub actor_kind: Option<ActorKind>,
    /// Only what was done: a whole action (`call.placed`), or all of a kind (`call.`).
    #[param(inline)]
    pub action: Option<Text<64>>,
    /// Only to what.
    #[param(inline)]
    pub subject: Option<Text<255>>,
    /// Only from this moment on.
    #[param(inline)]
    pub since: Option<Moment>,
    /// Only before this moment.
    #[param(inline)]
    pub until: Option<Moment>,
    /// `next_cursor` of the page before.
    #[param(minimum = -9_223_372_036_854_775_808_isize, maximum = 9_223_372_036_854_775_807_isize)]
    pub cursor: Option<i64>,
    /// How many at the most, 1 to 200.
    #[serde(default = "default_limit")]
    #[param(inline)]
    pub limit: Limit,
}

fn default_limit() -> Limit {
    Limit::new(50)
}

impl AuditList {
    /// Which entries it wants.
    pub fn filter(self) -> Filter {
        Filter {
            actor: self.actor.map(Text::into_string),
            actor_kind: self.actor_kind,
            action: self.action.map(Text::into_string),
            subject: self.subject.map(Text::into_string),
            since: self.since.map(|moment| moment.0),
            until: self.until.map(|moment| moment.0),
            before: self.cursor,
        }
    }
}

/// A time as RFC 3339 writes it, with any offset; years 0 to 9999, which both databases hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment(pub DateTime<Utc>);

impl std::str::FromStr for Moment {
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
