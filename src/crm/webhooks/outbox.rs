//! The queue of deliveries as rows: written in the transaction that publishes, claimed by whoever is alive, settled once.
//!
//! Those of one call to one endpoint go one after the other, in the order of their ids; all others at once. So whoever adds
//! rows holds the feed's lock, lest a smaller id be committed after a larger one.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text, Timestamp};
use serde::Serialize;
use serde_json::json;
use uuid::Uuid;

use super::models::{
    Cause, DeliveryRow, DeliveryState, Endpoint, NewDelivery, endpoint_for_update, endpoints, save_endpoint,
};
use super::schedule::Schedule;
use crate::audit::{self, Actor, Entry};
use crate::calls::serializers::rfc3339_text;
use crate::crm::models::{self, DbResult, EventRow};
use crate::crm::serializers::EventOut;
use crate::db::schema::{webhook_deliveries, webhook_endpoints};
use crate::db::{DbConnection, DbError};

/// Rows claimed at once at the most, for all endpoints.
const MOST: usize = 128;

/// Writes down who is to be told of the events that follow this position; says whether anybody is.
pub fn fan_out(conn: &mut DbConnection, after: i64, count: i64, now: DateTime<Utc>) -> DbResult<bool> {
    let mut enabled = endpoints(conn)?;
    enabled.retain(|endpoint| endpoint.enabled);
    if enabled.is_empty() || count == 0 {
        return Ok(false);
    }
    let mut is_any = false;
    for row in models::after(conn, after, None, count)? {
        for endpoint in enabled.iter().filter(|endpoint| endpoint.events.wants(&row.kind)) {
            insert(conn, &of_event(endpoint, row.clone(), Cause::Event, now)?)?;
            is_any = true;
        }
    }
    Ok(is_any)
}

pub(super) fn insert(conn: &mut DbConnection, delivery: &NewDelivery) -> DbResult<()> {
    diesel::insert_into(webhook_deliveries::table).values(delivery).execute(conn)?;
    Ok(())
}

