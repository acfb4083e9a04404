//! What somebody looks for: the query of the list of calls, read into values. What is left empty narrows nothing.

use std::str::FromStr;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use chrono_tz::Tz;
use serde::Deserialize;
use uuid::Uuid;

use crate::calls::flow::{CallStatus, EndReason};
use crate::console::days;
use crate::error::AppError;

/// Characters of what is looked for at the most.
const TEXT_MOST: usize = 200;
/// What the status of every call that has not ended is called.
pub const LIVE: &str = "live";
/// What the outcome of a call is called that has none.
pub const NONE: &str = "none";
/// How far back a part of a name or number is looked for, unless a first day is given: no index helps with it.
pub const RECENT_DAYS: i64 = 92;

/// The query as it comes from the form.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Search {
    /// Name, number or the CRM's id.
    pub q: String,
    /// The name of an agent who was on the call.
    pub agent: String,
    /// A status, or `live`.
    pub status: String,
    /// Why it ended.
    pub reason: String,
    /// What came of it, or `none`.
    pub outcome: String,
    /// The first day.
    pub from: String,
    /// The last day.
    pub until: String,
    /// The last call of the page before.
    pub before: String,
}

/// How far a call is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StatusFilter {
    /// Not ended.
    Live,
    /// This.
    Exactly(CallStatus),
}

/// What came of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OutcomeFilter {
    /// Nobody has said so, though there was a conversation.
    Missing,
    /// This word.
    Exactly(String),
}

/// Which calls are looked for.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// Part of a name or number, or a whole id.
    pub text: Option<String>,
    /// The name of an account that had a leg in it.
    pub agent: Option<String>,
    /// How far it is.
    pub status: Option<StatusFilter>,
    /// Why it ended.
    pub reason: Option<EndReason>,
    /// What came of it.
    pub outcome: Option<OutcomeFilter>,
    /// Asked for at this time or later.
    pub from: Option<DateTime<Utc>>,
    /// Asked for before this time.
    pub until: Option<DateTime<Utc>>,
    /// Older than this call.
    pub before: Option<Uuid>,
    /// Only calls in which this account had a leg.
    pub seen_by: Option<Uuid>,
    /// How far back a part of something is looked for.
    pub recent_from: Option<DateTime<Utc>>,
}

impl Search {
    /// As values; days begin and end where this zone says.
    ///
    /// # Errors
    /// 422 with the field's name.
    pub fn wanted(&self, zone: Tz, now: DateTime<Utc>) -> Result<Wanted, AppError> {
        let text = given(&self.q).filter(|text| !text.contains('\0'));
        if text.is_some_and(|text| text.chars().count() > TEXT_MOST) {
            return Err(AppError::field("q", "is too long: at most 200 characters"));
        }
        let from = day("from", &self.from)?;
        let until = day("until", &self.until)?;
        Ok(Wanted {
            text: text.map(str::to_owned),
            agent: given(&self.agent).map(str::to_owned),
            status: match given(&self.status) {
                Some(LIVE) => Some(StatusFilter::Live),
                other => other.map(|it| read("status", it).map(StatusFilter::Exactly)).transpose()?,
            },
            reason: given(&self.reason).map(|it| read("reason", it)).transpose()?,
            outcome: given(&self.outcome).map(|it| match it {
                NONE => OutcomeFilter::Missing,
                word => OutcomeFilter::Exactly(word.to_owned()),
            }),
            from: from.map(|day| days::begin(zone, day)),
            until: until.and_then(|day| day.succ_opt()).map(|day| days::begin(zone, day)),
            before: given(&self.before).map(|it| read("before", it)).transpose()?,
            seen_by: None,
            recent_from: from.is_none().then(|| now - TimeDelta::days(RECENT_DAYS)),
        })
    }

    /// Whether anything is narrowed.
    pub fn is_narrow(&self) -> bool {
        [&self.q, &self.agent, &self.status, &self.reason, &self.outcome, &self.from, &self.until]
            .into_iter()
            .any(|field| given(field).is_some())
    }

    /// Whether what stands behind *more filters* narrows anything.
    pub fn uses_more(&self) -> bool {
        [&self.reason, &self.outcome, &self.from, &self.until].into_iter().any(|field| given(field).is_some())
    }

    /// The query of the page that begins behind this call, or of the first.
    pub fn page(&self, before: Option<Uuid>) -> String {
        let fields = [
            ("q", &self.q),
            ("agent", &self.agent),
            ("status", &self.status),
            ("reason", &self.reason),
            ("outcome", &self.outcome),
            ("from", &self.from),
            ("until", &self.until),
        ];
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(fields.into_iter().filter(|(_, value)| given(value).is_some()));
        if let Some(before) = before {
            query.append_pair("before", &before.to_string());
        }
        match query.finish() {
            query if query.is_empty() => "/calls".to_owned(),
            query => format!("/calls?{query}"),
        }
    }
}

fn given(field: &str) -> Option<&str> {
    Some(field.trim()).filter(|field| !field.is_empty())
}

fn read<T: FromStr>(field: &str, text: &str) -> Result<T, AppError> {
    text.parse().map_err(|_| AppError::field(field, "is none of the known values"))
}

fn day(field: &str, text: &str) -> Result<Option<NaiveDate>, AppError> {
    let read = |text: &str| {
        text.parse::<NaiveDate>().map_err(|_| AppError::field(field, "is no day, such as 2026-11-21"))
    };
    given(text).map(read).transpose()
}
