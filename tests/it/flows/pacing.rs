//! The dial queue: the account's pace is kept, nobody is dialled out of turn or twice, and one key's thousand calls do not keep
//! another's waiting.

use std::collections::HashSet;
use std::sync::Arc;

use chrono::{NaiveDateTime, TimeDelta};
use diesel::prelude::*;
use serde_json::{Value, json};
use warm_transfer::agents::models::Scope;
use warm_transfer::db::schema::{calls, commands};
use warm_transfer::db::{Db, DbError};
use warm_transfer::demo::{CUSTOMER, FIRST_AGENT, SECOND_AGENT, StageOptions};

use super::theatre;
use crate::support::clock::HandClock;
use crate::support::database::TestDatabase;
use crate::support::service::{TestService, answer};

const ONE_A_SECOND: [(&str, &str); 1] = [("WARM_TRANSFER__TWILIO__CALLS_PER_SECOND", "1")];

fn customer(number: u32) -> String {
    format!("+1555010{:04}", 5000 + number)
}

fn wish(number: u32) -> Value {
    json!({ "agent": "client:alice", "customer": customer(number), "caller_id": "+15550109999" })
}

async fn placed(service: &TestService, key: &str, number: u32) -> Value {
    let placed = answer(service.request("POST", "/api/v1/calls").bearer_auth(key).json(&wish(number))).await;
    assert_eq!(placed.status, 201, "{placed:?}");
    placed.json
}

