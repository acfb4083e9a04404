//! What the guard and the do-not-call list answer.

use chrono::{DateTime, SecondsFormat, Utc};
use chrono_tz::Tz;
use serde::Serialize;
use utoipa::ToSchema;

use super::models::EntryRow;
use super::rules::{Refusal, Whereabouts};
use crate::error::ErrorCode;
use crate::telephony::PhoneNumber;

/// An entry of the list.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DoNotCallEntry)]
pub struct EntryOut {
    /// Not to be called.
    #[schema(value_type = PhoneNumber)]
    number: String,
    /// Why, for people; may be empty.
    reason: String,
    /// Since when.
    added_at: DateTime<Utc>,
    /// Until when; null for good.
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
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DoNotCallPage)]
pub struct EntryPage {
    /// By number.
    pub entries: Vec<EntryOut>,
    /// `cursor` of the next page, if there may be one.
    #[schema(value_type = Option<PhoneNumber>)]
    pub next_cursor: Option<String>,
}

/// Every rule's verdict on one call.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = GuardVerdict)]
pub struct Verdict {
    /// Whether a call would be placed.
    allowed: bool,
    /// The customer's; null if it is not known, or may be one of several.
    time_zone: Option<&'static str>,
    /// What the clock shows there, with its offset from UTC.
    local_time: Option<String>,
    /// All that it may be.
    time_zones: Vec<&'static str>,
    /// Every reason why not, those that stay before those that pass.
    refusals: Vec<RefusalOut>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = GuardRefusal)]
struct RefusalOut {
    /// What a request would be refused with.
    #[schema(value_type = ErrorCode)]
    code: &'static str,
    /// What and why, for people.
    sentence: String,
    /// The field that it is about.
    field: Option<&'static str>,
    /// From when on this would be no reason any more, where that is known.
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
