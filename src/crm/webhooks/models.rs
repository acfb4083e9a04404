//! Endpoints and deliveries as rows, and the queries of those who look at them.

use chrono::{DateTime, NaiveDateTime, Utc};
use diesel::prelude::*;

use super::signing::Secrets;
use crate::crm::kinds::KindFilter;
use crate::crm::models::DbResult;
use crate::db::schema::{webhook_deliveries, webhook_endpoints};
use crate::db::{DbConnection, DbError};

/// Where events are sent.
#[derive(Debug, Clone)]
pub struct Endpoint {
    /// UUIDv7.
    pub id: String,
    /// Where.
    pub url: String,
    /// For people.
    pub description: String,
    /// Which events.
    pub events: KindFilter,
    /// What messages are signed with.
    pub secrets: Secrets,
    /// Whether anything is sent.
    pub enabled: bool,
    /// Since when nothing is.
    pub disabled_at: Option<DateTime<Utc>>,
    /// Why nothing is.
    pub disabled_reason: Option<String>,
    /// Since when it has taken nothing of what it was sent.
    pub failing_since: Option<DateTime<Utc>>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// By whom.
    pub created_by: String,
}

/// An endpoint's row.
#[derive(Queryable, Selectable, Insertable, AsChangeset, Clone)]
#[diesel(table_name = webhook_endpoints, treat_none_as_null = true)]
pub(super) struct EndpointRow {
    id: String,
    url: String,
    description: String,
    events: String,
    secrets: String,
    enabled: bool,
    disabled_at: Option<NaiveDateTime>,
    disabled_reason: Option<String>,
    failing_since: Option<NaiveDateTime>,
    created_at: NaiveDateTime,
    created_by: String,
}

impl EndpointRow {
    pub(super) fn of(endpoint: &Endpoint) -> DbResult<Self> {
        Ok(Self {
            id: endpoint.id.clone(),
            url: endpoint.url.clone(),
            description: endpoint.description.clone(),
            events: serde_json::to_string(endpoint.events.patterns()).map_err(DbError::corrupt)?,
            secrets: serde_json::to_string(&endpoint.secrets).map_err(DbError::corrupt)?,
            enabled: endpoint.enabled,
            disabled_at: endpoint.disabled_at.map(|at| at.naive_utc()),
            disabled_reason: endpoint.disabled_reason.clone(),
            failing_since: endpoint.failing_since.map(|at| at.naive_utc()),
            created_at: endpoint.created_at.naive_utc(),
            created_by: endpoint.created_by.clone(),
        })
    }

    fn endpoint(self) -> DbResult<Endpoint> {
        let patterns: Vec<String> = serde_json::from_str(&self.events).map_err(DbError::corrupt)?;
        Ok(Endpoint {
            id: self.id,
            url: self.url,
            description: self.description,
            events: KindFilter::kept(patterns),
            secrets: serde_json::from_str(&self.secrets).map_err(DbError::corrupt)?,
            enabled: self.enabled,
            disabled_at: self.disabled_at.map(|at| at.and_utc()),
            disabled_reason: self.disabled_reason,
            failing_since: self.failing_since.map(|at| at.and_utc()),
            created_at: self.created_at.and_utc(),
            created_by: self.created_by,
        })
    }
}

/// What has become of a delivery.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    serde::Serialize,
    serde::Deserialize,
    strum::Display,
    strum::EnumString,
    strum::EnumIter,
    strum::EnumMessage,
    strum::IntoStaticStr,
    clap::ValueEnum,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum DeliveryState {
    /// It is to be sent, or sent again.
    Pending,
    /// The endpoint has taken it.
    Delivered,
    /// It was given up.
    Failed,
}

/// Why a delivery was written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::Display)]
#[strum(serialize_all = "snake_case")]
pub enum Cause {
    /// It happened.
    Event,
    /// Somebody asked for it once more.
    Replay,
    /// Somebody tries the endpoint.
    Test,
}

