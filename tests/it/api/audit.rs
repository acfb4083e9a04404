//! The audit log over HTTP: every change by a program stands in it, under its key's name, and nothing else does.

use std::sync::Arc;

use serde_json::{Value, json};
use warm_transfer::agents::models::Scope;
use warm_transfer::agents::services::{create_key, list_keys, revoke_key};
use warm_transfer::audit::Actor;

use crate::support::database::TestDatabase;
use crate::support::service::{Answer, TestService, answer};

struct Log {
    service: TestService,
    admin: String,
}

impl Log {
    async fn open() -> Self {
        let service = TestService::start().await;
        let admin = service.key("admin", &[Scope::Admin]).await;
        Self { service, admin }
    }

    async fn asked(&self, query: &str) -> Answer {
        answer(self.service.request("GET", &format!("/api/v1/audit{query}")).bearer_auth(&self.admin)).await
    }

    async fn entries(&self, query: &str) -> Vec<Value> {
        let answered = self.asked(query).await;
        assert_eq!(answered.status, 200, "{query}: {answered:?}");
        answered.json["entries"].as_array().unwrap().clone()
    }

    async fn post(&self, key: &str, path: &str, body: Option<Value>) -> Answer {
        let request = self.service.request("POST", path).bearer_auth(key);
        answer(match body {
            Some(body) => request.json(&body),
            None => request,
        })
        .await
    }

    async fn placed(&self, key: &str) -> String {
        let body = json!({ "agent": "client:alice", "customer": "+15550100199", "caller_id": "+15550100100", "allow_duplicate": true });
        let answered = self.post(key, "/api/v1/calls", Some(body)).await;
        assert_eq!(answered.status, 201, "{answered:?}");
        answered.json["id"].as_str().unwrap().to_owned()
    }
}

fn actions(entries: &[Value]) -> Vec<&str> {
    entries.iter().map(|entry| entry["action"].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_program_changes_is_recorded_under_its_keys_name_and_what_is_refused_is_not() {
    let log = Log::open().await;
    let crm = log.service.key("crm", &[Scope::Call, Scope::Transfer]).await;
    let call = log.placed(&crm).await;
    let path = |rest: &str| format!("/api/v1/calls/{call}/{rest}");
    let early = log.post(&crm, &path("transfer"), Some(json!({ "to": "client:ben" }))).await;
    assert_eq!((early.status, early.json["code"].as_str()), (409, Some("not_connected")));
    let hung_up = log.post(&crm, &path("hangup"), None).await;
    assert_eq!(hung_up.status, 202, "{hung_up:?}");

    let entries = log.entries("?actor=crm").await;
    assert_eq!(actions(&entries), ["call.hung_up", "call.placed"]);
    for entry in &entries {
        assert_eq!((&entry["actor_kind"], &entry["subject"]), (&json!("api_key"), &json!(call)), "{entry}");
        assert_eq!(entry["detail"], json!({}), "{entry}");
        let at: chrono::DateTime<chrono::Utc> = entry["at"].as_str().unwrap().parse().unwrap();
        assert!((log.service.app().clock.now() - at).num_seconds() < 60, "{entry}");
    }
    let keys = log.entries("?action=key.&subject=crm").await;
    assert_eq!(actions(&keys), ["key.created"]);
    assert_eq!(keys[0]["detail"], json!({ "scopes": ["call", "transfer"], "expires_at": null }));
    assert!(!log.asked("").await.text.contains("5550100"), "no number stands in the log");
    log.service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_follow_one_another_without_gap_or_overlap() {
    let log = Log::open().await;
    for _ in 0..5 {
        log.placed(&log.admin).await;
    }
    let all = log.entries("?action=call.placed").await;
    assert_eq!(all.len(), 5);
    let (mut paged, mut query) = (vec![], "?action=call.placed&limit=2".to_owned());
    loop {
        let page = log.asked(&query).await;
        paged.extend(page.json["entries"].as_array().unwrap().clone());
        let Some(cursor) = page.json["next_cursor"].as_str() else { break };
        query = format!("?action=call.placed&limit=2&cursor={cursor}");
        // What is written meanwhile is newer than any page that is still to come.
        log.placed(&log.admin).await;
    }
    assert_eq!(paged, all);
    log.service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_filter_narrows_or_is_refused_by_name() {
    let log = Log::open().await;
    log.placed(&log.admin).await;
    for (query, count) in [
        ("?actor_kind=api_key", 1),
        ("?actor_kind=system", 1),
        ("?actor_kind=agent", 0),
        ("?since=2020-01-01T00:00:00Z&until=9999-12-31T23:59:59Z", 2),
        ("?until=2020-01-01T00:00:00%2B01:00", 0),
        ("?since=0000-01-01T00:00:00Z", 2),
        ("?action=call", 0),
        ("?cursor=0", 0),
    ] {
        assert_eq!(log.entries(query).await.len(), count, "{query}");
    }
    for (query, code, field) in [
        ("?actor_kind=ghost", "invalid_field", "actor_kind"),
        ("?since=yesterday", "invalid_field", "since"),
        ("?until=2020-01-01", "invalid_field", "until"),
        ("?until=%2B10000-01-01T00:00:00Z", "invalid_field", "until"),
        ("?subject=a%00b", "invalid_field", "subject"),
        ("?cursor=x", "invalid_field", "cursor"),
        ("?limit=0", "invalid_field", "limit"),
        ("?colour=red", "unknown_field", "colour"),
    ] {
        let refused = log.asked(query).await;
        let found = (refused.status, refused.json["code"].as_str(), refused.json["field"].as_str());
        assert_eq!(found, (422, Some(code), Some(field)), "{query}");
    }
    log.service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_opens_until_it_expires_or_is_revoked_and_its_last_use_is_told() {
    let database = Arc::new(TestDatabase::new());
    let service = TestService::start_on(database.clone(), &[]).await;
    let app = service.app().clone();
    let (by, now) = (Actor::system("test"), app.clock.now());
    let made = create_key(&app.db, &*app.clock, &*app.ids, &by, "late", &[Scope::Read], Some(now));
    let late = made.await.unwrap();
    let crm = service.key("crm", &[Scope::Read]).await;
    let knock = async |key: &str| answer(service.request("GET", "/api/v1/calls").bearer_auth(key)).await;
    let refused = knock(&late).await;
    assert_eq!((refused.status, refused.json["code"].as_str()), (401, Some("unauthenticated")));
    assert_eq!(knock(&crm).await.status, 200);
    // The last use is noted beside the request.
    while list_keys(&app.db).await.unwrap()[0].last_used_at.is_none() {
        tokio::task::yield_now().await;
    }
    let listed =
        tokio::task::spawn_blocking(move || crate::management::printed_json(&database, &["key", "list"]));
    let listed = listed.await.unwrap();
    let last_used = |name: &str| {
        let keys = listed.as_array().unwrap();
        keys.iter().find(|key| key["name"] == name).unwrap()["last_used_at"].clone()
    };
    assert!(last_used("crm").as_str().unwrap().parse::<chrono::DateTime<chrono::Utc>>().unwrap() >= now);
    assert_eq!(last_used("late"), Value::Null, "a refused key was not used");

    revoke_key(&app.db, &*app.clock, &by, "crm").await.unwrap();
    assert_eq!(knock(&crm).await.status, 401);
    service.stop().await;
}
