//! How endpoints and deliveries are shown.

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use super::models::{DeliveryRow, DeliveryState, Endpoint};
use super::signing::Secret;
use crate::calls::serializers::{rfc3339, rfc3339_or_null};

/// An endpoint.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WebhookEndpoint)]
pub struct EndpointOut {
    /// Names it.
    #[schema(value_type = Uuid)]
    pub id: String,
    /// Where messages are posted.
    pub url: String,
    /// For people.
    pub description: String,
    /// Which events; an empty list for all.
    pub events: Vec<String>,
    /// Whether anything is sent.
    pub enabled: bool,
    /// Since when nothing is.
    #[serde(serialize_with = "rfc3339_or_null")]
    pub disabled_at: Option<DateTime<Utc>>,
    /// Why nothing is.
    pub disabled_reason: Option<String>,
    /// Since when it has taken nothing of what it was sent.
    #[serde(serialize_with = "rfc3339_or_null")]
    pub failing_since: Option<DateTime<Utc>>,
    /// Until when messages are signed with an older secret too.
    #[serde(serialize_with = "rfc3339_or_null")]
    pub old_secret_until: Option<DateTime<Utc>>,
    /// When it was made.
    #[serde(serialize_with = "rfc3339")]
    pub created_at: DateTime<Utc>,
    /// By whom.
    pub created_by: String,
}

/// An endpoint with its new secret, which is shown this once.
#[derive(Serialize, ToSchema)]
#[schema(as = WebhookEndpointWithSecret)]
pub struct SecretOut {
    /// The endpoint.
    #[serde(flatten)]
    pub endpoint: EndpointOut,
    /// What messages are signed with.
    pub secret: String,
}

/// All endpoints, oldest first.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WebhookEndpointPage)]
pub struct EndpointPage {
    /// The endpoints.
    pub endpoints: Vec<EndpointOut>,
}

/// A delivery.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WebhookDelivery)]
pub struct DeliveryOut {
    /// Ascending.
    pub id: i64,
    /// `webhook-id` of the message.
    pub webhook_id: String,
    /// The type of the event.
    pub r#type: String,
    /// `event`, `replay` or `test`.
    pub cause: String,
    /// The event's position in the feed.
    pub event_id: Option<i64>,
    /// Whose call.
    #[schema(value_type = Option<Uuid>)]
    pub call_id: Option<String>,
    /// `pending`, `delivered` or `failed`.
    #[schema(value_type = DeliveryState)]
    pub state: String,
    /// How often it was sent.
    pub attempts: i32,
    /// When it will be sent at the earliest.
    #[serde(serialize_with = "rfc3339_or_null")]
    pub next_attempt_at: Option<DateTime<Utc>>,
    /// HTTP status of the last answer.
    pub last_status: Option<i32>,
    /// What was wrong the last time.
    pub last_error: Option<String>,
    /// When it was written down.
    #[serde(serialize_with = "rfc3339")]
    pub created_at: DateTime<Utc>,
    /// When it was delivered or given up.
    #[serde(serialize_with = "rfc3339_or_null")]
    pub finished_at: Option<DateTime<Utc>>,
}

/// A page of deliveries, newest first.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WebhookDeliveryPage)]
pub struct DeliveryPage {
    /// The deliveries.
    pub deliveries: Vec<DeliveryOut>,
    /// `cursor` of the next page, if there is one.
    pub next_cursor: Option<i64>,
}

/// How many messages will be sent once more.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WebhooksToBeSent)]
pub struct Replayed {
    /// So many.
    pub deliveries: usize,
}

impl EndpointOut {
    /// As it is now.
    pub fn new(endpoint: Endpoint, now: DateTime<Utc>) -> Self {
        Self {
            old_secret_until: endpoint.secrets.overlap_until(now),
            events: endpoint.events.patterns().to_vec(),
            id: endpoint.id,
            url: endpoint.url,
            description: endpoint.description,
            enabled: endpoint.enabled,
            disabled_at: endpoint.disabled_at,
            disabled_reason: endpoint.disabled_reason,
            failing_since: endpoint.failing_since,
            created_at: endpoint.created_at,
            created_by: endpoint.created_by,
        }
    }

    /// With its new secret.
    #[must_use]
    pub fn with(self, secret: &Secret) -> SecretOut {
        SecretOut { endpoint: self, secret: secret.expose().to_owned() }
    }
}

impl From<DeliveryRow> for DeliveryOut {
    fn from(row: DeliveryRow) -> Self {
        let is_pending = row.state == DeliveryState::Pending.to_string();
        Self {
            id: row.id,
            webhook_id: row.message_id,
            r#type: row.kind,
            cause: row.cause,
            event_id: row.position,
            call_id: row.call_id,
            state: row.state,
            attempts: row.attempts,
            next_attempt_at: is_pending.then(|| row.due_at.and_utc()),
            last_status: row.last_status,
            last_error: row.last_error,
            created_at: row.created_at.and_utc(),
            finished_at: row.finished_at.map(|at| at.and_utc()),
        }
    }
}

impl DeliveryPage {
    /// The page of at most `limit` deliveries that these rows make: one row more tells that there is another page.
    pub fn new(mut rows: Vec<DeliveryRow>, limit: usize) -> Self {
        let has_more = rows.len() > limit;
        rows.truncate(limit);
        let next_cursor = rows.last().filter(|_| has_more).map(|row| row.id);
        Self { deliveries: rows.into_iter().map(DeliveryOut::from).collect(), next_cursor }
    }
}
