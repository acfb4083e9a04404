//! The do-not-call list over the API.

use reqwest::RequestBuilder;
use serde_json::{Value, json};
use warm_transfer::agents::models::Scope;
use warm_transfer::audit::models::{Filter, list};

use super::{CUSTOMER, post, service};
use crate::support::service::{Answer, TestService, answer};

const LIST: &str = "/api/v1/do-not-call";

async fn get(service: &TestService, key: &str, path: &str) -> Answer {
    answer(service.request("GET", path).bearer_auth(key)).await
}

async fn actions(service: &TestService) -> Vec<(String, Option<String>)> {
    let filter = Filter { action: Some("do_not_call.".into()), ..Filter::default() };
    let rows = service.app().db.read(move |conn| list(conn, &filter, 100)).await.unwrap();
    rows.into_iter().rev().map(|row| (row.action, row.subject)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_is_added_read_changed_and_taken_off() {
    let (service, _) = service(&[]).await;
    let key = service.key("crm", &[Scope::Admin]).await;
    let added = post(&service, &key, LIST, &json!({ "number": CUSTOMER, "reason": "asked us" })).await;
    let location = format!("{LIST}/{CUSTOMER}");
    assert_eq!((added.status, added.header("location")), (201, location.as_str()), "{added:?}");
    let expected =
        json!({ "number": CUSTOMER, "reason": "asked us", "added_at": super::NOON, "expires_at": null });
    assert_eq!(added.json, expected);
    assert_eq!(get(&service, &key, &location).await.json, expected);
    assert_eq!(get(&service, &key, &location.replace('+', "%2B")).await.json, expected);

    let changed = json!({ "number": CUSTOMER, "expires_at": "2027-01-01T00:00:00+01:00" });
    let changed = post(&service, &key, LIST, &changed).await;
    assert_eq!((changed.status, &changed.json["expires_at"]), (201, &json!("2026-12-31T23:00:00Z")));
    let delete = || answer(service.request("DELETE", &location).bearer_auth(&key));
    assert_eq!(delete().await.status, 204);
    assert_eq!(delete().await.status, 404);
    assert_eq!(get(&service, &key, &location).await.status, 404);
    let done = |action: &str| (format!("do_not_call.{action}"), Some(CUSTOMER.to_owned()));
    assert_eq!(actions(&service).await, [done("added"), done("added"), done("removed")]);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_listed_page_by_page() {
    let (service, hands) = service(&[]).await;
    let key = service.key("crm", &[Scope::Admin]).await;
    for n in [3, 1, 5, 2, 4] {
        post(&service, &key, LIST, &json!({ "number": format!("+1555010019{n}") })).await;
    }
    let brief = json!({ "number": "+15550100190", "expires_at": "2026-11-23T18:00:00Z" });
    post(&service, &key, LIST, &brief).await;
    hands.pass(chrono::TimeDelta::hours(1));
    let mut found = vec![];
    let mut next = format!("{LIST}?limit=2");
    loop {
        let page = get(&service, &key, &next).await;
        assert_eq!(page.status, 200, "{page:?}");
        found.extend(page.json["entries"].as_array().unwrap().iter().map(|entry| entry["number"].clone()));
        // A plus that nobody encoded is understood, too.
        let Some(cursor) = page.json["next_cursor"].as_str() else { break };
        next = format!("{LIST}?limit=2&cursor={cursor}");
    }
    let expected: Vec<Value> = (1..=5).map(|n| json!(format!("+1555010019{n}"))).collect();
    assert_eq!(found, expected);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_only_look_changes_nothing_and_bad_values_are_named() {
    let (service, _) = service(&[]).await;
    let admin = service.key("admin", &[Scope::Admin]).await;
    let reader = service.key("reader", &[Scope::Read]).await;
    let caller = service.key("caller", &[Scope::Call]).await;
    let entry = json!({ "number": CUSTOMER });
    let path = format!("{LIST}/{CUSTOMER}");
    let import = |key: &str| csv(&service, key, "+15550100198\n");
    let refused = [
        post(&service, &reader, LIST, &entry).await,
        answer(import(&reader)).await,
        answer(service.request("DELETE", &path).bearer_auth(&reader)).await,
        get(&service, &caller, LIST).await,
        get(&service, &caller, &path).await,
        post(&service, &caller, "/api/v1/guard/check", &json!({ "customer": CUSTOMER })).await,
    ];
    for answered in refused {
        assert_eq!((answered.status, &answered.json["code"]), (403, &json!("insufficient_scope")));
    }
    for (body, field) in [
        (json!({ "number": "0155" }), "number"),
        (json!({}), "number"),
        (json!({ "number": CUSTOMER, "reason": "x".repeat(501) }), "reason"),
        (json!({ "number": CUSTOMER, "expires_at": "soon" }), "expires_at"),
        (json!({ "number": CUSTOMER, "expires_at": "2020-01-01T00:00:00Z" }), "expires_at"),
        (json!({ "number": CUSTOMER, "colour": "red" }), "colour"),
    ] {
        let answered = post(&service, &admin, LIST, &body).await;
        assert_eq!((answered.status, &answered.json["field"]), (422, &json!(field)), "{answered:?}");
    }
    assert_eq!(get(&service, &reader, LIST).await.json, json!({ "entries": [], "next_cursor": null }));
    assert_eq!(get(&service, &reader, &format!("{LIST}?cursor=x")).await.status, 422);
    assert_eq!(get(&service, &reader, &format!("{LIST}/0155")).await.status, 404);
    service.stop().await;
}

fn csv(service: &TestService, key: &str, body: &str) -> RequestBuilder {
    let request = service.request("POST", &format!("{LIST}/import")).bearer_auth(key);
    request.header("Content-Type", "text/csv; charset=utf-8").body(body.to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_is_imported_and_importing_it_again_changes_nothing() {
    let (service, _) = service(&[]).await;
    let key = service.key("crm", &[Scope::Admin]).await;
    let text = "number,reason,expires_at\n+15550100191,one,\nnobody,,\n+1 (555) 010-0192,two,2027-01-01\n\
                +15550100191,one again,2026-12-01\n";
    let problems = json!([{ "line": 3, "reason": "expected a phone number in E.164, such as +15550100123" }]);
    let expected =
        |changed: u64| json!({ "read": 3, "changed": changed, "unreadable": 1, "problems": problems });
    for changed in [2, 0] {
        let answered = answer(csv(&service, &key, text)).await;
        assert_eq!((answered.status, &answered.json), (200, &expected(changed)), "{answered:?}");
    }
    let page = get(&service, &key, LIST).await;
    let entries = page.json["entries"].as_array().unwrap();
    let short: Vec<_> = entries.iter().map(|entry| (&entry["reason"], &entry["expires_at"])).collect();
    assert_eq!(short, [(&json!("one"), &Value::Null), (&json!("two"), &json!("2027-01-01T00:00:00Z"))]);
    // What would end sooner is prolonged, and never shortened.
    for (until, changed) in [("2026-12-24", 0), ("2027-06-01", 1), ("", 1), ("2027-06-01", 0)] {
        let answered = answer(csv(&service, &key, &format!("+15550100192,three,{until}\n"))).await;
        assert_eq!(answered.json["changed"], changed, "{until}: {answered:?}");
    }
    assert_eq!(actions(&service).await.len(), 6);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_is_bounded_and_must_be_csv() {
    let (service, _) = service(&[]).await;
    let key = service.key("crm", &[Scope::Admin]).await;
    let json = post(&service, &key, &format!("{LIST}/import"), &json!({})).await;
    assert_eq!((json.status, &json.json["code"]), (415, &json!("unsupported_media_type")), "{json:?}");
    let many: String = (0..200_000).map(|n| format!("+1555{n:07}\n")).collect();
    let answered = answer(csv(&service, &key, &many)).await;
    assert_eq!((answered.status, &answered.json["changed"]), (200, &json!(200_000)), "{answered:?}");
    let too_many = many.repeat(7);
    let answered = answer(csv(&service, &key, &too_many)).await;
    assert_eq!((answered.status, &answered.json["code"]), (413, &json!("payload_too_large")), "{answered:?}");
    service.stop().await;
}
