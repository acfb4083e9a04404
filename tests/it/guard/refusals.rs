//! Each rule refuses over the API what it should, says why, records it, and lets the rest through.

use chrono::TimeDelta;
use futures_util::future::join_all;
use serde_json::{Value, json};
use warm_transfer::agents::models::{AgentRole, Scope};
use warm_transfer::agents::services::{NewAgent, add_agent};
use warm_transfer::audit::Actor;
use wiremock::matchers::path_regex;
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::{CALLS, CUSTOMER, audited, call, is_audited, post, refused, service};
use crate::support::service::TestService;

/// Posts a call that is refused so, and is recorded.
async fn refuses(service: &TestService, key: &str, body: &Value, status: u16, code: &str, says: &str) {
    let before = service.rows().await;
    let answered = post(service, key, CALLS, body).await;
    refused(&answered, status, code, says);
    is_audited(service, "crm", "placing", code).await;
    let calls =
        |rows: &[(&str, i64)]| rows.iter().find(|(table, _)| *table == "calls").map(|(_, count)| *count);
    assert_eq!(calls(&service.rows().await), calls(&before));
}

async fn places(service: &TestService, key: &str, body: &Value) -> String {
    let answered = post(service, key, CALLS, body).await;
    assert_eq!(answered.status, 201, "{answered:?}");
    answered.header("location").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn unless_somebody_says_what_may_be_called_nothing_may_be() {
    let (service, _) = service(&[("guard__allowed_prefixes", "")]).await;
    let key = service.key("crm", &[Scope::Call]).await;
    let body = call("client:alice", CUSTOMER);
    refuses(&service, &key, &body, 403, "no_destination_allowed", "guard.allowed_prefixes").await;
    places(&service, &key, &call("client:alice", "client:customer")).await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_outside_the_allowed_ones_are_refused_whoever_has_them() {
    let settings =
        [("guard__allowed_prefixes", "+1555,+4420"), ("guard__denied_prefixes", "+155501009, +442079460999")];
    let (service, _) = service(&settings).await;
    let key = service.key("crm", &[Scope::Call]).await;
    let app = service.app();
    let paul = NewAgent {
        name: "paul".into(),
        display_name: None,
        address: "+33142685300".parse().unwrap(),
        role: AgentRole::Agent,
    };
    add_agent(&app.db, &*app.clock, &*app.ids, &Actor::system("test"), paul).await.unwrap();
    for (agent, customer, says) in [
        ("client:alice", "+33142685300", "The customer's number is in FR (+33)"),
        ("client:alice", "+15550100999", "+155501009"),
        ("+493023125123", CUSTOMER, "The agent's number is in DE (+49)"),
        ("agent:paul", CUSTOMER, "The agent's number is in FR (+33)"),
    ] {
        let body = call(agent, customer);
        refuses(&service, &key, &body, 403, "destination_not_allowed", says).await;
    }
    assert!(
        audited(&service)
            .await
            .iter()
            .all(|(_, detail)| !detail["sentence"].to_string().contains("142685300"))
    );
    places(&service, &key, &call("+15550100101", CUSTOMER)).await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fraud_likes_is_refused_inside_an_allowed_prefix() {
    let (service, _) = service(&[("guard__check_numbers", "true")]).await;
    let key = service.key("crm", &[Scope::Call]).await;
    for (customer, code, says) in [
        ("+19005550123", "number_type_not_allowed", "premium-rate"),
        ("+881612345678", "number_type_not_allowed", "satellite"),
        (CUSTOMER, "number_invalid", "is not one that can exist"),
    ] {
        refuses(&service, &key, &call("client:alice", customer), 403, code, says).await;
    }
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_on_the_do_not_call_list_is_refused_while_it_is_there() {
    let (service, hands) = service(&[]).await;
    let key = service.key("crm", &[Scope::Admin]).await;
    let body = call("client:alice", CUSTOMER);
    let entry = json!({ "number": CUSTOMER, "reason": "told us so", "expires_at": "2026-11-24T17:00:00Z" });
    assert_eq!(post(&service, &key, "/api/v1/do-not-call", &entry).await.status, 201);
    refuses(&service, &key, &body, 403, "do_not_call", "on the do-not-call list until 2026-11-24 17:00 UTC")
        .await;
    let answered = post(&service, &key, CALLS, &body).await;
    assert_eq!(answered.json["next_allowed_at"], "2026-11-24T17:00:00Z");
    assert!(!answered.text.contains("told us"), "{answered:?}");
    hands.pass(TimeDelta::days(1));
    places(&service, &key, &body).await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn customers_are_called_by_their_own_clock_only() {
    let settings = [("guard__check_hours", "true"), ("guard__default_time_zone", "America/New_York")];
    let (service, hands) = service(&settings).await;
    let key = service.key("crm", &[Scope::Call]).await;
    places(&service, &key, &call("client:alice", CUSTOMER)).await;
    hands.pass(TimeDelta::hours(9)); // 21:00 in New York, 19:00 in Denver
    let says = "It is Monday 21:00 in the customer's time zone (America/New_York); calls are allowed Monday to Saturday from \
                08:00 to 20:00.";
    refuses(&service, &key, &call("client:alice", CUSTOMER), 409, "outside_calling_hours", says).await;
    let answered = post(&service, &key, CALLS, &call("client:alice", CUSTOMER)).await;
    assert_eq!(answered.json["next_allowed_at"], "2026-11-24T13:00:00Z", "{answered:?}");
    assert_eq!((answered.header("retry-after"), &answered.json["field"]), ("39600", &json!("customer")));
    places(&service, &key, &call("client:alice", "+13035550123")).await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_is_called_so_often_a_day_and_no_more() {
    let settings = [("guard__attempts_per_day", "2"), ("guard__default_time_zone", "America/New_York")];
    let (service, hands) = service(&settings).await;
    let key = service.key("crm", &[Scope::Call]).await;
    for agent in ["client:a", "client:b"] {
        places(&service, &key, &call(agent, CUSTOMER)).await;
        hands.pass(TimeDelta::hours(1));
    }
    let body = call("client:c", CUSTOMER);
    refuses(&service, &key, &body, 429, "too_many_attempts", "called 2 times today").await;
    let answered = post(&service, &key, CALLS, &body).await;
    assert_eq!(answered.json["next_allowed_at"], "2026-11-24T05:00:00Z", "{answered:?}");
    places(&service, &key, &call("client:c", "+15550100198")).await;
    hands.pass(TimeDelta::hours(10)); // midnight in New York, and not yet in Denver
    places(&service, &key, &body).await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_and_a_key_have_so_many_live_calls_and_no_more() {
    let (service, _) = service(&[("guard__calls_per_agent", "1"), ("guard__calls_per_key", "2")]).await;
    let key = service.key("crm", &[Scope::Call]).await;
    let first = places(&service, &key, &call("client:alice", "+15550100191")).await;
    let again = call("client:alice", "+15550100192");
    refuses(&service, &key, &again, 409, "agent_busy", "The agent has a live or queued call already").await;
    places(&service, &key, &call("client:bob", "+15550100193")).await;
    let third = call("client:carol", "+15550100194");
    refuses(&service, &key, &third, 429, "too_many_calls", "(2)").await;
    let other = service.key("other", &[Scope::Call]).await;
    places(&service, &other, &third).await;
    over(&service, &first).await;
    places(&service, &key, &again).await;
    service.stop().await;
}

/// Ends a call where it stands, as Twilio is out of reach.
async fn over(service: &TestService, location: &str) {
    use diesel::prelude::*;
    use warm_transfer::db::DbError;
    use warm_transfer::db::schema::calls::dsl;
    let id = location.rsplit('/').next().unwrap().to_owned();
    let ended = service.app().db.write(move |conn| {
        let now = chrono::DateTime::UNIX_EPOCH.naive_utc();
        diesel::update(dsl::calls.find(&id)).set(dsl::ended_at.eq(now)).execute(conn)?;
        Ok::<_, DbError>(())
    });
    ended.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_requests_at_once_no_two_pass_the_same_cap() {
    let settings =
        [("guard__calls_per_agent", "1"), ("guard__attempts_per_day", "3"), ("guard__calls_per_key", "6")];
    let (service, _) = service(&settings).await;
    let key = service.key("crm", &[Scope::Call]).await;
    let all = |bodies: Vec<Value>| {
        let (service, key) = (&service, &key);
        async move {
            let asked = bodies.iter().map(|body| post(service, key, CALLS, body));
            let mut codes: Vec<String> = join_all(asked)
                .await
                .iter()
                .map(|answered| answered.json["code"].as_str().unwrap_or("placed").to_owned())
                .collect();
            codes.sort();
            codes.dedup_by_key(|code| code.clone());
            let placed = service.rows().await.iter().find(|(table, _)| *table == "calls").unwrap().1;
            (placed, codes)
        }
    };
    let one_agent = (0..8).map(|n| call("client:alice", &format!("+1555010020{n}"))).collect();
    assert_eq!(all(one_agent).await, (1, vec!["agent_busy".into(), "placed".into()]));
    let one_customer = (0..8).map(|n| call(&format!("client:a{n}"), CUSTOMER)).collect();
    assert_eq!(all(one_customer).await, (4, vec!["placed".into(), "too_many_attempts".into()]));
    let one_key = (0..8).map(|n| call(&format!("client:b{n}"), &format!("+1555010030{n}"))).collect();
    assert_eq!(all(one_key).await, (6, vec!["placed".into(), "too_many_calls".into()]));
    service.stop().await;
}

/// Twilio, with these numbers and verified caller ids.
async fn twilio(numbers: &[&str], verified: &[&str]) -> MockServer {
    let server = MockServer::start().await;
    let list = |numbers: &[&str]| numbers.iter().map(|n| json!({ "phone_number": n })).collect::<Vec<_>>();
    for (path, key, numbers) in [
        ("IncomingPhoneNumbers", "incoming_phone_numbers", list(numbers)),
        ("OutgoingCallerIds", "outgoing_caller_ids", list(verified)),
    ] {
        Mock::given(path_regex(format!("/{path}.json$")))
            .respond_with(ResponseTemplate::new(200).set_body_json(json!({ key: numbers })))
            .expect(1..=2)
            .mount(&server)
            .await;
    }
    server
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_accounts_own_numbers_are_shown_as_caller() {
    let twilio = twilio(&["+15550100100"], &["+15550100104"]).await;
    let uri = twilio.uri();
    let more = [("TWILIO_API_BASE_URL", uri.as_str())];
    let (service, hands) = super::service_at(&[("guard__check_caller_id", "true")], &more).await;
    let key = service.key("crm", &[Scope::Call, Scope::Transfer]).await;
    let mut body = call("client:alice", CUSTOMER);
    let location = places(&service, &key, &body).await;
    body["caller_id"] = json!("+15550100104");
    places(&service, &key, &body).await;
    body["caller_id"] = json!("+15550100107");
    refuses(&service, &key, &body, 403, "caller_id_not_owned", "+15550100107").await;
    let transfer = json!({ "to": "client:dana", "caller_id": "+15550100107" });
    let answered = post(&service, &key, &format!("{location}/transfer"), &transfer).await;
    refused(&answered, 403, "caller_id_not_owned", "+15550100107");
    is_audited(&service, "crm", "transferring", "caller_id_not_owned").await;
    // An unknown one is asked after again, but not each time; the mock expects no third question.
    hands.pass(TimeDelta::seconds(6));
    for _ in 0..3 {
        refuses(&service, &key, &body, 403, "caller_id_not_owned", "+15550100107").await;
    }
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_twilio_that_cannot_be_asked_holds_no_call_up() {
    let (service, _) = service(&[("guard__check_caller_id", "true")]).await;
    let key = service.key("crm", &[Scope::Call]).await;
    places(&service, &key, &call("client:alice", CUSTOMER)).await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_second_agent_is_a_destination_too() {
    let (service, _) = service(&[("guard__allowed_prefixes", "+1555")]).await;
    let key = service.key("crm", &[Scope::Call, Scope::Transfer]).await;
    let location = places(&service, &key, &call("client:alice", CUSTOMER)).await;
    let transfer = json!({ "to": ["client:dana", "+15550100102", "+33142685300"] });
    let answered = post(&service, &key, &format!("{location}/transfer"), &transfer).await;
    refused(&answered, 403, "destination_not_allowed", "The second agent's number is in FR (+33)");
    assert_eq!(answered.json["field"], "to");
    is_audited(&service, "crm", "transferring", "destination_not_allowed").await;
    let transfer = json!({ "to": "+15550100102" });
    let answered = post(&service, &key, &format!("{location}/transfer"), &transfer).await;
    assert_eq!(answered.json["code"], "not_connected", "{answered:?}");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_is_answered_with_every_rules_verdict_and_changes_nothing() {
    let settings = [
        ("guard__allowed_regions", "US"),
        ("guard__allowed_prefixes", ""),
        ("guard__check_hours", "true"),
        ("guard__calls_per_agent", "1"),
    ];
    let (service, hands) = service(&settings).await;
    let key = service.key("crm", &[Scope::Admin]).await;
    let reader = service.key("console", &[Scope::Read]).await;
    places(&service, &key, &call("client:alice", "client:customer")).await;
    let entry = json!({ "number": "+13035550123" });
    assert_eq!(post(&service, &key, "/api/v1/do-not-call", &entry).await.status, 201);
    hands.pass(TimeDelta::hours(11)); // 21:00 in Denver
    let before = service.rows().await;
    let ask = async |body: Value| post(&service, &reader, "/api/v1/guard/check", &body).await;
    let answered = ask(json!({ "customer": "+13035550123", "agent": "client:alice" })).await;
    assert_eq!(answered.status, 200, "{answered:?}");
    assert_eq!(answered.json["allowed"], false);
    assert_eq!(answered.json["time_zone"], "America/Denver");
    assert_eq!(answered.json["local_time"], "2026-11-23T21:00:00-07:00");
    let refusals = answered.json["refusals"].as_array().unwrap();
    let codes: Vec<&Value> = refusals.iter().map(|refusal| &refusal["code"]).collect();
    assert_eq!(codes, ["do_not_call", "outside_calling_hours", "agent_busy"]);
    assert_eq!(refusals[1]["next_allowed_at"], "2026-11-24T15:00:00Z");

    let early = ask(json!({ "customer": "+18085550123", "agent": "client:bob" })).await;
    assert_eq!((&early.json["allowed"], &early.json["refusals"]), (&json!(true), &json!([])), "{early:?}");
    let unknown = ask(json!({ "customer": "+18085550123", "agent": "agent:nobody" })).await;
    assert_eq!((unknown.status, &unknown.json["code"]), (422, &json!("unknown_agent")));
    let colour = ask(json!({ "customer": "+18085550123", "colour": "red" })).await;
    assert_eq!((colour.status, &colour.json["code"]), (422, &json!("unknown_field")));
    assert_eq!(service.rows().await, before);
    assert!(audited(&service).await.is_empty());
    service.stop().await;
}
