//! What is wrong with a request is answered as a problem document with a stable code.

use serde_json::json;
use warm_transfer::agents::models::Scope;

use crate::support::service::{Answer, TestService, answer};

const JSON: &str = "application/json";

/// The status and code of a problem document that is complete.
fn problem(answer: &Answer) -> (u16, &str) {
    assert_eq!(answer.header("content-type"), "application/problem+json", "{answer:?}");
    let code = answer.json["code"].as_str().unwrap();
    assert_eq!(answer.json["type"], format!("/api/docs/errors#{code}"));
    assert_eq!(answer.json["status"], answer.status);
    assert!(
        answer.json["request_id"].as_str().is_some_and(|id| id.parse::<uuid::Uuid>().is_ok()),
        "{answer:?}"
    );
    assert!(answer.json["title"].is_string());
    (answer.status, code)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_or_method_that_is_none_is_a_problem_too() {
    let service = TestService::start().await;
    let key = service.key("crm", &[Scope::Admin]).await;
    for path in ["/nothing", "/api/v1/nothing", "/api/v1/calls/", "/api/v1/calls/not-an-id", "/twiml/nothing"]
    {
        let answered = answer(service.request("GET", path).bearer_auth(&key)).await;
        assert_eq!(problem(&answered), (404, "not_found"), "{path}");
    }
    let cases = [
        ("DELETE", "/api/v1/calls", "POST, GET"),
        ("PUT", "/api/v1/calls/x/transfer", "POST"),
        ("DELETE", "/twiml/wait", "GET, POST"),
        ("POST", "/healthz", "GET, HEAD"),
    ];
    for (method, path, allowed) in cases {
        let answered = answer(service.request(method, path).bearer_auth(&key)).await;
        assert_eq!(problem(&answered), (405, "method_not_allowed"), "{method} {path}");
        assert_eq!(answered.header("allow"), allowed, "{method} {path}");
    }
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_is_read_or_its_fault_is_named() {
    let service = TestService::start().await;
    let key = service.key("crm", &[Scope::Admin]).await;
    let good = json!({ "agent": "client:dana", "customer": "+15550100102" }).to_string();
    let with = |field: &str| good.replace('}', &format!(",{field}}}"));
    let cases = [
        (JSON, "{".to_owned(), (400, "invalid_json"), None),
        (JSON, String::new(), (400, "invalid_json"), None),
        (JSON, format!("{good} {good}"), (400, "invalid_json"), None),
        ("text/plain", good.clone(), (415, "unsupported_media_type"), None),
        (JSON, with(r#""ring_timeout_secs":"long""#), (422, "invalid_field"), Some("ring_timeout_secs")),
        (JSON, with(r#""colour":"red""#), (422, "unknown_field"), Some("colour")),
        (JSON, r#"{"customer":"+15550100102"}"#.to_owned(), (422, "invalid_field"), Some("agent")),
        (
            JSON,
            with(r#""caller_id":"+15550100101""#).replace("client:dana", "agent:nobody"),
            (422, "unknown_agent"),
            Some("agent"),
        ),
        // Nothing in the request nor the settings says what the customer sees.
        ("application/json; charset=utf-8", good.clone(), (422, "invalid_field"), Some("caller_id")),
        (JSON, format!("{good}{}", " ".repeat(64 * 1024)), (413, "payload_too_large"), None),
    ];
    for (content_type, body, expected, field) in cases {
        let request = service.request("POST", "/api/v1/calls").bearer_auth(&key);
        let answered = answer(request.header("content-type", content_type).body(body.clone())).await;
        let start: String = body.chars().take(80).collect();
        assert_eq!(problem(&answered), expected, "{start}");
        assert_eq!(answered.json["field"].as_str(), field, "{start}");
    }
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_is_read_or_its_fault_is_named() {
    let service = TestService::start().await;
    let key = service.key("crm", &[Scope::Admin]).await;
    let cases = [
        ("limit=0", "invalid_field", "limit"),
        ("limit=201", "invalid_field", "limit"),
        ("limit=many", "invalid_field", "limit"),
        ("status=lost", "invalid_field", "status"),
        ("cursor=1", "invalid_field", "cursor"),
        ("colour=red", "unknown_field", "colour"),
    ];
    for (query, code, field) in cases {
        let request = service.request("GET", &format!("/api/v1/calls?{query}")).bearer_auth(&key);
        let answered = answer(request).await;
        assert_eq!(problem(&answered), (422, code), "{query}: {answered:?}");
        assert_eq!(answered.json["field"], field, "{query}: {answered:?}");
    }
    let request = service.request("GET", "/api/v1/calls?limit=200&status=ended").bearer_auth(&key);
    let answered = answer(request).await;
    assert_eq!((answered.status, &answered.json["calls"]), (200, &json!([])), "{answered:?}");
    service.stop().await;
}
