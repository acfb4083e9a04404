//! Every field of every request: what it may hold, and how it is named when it may not.

use serde_json::{Value, json};
use warm_transfer::agents::models::{AgentRole, Scope};
use warm_transfer::agents::services::{NewAgent, add_agent, disable_agent};
use warm_transfer::audit::Actor;

use crate::support::service::{Answer, TestService, answer};

const CALLS: &str = "/api/v1/calls";
const TRANSFER: &str = "/api/v1/calls/00000000-0000-0000-0000-000000000000/transfer";

async fn post(service: &TestService, key: &str, path: &str, body: &Value) -> Answer {
    answer(service.request("POST", path).bearer_auth(key).json(body)).await
}

/// The body with one more field, or another value for it.
fn with(body: &Value, field: &str, value: &Value) -> Value {
    let mut body = body.clone();
    body[field] = value.clone();
    body
}

fn good_call() -> Value {
    json!({ "agent": "client:alice", "customer": "+15550100199", "caller_id": "+15550100100" })
}

/// The answer is a problem document about this field.
fn names(answered: &Answer, status: u16, code: &str, field: &str, asked: &Value) {
    assert_eq!(answered.header("content-type"), "application/problem+json", "{asked}: {answered:?}");
    let problem = &answered.json;
    let found = (answered.status, problem["code"].as_str(), problem["field"].as_str());
    assert_eq!(found, (status, Some(code), Some(field)), "{asked}: {answered:?}");
    assert_eq!(problem["status"], status, "{answered:?}");
    let detail = problem["detail"].as_str().unwrap_or_default();
    assert!(code == "unknown_agent" || detail.contains(field), "{asked}: {answered:?}");
}

