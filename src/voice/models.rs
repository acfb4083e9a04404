//! The journal: rows of what Twilio sent and what it was answered, each kept once however often it is taken in. What Twilio
//! was asked over REST is the other half of it, [`crate::calls::exchanges`].

use chrono::{DateTime, NaiveDateTime, Utc};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::app::App;
use crate::calls::exchanges::{self, ExchangeRow, whole_ms};
use crate::db::schema::webhooks;
use crate::db::spool::Entry;
use crate::db::{DbConnection, DbError};
use crate::middleware::signature::TwilioRequest;

/// What Twilio sent, as it sent it: a row of the journal, and an entry of the spool.
#[derive(Insertable, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
#[diesel(table_name = webhooks)]
pub struct Webhook {
    /// Our name for this arrival: whatever is taken in under it again is no news.
    pub arrival: String,
    /// When it reached us.
    pub received_at: NaiveDateTime,
    /// Whose call, from the URL.
    pub call_id: Option<String>,
    /// GET or POST.
    pub method: String,
    /// Exactly as sent.
    pub path_and_query: String,
    /// JSON list of name and value pairs, in order.
    pub form: String,
    /// Twilio's, constant across its retries.
    pub idempotency_token: Option<String>,
    /// What it was answered, if that is known before it is kept.
    #[serde(default)]
    #[diesel(embed)]
    pub answer: Answer,
}

/// What Twilio was answered.
#[derive(Insertable, AsChangeset, Serialize, Deserialize, Debug, Clone, Default, PartialEq, Eq)]
#[diesel(table_name = webhooks)]
pub struct Answer {
    /// The status; absent if it is not known yet, or never was.
    pub answer_status: Option<i32>,
    /// The document as it was sent; absent for an empty answer.
    pub answer: Option<String>,
    /// Milliseconds that it took; absent for a callback, whose answer waits for its row.
    pub answered_ms: Option<i32>,
}

impl Answer {
    /// That of a callback, once it is durable.
    pub fn accepted() -> Self {
        Self { answer_status: Some(204), ..Self::default() }
    }

    /// A document that is sent now, for a request that arrived then.
    pub fn document(document: &str, received_at: DateTime<Utc>, now: DateTime<Utc>) -> Self {
        Self {
            answer_status: Some(200),
            answer: Some(document.to_owned()),
            answered_ms: Some(whole_ms(now - received_at)),
        }
    }
}

/// What a request was answered that had been kept before: it is filled in, together with what Twilio had to be asked.
#[derive(Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    /// Our name for the arrival.
    pub arrival: String,
    /// Whose call.
    pub call_id: Option<String>,
    /// The answer.
    pub answer: Answer,
    /// What Twilio was asked to find it.
    pub exchanges: Vec<ExchangeRow>,
}

/// An entry of the spool.
#[derive(Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
#[serde(untagged)]
pub enum Spooled {
    /// What Twilio sent.
    Sent(Webhook),
    /// What it was answered after that was spooled.
    Answered(Answered),
}

/// What Twilio sent and what it was answered, as it is read again.
#[derive(Queryable, Selectable, Debug, Clone, PartialEq, Eq)]
#[diesel(table_name = webhooks)]
pub struct KeptWebhook {
    /// In the order in which they were written down.
    pub id: i64,
    /// When it reached us.
    pub received_at: NaiveDateTime,
    /// GET or POST.
    pub method: String,
    /// Exactly as sent.
    pub path_and_query: String,
    /// JSON list of name and value pairs, in order.
    pub form: String,
    /// Twilio's, constant across its retries.
    pub idempotency_token: Option<String>,
    /// As of [`Answer`]; absent too for what was kept before answers were.
    pub answer_status: Option<i32>,
    /// As of [`Answer`].
    pub answer: Option<String>,
    /// As of [`Answer`].
    pub answered_ms: Option<i32>,
}

impl Webhook {
    /// A request that has arrived, about this call; about none if the id is nil.
    pub fn arrived(
        app: &App,
        request: &TwilioRequest,
        received_at: DateTime<Utc>,
        call_id: Uuid,
        answer: Answer,
    ) -> Self {
        Self {
            arrival: app.ids.id().to_string(),
            received_at: received_at.naive_utc(),
            call_id: (!call_id.is_nil()).then(|| call_id.to_string()),
            method: request.method().to_string(),
            path_and_query: request.path_and_query().to_owned(),
            form: serde_json::to_string(request.form()).unwrap_or_default(),
            idempotency_token: request.idempotency_token().map(str::to_owned),
            answer,
        }
    }

    /// The request that it was; `None` if it cannot have been one.
    pub fn request(&self) -> Option<TwilioRequest> {
        let form: Vec<(String, String)> = serde_json::from_str(&self.form).ok()?;
        TwilioRequest::restored(&self.method, &self.path_and_query, &form, self.idempotency_token.clone())
    }

    /// Whose call.
    pub fn call(&self) -> Option<Uuid> {
        self.call_id.as_deref()?.parse().ok()
    }
}

impl Answered {
    /// What is sent now as the answer to this.
    pub fn of(webhook: &Webhook, answer: Answer, exchanges: Vec<ExchangeRow>) -> Self {
        Self { arrival: webhook.arrival.clone(), call_id: webhook.call_id.clone(), answer, exchanges }
    }
}

impl Entry for Spooled {
    fn about(&self) -> &str {
        let call_id = match self {
            Self::Sent(webhook) => &webhook.call_id,
            Self::Answered(answered) => &answered.call_id,
        };
        call_id.as_deref().unwrap_or_default()
    }
}

/// Writes it down; false if it has been before.
///
/// # Errors
/// The database's; a conflict if somebody else is just writing it down.
pub fn keep(conn: &mut DbConnection, webhook: &Webhook) -> Result<bool, DbError> {
    let same = webhooks::table.filter(webhooks::arrival.eq(&webhook.arrival)).select(webhooks::id);
    if same.first::<i64>(conn).optional()?.is_some() {
        return Ok(false);
    }
    diesel::insert_into(webhooks::table).values(webhook).execute(conn)?;
    Ok(true)
}

/// Fills the answer in; nothing changes if it has been before.
///
/// # Errors
/// The database's.
pub fn fill_in(conn: &mut DbConnection, answered: &Answered) -> Result<(), DbError> {
    let unanswered = webhooks::table
        .filter(webhooks::arrival.eq(&answered.arrival))
        .filter(webhooks::answer_status.is_null());
    if diesel::update(unanswered).set(&answered.answer).execute(conn)? > 0 {
        exchanges::insert(conn, &answered.exchanges)?;
    }
    Ok(())
}

/// What Twilio sent about a call, in the order in which it was written down, at most so many.
///
/// # Errors
/// The database's.
pub fn of_call(conn: &mut DbConnection, call_id: Uuid, most: i64) -> Result<Vec<KeptWebhook>, DbError> {
    let of_call = webhooks::table.filter(webhooks::call_id.eq(call_id.to_string()));
    Ok(of_call.order(webhooks::id).limit(most).select(KeptWebhook::as_select()).load(conn)?)
}
