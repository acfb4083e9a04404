//! What readers of events get: one event as JSON, the same in pages, streams and webhooks.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::models::EventRow;
use crate::calls::serializers::rfc3339;

/// An event.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Event)]
pub struct EventOut {
    /// Its position in the feed: ascending, and the same wherever it is read.
    pub id: i64,
    /// What happened: `call.connected`.
    pub r#type: String,
    /// When.
    #[serde(serialize_with = "rfc3339")]
    pub at: DateTime<Utc>,
    /// Whose call.
    #[schema(value_type = Uuid)]
    pub call_id: String,
    /// The CRM's own id for the call.
    pub external_id: Option<String>,
    /// Whose leg.
    #[schema(value_type = Option<Uuid>)]
    pub leg_id: Option<String>,
    /// Particulars; no phone numbers.
    #[schema(value_type = Object)]
    pub detail: Value,
}

/// A page of events, oldest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct EventPage {
    /// The events.
    pub events: Vec<EventOut>,
    /// `after` of the next page, whether there is more already or not.
    pub next_cursor: i64,
}

/// An entry of a call's timeline: an event, with the older name of its type beside it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TimelineEntry)]
pub struct EntryOut {
    #[serde(flatten)]
    event: EventOut,
    /// The same as `type`.
    kind: String,
}

/// A page of a call's timeline, oldest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct TimelinePage {
    /// The entries.
    pub events: Vec<EntryOut>,
    /// `after` of the next page, whether there is more already or not.
    pub next_cursor: i64,
}

impl From<EventRow> for EventOut {
    fn from(row: EventRow) -> Self {
        Self {
            id: row.position,
            r#type: row.kind,
            at: row.at.and_utc(),
            call_id: row.call_id,
            external_id: row.external_id,
            leg_id: row.leg_id,
            detail: serde_json::from_str(&row.detail).unwrap_or_default(),
        }
    }
}

impl From<EventPage> for TimelinePage {
    fn from(page: EventPage) -> Self {
        let entry = |event: EventOut| EntryOut { kind: event.r#type.clone(), event };
        Self { events: page.events.into_iter().map(entry).collect(), next_cursor: page.next_cursor }
    }
}
