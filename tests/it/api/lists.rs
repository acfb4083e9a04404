//! Lists of calls: filters, pages, and an order that stays.

use std::sync::Arc;

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde_json::{Value, json};
use warm_transfer::agents::models::Scope;
use warm_transfer::clock::Clock;

use crate::support::clock::HandClock;
use crate::support::database::TestDatabase;
use crate::support::service::{TestService, answer};

struct Office {
    service: TestService,
    clock: Arc<HandClock>,
    key: String,
}

impl Office {
    async fn open() -> Self {
        let clock = Arc::new(HandClock::new());
        // Nobody is dialled after the first, so that calls stay as they are.
        let slow = [("WARM_TRANSFER__TWILIO__CALLS_PER_SECOND", "0.000001")];
        let service = TestService::start_at(Arc::new(TestDatabase::new()), &slow, clock.clone()).await;
        let key = service.key("crm", &[Scope::Admin]).await;
        Self { service, clock, key }
    }

    async fn placed(&self, more: Value) -> String {
        let mut body = json!({ "agent": "client:alice", "customer": "+15550100199", "caller_id": "+15550100100", "allow_duplicate": true });
        for (field, value) in more.as_object().unwrap() {
            body[field] = value.clone();
        }
        let placed =
            answer(self.service.request("POST", "/api/v1/calls").bearer_auth(&self.key).json(&body)).await;
        assert_eq!(placed.status, 201, "{placed:?}");
        placed.json["id"].as_str().unwrap().to_owned()
    }

    async fn page(&self, query: &[(&str, &str)]) -> Value {
        let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish();
        let path = format!("/api/v1/calls?{query}");
        let listed = answer(self.service.request("GET", &path).bearer_auth(&self.key)).await;
        assert_eq!(listed.status, 200, "{listed:?}");
        listed.json
    }

    async fn found(&self, query: &[(&str, &str)]) -> Vec<String> {
        ids(&self.page(query).await)
    }

    fn now(&self) -> String {
        rfc3339(self.clock.now())
    }
}

fn rfc3339(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Micros, true)
}

