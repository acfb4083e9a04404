//! How the log is shown.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::models::ActorKind;
use super::models::EntryRow;
use crate::calls::serializers::rfc3339;

/// An entry.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AuditEntry)]
pub struct EntryOut {
    /// Ascending in the order of writing.
    pub id: i64,
    /// When.
    #[serde(serialize_with = "rfc3339")]
    pub at: DateTime<Utc>,
    /// What sort of somebody: `api_key`, `agent`, `command_line` or `system`.
    #[schema(value_type = ActorKind)]
    pub actor_kind: String,
    /// Who, by name.
    pub actor: String,
    /// What was done.
    pub action: String,
    /// To what.
    pub subject: Option<String>,
    /// What else is worth knowing.
    #[schema(value_type = Object)]
    pub detail: Value,
}

/// A page of the log, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct AuditPage {
    /// The entries.
    pub entries: Vec<EntryOut>,
    /// `cursor` of the next page, if there is one.
    pub next_cursor: Option<String>,
}

impl From<EntryRow> for EntryOut {
    fn from(row: EntryRow) -> Self {
        Self {
            id: row.id,
            at: row.at.and_utc(),
            actor_kind: row.actor_kind,
            actor: row.actor,
            action: row.action,
            subject: row.subject,
            detail: serde_json::from_str(&row.detail).unwrap_or(Value::String(row.detail)),
        }
    }
}

impl AuditPage {
    /// The page of at most `limit` entries that these rows make: one row more tells that there is another page.
    pub fn new(mut rows: Vec<EntryRow>, limit: usize) -> Self {
        let has_more = rows.len() > limit;
        rows.truncate(limit);
        let next_cursor = rows.last().filter(|_| has_more).map(|row| row.id.to_string());
        Self { entries: rows.into_iter().map(EntryOut::from).collect(), next_cursor }
    }
}
