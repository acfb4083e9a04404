//! What the log may be asked for.

use serde::Deserialize;
use utoipa::IntoParams;

use super::models::{ActorKind, Filter};
use crate::calls::forms::{Limit, Moment, Text};

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
