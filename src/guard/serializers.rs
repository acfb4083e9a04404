//! What the guard and the do-not-call list answer.

use chrono::{DateTime, SecondsFormat, Utc};
use chrono_tz::Tz;
use serde::Serialize;

use super::models::EntryRow;
use super::rules::{Refusal, Whereabouts};

/// An entry of the list.
#[derive(Debug, Serialize)]
pub struct EntryOut {
    number: String,
    reason: String,
    added_at: DateTime<Utc>,
    expires_at: Option<DateTime<Utc>>,
}

impl From<EntryRow> for EntryOut {
    fn from(row: EntryRow) -> Self {
        Self {
            number: row.number,
            reason: row.reason,
            added_at: row.added_at.and_utc(),
            expires_at: row.expires_at.map(|at| at.and_utc()),
        }
    }
}

/// A page of them.
#[derive(Debug, Serialize)]
pub struct EntryPage {
    /// By number.
    pub entries: Vec<EntryOut>,
    /// Where the next page begins, if there may be one.
    pub next_cursor: Option<String>,
}

/// Every rule's verdict on one call.
#[derive(Debug, Serialize)]
pub struct Verdict {
    allowed: bool,
    /// The customer's; null if it is not known, or may be one of several.
    time_zone: Option<&'static str>,
    /// What the clock shows there, with its offset from UTC.
    local_time: Option<String>,
    /// All that it may be.
    time_zones: Vec<&'static str>,
    refusals: Vec<RefusalOut>,
}

#[derive(Debug, Serialize)]
struct RefusalOut {
    code: &'static str,
    sentence: String,
    field: Option<&'static str>,
    next_allowed_at: Option<DateTime<Utc>>,
}

impl Verdict {
    /// On somebody there, at this time.
    pub fn new(at: &Whereabouts, refusals: Vec<Refusal>, now: DateTime<Utc>) -> Self {
        let zone = match at.zones.as_slice() {
            [zone] => Some(*zone),
            _ => None,
        };
        let local = |zone: Tz| now.with_timezone(&zone).to_rfc3339_opts(SecondsFormat::Secs, true);
        let out = |refusal: Refusal| RefusalOut {
            code: refusal.code(),
            sentence: refusal.sentence,
            field: refusal.field,
            next_allowed_at: refusal.next_allowed_at,
        };
        Self {
            allowed: refusals.is_empty(),
            time_zone: zone.map(|zone| zone.name()),
            local_time: zone.map(local),
            time_zones: at.zones.iter().map(|zone| zone.name()).collect(),
            refusals: refusals.into_iter().map(out).collect(),
        }
    }
}
