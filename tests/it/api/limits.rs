//! How much a key may ask, from outside, on a clock that the tests move.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use futures_util::future::join_all;
use serde_json::json;
use warm_transfer::agents::models::Scope;

use crate::support::clock::HandClock;
use crate::support::database::TestDatabase;
use crate::support::service::{Answer, TestService, answer};

const CALLS: &str = "/api/v1/calls";

async fn service(per_second: &str, burst: &str) -> (TestService, Arc<HandClock>) {
    let clock = Arc::new(HandClock::new());
    let more =
        [("WARM_TRANSFER__API__REQUESTS_PER_SECOND", per_second), ("WARM_TRANSFER__API__BURST", burst)];
    let database = Arc::new(TestDatabase::new());
    (TestService::start_at(database, &more, clock.clone()).await, clock)
}

async fn get(service: &TestService, key: &str, path: &str) -> Answer {
    answer(service.request("GET", path).bearer_auth(key)).await
}

fn code(answered: &Answer) -> (u16, &str) {
    (answered.status, answered.json["code"].as_str().unwrap_or_default())
}

/// Limit, remaining, reset.
fn figures(answered: &Answer) -> [&str; 3] {
    ["ratelimit-limit", "ratelimit-remaining", "ratelimit-reset"].map(|name| answered.header(name))
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_tells_what_is_left_and_one_too_many_is_told_when_to_come_back() {
    let (service, clock) = service("2", "5").await;
    let (key, other) =
        (service.key("crm", &[Scope::Admin]).await, service.key("other", &[Scope::Read]).await);
    let listed = get(&service, &key, CALLS).await;
    assert_eq!((listed.status, figures(&listed)), (200, ["5", "4", "1"]));
    let unknown = get(&service, &key, "/api/v1/nothing").await;
    assert_eq!((unknown.status, figures(&unknown)), (404, ["5", "3", "1"]));
    let refused = answer(service.request("POST", CALLS).bearer_auth(&key).json(&json!({}))).await;
    assert_eq!((refused.status, figures(&refused)), (422, ["5", "2", "2"]));
    // Refused before any view.
    let unreadable =
        service.request("POST", CALLS).bearer_auth(&key).header("Idempotency-Key", "a b").json(&1);
    let unreadable = answer(unreadable).await;
    assert_eq!((code(&unreadable), figures(&unreadable)), ((422, "invalid_field"), ["5", "1", "2"]));
    assert_eq!(unreadable.header("content-type"), "application/problem+json");
    assert_eq!(figures(&get(&service, &key, CALLS).await), ["5", "0", "3"]);

    let refused = get(&service, &key, CALLS).await;
    assert_eq!((code(&refused), figures(&refused)), ((429, "rate_limited"), ["5", "0", "3"]));
    assert_eq!(refused.header("retry-after"), "1");
    assert_eq!(refused.header("content-type"), "application/problem+json");
    assert_eq!(get(&service, &other, CALLS).await.status, 200, "each key has a limit of its own");
    let without = answer(service.request("GET", CALLS)).await;
    assert_eq!((without.status, figures(&without)), (401, ["", "", ""]));
    let health = answer(service.request("GET", "/healthz").bearer_auth(&key)).await;
    assert_eq!((health.status, figures(&health)), (200, ["", "", ""]));

    clock.advance(TimeDelta::seconds(1));
    assert_eq!(figures(&get(&service, &key, CALLS).await), ["5", "1", "2"]);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_guesses_is_not_looked_at_and_a_proven_key_gets_in_all_the_same() {
    let (service, clock) = service("50", "100").await;
    let (proven, new) =
        (service.key("proven", &[Scope::Read]).await, service.key("new", &[Scope::Read]).await);
    assert_eq!(get(&service, &proven, CALLS).await.status, 200);
    for _ in 0..20 {
        assert_eq!(code(&get(&service, "wt_00000000_guess", CALLS).await), (401, "unauthenticated"));
    }
    let refused = get(&service, "wt_00000000_guess", CALLS).await;
    assert_eq!((code(&refused), refused.header("retry-after")), ((429, "rate_limited"), "1"));
    assert_eq!(get(&service, &new, CALLS).await.status, 429, "a right guess is not told from a wrong one");
    assert_eq!(get(&service, &proven, CALLS).await.status, 200);
    clock.advance(TimeDelta::seconds(1));
    assert_eq!(get(&service, &new, CALLS).await.status, 200);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_calls_posted_at_once_all_pass_if_their_client_waits_as_it_is_told() {
    let (service, clock) = service("50", "100").await;
    let key = service.key("crm", &[Scope::Call]).await;
    let mut waiting: Vec<usize> = (0..1000).collect();
    let (mut refusals, mut waited) = (0, Duration::ZERO);
    while !waiting.is_empty() {
        let sent: Vec<usize> = waiting.drain(..waiting.len().min(40)).collect();
        let answers = join_all(sent.iter().map(|n| {
            let body = json!({ "agent": "client:alice", "customer": format!("+1555010{n:04}"),
                "caller_id": "+15550199999", "external_id": format!("deal-{n}") });
            let request = service.request("POST", CALLS).bearer_auth(&key).json(&body);
            answer(request.header("Idempotency-Key", format!("deal-{n}")))
        }))
        .await;
        let mut told = 0;
        for (n, answered) in sent.iter().zip(&answers) {
            match answered.status {
                201 => {}
                429 => {
                    waiting.push(*n);
                    refusals += 1;
                    told = told.max(answered.header("retry-after").parse().unwrap());
                }
                _ => panic!("{answered:?}"),
            }
        }
        clock.advance(TimeDelta::seconds(told));
        waited += Duration::from_secs(told.try_into().unwrap());
    }
    assert!(service.rows().await.contains(&("calls", 1000)), "{:?}", service.rows().await);
    assert!(
        (18..=20).contains(&waited.as_secs()),
        "{waited:?} for 900 calls beyond the burst, at 50 a second"
    );
    assert!(refusals > 0);
    service.stop().await;
}
