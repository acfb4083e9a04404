//! Events as pages, for programs that poll.

use serde_json::{Value, json};
use warm_transfer::agents::models::Scope;

use super::{hung_up, placed};
use crate::support::service::{Answer, TestService, answer};

async fn page(service: &TestService, key: &str, path: &str) -> Answer {
    answer(service.request("GET", path).bearer_auth(key).header("Accept", "application/json")).await
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_follow_each_other_until_nothing_is_left_and_go_on_later() {
    let service = TestService::start().await;
    let key = service.key("crm", &[Scope::Call, Scope::Read]).await;
    for _ in 0..3 {
        let call = placed(&service, &key).await;
        hung_up(&service, &key, &call).await;
        // Its own timeline is published at once.
        let timeline = page(&service, &key, &format!("/api/v1/calls/{call}/events")).await;
        let events = timeline.json["events"].as_array().unwrap();
        assert_eq!((&events[0]["kind"], &events[0]["type"]), (&json!("call.queued"), &json!("call.queued")));
        // Other calls' events may lie between.
        assert!(timeline.json["next_cursor"].as_i64() >= events.last().unwrap()["id"].as_i64());
    }
    let mut ids: Vec<i64> = vec![];
    let mut cursor = 0;
    loop {
        let path = format!("/api/v1/events?limit=2&types=call.*&after={cursor}");
        let page = page(&service, &key, &path).await;
        cursor = page.json["next_cursor"].as_i64().unwrap();
        let events = page.json["events"].as_array().unwrap();
        assert!(events.iter().all(|event| event["type"].as_str().unwrap().starts_with("call.")), "{page:?}");
        ids.extend(events.iter().map(|event| event["id"].as_i64().unwrap()));
        if events.is_empty() {
            break;
        }
    }
    assert!(ids.len() >= 3 && ids.is_sorted_by(|one, other| one < other), "{ids:?}");
    let from_the_beginning = page(&service, &key, "/api/v1/events?limit=1").await;
    assert_eq!(from_the_beginning.json["events"][0]["id"], 1);
    assert_eq!(from_the_beginning.json["next_cursor"], 1);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cursor_that_cannot_be_gone_on_from_is_refused_by_name() {
    let service = TestService::start().await;
    let key = service.key("reader", &[Scope::Read]).await;
    let refused = page(&service, &key, "/api/v1/events?after=7").await;
    assert_eq!((refused.status, refused.json["code"].as_str()), (410, Some("cursor_gone")));
    assert_eq!(refused.json["detail"], "events from 1 to 0 are kept");
    let empty = page(&service, &key, "/api/v1/events").await;
    assert_eq!(empty.json, json!({ "events": [], "next_cursor": 0 }));
    let unknown = page(&service, &key, "/api/v1/calls/00000000-0000-0000-0000-000000000000/events").await;
    assert_eq!((unknown.status, unknown.json["code"].as_str()), (404, Some("not_found")));
    assert_eq!(unknown.json["detail"], Value::Null);
    service.stop().await;
}
