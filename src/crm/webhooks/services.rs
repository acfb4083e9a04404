//! What is done to endpoints, by the API and by the command line: each change in one transaction with its audit entry.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use serde_json::{Value, json};

use super::addresses::parse_url;
use super::forms::{EndpointChange, NewEndpoint, Span};
use super::models::{self, Cause, DeliveryState, Endpoint, EndpointRow};
use super::outbox;
use super::serializers::{DeliveryPage, EndpointOut, SecretOut};
use super::signing::{Secret, Secrets};
use crate::audit::{self, Actor, Entry};
use crate::calls::forms::Text;
use crate::clock::{Clock, IdSource};
use crate::crm::feed;
use crate::crm::kinds::KindFilter;
use crate::crm::models::{after, between};
use crate::db::schema::{webhook_deliveries, webhook_endpoints};
use crate::db::{Db, DbConnection, DbError, WriteError};

/// Each of them costs a look at every event.
const MOST_ENDPOINTS: usize = 100;
/// Events replayed in one transaction.
const BATCH: i64 = 500;

/// Why an endpoint was not changed.
#[derive(Debug, thiserror::Error)]
pub enum WebhookError {
    /// The database's fault.
    #[error(transparent)]
    Db(#[from] DbError),
    /// There is no such endpoint.
    #[error("there is no such webhook endpoint")]
    NotFound,
    /// A URL that messages cannot go to; completes a sentence that its name begins.
    #[error("url {0}")]
    InvalidUrl(String),
    /// A stretch of time that ends before it begins.
    #[error("until must be later than since")]
    InvalidSpan,
    /// Nothing is sent to it now.
    #[error("the webhook endpoint is disabled; enable it first")]
    Disabled,
    /// There are many already.
    #[error("there are {MOST_ENDPOINTS} webhook endpoints, which is the most there can be")]
    TooMany,
}

impl WriteError for WebhookError {
    fn as_db(&self) -> Option<&DbError> {
        match self {
            Self::Db(error) => Some(error),
            _ => None,
        }
    }
}

/// What it takes to change endpoints.
pub struct Desk<'a> {
    /// The database.
    pub db: &'a Db,
    /// The time.
    pub clock: &'a dyn Clock,
    /// Ids and secrets.
    pub ids: &'a dyn IdSource,
    /// Who does it.
    pub by: Actor,
    /// The setting.
    pub allow_private_addresses: bool,
}

type Done<T> = Result<T, WebhookError>;

