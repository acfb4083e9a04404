//! What has changed while a call waited for its turn is seen when the turn comes.

use chrono::TimeDelta;
use serde_json::json;
use warm_transfer::agents::models::Scope;
use warm_transfer::calls::models;
use warm_transfer::db::DbError;
use warm_transfer::guard::services::check_again;

use super::{CALLS, CUSTOMER, audited, call, is_audited, post, service};
use crate::support::service::TestService;

/// Places a call and gives its id.
async fn placed(service: &TestService, key: &str, agent: &str, customer: &str) -> String {
    let answered = post(service, key, CALLS, &call(agent, customer)).await;
    assert_eq!(answered.status, 201, "{answered:?}");
    answered.json["id"].as_str().unwrap().to_owned()
}

/// The code that the call is refused with, now that it is to be dialled.
async fn again(service: &TestService, call_id: &str) -> Option<&'static str> {
    let (id, guard, now) = (call_id.parse().unwrap(), service.app().guard.clone(), service.app().clock.now());
    let found = service.app().db.write(move |conn| {
        let call = models::load(conn, id)?.unwrap();
        Ok::<_, DbError>(check_again(conn, &guard, &call, now)?.map(|refusal| refusal.code()))
    });
    found.await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_that_has_come_onto_the_list_meanwhile() {
    let (service, _) = service(&[]).await;
    let key = service.key("crm", &[Scope::Admin]).await;
    let waiting = placed(&service, &key, "client:alice", CUSTOMER).await;
    assert_eq!(again(&service, &waiting).await, None);
    assert!(audited(&service).await.is_empty());
    post(&service, &key, "/api/v1/do-not-call", &json!({ "number": CUSTOMER })).await;
    assert_eq!(again(&service, &waiting).await, Some("do_not_call"));
    is_audited(&service, "guard", "dialling", "do_not_call").await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_hour_that_has_passed_meanwhile() {
    let (service, hands) = service(&[("guard__check_hours", "true")]).await;
    let key = service.key("crm", &[Scope::Call]).await;
    let waiting = placed(&service, &key, "client:alice", "+13035550123").await;
    assert_eq!(again(&service, &waiting).await, None);
    hands.pass(TimeDelta::hours(11)); // 21:00 in Denver
    assert_eq!(again(&service, &waiting).await, Some("outside_calling_hours"));
    is_audited(&service, "guard", "dialling", "outside_calling_hours").await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_does_not_count_against_itself_nor_do_those_behind_it() {
    let caps =
        [("guard__attempts_per_day", "2"), ("guard__calls_per_agent", "2"), ("guard__calls_per_key", "2")];
    let (service, _) = service(&caps).await;
    let key = service.key("crm", &[Scope::Call]).await;
    let first = placed(&service, &key, "client:alice", CUSTOMER).await;
    let second = placed(&service, &key, "client:alice", CUSTOMER).await;
    for waiting in [&first, &second] {
        assert_eq!(again(&service, waiting).await, None);
    }
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn caps_and_destinations_that_a_restart_has_lowered_meanwhile() {
    let database = std::sync::Arc::new(crate::support::database::TestDatabase::new());
    let start = async |settings: &[(&str, &str)]| {
        // The second call waits in the queue behind the first, which has no hurry.
        let slow = [("WARM_TRANSFER__TWILIO__CALLS_PER_SECOND", "0.1")];
        let settings = &[&slow, settings].concat();
        TestService::start_at(database.clone(), settings, super::Hands::at(super::NOON)).await
    };
    let service = start(&[]).await;
    let key = service.key("crm", &[Scope::Call]).await;
    let first = placed(&service, &key, "client:alice", CUSTOMER).await;
    let second = placed(&service, &key, "client:alice", CUSTOMER).await;
    service.stop().await;
    for (setting, value, code, refuses_first) in [
        ("CALLS_PER_AGENT", "1", "agent_busy", false),
        ("CALLS_PER_KEY", "1", "too_many_calls", false),
        ("ATTEMPTS_PER_DAY", "1", "too_many_attempts", false),
        ("ALLOWED_PREFIXES", "+44", "destination_not_allowed", true),
        ("CHECK_NUMBERS", "true", "number_invalid", true),
        ("ALLOWED_PREFIXES", "", "no_destination_allowed", true),
    ] {
        let service = start(&[(&format!("WARM_TRANSFER__GUARD__{setting}"), value)]).await;
        assert_eq!(again(&service, &first).await, refuses_first.then_some(code), "{setting}");
        assert_eq!(again(&service, &second).await, Some(code), "{setting}");
        is_audited(&service, "guard", "dialling", code).await;
        service.stop().await;
    }
}
