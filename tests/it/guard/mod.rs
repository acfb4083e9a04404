//! The guard before dialling, asked over the API: every refusal, its audit row, and once more when the call is to be dialled.

mod again;
mod list;
mod refusals;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use warm_transfer::audit::models::{Filter, list};
use warm_transfer::clock::Clock;

use crate::support::database::TestDatabase;
use crate::support::service::{Answer, TestService, answer};

const CALLS: &str = "/api/v1/calls";
/// Nobody's.
const CUSTOMER: &str = "+15550100199";

/// Stands still until it is told.
struct Hands(Mutex<DateTime<Utc>>);

impl Hands {
    fn at(time: &str) -> Arc<Self> {
        Arc::new(Self(Mutex::new(time.parse().unwrap())))
    }

    fn pass(&self, time: TimeDelta) {
        *self.0.lock().unwrap() += time;
    }
}

impl Clock for Hands {
    fn now(&self) -> DateTime<Utc> {
        *self.0.lock().unwrap()
    }

    fn until(&self, _: DateTime<Utc>) -> Duration {
        Duration::from_secs(3600)
    }
}

/// Monday noon in New York.
const NOON: &str = "2026-11-23T17:00:00Z";

/// A service with these settings of `[guard]` above permissive ones, by a clock that stands at noon.
async fn service(guard: &[(&str, &str)]) -> (TestService, Arc<Hands>) {
    service_at(guard, &[]).await
}

/// The same, with more variables.
async fn service_at(guard: &[(&str, &str)], more: &[(&str, &str)]) -> (TestService, Arc<Hands>) {
    let hands = Hands::at(NOON);
    let named: Vec<(String, &str)> = guard
        .iter()
        .map(|(name, value)| (format!("WARM_TRANSFER__{}", name.to_uppercase()), *value))
        .collect();
    let named: Vec<(&str, &str)> =
        named.iter().map(|(name, value)| (name.as_str(), *value)).chain(more.iter().copied()).collect();
    let service = TestService::start_at(Arc::new(TestDatabase::new()), &named, hands.clone()).await;
    (service, hands)
}

async fn post(service: &TestService, key: &str, path: &str, body: &Value) -> Answer {
    answer(service.request("POST", path).bearer_auth(key).json(body)).await
}

fn call(agent: &str, customer: &str) -> Value {
    json!({ "agent": agent, "customer": customer, "caller_id": "+15550100100", "allow_duplicate": true })
}

/// The problem document has this code and status, and a sentence that says this.
fn refused(answered: &Answer, status: u16, code: &str, says: &str) {
    let found = (answered.status, answered.json["code"].as_str());
    assert_eq!(found, (status, Some(code)), "{answered:?}");
    let detail = answered.json["detail"].as_str().unwrap_or_default();
    assert!(detail.contains(says) && detail.ends_with('.'), "{detail}");
}

/// What the audit log has of the guard, oldest first: who, and the detail.
async fn audited(service: &TestService) -> Vec<(String, Value)> {
    let filter = Filter { action: Some("guard.refused".into()), ..Filter::default() };
    let rows = service.app().db.read(move |conn| list(conn, &filter, 100)).await.unwrap();
    let entry =
        |row: warm_transfer::audit::models::EntryRow| (row.actor, serde_json::from_str(&row.detail).unwrap());
    rows.into_iter().rev().map(entry).collect()
}

/// The last of them is of this code, by the key, and was found then.
async fn is_audited(service: &TestService, actor: &str, at: &str, code: &str) {
    let (by, detail) = audited(service).await.pop().unwrap();
    assert_eq!((by.as_str(), &detail["at"], &detail["code"]), (actor, &json!(at), &json!(code)), "{detail}");
}