/// A message about an event. Its name comes from the event alone, so that it is the same for a replay; and not from the
/// position alone, which other events may get when an old copy of the database is restored.
pub(super) fn of_event(
    endpoint: &Endpoint,
    row: EventRow,
    cause: Cause,
    now: DateTime<Utc>,
) -> DbResult<NewDelivery> {
    let call_id: Uuid = row.call_id.parse().map_err(DbError::corrupt)?;
    let name = format!("{} {} {}", row.position, row.kind, row.at);
    let event = EventOut::from(row);
    let body = body(&event.r#type, event.at, &event)?;
    Ok(NewDelivery {
        endpoint_id: endpoint.id.clone(),
        message_id: format!("msg_{}", Uuid::new_v5(&call_id, name.as_bytes()).simple()),
        position: Some(event.id),
        call_id: Some(event.call_id),
        kind: event.r#type,
        ..pending(cause, body, now)
    })
}

/// As the specification has it: what happened, when, and the particulars.
fn body(kind: &str, at: DateTime<Utc>, data: &impl Serialize) -> DbResult<String> {
    #[derive(Serialize)]
    struct Body<'a, T> {
        r#type: &'a str,
        timestamp: String,
        data: &'a T,
    }
    let body = Body { r#type: kind, timestamp: rfc3339_text(at), data };
    serde_json::to_string(&body).map_err(DbError::corrupt)
}

/// A message that tries an endpoint.
pub(super) fn of_test(endpoint: &Endpoint, id: Uuid, now: DateTime<Utc>) -> DbResult<NewDelivery> {
    let body = body(TEST, now, &json!({ "endpoint_id": endpoint.id }))?;
    Ok(NewDelivery {
        endpoint_id: endpoint.id.clone(),
        message_id: format!("msg_{}", id.simple()),
        kind: TEST.to_owned(),
        ..pending(Cause::Test, body, now)
    })
}

const TEST: &str = "webhook.test";

fn pending(cause: Cause, body: String, now: DateTime<Utc>) -> NewDelivery {
    NewDelivery {
        endpoint_id: String::new(),
        message_id: String::new(),
        kind: String::new(),
        cause: cause.to_string(),
        position: None,
        call_id: None,
        body,
        state: DeliveryState::Pending.to_string(),
        attempts: 0,
        due_at: now.naive_utc(),
        created_at: now.naive_utc(),
    }
}

/// Who claims.
#[derive(Debug, Clone)]
pub(super) struct Claimant {
    pub process: String,
    pub now: DateTime<Utc>,
    pub lease: TimeDelta,
    /// Messages on their way to one endpoint at once.
    pub parallel: usize,
    /// Those that are already.
    pub on_their_way: BTreeMap<String, usize>,
}

/// A message that is this process's to send.
#[derive(Debug, Clone)]
pub(super) struct Claimed {
    pub delivery: DeliveryRow,
    pub endpoint: Endpoint,
}

#[derive(QueryableByName)]
struct DueId {
    #[diesel(sql_type = BigInt)]
    id: i64,
}

/// Claims what is due: what waits, and what a process that is no more had claimed.
pub(super) fn claim(conn: &mut DbConnection, by: &Claimant) -> DbResult<Vec<Claimed>> {
    let mut claimed = vec![];
    for endpoint in endpoints(conn)?.into_iter().filter(|endpoint| endpoint.enabled) {
        let busy = by.on_their_way.get(&endpoint.id).copied().unwrap_or_default();
        let room = by.parallel.saturating_sub(busy).min(MOST - claimed.len());
        if room == 0 {
            continue;
        }
        for id in due(conn, &endpoint.id, by.now.naive_utc(), room)? {
            let row = webhook_deliveries::table.find(id);
            diesel::update(row)
                .set((
                    webhook_deliveries::claimed_by.eq(&by.process),
                    webhook_deliveries::due_at.eq((by.now + by.lease).naive_utc()),
                ))
                .execute(conn)?;
            let delivery = row.select(DeliveryRow::as_select()).first(conn)?;
            claimed.push(Claimed { delivery, endpoint: endpoint.clone() });
        }
    }
    Ok(claimed)
}

/// The first message of each call that is due.
fn due(conn: &mut DbConnection, endpoint_id: &str, now: NaiveDateTime, limit: usize) -> DbResult<Vec<i64>> {
    let select = format!(
        "SELECT id FROM webhook_deliveries AS first WHERE endpoint_id = $1 AND state = 'pending' AND due_at <= $2 \
         AND NOT EXISTS (SELECT 1 FROM webhook_deliveries AS earlier WHERE earlier.endpoint_id = first.endpoint_id \
         AND earlier.call_id = first.call_id AND earlier.state = 'pending' AND earlier.id < first.id) \
         ORDER BY due_at, id LIMIT {limit}"
    );
    let rows: Vec<DueId> = match conn {
        #[cfg(feature = "postgres")]
        DbConnection::Postgres(conn) => diesel::sql_query(select + " FOR UPDATE SKIP LOCKED")
            .bind::<Text, _>(endpoint_id)
            .bind::<Timestamp, _>(now)
            .load(conn)?,
        DbConnection::Sqlite(conn) => {
            diesel::sql_query(select).bind::<Text, _>(endpoint_id).bind::<Timestamp, _>(now).load(conn)?
        }
    };
    Ok(rows.into_iter().map(|row| row.id).collect())
}

/// When the next message to an enabled endpoint is due, or was.
pub(super) fn next_due(conn: &mut DbConnection) -> DbResult<Option<DateTime<Utc>>> {
    let next = webhook_deliveries::table
        .inner_join(webhook_endpoints::table.on(webhook_endpoints::id.eq(webhook_deliveries::endpoint_id)))
        .filter(webhook_deliveries::state.eq("pending"))
        .filter(webhook_endpoints::enabled.eq(true))
        .order(webhook_deliveries::due_at.asc())
        .select(webhook_deliveries::due_at)
        .first::<NaiveDateTime>(conn)
        .optional()?;
    Ok(next.map(|at| at.and_utc()))
}

/// How an attempt came out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Attempt {
    /// The endpoint took it, with this status.
    Taken(u16),
    /// It did not.
    Refused {
        /// Its status, if it answered.
        status: Option<u16>,
        /// In words.
        error: String,
        /// How long it wants to be left alone.
        retry_after: Option<TimeDelta>,
    },
    /// It is gone, for good: 410.
    Gone,
}

/// What is done when an attempt has failed.
pub(super) struct Settling {
    pub now: DateTime<Utc>,
    pub schedule: Schedule,
    pub disable_after: TimeDelta,
}