impl Desk<'_> {
    fn entry(&self, action: &'static str, id: &str, detail: Value) -> Entry {
        let (at, actor) = (self.clock.now(), self.by.clone());
        Entry { at, actor, action, subject: Some(id.to_owned()), detail }
    }

    /// Where messages may go, as it will be kept.
    fn url(&self, text: Text<2000>) -> Done<String> {
        let url = parse_url(&text.into_string(), self.allow_private_addresses);
        Ok(url.map_err(WebhookError::InvalidUrl)?.into())
    }

    /// Makes an endpoint; it is given with its secret.
    ///
    /// # Errors
    /// As [`WebhookError`] says.
    pub async fn create(&self, new: NewEndpoint) -> Done<SecretOut> {
        let (now, secret) = (self.clock.now(), Secret::new(self.ids));
        let endpoint = Endpoint {
            id: self.ids.id().to_string(),
            url: self.url(new.url)?,
            description: new.description.map(Text::into_string).unwrap_or_default(),
            events: new.events.0,
            secrets: Secrets::new(secret.clone()),
            enabled: true,
            disabled_at: None,
            disabled_reason: None,
            failing_since: None,
            created_at: now,
            created_by: self.by.name.clone(),
        };
        let detail = json!({ "host": host(&endpoint.url), "events": endpoint.events.patterns() });
        let entry = self.entry("webhook.created", &endpoint.id, detail);
        let kept = endpoint.clone();
        let write = move |conn: &mut DbConnection| {
            if models::endpoints(conn)?.len() >= MOST_ENDPOINTS {
                return Err(WebhookError::TooMany);
            }
            let row = EndpointRow::of(&kept)?;
            diesel::insert_into(webhook_endpoints::table)
                .values(&row)
                .execute(conn)
                .map_err(DbError::from)?;
            Ok(audit::record(conn, &entry)?)
        };
        self.db.write(write).await?;
        Ok(EndpointOut::new(endpoint, now).with(&secret))
    }

    /// All endpoints.
    ///
    /// # Errors
    /// The database's.
    pub async fn list(&self) -> Done<Vec<EndpointOut>> {
        let now = self.clock.now();
        let endpoints = self.db.read(models::endpoints).await?;
        Ok(endpoints.into_iter().map(|endpoint| EndpointOut::new(endpoint, now)).collect())
    }

    /// One endpoint.
    ///
    /// # Errors
    /// As [`WebhookError`] says.
    pub async fn show(&self, id: &str) -> Done<EndpointOut> {
        let (id, now) = (id.to_owned(), self.clock.now());
        let endpoint = self.db.read(move |conn| models::endpoint(conn, &id)).await?;
        Ok(EndpointOut::new(endpoint.ok_or(WebhookError::NotFound)?, now))
    }

    /// Changes what is said, and nothing else. One that is enabled again goes on with what it was to be sent.
    ///
    /// # Errors
    /// As [`WebhookError`] says.
    pub async fn change(&self, id: &str, change: EndpointChange) -> Done<EndpointOut> {
        let now = self.clock.now();
        let url = change.url.map(|url| self.url(url)).transpose()?;
        let detail = json!({
            "host": url.as_deref().map(host), "enabled": change.enabled,
            "events": change.events.as_ref().map(|kinds| kinds.0.patterns()),
        });
        let entry = self.entry("webhook.changed", id, without_nulls(detail));
        let reason = format!("disabled by {}", self.by.name);
        let (id, events) = (id.to_owned(), change.events.map(|kinds| kinds.0));
        let description = change.description.map(Text::into_string);
        let write = move |conn: &mut DbConnection| {
            let mut endpoint = found(conn, &id)?;
            endpoint.url = url.clone().unwrap_or(endpoint.url);
            endpoint.events = events.clone().unwrap_or(endpoint.events);
            endpoint.description = description.clone().unwrap_or(endpoint.description);
            match change.enabled {
                Some(true) if !endpoint.enabled => {
                    enable(&mut endpoint);
                    resume(conn, &id, now)?;
                }
                Some(false) if endpoint.enabled => {
                    endpoint.enabled = false;
                    endpoint.disabled_at = Some(now);
                    endpoint.disabled_reason = Some(reason.clone());
                }
                _ => {}
            }
            models::save_endpoint(conn, &endpoint)?;
            audit::record(conn, &entry)?;
            Ok::<_, WebhookError>(endpoint)
        };
        Ok(EndpointOut::new(self.db.write(write).await?, now))
    }

    /// Takes an endpoint away, and what it was still to be sent.
    ///
    /// # Errors
    /// As [`WebhookError`] says.
    pub async fn remove(&self, id: &str) -> Done<()> {
        let entry = self.entry("webhook.removed", id, json!({}));
        let id = id.to_owned();
        let write = move |conn: &mut DbConnection| {
            let gone =
                diesel::delete(webhook_endpoints::table.find(&id)).execute(conn).map_err(DbError::from)?;
            if gone == 0 {
                return Err(WebhookError::NotFound);
            }
            Ok(audit::record(conn, &entry)?)
        };
        self.db.write(write).await
    }

    /// Gives an endpoint a new secret; messages are signed with the old one too, for so many hours.
    ///
    /// # Errors
    /// As [`WebhookError`] says.
    pub async fn rotate(&self, id: &str, overlap_hours: u32) -> Done<SecretOut> {
        let (now, secret) = (self.clock.now(), Secret::new(self.ids));
        let until = now + TimeDelta::hours(overlap_hours.into());
        let entry = self.entry("webhook.secret_rotated", id, json!({ "overlap_hours": overlap_hours }));
        let (id, new) = (id.to_owned(), secret.clone());
        let write = move |conn: &mut DbConnection| {
            let mut endpoint = found(conn, &id)?;
            endpoint.secrets = endpoint.secrets.rotated(new.clone(), now, until);
            models::save_endpoint(conn, &endpoint)?;
            audit::record(conn, &entry)?;
            Ok::<_, WebhookError>(endpoint)
        };
        Ok(EndpointOut::new(self.db.write(write).await?, now).with(&secret))
    }

    /// Sends what happened in a stretch of time once more, under the same ids; gives how many messages that is.
    ///
    /// # Errors
    /// As [`WebhookError`] says.
    pub async fn replay(&self, id: &str, span: Span, types: KindFilter) -> Done<usize> {
        if span.until <= span.since {
            return Err(WebhookError::InvalidSpan);
        }
        let now = self.clock.now();
        let detail = json!({ "since": span.since, "until": span.until, "types": types.patterns() });
        let entry = self.entry("webhook.replayed", id, detail);
        let then = self.db.read(move |conn| between(conn, span.since, span.until)).await?;
        let (first, last) = then.unwrap_or((1, 0));
        let (mut position, mut count) = (first - 1, 0);
        // The first batch says who did it. If the others do not come to be, whoever says it again sends the same ids again.
        let mut entry = Some(entry);
        while entry.is_some() || position < last {
            let (id, types, entry) = (id.to_owned(), types.clone(), entry.take());
            let write = move |conn: &mut DbConnection| {
                feed::lock(conn)?;
                let endpoint = found(conn, &id)?;
                if !endpoint.enabled {
                    return Err(WebhookError::Disabled);
                }
                entry.iter().try_for_each(|entry| audit::record(conn, entry))?;
                Ok(replay_batch(conn, &endpoint, span, &types, position, now)?)
            };
            let (reached, added) = self.db.write(write).await?;
            count += added;
            position = reached.unwrap_or(last);
        }
        Ok(count)
    }

    /// Sends a message that says nothing, to see whether it is taken.
    ///
    /// # Errors
    /// As [`WebhookError`] says.
    pub async fn test(&self, id: &str) -> Done<()> {
        let (now, message) = (self.clock.now(), self.ids.id());
        let entry = self.entry("webhook.tested", id, json!({}));
        let id = id.to_owned();
        let write = move |conn: &mut DbConnection| {
            feed::lock(conn)?;
            let endpoint = found(conn, &id)?;
            if !endpoint.enabled {
                return Err(WebhookError::Disabled);
            }
            outbox::insert(conn, &outbox::of_test(&endpoint, message, now)?)?;
            Ok(audit::record(conn, &entry)?)
        };
        self.db.write(write).await
    }

    /// What was, and is to be, sent to an endpoint, newest first.
    ///
    /// # Errors
    /// As [`WebhookError`] says.
    pub async fn deliveries(
        &self,
        id: &str,
        state: Option<DeliveryState>,
        before: Option<i64>,
        limit: u32,
    ) -> Done<DeliveryPage> {
        let id = id.to_owned();
        self.db
            .read(move |conn| {
                models::endpoint(conn, &id)?.ok_or(WebhookError::NotFound)?;
                let rows = models::deliveries(conn, &id, state, before, i64::from(limit) + 1)?;
                Ok(DeliveryPage::new(rows, limit as usize))
            })
            .await
    }
}