/// One message to one endpoint.
#[derive(Queryable, Selectable, Debug, Clone)]
#[diesel(table_name = webhook_deliveries)]
pub struct DeliveryRow {
    /// Ascending; those of one call are sent in this order.
    pub id: i64,
    /// To which endpoint.
    pub endpoint_id: String,
    /// `webhook-id`: the same for every attempt, every endpoint and every replay.
    pub message_id: String,
    /// The type of the event.
    pub kind: String,
    /// The [`Cause`] in words.
    pub cause: String,
    /// The event's position.
    pub position: Option<i64>,
    /// Whose call.
    pub call_id: Option<String>,
    /// Exactly as it is sent.
    pub body: String,
    /// The [`DeliveryState`] in words.
    pub state: String,
    /// How often it was sent.
    pub attempts: i32,
    /// Which process has it.
    pub claimed_by: Option<String>,
    /// When it is to be sent. While claimed: until when nobody else may.
    pub due_at: NaiveDateTime,
    /// HTTP status of the last answer.
    pub last_status: Option<i32>,
    /// What was wrong the last time.
    pub last_error: Option<String>,
    /// When it was written down.
    pub created_at: NaiveDateTime,
    /// When it was delivered or given up.
    pub finished_at: Option<NaiveDateTime>,
}

/// A delivery to be written down.
#[derive(Insertable, Debug, Clone)]
#[diesel(table_name = webhook_deliveries)]
pub(super) struct NewDelivery {
    pub endpoint_id: String,
    pub message_id: String,
    pub kind: String,
    pub cause: String,
    pub position: Option<i64>,
    pub call_id: Option<String>,
    pub body: String,
    pub state: String,
    pub attempts: i32,
    pub due_at: NaiveDateTime,
    pub created_at: NaiveDateTime,
}

/// All endpoints, oldest first.
///
/// # Errors
/// The database's.
pub fn endpoints(conn: &mut DbConnection) -> DbResult<Vec<Endpoint>> {
    let rows: Vec<EndpointRow> = webhook_endpoints::table
        .order(webhook_endpoints::id.asc())
        .select(EndpointRow::as_select())
        .load(conn)?;
    rows.into_iter().map(EndpointRow::endpoint).collect()
}

/// The endpoint of this id.
///
/// # Errors
/// The database's.
pub fn endpoint(conn: &mut DbConnection, id: &str) -> DbResult<Option<Endpoint>> {
    let row = webhook_endpoints::table.find(id).select(EndpointRow::as_select()).first(conn).optional()?;
    row.map(EndpointRow::endpoint).transpose()
}

/// The same, and on PostgreSQL its row locked until the transaction ends.
///
/// # Errors
/// The database's.
pub fn endpoint_for_update(conn: &mut DbConnection, id: &str) -> DbResult<Option<Endpoint>> {
    let found = webhook_endpoints::table.find(id);
    let row = match conn {
        #[cfg(feature = "postgres")]
        DbConnection::Postgres(conn) => {
            found.select(EndpointRow::as_select()).for_update().first(conn).optional()?
        }
        DbConnection::Sqlite(conn) => found.select(EndpointRow::as_select()).first(conn).optional()?,
    };
    row.map(EndpointRow::endpoint).transpose()
}

/// Writes an endpoint as it is now.
///
/// # Errors
/// The database's.
pub fn save_endpoint(conn: &mut DbConnection, endpoint: &Endpoint) -> DbResult<()> {
    let row = EndpointRow::of(endpoint)?;
    diesel::update(webhook_endpoints::table.find(&row.id)).set(&row).execute(conn)?;
    Ok(())
}

/// An endpoint's deliveries, newest first.
///
/// # Errors
/// The database's.
pub fn deliveries(
    conn: &mut DbConnection,
    endpoint_id: &str,
    state: Option<DeliveryState>,
    before: Option<i64>,
    limit: i64,
) -> DbResult<Vec<DeliveryRow>> {
    let mut query = webhook_deliveries::table
        .filter(webhook_deliveries::endpoint_id.eq(endpoint_id.to_owned()))
        .order(webhook_deliveries::id.desc())
        .limit(limit)
        .select(DeliveryRow::as_select())
        .into_boxed();
    if let Some(state) = state {
        query = query.filter(webhook_deliveries::state.eq(state.to_string()));
    }
    if let Some(before) = before {
        query = query.filter(webhook_deliveries::id.lt(before));
    }
    Ok(query.load(conn)?)
}
