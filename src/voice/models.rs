//! The journal: rows of what Twilio sent, each kept once however often it is taken in.

use chrono::NaiveDateTime;
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::app::App;
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
}

impl Webhook {
    /// A request that arrives now, about this call; about none if the id is nil.
    pub fn arriving(app: &App, request: &TwilioRequest, call_id: Uuid) -> Self {
        Self {
            arrival: app.ids.id().to_string(),
            received_at: app.clock.now().naive_utc(),
            call_id: (!call_id.is_nil()).then(|| call_id.to_string()),
            method: request.method().to_string(),
            path_and_query: request.path_and_query().to_owned(),
            form: serde_json::to_string(request.form()).unwrap_or_default(),
            idempotency_token: request.idempotency_token().map(str::to_owned),
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

impl Entry for Webhook {
    fn about(&self) -> &str {
        self.call_id.as_deref().unwrap_or_default()
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