/// Notes how an attempt came out. Nothing is noted of a message whose claim was lost meanwhile: another process has it.
pub(super) fn settle(
    conn: &mut DbConnection,
    by: &Settling,
    row: &DeliveryRow,
    attempt: &Attempt,
) -> DbResult<()> {
    let attempts = row.attempts + 1;
    let (status, error) = match attempt {
        Attempt::Taken(status) => (Some(*status), None),
        Attempt::Refused { status, error, .. } => (*status, Some(error.as_str())),
        Attempt::Gone => (Some(410), Some("410 Gone: the endpoint is no more")),
    };
    let (state, due_at) = match attempt {
        Attempt::Taken(_) => (DeliveryState::Delivered, None),
        // Kept for when the endpoint is enabled again, perhaps elsewhere.
        Attempt::Gone => (DeliveryState::Pending, Some(by.now)),
        Attempt::Refused { retry_after, .. } => match by.schedule.pause(attempts, *retry_after) {
            Some(pause) => (DeliveryState::Pending, Some(by.now + pause)),
            None => (DeliveryState::Failed, None),
        },
    };
    let mine = webhook_deliveries::table
        .find(row.id)
        .filter(webhook_deliveries::state.eq("pending"))
        .filter(webhook_deliveries::claimed_by.eq(&row.claimed_by))
        .filter(webhook_deliveries::due_at.eq(row.due_at));
    let noted = diesel::update(mine)
        .set((
            webhook_deliveries::state.eq(<&str>::from(state)),
            webhook_deliveries::attempts.eq(attempts),
            webhook_deliveries::claimed_by.eq(None::<String>),
            webhook_deliveries::due_at.eq(due_at.unwrap_or(by.now).naive_utc()),
            webhook_deliveries::last_status.eq(status.map(i32::from)),
            webhook_deliveries::last_error.eq(error),
            webhook_deliveries::finished_at.eq(due_at.is_none().then_some(by.now.naive_utc())),
        ))
        .execute(conn)?;
    if noted == 1 {
        judge_endpoint(conn, by, &row.endpoint_id, state, attempt)?;
    }
    Ok(())
}

/// Remembers since when an endpoint takes nothing, and disables it when that has lasted.
fn judge_endpoint(
    conn: &mut DbConnection,
    by: &Settling,
    id: &str,
    state: DeliveryState,
    attempt: &Attempt,
) -> DbResult<()> {
    let failing = webhook_endpoints::table.find(id);
    match attempt {
        Attempt::Taken(_) => {
            diesel::update(failing.filter(webhook_endpoints::failing_since.is_not_null()))
                .set(webhook_endpoints::failing_since.eq(None::<NaiveDateTime>))
                .execute(conn)?;
            return Ok(());
        }
        Attempt::Gone => return disable(conn, by.now, id, "it answered 410 Gone".to_owned()),
        Attempt::Refused { .. } => {}
    }
    diesel::update(failing.filter(webhook_endpoints::failing_since.is_null()))
        .set(webhook_endpoints::failing_since.eq(by.now.naive_utc()))
        .execute(conn)?;
    if state != DeliveryState::Failed {
        return Ok(());
    }
    let since: Option<NaiveDateTime> =
        failing.select(webhook_endpoints::failing_since).first(conn).optional()?.flatten();
    match since.map(|since| since.and_utc()) {
        Some(since) if by.now - since >= by.disable_after => {
            let since = rfc3339_text(since);
            disable(
                conn,
                by.now,
                id,
                format!("it has taken nothing since {since}, and a message was given up"),
            )
        }
        _ => Ok(()),
    }
}

fn disable(conn: &mut DbConnection, now: DateTime<Utc>, id: &str, reason: String) -> DbResult<()> {
    let Some(mut endpoint) = endpoint_for_update(conn, id)?.filter(|endpoint| endpoint.enabled) else {
        return Ok(());
    };
    tracing::warn!(webhook.endpoint = id, reason, "a webhook endpoint is disabled");
    let entry = Entry {
        at: now,
        actor: Actor::system("webhooks"),
        action: "webhook.disabled",
        subject: Some(id.to_owned()),
        detail: json!({ "reason": reason }),
    };
    endpoint.enabled = false;
    endpoint.disabled_at = Some(now);
    endpoint.disabled_reason = Some(reason);
    save_endpoint(conn, &endpoint)?;
    audit::record(conn, &entry)
}

/// Forgets what was settled before this moment.
pub(super) fn prune(conn: &mut DbConnection, before: DateTime<Utc>) -> DbResult<usize> {
    let old = webhook_deliveries::table.filter(webhook_deliveries::finished_at.lt(before.naive_utc()));
    Ok(diesel::delete(old).execute(conn)?)
}