/// Names and values that a field must not have.
fn bad_values(field: &str) -> Vec<Value> {
    let long = "x".repeat(2000);
    match field {
        "agent" | "to" => {
            vec![
                json!(""),
                json!("dana"),
                json!("agent:"),
                json!("client:"),
                json!("0155"),
                json!(7),
                json!(null),
            ]
        }
        "customer" => {
            vec![json!("agent:dana"), json!("+0155"), json!("sip:"), json!(["+15550100199"]), json!(null)]
        }
        "caller_id" => {
            vec![json!("client:dana"), json!("15550100100"), json!("+1555-010"), json!(15550100100_u64)]
        }
        "external_id" | "briefing" => vec![json!(long), json!(1), json!({}), json!("a\u{0}b")],
        "metadata" => vec![json!("text"), json!([1]), json!(1)],
        "bridge" | "style" => vec![json!("moon"), json!(""), json!(1)],
        "ring_timeout_secs" => vec![json!(4), json!(601), json!(-1), json!(5.5), json!("25"), json!(1e30)],
        "time_limit_secs" => vec![json!(0), json!(86_401), json!(-1), json!("60")],
        other => panic!("{other}: say here what it must not hold"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_bad_value_of_every_field_is_refused_by_name_and_nothing_is_kept() {
    let service = TestService::start().await;
    let key = service.key("crm", &[Scope::Admin]).await;
    let before = service.rows().await;
    let requests = [
        (
            CALLS,
            good_call(),
            &[
                "agent",
                "customer",
                "caller_id",
                "external_id",
                "metadata",
                "bridge",
                "ring_timeout_secs",
                "time_limit_secs",
            ][..],
        ),
        (
            TRANSFER,
            json!({ "to": "client:dana" }),
            &["to", "style", "briefing", "caller_id", "ring_timeout_secs"][..],
        ),
    ];
    for (path, good, fields) in &requests {
        for field in *fields {
            for value in bad_values(field) {
                let body = with(good, field, &value);
                names(&post(&service, &key, path, &body).await, 422, "invalid_field", field, &body);
            }
        }
        let body = with(good, "colour", &json!("red"));
        names(&post(&service, &key, path, &body).await, 422, "unknown_field", "colour", &body);
    }
    for body in [json!([]), json!("x"), json!(1), json!(null)] {
        let answered = post(&service, &key, CALLS, &body).await;
        assert_eq!(
            (answered.status, answered.json["code"].as_str()),
            (422, Some("invalid_field")),
            "{answered:?}"
        );
    }
    assert_eq!(service.rows().await, before);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_person_cannot_be_two_parties() {
    let service = TestService::start().await;
    let key = service.key("crm", &[Scope::Admin]).await;
    for (field, value) in [("customer", "client:alice"), ("caller_id", "+15550100199")] {
        let body = with(&good_call(), field, &json!(value));
        names(&post(&service, &key, CALLS, &body).await, 422, "invalid_field", field, &body);
    }
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_is_found_by_name_while_they_are_in_the_directory() {
    let service = TestService::start().await;
    let key = service.key("crm", &[Scope::Admin]).await;
    let (db, clock, ids) = (&service.app().db, &*service.app().clock, &*service.app().ids);
    let address = "client:alice_phone".parse().unwrap();
    let by = Actor::system("test");
    let alice = NewAgent {
        name: "alice".into(),
        display_name: Some("Alice A.".into()),
        address,
        role: AgentRole::Agent,
    };
    add_agent(db, clock, ids, &by, alice).await.unwrap();
    let body = with(&good_call(), "agent", &json!("agent:alice"));
    let placed = post(&service, &key, CALLS, &body).await;
    assert_eq!(placed.status, 201, "{placed:?}");
    let leg = &placed.json["legs"][0];
    assert_eq!((&leg["address"], &leg["name"]), (&json!("client:alice_phone"), &json!("Alice A.")));
    disable_agent(db, clock, &by, "alice").await.unwrap();
    for name in ["alice", "nobody", "a' OR 1=1 --", "\u{0}", "Alice"] {
        let body = with(&good_call(), "agent", &json!(format!("agent:{name}")));
        let answered = post(&service, &key, CALLS, &body).await;
        let code = if name == "\u{0}" { "invalid_field" } else { "unknown_agent" };
        names(&answered, 422, code, "agent", &body);
    }
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_is_given_back_as_it_was_asked_for() {
    let service = TestService::start().await;
    let key = service.key("crm", &[Scope::Admin]).await;
    let metadata = json!({ "deal": 42, "nested": { "list": [1, null, "ü\u{0}\u{1F600}"] } });
    let mut body = good_call();
    for (field, value) in [
        ("external_id", json!("Ünïcode ✓")),
        ("metadata", metadata.clone()),
        ("bridge", json!("dial")),
        ("ring_timeout_secs", json!(5)),
        ("time_limit_secs", json!(86_400)),
    ] {
        body[field] = value;
    }
    let placed = post(&service, &key, CALLS, &body).await;
    assert_eq!(placed.status, 201, "{placed:?}");
    let location = placed.header("location").to_owned();
    assert_eq!(location, format!("{CALLS}/{}", placed.json["id"].as_str().unwrap()));
    let found = answer(service.request("GET", &location).bearer_auth(&key)).await;
    assert_eq!(found.status, 200);
    for field in ["external_id", "metadata", "bridge", "ring_timeout_secs", "time_limit_secs", "caller_id"] {
        assert_eq!(found.json[field], body[field], "{field}");
    }
    assert_eq!(found.json["legs"][1]["address"], body["customer"]);
    assert_eq!(found.json["legs"][1]["call_sid"], Value::Null);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idempotency_key_belongs_to_one_api_key_and_one_request() {
    let service = TestService::start().await;
    let (one, other) =
        (service.key("one", &[Scope::Admin]).await, service.key("other", &[Scope::Admin]).await);
    let ask = async |key: &str, idempotency_key: &str, body: &Value| {
        let request =
            service.request("POST", CALLS).bearer_auth(key).header("Idempotency-Key", idempotency_key);
        answer(request.json(body)).await
    };
    let first = ask(&one, "k-1", &good_call()).await;
    assert_eq!(first.status, 201, "{first:?}");
    // The same wish in other words: fields in another order, a default said aloud as null.
    let reordered = json!({ "caller_id": "+15550100100", "customer": "+15550100199", "agent": "client:alice", "bridge": null });
    let again = ask(&one, "k-1", &reordered).await;
    assert_eq!((again.status, &again.json["id"]), (201, &first.json["id"]), "{again:?}");
    assert_eq!(again.header("location"), first.header("location"));
    let theirs = ask(&other, "k-1", &with(&good_call(), "allow_duplicate", &json!(true))).await;
    assert_eq!(theirs.status, 201, "{theirs:?}");
    assert_ne!(theirs.json["id"], first.json["id"]);
    for (field, value) in
        [("customer", json!("+15550100198")), ("external_id", json!("x")), ("metadata", json!({}))]
    {
        let changed = ask(&one, "k-1", &with(&good_call(), field, &value)).await;
        let found = (changed.status, changed.json["code"].as_str());
        assert_eq!(found, (422, Some("idempotency_key_reused")), "{field}: {changed:?}");
    }
    for bad in ["", " ", "two words", &"x".repeat(256)] {
        let refused = ask(&one, bad, &good_call()).await;
        names(&refused, 422, "invalid_field", "Idempotency-Key", &json!(bad));
    }
    assert!(service.rows().await.contains(&("calls", 2)));
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_of_events_is_read_or_its_fault_is_named() {
    let service = TestService::start().await;
    let key = service.key("crm", &[Scope::Admin]).await;
    let placed = post(&service, &key, CALLS, &good_call()).await;
    let events = format!("{}/events", placed.header("location"));
    let get = async |query: &str| {
        answer(service.request("GET", &format!("{events}?{query}")).bearer_auth(&key)).await
    };
    for (query, code, field) in [
        ("after=x", "invalid_field", "after"),
        ("after=99999999999999999999", "invalid_field", "after"),
        ("limit=0", "invalid_field", "limit"),
        ("limit=201", "invalid_field", "limit"),
        ("limit=-1", "invalid_field", "limit"),
        ("before=1", "unknown_field", "before"),
    ] {
        names(&get(query).await, 422, code, field, &json!(query));
    }
    let first = get("limit=1").await;
    assert_eq!(first.json["events"][0]["kind"], "call.queued", "{first:?}");
    let id = first.json["events"][0]["id"].as_i64().unwrap();
    for event in get(&format!("after={id}")).await.json["events"].as_array().unwrap() {
        assert!(event["id"].as_i64().unwrap() > id, "{event}");
    }
    assert_eq!(get("after=-5&limit=1").await.json, first.json);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn problem_documents_look_like_this() {
    let service = TestService::start().await;
    let key = service.key("crm", &[Scope::Read]).await;
    let caller = service.key("caller", &[Scope::Call]).await;
    let get = |path: &str, key: &str| service.request("GET", path).bearer_auth(key);
    let create = |body: Value| service.request("POST", CALLS).bearer_auth(&caller).json(&body);
    let problems = [
        ("no_key", service.request("GET", CALLS)),
        ("wrong_scope", get(CALLS, &caller)),
        ("no_such_call", get("/api/v1/calls/00000000-0000-0000-0000-000000000000", &key)),
        ("no_such_method", service.request("DELETE", CALLS).bearer_auth(&key)),
        ("not_signed", service.request("POST", "/twiml/wait")),
        ("bad_field", create(with(&good_call(), "ring_timeout_secs", &json!(4)))),
        ("unknown_field", create(with(&good_call(), "colour", &json!("red")))),
        ("missing_field", create(json!({ "agent": "client:alice" }))),
        ("unknown_agent", create(with(&good_call(), "agent", &json!("agent:nobody")))),
        (
            "bad_json",
            service
                .request("POST", CALLS)
                .bearer_auth(&caller)
                .header("Content-Type", "application/json")
                .body("{"),
        ),
    ];
    let mut documents = serde_json::Map::new();
    for (name, request) in problems {
        let answered = answer(request).await;
        assert_eq!(answered.header("content-type"), "application/problem+json", "{name}");
        let mut problem = answered.json;
        problem["request_id"] = "[id]".into();
        documents.insert(name.into(), problem);
    }
    insta::assert_json_snapshot!(documents);
    service.stop().await;
}
