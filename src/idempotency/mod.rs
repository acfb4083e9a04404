//! Makes repeating a request harmless: what was answered under an `Idempotency-Key` is kept, and answered again.
//!
//! A request claims its key before it begins. Its answer is written in the transaction of its effect, so there is never one
//! without the other; a claim whose process died has had no effect, and may be taken over once its lease is over. A request
//! that is refused has no effect, and leaves its key free.
//! <https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/>

pub mod models;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use actix_web::HttpResponse;
use actix_web::http::{StatusCode, header};
use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::calls::models::DbResult;
use crate::db::{DbConnection, DbError};

/// The header that says that an answer is a stored one.
pub const REPLAYED: &str = "idempotency-replayed";

/// An answer that can be stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    /// The HTTP status.
    pub status: u16,
    /// `Location` and `ETag`, as far as there are any.
    pub headers: BTreeMap<String, String>,
    /// JSON.
    pub body: String,
}

impl Answered {
    /// A representation, named by what it says.
    ///
    /// # Errors
    /// When it cannot be written as JSON.
    pub fn new(status: StatusCode, body: &impl Serialize) -> DbResult<Self> {
        let body = serde_json::to_string(body).map_err(DbError::corrupt)?;
        let headers = BTreeMap::from([(header::ETAG.to_string(), etag(&body))]);
        Ok(Self { status: status.as_u16(), headers, body })
    }

    /// The same, of something new that lives there.
    #[must_use]
    pub fn at(mut self, location: String) -> Self {
        self.headers.insert(header::LOCATION.to_string(), location);
        self
    }

    /// Of the representation.
    pub fn etag(&self) -> Option<&str> {
        self.headers.get(header::ETAG.as_str()).map(String::as_str)
    }
}

impl From<Answered> for HttpResponse {
    fn from(answered: Answered) -> Self {
        let status = StatusCode::from_u16(answered.status).unwrap_or(StatusCode::OK);
        let mut response = HttpResponse::build(status);
        for header in &answered.headers {
            response.insert_header((header.0.as_str(), header.1.as_str()));
        }
        response.content_type(header::ContentType::json()).body(answered.body)
    }
}

/// A strong validator: the same text has the same one at every copy of the service.
pub fn etag(body: &str) -> String {
    format!("\"{}\"", &hex(Sha256::digest(body))[..32])
}

pub(crate) fn hex(bytes: impl AsRef<[u8]>) -> String {
    bytes.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A key that a request has claimed.
#[derive(Debug, Clone)]
pub struct Claim {
    /// Whose it is: an API key's id, or an account's.
    pub api_key_id: Uuid,
    /// The `Idempotency-Key`.
    pub key: String,
    /// Of method, address and body: tells a repetition from another request under the same key.
    pub request_hash: String,
    /// This attempt; another that took over has another.
    pub id: Uuid,
    is_kept: Arc<AtomicBool>,
}

impl Claim {
    /// By this attempt, for this request.
    pub fn new(api_key_id: Uuid, key: String, request_hash: String, id: Uuid) -> Self {
        Self { api_key_id, key, request_hash, id, is_kept: Arc::default() }
    }

    /// Whether a transaction has stored an answer; it may have been undone.
    pub fn is_kept(&self) -> bool {
        self.is_kept.load(Ordering::Relaxed)
    }
}

/// What a view knows of its request's key, if it has one.
#[derive(Debug, Clone, Default)]
pub struct Idempotency(pub Option<Claim>);

impl Idempotency {
    /// Stores the answer in the transaction of the effect.
    ///
    /// # Errors
    /// The database's; also when another attempt has taken the key over, and the effect must be undone.
    pub fn keep(&self, conn: &mut DbConnection, answered: &Answered) -> DbResult<()> {
        let Some(claim) = &self.0 else { return Ok(()) };
        models::keep(conn, claim, answered)?;
        claim.is_kept.store(true, Ordering::Relaxed);
        Ok(())
    }
}

/// Tells one request from another. JSON that means the same counts as the same; a field that is null is as good as absent.
pub fn request_hash(method: &str, path_and_query: &str, body: &[u8]) -> String {
    let canonical = serde_json::from_slice::<Value>(body).map(|mut value| {
        if let Some(fields) = value.as_object_mut() {
            fields.retain(|_, value| !value.is_null());
        }
        value.to_string().into_bytes()
    });
    let mut hash = Sha256::new();
    hash.update(format!("{method} {path_and_query}\n"));
    hash.update(canonical.as_deref().unwrap_or(body));
    hex(hash.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_that_means_the_same_is_the_same_request() {
        let hash = |body: &str| request_hash("POST", "/api/v1/calls", body.as_bytes());
        assert_eq!(hash(r#"{"a":1,"b":[2]}"#), hash("{ \"b\": [2],\n \"a\": 1, \"c\": null }"));
        assert_ne!(hash(r#"{"a":1}"#), hash(r#"{"a":2}"#));
        assert_ne!(hash("not json"), hash("not  json"));
        assert_ne!(request_hash("POST", "/a", b""), request_hash("POST", "/b", b""));
    }
}
