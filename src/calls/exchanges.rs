//! The journal of REST requests: rows of what Twilio was asked about a call, and what it answered. What Twilio asked of us
//! is the other half of it, [`crate::voice::models`].

use chrono::{NaiveDateTime, TimeDelta};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::models::DbResult;
use crate::db::DbConnection;
use crate::db::schema::twilio_requests;
use crate::twilio::Exchange;

/// Bytes that are kept of an answer. Twilio's description of a call has about two thousand.
const BODY_MOST: usize = 8 * 1024;
/// What stands at the end of a body that is kept in part.
const CUT: &str = "…";

/// One attempt of one request, as it is kept.
#[derive(Queryable, Selectable, Insertable, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
#[diesel(table_name = twilio_requests)]
pub struct ExchangeRow {
    /// Whose call.
    pub call_id: String,
    /// The command that wanted it; absent if a view had to ask.
    pub command_id: Option<String>,
    /// When it was sent.
    pub sent_at: NaiveDateTime,
    /// Milliseconds until the end of the answer, or until it was given up.
    pub duration_ms: i32,
    /// `GET`, `POST` or `DELETE`.
    pub method: String,
    /// Path and query, below the account.
    pub path: String,
    /// JSON list of name and value pairs, in order; absent if no form was sent.
    pub form: Option<String>,
    /// The status of the answer, if there was one.
    pub status: Option<i32>,
    /// The body of the answer; if it was longer than 8 KiB its beginning, and `…`.
    pub body: Option<String>,
    /// What went wrong.
    pub error: Option<String>,
}

impl ExchangeRow {
    fn of(call_id: &str, command_id: Option<&str>, exchange: Exchange) -> Self {
        Self {
            call_id: call_id.to_owned(),
            command_id: command_id.map(str::to_owned),
            sent_at: exchange.sent_at.naive_utc(),
            duration_ms: whole_ms(exchange.took),
            method: exchange.method,
            path: exchange.path,
            form: exchange.form.map(|form| serde_json::to_string(&form).unwrap_or_default()),
            status: exchange.status.map(Into::into),
            body: exchange.body.map(bounded),
            error: exchange.error,
        }
    }
}

/// Whole milliseconds, as they are kept.
pub fn whole_ms(took: TimeDelta) -> i32 {
    i32::try_from(took.num_milliseconds().max(0)).unwrap_or(i32::MAX)
}

fn bounded(mut body: String) -> String {
    if body.len() > BODY_MOST {
        body.truncate(body.floor_char_boundary(BODY_MOST));
        body.push_str(CUT);
    }
    body
}

/// What was recorded, as rows of a call.
pub fn rows(call_id: &str, command_id: Option<&str>, exchanges: Vec<Exchange>) -> Vec<ExchangeRow> {
    exchanges.into_iter().map(|exchange| ExchangeRow::of(call_id, command_id, exchange)).collect()
}

/// Writes them down.
///
/// # Errors
/// The database's.
pub fn insert(conn: &mut DbConnection, rows: &[ExchangeRow]) -> DbResult<()> {
    for row in rows {
        diesel::insert_into(twilio_requests::table).values(row).execute(conn)?;
    }
    Ok(())
}

/// What Twilio was asked about a call, in the order in which it was written down, at most so many.
///
/// # Errors
/// The database's.
pub fn of_call(conn: &mut DbConnection, call_id: Uuid, most: i64) -> DbResult<Vec<ExchangeRow>> {
    let of_call = twilio_requests::table.filter(twilio_requests::call_id.eq(call_id.to_string()));
    let rows = of_call.order(twilio_requests::id).limit(most).select(ExchangeRow::as_select());
    Ok(rows.load(conn)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_answer_is_kept_in_part() {
        let long = "ä".repeat(BODY_MOST);
        let kept = bounded(long.clone());
        assert!(kept.ends_with(CUT) && kept.len() <= BODY_MOST + CUT.len());
        assert!(long.starts_with(kept.trim_end_matches(CUT)));
        assert_eq!(bounded("short".to_owned()), "short");
    }
}
