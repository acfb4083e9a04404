//! Rows of kept answers and their queries.

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use diesel::prelude::*;

use super::{Answered, Claim};
use crate::calls::models::DbResult;
use crate::db::schema::idempotency_keys as keys;
use crate::db::{DbConnection, DbError};

/// How long an answer is kept.
const KEPT: TimeDelta = TimeDelta::hours(24);
/// How long a request may take before another attempt may take its key over; far longer than any does.
const LEASE: TimeDelta = TimeDelta::seconds(60);

#[derive(Queryable, Selectable, Insertable, Debug, Clone)]
#[diesel(table_name = keys)]
struct KeyRow {
    api_key_id: String,
    key: String,
    request_hash: String,
    claim: String,
    claimed_until: NaiveDateTime,
    status: Option<i32>,
    headers: Option<String>,
    body: Option<String>,
    created_at: NaiveDateTime,
}

/// What becomes of a request that bears a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Begun {
    /// It goes on; the key is its own.
    Claimed,
    /// It was answered before.
    Replay(Answered),
    /// Another request was made under this key.
    Reused,
    /// The same request is being worked on.
    InProgress,
}

/// What the row of a key means for a request with this hash; `None` if it is to be claimed.
fn judged(row: KeyRow, request_hash: &str, now: DateTime<Utc>) -> DbResult<Option<Begun>> {
    if row.request_hash != request_hash {
        return Ok(Some(Begun::Reused));
    }
    let Some(status) = row.status else {
        return Ok((row.claimed_until > now.naive_utc()).then_some(Begun::InProgress));
    };
    let headers = row.headers.as_deref().map(serde_json::from_str).transpose().map_err(DbError::corrupt)?;
    Ok(Some(Begun::Replay(Answered {
        status: status.try_into().map_err(DbError::corrupt)?,
        headers: headers.unwrap_or_default(),
        body: row.body.unwrap_or_default(),
    })))
}

/// Claims the key for this attempt, unless it is taken. Forgets what has been kept long enough.
///
/// # Errors
/// The database's.
pub fn begin(conn: &mut DbConnection, claim: &Claim, now: DateTime<Utc>) -> DbResult<Begun> {
    diesel::delete(keys::table.filter(keys::created_at.le((now - KEPT).naive_utc()))).execute(conn)?;
    let api_key_id = claim.api_key_id.to_string();
    let found =
        keys::table.find((&api_key_id, &claim.key)).select(KeyRow::as_select()).first(conn).optional()?;
    if let Some(row) = found {
        if let Some(begun) = judged(row, &claim.request_hash, now)? {
            return Ok(begun);
        }
        diesel::delete(keys::table.find((&api_key_id, &claim.key))).execute(conn)?;
    }
    let row = KeyRow {
        api_key_id,
        key: claim.key.clone(),
        request_hash: claim.request_hash.clone(),
        claim: claim.id.to_string(),
        claimed_until: (now + LEASE).naive_utc(),
        status: None,
        headers: None,
        body: None,
        created_at: now.naive_utc(),
    };
    diesel::insert_into(keys::table).values(&row).execute(conn)?;
    Ok(Begun::Claimed)
}

/// Keeps the answer.
///
/// # Errors
/// The database's; also when another attempt has taken the key over.
pub(super) fn keep(conn: &mut DbConnection, claim: &Claim, answered: &Answered) -> DbResult<()> {
    let headers = serde_json::to_string(&answered.headers).map_err(DbError::corrupt)?;
    let kept = diesel::update(keys::table.filter(keys::claim.eq(claim.id.to_string())))
        .set((
            keys::status.eq(i32::from(answered.status)),
            keys::headers.eq(headers),
            keys::body.eq(&answered.body),
        ))
        .execute(conn)?;
    match kept {
        1 => Ok(()),
        _ => Err(DbError::Unavailable("another attempt has taken the Idempotency-Key over".into())),
    }
}

/// Leaves the key free again: the request had no effect.
///
/// # Errors
/// The database's.
pub fn release(conn: &mut DbConnection, claim: &Claim) -> DbResult<()> {
    let mine = keys::table.filter(keys::claim.eq(claim.id.to_string())).filter(keys::status.is_null());
    diesel::delete(mine).execute(conn)?;
    Ok(())
}