fn found(conn: &mut DbConnection, id: &str) -> Done<Endpoint> {
    models::endpoint_for_update(conn, id)?.ok_or(WebhookError::NotFound)
}

fn enable(endpoint: &mut Endpoint) {
    endpoint.enabled = true;
    endpoint.disabled_at = None;
    endpoint.disabled_reason = None;
    endpoint.failing_since = None;
}

/// What waited for the endpoint to be enabled need not wait longer; what is on its way is left to whoever sends it.
fn resume(conn: &mut DbConnection, id: &str, now: DateTime<Utc>) -> Result<(), DbError> {
    let waiting = webhook_deliveries::table
        .filter(webhook_deliveries::endpoint_id.eq(id))
        .filter(webhook_deliveries::state.eq("pending"))
        .filter(webhook_deliveries::claimed_by.is_null());
    diesel::update(waiting).set(webhook_deliveries::due_at.eq(now.naive_utc())).execute(conn)?;
    Ok(())
}

/// The next events after a position; gives the last that was looked at, nothing when there are no more, and how many messages
/// they make.
fn replay_batch(
    conn: &mut DbConnection,
    endpoint: &Endpoint,
    span: Span,
    types: &KindFilter,
    position: i64,
    now: DateTime<Utc>,
) -> Result<(Option<i64>, usize), DbError> {
    let rows = after(conn, position, None, BATCH)?;
    let last = rows.last().map(|row| row.position);
    let mut added = 0;
    for row in rows {
        let at = row.at.and_utc();
        let is_wanted = (span.since..span.until).contains(&at)
            && types.wants(&row.kind)
            && endpoint.events.wants(&row.kind);
        if is_wanted {
            outbox::insert(conn, &outbox::of_event(endpoint, row, Cause::Replay, now)?)?;
            added += 1;
        }
    }
    Ok((last, added))
}

/// For the log: the rest of a URL may hold a secret.
fn host(url: &str) -> String {
    let url = url.parse::<url::Url>().ok();
    url.and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default()
}

fn without_nulls(mut detail: Value) -> Value {
    if let Some(fields) = detail.as_object_mut() {
        fields.retain(|_, value| !value.is_null());
    }
    detail
}