/// Whom Twilio was to be asked to dial, in this order, and when that was decided.
async fn dialled(db: &Db) -> Vec<(String, NaiveDateTime)> {
    db.read(|conn| {
        let rows = commands::table
            .inner_join(calls::table.on(calls::id.eq(commands::call_id)))
            .filter(commands::kind.eq("create_call"))
            .order((commands::created_at.asc(), commands::id.asc()))
            .select((calls::customer, commands::created_at))
            .load(conn)?;
        Ok::<_, DbError>(rows)
    })
    .await
    .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_wait_in_turn_between_keys_and_their_place_is_told_and_outlives_a_restart() {
    let (clock, database) = (Arc::new(HandClock::new()), Arc::new(TestDatabase::new()));
    let service = TestService::start_at(database.clone(), &ONE_A_SECOND, clock.clone()).await;
    let (busy, quiet) =
        (service.key("busy", &[Scope::Admin]).await, service.key("quiet", &[Scope::Admin]).await);
    let mut paths = vec![];
    for (key, number) in
        [(&busy, 1), (&busy, 2), (&busy, 3), (&busy, 4), (&quiet, 5), (&quiet, 6), (&quiet, 7)]
    {
        let call = placed(&service, key, number).await;
        assert_eq!(call["queue_position"].is_null(), number == 1, "the first is dialled at once");
        paths.push(format!("/api/v1/calls/{}", call["id"].as_str().unwrap()));
    }
    let positions = async |service: &TestService| {
        let mut positions = vec![];
        for path in &paths {
            positions.push(
                answer(service.request("GET", path).bearer_auth(&busy)).await.json["queue_position"].as_i64(),
            );
        }
        positions
    };
    let expected = [None, Some(1), Some(3), Some(5), Some(2), Some(4), Some(6)];
    assert_eq!(positions(&service).await, expected);
    service.stop().await;
    let mut service = TestService::start_at(database, &ONE_A_SECOND, clock.clone()).await;
    assert_eq!(positions(&service).await, expected);
    // Who is taken back while waiting is over at once, and is never dialled.
    let taken_back =
        answer(service.request("POST", &format!("{}/hangup", paths[2])).bearer_auth(&busy)).await;
    let found = (&taken_back.json["status"], &taken_back.json["ended_by"], &taken_back.json["end_reason"]);
    assert_eq!(found, (&json!("ended"), &json!("crm"), &json!("cancelled")));
    for (turn, number) in [2, 5, 6, 4, 7].into_iter().enumerate() {
        assert_eq!(dialled(&service.app().db).await.len(), turn + 1, "nobody before their time");
        clock.advance(TimeDelta::seconds(1));
        service.app().knock.notify_one();
        while dialled(&service.app().db).await.len() == turn + 1 {
            service.news.recv().await.unwrap();
        }
        let order = dialled(&service.app().db).await;
        assert_eq!(order.last().unwrap().0, customer(number), "{order:?}");
    }
    assert_eq!(positions(&service).await, [None; 7]);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_be_dialled_any_more_when_their_turn_comes_is_told_why_and_the_next_is_dialled() {
    let clock = Arc::new(HandClock::new());
    let mut service =
        TestService::start_at(Arc::new(TestDatabase::new()), &ONE_A_SECOND, clock.clone()).await;
    let key = service.key("crm", &[Scope::Admin]).await;
    let mut paths = vec![];
    for number in 1..=3 {
        let call = placed(&service, &key, number).await;
        paths.push(format!("/api/v1/calls/{}", call["id"].as_str().unwrap()));
    }
    let listing = service.request("POST", "/api/v1/do-not-call").bearer_auth(&key);
    assert_eq!(answer(listing.json(&json!({ "number": customer(2) }))).await.status, 201);
    clock.advance(TimeDelta::seconds(1));
    service.app().knock.notify_one();
    while dialled(&service.app().db).await.len() < 2 {
        service.news.recv().await.unwrap();
    }
    assert_eq!(dialled(&service.app().db).await[1].0, customer(3));
    let refused = answer(service.request("GET", &paths[1]).bearer_auth(&key)).await.json;
    let found = (&refused["status"], &refused["ended_by"], &refused["end_reason"], &refused["end_code"]);
    assert_eq!(found, (&json!("ended"), &json!("system"), &json!("refused"), &json!("do_not_call")));
    assert!(refused["end_detail"].as_str().unwrap().contains("do-not-call list"), "{refused}");
    service.stop().await;
}

/// Those who were dialled in any one second are no more than the pace allows, give or take one that was late.
fn keeps_pace(dialled: &[(String, NaiveDateTime)], a_second: usize) {
    for (index, (_, at)) in dialled.iter().enumerate() {
        let within = dialled[index..].iter().take_while(|(_, it)| *it < *at + TimeDelta::seconds(1)).count();
        assert!(within <= a_second + 1, "{within} in the second from {at}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_calls_at_once_are_dialled_in_order_at_the_accounts_pace_and_none_twice() {
    const CALLS: u32 = 1000;
    const A_SECOND: usize = 6;
    let settings = vec![
        ("twilio.calls_per_second".to_owned(), A_SECOND.to_string()),
        ("api.requests_per_second".to_owned(), "0".to_owned()),
    ];
    let theatre = theatre(StageOptions { settings, ..StageOptions::default() }).await;
    let stage = &theatre.stage;
    stage.phones.will(FIRST_AGENT, "busy", 100).await.unwrap();
    let mut placed = vec![];
    for number in 0..CALLS {
        let body = json!({ "agent": "agent:alice", "customer": customer(number) });
        let (status, call) = stage.crm.send("POST", "/api/v1/calls", Some(body)).await.unwrap();
        assert_eq!(status, 201, "{call}");
        placed.push(call["id"].as_str().unwrap().to_owned());
    }
    for call in placed.iter().skip(99).step_by(100) {
        stage.crm.wait_for_status(call, "ended").await.unwrap();
    }
    let order = dialled(&stage.server.app().db).await;
    let expected: Vec<String> = (0..CALLS).map(customer).collect();
    assert_eq!(order.iter().map(|(customer, _)| customer.clone()).collect::<Vec<_>>(), expected);
    keeps_pace(&order, A_SECOND);
    let created: Vec<String> = stage
        .emulator
        .requests()
        .into_iter()
        .filter(|it| it.method == "POST" && it.path.ends_with("/Calls.json"))
        .filter_map(|it| it.form.into_iter().find(|(name, _)| name == "Url"))
        .map(|(_, url)| url)
        .collect();
    let different: HashSet<&String> = created.iter().collect();
    assert_eq!((created.len(), different.len()), (CALLS as usize, CALLS as usize));
    theatre.stage.strike().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_agent_does_not_wait_behind_the_queue() {
    let settings = vec![("twilio.calls_per_second".to_owned(), "0.1".to_owned())];
    let theatre = theatre(StageOptions { settings, ..StageOptions::default() }).await;
    let stage = &theatre.stage;
    for part in [FIRST_AGENT, CUSTOMER, SECOND_AGENT] {
        stage.phones.will(part, "answer", 500).await.unwrap();
    }
    let call = stage.crm.place(10).await.unwrap();
    stage.crm.wait_for_status(&call, "connected").await.unwrap();
    let mut waiting = vec![];
    for number in 0..3 {
        let body = json!({ "agent": "client:nobody", "customer": customer(number) });
        waiting.push(stage.crm.send("POST", "/api/v1/calls", Some(body)).await.unwrap().1);
    }
    stage.crm.ask(&call, "transfer", Some(json!({ "to": "agent:dana" }))).await.unwrap();
    stage.crm.wait_for_transfer(&call, "joined").await.unwrap();
    let last = stage.crm.call(waiting[2]["id"].as_str().unwrap()).await.unwrap();
    assert_eq!(last["status"], "queued", "she came while they waited");
    theatre.stage.strike().await.unwrap();
}
