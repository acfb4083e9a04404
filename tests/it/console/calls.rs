//! The console's buttons: whose calls they steer, what they understand, and that a press counts once.

use serde_json::{Value, json};
use warm_transfer::agents::models::{AgentRole, Scope};

use crate::support::console::Console;
use crate::support::service::{Answer, TestService, answer};

const CALLER_ID: [(&str, &str); 1] = [("WARM_TRANSFER__TWILIO__CALLER_ID", "+15550100100")];

fn code(answered: &Answer) -> (u16, &str) {
    (answered.status, answered.json["code"].as_str().unwrap_or_default())
}

async fn call(service: &TestService, console: &Console, customer: &str) -> Answer {
    console.post(service, "/console/calls", &json!({ "customer": customer })).await
}

async fn audit(service: &TestService, action: &str) -> Vec<(String, String)> {
    let key = service.key("auditor", &[Scope::Admin]).await;
    let path = format!("/api/v1/audit?action={action}");
    let listed = answer(service.request("GET", &path).bearer_auth(key)).await;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let entries = listed.json["entries"].as_array().unwrap().iter();
    entries.map(|entry| (text(&entry["actor_kind"]), text(&entry["actor"]))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_is_called_as_it_is_typed_by_whoever_is_logged_in() {
    let service = TestService::start_with(&CALLER_ID).await;
    let (alice, console) = Console::hired(&service, "alice", AgentRole::Agent).await;
    let placed = call(&service, &console, "(555) 010-0199").await;
    assert_eq!(placed.status, 201, "{placed:?}");
    assert_eq!(placed.header("location"), format!("/calls/{}", placed.json["id"].as_str().unwrap()));
    let legs = &placed.json["legs"];
    assert_eq!((&legs[0]["address"], &legs[0]["name"]), (&json!("client:alice"), &json!("Alice")));
    assert_eq!(legs[1]["address"], "+15550100199");
    assert_eq!(placed.json["caller_id"], "+15550100100");
    assert_eq!(audit(&service, "call.placed").await, [("agent".into(), alice.name.clone())]);
    let twin = call(&service, &console, "+1 555 010 0199").await;
    assert_eq!(code(&twin), (409, "duplicate_call"));
    for (body, field) in [
        (json!({ "customer": "nobody" }), "customer"),
        (json!({ "customer": "+15550100199", "agent": "client:ben" }), "agent"),
        (json!({ "customer": "+15550100199", "caller_id": "12" }), "caller_id"),
        (json!({}), "customer"),
    ] {
        let refused = console.post(&service, "/console/calls", &body).await;
        assert_eq!((refused.status, refused.json["field"].as_str()), (422, Some(field)), "{refused:?}");
    }
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_press_that_is_repeated_counts_once_and_only_for_whoever_pressed() {
    let service = TestService::start_with(&CALLER_ID).await;
    let (_, alice) = Console::hired(&service, "alice", AgentRole::Agent).await;
    let (_, ben) = Console::hired(&service, "ben", AgentRole::Agent).await;
    let press = |console: &Console, customer: &str| {
        let request =
            console.request(&service, "POST", "/console/calls").header("Idempotency-Key", "press-1");
        answer(request.json(&json!({ "customer": customer })))
    };
    let first = press(&alice, "+15550100199").await;
    let again = press(&alice, "+15550100199").await;
    assert_eq!((first.status, again.status, again.header("idempotency-replayed")), (201, 201, "true"));
    assert_eq!(first.json["id"], again.json["id"]);
    let bens = press(&ben, "+15550100198").await;
    assert_eq!((bens.status, bens.header("idempotency-replayed")), (201, ""), "another's key is another");
    assert_eq!(code(&press(&alice, "+15550100197").await), (422, "idempotency_key_reused"));
    // Nobody learns what was answered without the session, or its token.
    let request = service.request("POST", "/console/calls").header("Idempotency-Key", "press-1");
    let stranger = answer(request.json(&json!({ "customer": "+15550100199" }))).await;
    assert_eq!(code(&stranger), (401, "log_in_required"));
    let request = alice.bare(&service, "POST", "/console/calls").header("Idempotency-Key", "press-1");
    assert_eq!(code(&answer(request.json(&json!({ "customer": "+15550100199" }))).await), (403, "forged"));
    assert!(service.rows().await.contains(&("calls", 2)));
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_is_judged_while_it_is_typed() {
    let more = [CALLER_ID[0], ("WARM_TRANSFER__GUARD__DENIED_PREFIXES", "+1900")];
    let service = TestService::start_with(&more).await;
    let (_, alice) = Console::hired(&service, "alice", AgentRole::Agent).await;
    let rows = service.rows().await;
    let check = async |typed: &str| {
        let query =
            url::form_urlencoded::Serializer::new(String::new()).append_pair("number", typed).finish();
        let answered = alice.get(&service, &format!("/console/check?{query}")).await;
        assert_eq!(answered.status, 200, "{answered:?}");
        answered.json
    };
    let good = json!({ "valid": true, "number": "+15550100199", "reasons": [] });
    assert_eq!(check("(555) 010-0199").await, good);
    assert_eq!(check("+15550100199").await, good);
    let raw = alice.get(&service, "/console/check?number=+15550100199").await;
    assert_eq!(raw.json, good, "a plus that was not encoded");
    assert_eq!(check("").await, json!({ "valid": false, "number": null, "reasons": [] }));
    let half = check("55").await;
    assert_eq!((&half["valid"], half["reasons"].as_array().unwrap().len()), (&json!(false), 1), "{half}");
    let denied = check("+19005550123").await;
    assert_eq!(denied["valid"], true);
    assert!(denied["reasons"][0].as_str().unwrap().contains("+1900"), "{denied}");
    assert_eq!(service.rows().await, rows, "a question changes nothing");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn presence_and_phone_are_ones_own() {
    let service = TestService::start_with(&CALLER_ID).await;
    let (alice, console) = Console::hired(&service, "alice", AgentRole::Agent).await;
    let chosen = console.put(&service, "/console/presence", &json!({ "presence": "wrap_up" })).await;
    assert_eq!((chosen.status, &chosen.json), (200, &json!({ "presence": "wrap_up" })));
    let wrong = console.put(&service, "/console/presence", &json!({ "presence": "asleep" })).await;
    assert_eq!((wrong.status, wrong.json["field"].as_str()), (422, Some("presence")));
    let phone = console.put(&service, "/console/phone", &json!({ "address": "555 010 0123" })).await;
    assert_eq!((phone.status, &phone.json), (200, &json!({ "address": "+15550100123" })));
    let wrong = console.put(&service, "/console/phone", &json!({ "address": "agent:ben" })).await;
    assert_eq!((wrong.status, wrong.json["field"].as_str()), (422, Some("address")));
    let find = warm_transfer::agents::services::find_by_name;
    let now = find(&service.app().db, "alice").await.unwrap().unwrap();
    assert_eq!(
        (now.id, now.address.to_string(), now.presence.to_string()),
        (alice.id, "+15550100123".into(), "wrap_up".into())
    );
    // Whoever has logged out is away.
    assert_eq!(console.post(&service, "/logout", &json!({})).await.status, 303);
    let now = find(&service.app().db, "alice").await.unwrap().unwrap();
    assert_eq!(now.presence.to_string(), "away");
    service.stop().await;
}
