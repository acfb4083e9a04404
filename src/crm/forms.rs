//! What readers of events may ask for.

use serde::Deserialize;
use utoipa::IntoParams;
use uuid::Uuid;

use super::kinds::KindFilter;
use crate::calls::forms::{Limit, default_limit};
use crate::error::AppError;

/// Query of `GET /api/v1/events`.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct FeedQuery {
    /// Only these kinds: `call.*,transfer.failed`.
    #[serde(default)]
    #[param(value_type = Option<String>, example = "call.*,transfer.failed")]
    pub types: KindFilter,
    /// Only of this call.
    pub call_id: Option<Uuid>,
    /// Only what follows this position.
    pub after: Option<i64>,
    /// The same, for streams of clients that can set no headers.
    pub last_event_id: Option<i64>,
    /// How many a page has at the most, 1 to 200.
    #[serde(default = "default_limit")]
    #[param(inline, default = 50)]
    pub limit: Limit,
    /// It is a call's own timeline that is read: a stream of it begins with the call and ends with it.
    #[serde(skip)]
    #[param(ignore)]
    pub is_timeline: bool,
}

/// Query of `GET /api/v1/calls/{id}/events`.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct CallEventsQuery {
    /// Only these kinds.
    #[serde(default)]
    #[param(value_type = Option<String>, example = "call.*,transfer.failed")]
    pub types: KindFilter,
    /// Only what follows this position.
    pub after: Option<i64>,
    /// The same, for streams of clients that can set no headers.
    pub last_event_id: Option<i64>,
    /// How many a page has at the most, 1 to 200.
    #[serde(default = "default_limit")]
    #[param(inline, default = 50)]
    pub limit: Limit,
}

impl CallEventsQuery {
    /// The same of one call.
    pub fn of(self, call_id: Uuid) -> FeedQuery {
        let Self { types, after, last_event_id, limit } = self;
        FeedQuery { types, call_id: Some(call_id), after, last_event_id, limit, is_timeline: true }
    }
}

impl FeedQuery {
    /// The position that the reader names, in the query or (a client that comes back keeps its old query) in
    /// `Last-Event-ID`; nothing if it names none.
    ///
    /// # Errors
    /// When the header is none of ours.
    pub fn position(&self, last_event_id: Option<&str>) -> Result<Option<i64>, AppError> {
        let from_header = match last_event_id {
            None | Some("") => None,
            Some(text) => Some(text.parse::<i64>().map_err(|_| {
                AppError::field("Last-Event-ID", "is not the id of an event: a whole number")
            })?),
        };
        let named = from_header.or(self.after).or(self.last_event_id);
        Ok(named.map(|position| position.max(0)))
    }
}
