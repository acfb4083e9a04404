//! What came of a call, and the tag by which a reader knows whether a call has changed.

use serde_json::{Value, json};
use warm_transfer::agents::models::Scope;

use super::body_for;
use crate::support::service::{TestService, answer};

const SLOW: [(&str, &str); 2] = [
    ("WARM_TRANSFER__TWILIO__CALLS_PER_SECOND", "0.000001"),
    ("WARM_TRANSFER__OUTCOMES__DISPOSITIONS", "sale, no sale"),
];

/// A call that waits in the queue, so that nothing happens to it by itself.
async fn waiting(service: &TestService, key: &str) -> String {
    let mut body = body_for("calls:create").unwrap();
    body["allow_duplicate"] = json!(true);
    let mut location = String::new();
    for _ in 0..2 {
        let placed = answer(service.request("POST", "/api/v1/calls").bearer_auth(key).json(&body)).await;
        assert_eq!(placed.status, 201, "{placed:?}");
        location = placed.header("location").to_owned();
    }
    location
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outcome_is_one_of_the_sites_words_and_the_last_one_counts() {
    let service = TestService::start_with(&SLOW).await;
    let key = service.key("crm", &[Scope::Admin]).await;
    let call = waiting(&service, &key).await;
    let put = async |body: Value| {
        answer(service.request("PUT", &format!("{call}/outcome")).bearer_auth(&key).json(&body)).await
    };
    for (body, field) in [
        (json!({}), "disposition"),
        (json!({ "disposition": "maybe" }), "disposition"),
        (json!({ "disposition": "sale", "notes": 7 }), "notes"),
        (json!({ "disposition": "sale", "notes": "x".repeat(4001) }), "notes"),
        (json!({ "disposition": "sale", "mood": "good" }), "mood"),
    ] {
        let refused = put(body).await;
        assert_eq!((refused.status, &refused.json["field"]), (422, &json!(field)), "{refused:?}");
    }
    let first = put(json!({ "disposition": "no sale" })).await;
    assert_eq!((first.status, &first.json["outcome"]["notes"]), (200, &Value::Null), "{first:?}");
    let second = put(json!({ "disposition": "sale", "notes": "Three desks." })).await;
    assert_eq!(second.status, 200, "{second:?}");
    let found = answer(service.request("GET", &call).bearer_auth(&key)).await;
    let outcome = &found.json["outcome"];
    let told = (&outcome["disposition"], &outcome["notes"], &outcome["set_by"]);
    assert_eq!(told, (&json!("sale"), &json!("Three desks."), &json!("crm")));
    let events = answer(service.request("GET", &format!("{call}/events")).bearer_auth(&key)).await;
    let told: Vec<_> =
        events.json["events"].as_array().unwrap().iter().map(|it| &it["detail"]["disposition"]).collect();
    assert!(told.ends_with(&[&json!("no sale"), &json!("sale")]), "{events:?}");
    let nowhere = "/api/v1/calls/00000000-0000-0000-0000-000000000000/outcome";
    let nobodys = service.request("PUT", nowhere).bearer_auth(&key).json(&json!({ "disposition": "sale" }));
    assert_eq!(answer(nobodys).await.status, 404);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_has_a_tag_that_changes_with_it() {
    let service = TestService::start_with(&SLOW).await;
    let key = service.key("crm", &[Scope::Admin]).await;
    let call = waiting(&service, &key).await;
    let get = async |tag: &str| {
        let request = service.request("GET", &call).bearer_auth(&key);
        answer(if tag.is_empty() { request } else { request.header("If-None-Match", tag) }).await
    };
    let put = async |tag: &str| {
        let body = json!({ "disposition": "sale" });
        let request = service.request("PUT", &format!("{call}/outcome")).bearer_auth(&key);
        answer(request.header("If-Match", tag).json(&body)).await
    };
    let tag = get("").await.header("etag").to_owned();
    assert!(tag.len() > 10 && tag.starts_with('"'), "{tag}");
    for same in [tag.as_str(), "*", &format!("\"x\", {tag}"), &format!("W/{tag}")] {
        let unchanged = get(same).await;
        assert_eq!(
            (unchanged.status, unchanged.text.as_str(), unchanged.header("etag")),
            (304, "", &*tag),
            "{same}"
        );
    }
    assert_eq!(get("\"other\"").await.status, 200);
    let stale = put("\"other\"").await;
    assert_eq!((stale.status, &stale.json["code"]), (412, &json!("precondition_failed")), "{stale:?}");
    let done = put(&tag).await;
    assert_eq!(done.status, 200, "{done:?}");
    assert_ne!(done.header("etag"), tag);
    assert_eq!(get(&tag).await.header("etag"), done.header("etag"), "what was answered is what is read");
    assert_eq!(put(&tag).await.status, 412, "somebody was faster");
    service.stop().await;
}