fn ids(page: &Value) -> Vec<String> {
    page["calls"].as_array().unwrap().iter().map(|call| call["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_are_found_by_whom_they_are_for_who_makes_them_when_and_by_the_crms_own_id() {
    let office = Office::open().await;
    // Is being dialled; the others wait.
    let first = office.placed(json!({ "agent": "client:zed", "customer": "+15550100197" })).await;
    let ended = office.placed(json!({ "external_id": "deal-1" })).await;
    let hang_up = format!("/api/v1/calls/{ended}/hangup");
    answer(office.service.request("POST", &hang_up).bearer_auth(&office.key)).await;
    office.clock.advance(TimeDelta::seconds(10));
    let noon = office.now();
    let bobs = office.placed(json!({ "agent": "client:bob", "external_id": "deal-1" })).await;
    office.clock.advance(TimeDelta::seconds(10));
    let evening = office.now();
    let others = office.placed(json!({ "customer": "+15550100198" })).await;
    for (query, found) in [
        (vec![], vec![&others, &bobs, &ended, &first]),
        (vec![("agent", "client:bob")], vec![&bobs]),
        (vec![("agent", "client:carol")], vec![]),
        (vec![("customer", "+15550100199")], vec![&bobs, &ended]),
        (vec![("customer", "+15550100199"), ("agent", "client:alice")], vec![&ended]),
        (vec![("external_id", "deal-1")], vec![&bobs, &ended]),
        (vec![("external_id", "deal")], vec![]),
        (vec![("created_from", noon.as_str())], vec![&others, &bobs]),
        (vec![("created_before", evening.as_str())], vec![&bobs, &ended, &first]),
        (vec![("created_from", noon.as_str()), ("created_before", evening.as_str())], vec![&bobs]),
        (vec![("status", "queued"), ("external_id", "deal-1")], vec![&bobs]),
        (vec![("status", "ended")], vec![&ended]),
    ] {
        assert_eq!(office.found(&query).await.iter().collect::<Vec<_>>(), found, "{query:?}");
    }
    for (query, field) in [
        ("created_from=noon", "created_from"),
        ("created_from=-200000-01-01T00:00:00Z", "created_from"),
        ("agent=agent:nobody", "agent"),
        ("colour=red", "colour"),
    ] {
        let refused =
            answer(office.service.request("GET", &format!("/api/v1/calls?{query}")).bearer_auth(&office.key))
                .await;
        assert_eq!((refused.status, &refused.json["field"]), (422, &json!(field)), "{refused:?}");
    }
    office.service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_neither_repeat_nor_miss_a_call_while_others_come_in() {
    let office = Office::open().await;
    let mut placed = vec![];
    for _ in 0..7 {
        placed.insert(0, office.placed(json!({})).await); // all in the same microsecond
    }
    let mut listed = vec![];
    let mut cursor: Option<String> = None;
    loop {
        let mut query = vec![("limit", "3")];
        if let Some(cursor) = &cursor {
            query.push(("cursor", cursor));
        }
        let page = office.page(&query).await;
        listed.extend(ids(&page));
        office.placed(json!({})).await;
        match page["next_cursor"].as_str() {
            Some(next) => cursor = Some(next.to_owned()),
            None => break,
        }
    }
    assert_eq!(listed, placed);
    let exact = office.page(&[("limit", "200")]).await;
    assert_eq!((ids(&exact).len(), &exact["next_cursor"]), (10, &Value::Null));
    office.service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_external_id_is_unique_for_a_key_when_that_is_asked() {
    let office = Office::open().await;
    let body = |unique: bool| {
        json!({
            "agent": "client:alice", "customer": "+15550100199", "caller_id": "+15550100100", "allow_duplicate": true,
            "external_id": "deal-1", "unique_external_id": unique,
        })
    };
    let post = async |key: &str, body: Value| {
        answer(office.service.request("POST", "/api/v1/calls").bearer_auth(key).json(&body)).await
    };
    let first = post(&office.key, body(true)).await;
    assert_eq!(first.status, 201, "{first:?}");
    for unique in [true, false] {
        let second = post(&office.key, body(unique)).await;
        let found = (second.status, &second.json["code"], &second.json["call_id"]);
        assert_eq!(found, (409, &json!("external_id_taken"), &first.json["id"]));
    }
    let other = office.service.key("other", &[Scope::Call]).await;
    assert_eq!(post(&other, body(false)).await.status, 201, "another CRM's ids are its own");
    assert_eq!(post(&other, body(false)).await.status, 201, "nobody asked for more");
    assert_eq!(post(&other, body(true)).await.status, 409, "there are two already");
    let nameless = json!({ "agent": "client:alice", "customer": "+15550100199", "caller_id": "+15550100100", "unique_external_id": true });
    let refused = post(&office.key, nameless).await;
    assert_eq!((refused.status, &refused.json["field"]), (422, &json!("external_id")));
    office.service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_is_not_called_twice_at_once_unless_that_is_asked() {
    let office = Office::open().await;
    let body = json!({ "agent": "client:alice", "customer": "+15550100199", "caller_id": "+15550100100" });
    let post = async || {
        answer(office.service.request("POST", "/api/v1/calls").bearer_auth(&office.key).json(&body)).await
    };
    let at_once = futures_util::future::join_all((0..6).map(|_| post())).await;
    let mut placed: Vec<&Value> = vec![];
    for answered in &at_once {
        match answered.status {
            201 => placed.push(&answered.json["id"]),
            _ => assert_eq!((answered.status, &answered.json["code"]), (409, &json!("duplicate_call"))),
        }
    }
    assert_eq!(placed.len(), 1, "{at_once:?}");
    let refused = post().await;
    assert_eq!(&refused.json["call_id"], placed[0], "it names the call in the way");
    let hang_up = format!("/api/v1/calls/{}/hangup", placed[0].as_str().unwrap());
    // The first is being dialled, and Twilio out of reach: asked for while it waits, a hang-up ends it at once.
    let waiting = office.placed(json!({ "customer": "+15550100198" })).await;
    let hang_up_waiting = format!("/api/v1/calls/{waiting}/hangup");
    for path in [hang_up, hang_up_waiting] {
        let hung_up = answer(office.service.request("POST", &path).bearer_auth(&office.key)).await;
        assert_eq!(hung_up.status, 202, "{hung_up:?}");
    }
    let again = json!({ "customer": "+15550100198", "allow_duplicate": false });
    office.placed(again).await;
    office.service.stop().await;
}
