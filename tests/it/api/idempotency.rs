//! `Idempotency-Key`: whatever is repeated, at whatever time and after whatever happened, there is one effect.

use std::sync::Arc;

use chrono::TimeDelta;
use reqwest::RequestBuilder;
use serde_json::{Value, json};
use uuid::Uuid;
use warm_transfer::agents::models::Scope;
use warm_transfer::agents::services::authenticate;
use warm_transfer::clock::Clock;
use warm_transfer::db::DbError;
use warm_transfer::idempotency::models::{Begun, begin};
use warm_transfer::idempotency::{Answered, Claim, Idempotency, request_hash};

use crate::support::clock::HandClock;
use crate::support::database::TestDatabase;
use crate::support::service::{Answer, TestService, answer};

const CALLS: &str = "/api/v1/calls";

fn wish() -> Value {
    json!({
        "agent": "client:alice", "customer": "+15550100199", "caller_id": "+15550100100", "allow_duplicate": true,
    })
}

fn under(service: &TestService, token: &str, key: &str, path: &str) -> RequestBuilder {
    service.request("POST", path).bearer_auth(token).header("Idempotency-Key", key)
}

async fn place(service: &TestService, token: &str, key: &str) -> Answer {
    answer(under(service, token, key, CALLS).json(&wish())).await
}

async fn calls(service: &TestService) -> i64 {
    service.rows().await.into_iter().find(|(table, _)| *table == "calls").unwrap().1
}

/// The same answer, told to be a stored one.
fn is_replay(again: &Answer, first: &Answer) {
    assert_eq!((again.status, &again.text), (first.status, &first.text));
    for header in ["location", "etag", "content-type"] {
        assert_eq!(again.header(header), first.header(header), "{header}");
    }
    assert_eq!((first.header("idempotency-replayed"), again.header("idempotency-replayed")), ("", "true"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_is_replayed_as_it_was_even_after_a_restart() {
    let database = Arc::new(TestDatabase::new());
    let service = TestService::start_on(database.clone(), &[]).await;
    let token = service.key("crm", &[Scope::Admin]).await;
    let placed = place(&service, &token, "place").await;
    assert_eq!(placed.status, 201, "{placed:?}");
    let hang_up = format!("{}/hangup", placed.header("location"));
    let hung_up = answer(under(&service, &token, "end", &hang_up)).await;
    assert_eq!(hung_up.status, 202, "{hung_up:?}");
    service.stop().await;

    let service = TestService::start_on(database, &[]).await;
    is_replay(&place(&service, &token, "place").await, &placed);
    // By now the call has gone on without us: only the kept answer is still the first.
    is_replay(&answer(under(&service, &token, "end", &hang_up)).await, &hung_up);
    let elsewhere = answer(under(&service, &token, "end", &format!("{CALLS}/{}/hangup", Uuid::nil()))).await;
    assert_eq!((elsewhere.status, &elsewhere.json["code"]), (422, &json!("idempotency_key_reused")));
    assert_eq!(calls(&service).await, 1);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_refused_has_had_no_effect_and_leaves_its_key_free() {
    let service = TestService::start().await;
    let token = service.key("crm", &[Scope::Admin]).await;
    let mut wrong = wish();
    wrong["customer"] = json!("nobody");
    for status in [422, 422] {
        let refused = answer(under(&service, &token, "k", CALLS).json(&wrong)).await;
        assert_eq!((refused.status, refused.header("idempotency-replayed")), (status, ""), "{refused:?}");
    }
    let mended = place(&service, &token, "k").await;
    assert_eq!(mended.status, 201, "{mended:?}");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_is_kept_for_a_day() {
    let clock = Arc::new(HandClock::new());
    let service = TestService::start_at(Arc::new(TestDatabase::new()), &[], clock.clone()).await;
    let token = service.key("crm", &[Scope::Admin]).await;
    let first = place(&service, &token, "k").await;
    clock.advance(TimeDelta::hours(23));
    is_replay(&place(&service, &token, "k").await, &first);
    clock.advance(TimeDelta::hours(1));
    let another = place(&service, &token, "k").await;
    assert_eq!((another.status, another.header("idempotency-replayed")), (201, ""));
    assert_ne!(another.json["id"], first.json["id"]);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_at_once_one_works_and_the_other_is_told_so() {
    let clock = Arc::new(HandClock::new());
    let service = TestService::start_at(Arc::new(TestDatabase::new()), &[], clock.clone()).await;
    let token = service.key("crm", &[Scope::Admin]).await;
    let (db, now) = (service.app().db.clone(), clock.now());
    let holder = authenticate(&db, now, &token).await.unwrap().unwrap();
    // Another process is at it.
    let hash = request_hash("POST", CALLS, wish().to_string().as_bytes());
    let claim = Claim::new(holder.id, "k".into(), hash, Uuid::from_u128(7));
    let theirs = claim.clone();
    assert_eq!(db.write(move |conn| begin(conn, &theirs, now)).await.unwrap(), Begun::Claimed);
    let second = place(&service, &token, "k").await;
    assert_eq!((second.status, &second.json["code"]), (409, &json!("request_in_progress")), "{second:?}");
    assert_ne!(second.header("retry-after"), "");
    assert_eq!(calls(&service).await, 0);
    // It has died, or so it seems.
    clock.advance(TimeDelta::seconds(61));
    let third = place(&service, &token, "k").await;
    assert_eq!(third.status, 201, "{third:?}");
    // It has not, and comes to its end: too late, so what it did is undone.
    let late = db.write(move |conn| {
        let answered = Answered { status: 201, headers: Default::default(), body: String::new() };
        Idempotency(Some(claim.clone())).keep(conn, &answered)
    });
    assert!(matches!(late.await, Err(DbError::Unavailable(_))));
    is_replay(&place(&service, &token, "k").await, &third);
    assert_eq!(calls(&service).await, 1);
    service.stop().await;
}
