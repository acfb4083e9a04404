//! The same stories with things going wrong between Twilio and us.

use futures_util::{StreamExt, stream};
use serde_json::json;
use warm_transfer::demo::{CUSTOMER, FIRST_AGENT, SECOND_AGENT, Scenario, StageOptions};
use warm_transfer::emulator::EventKind;

use super::{Played, finished, theatre};

async fn with_faults(scenario: Scenario, rules: serde_json::Value) -> Played {
    let theatre = theatre(StageOptions::default()).await;
    theatre.stage.phones.faults(rules).await.unwrap();
    finished(theatre, scenario).await
}

#[tokio::test(flavor = "multi_thread")]
async fn doubled_callbacks_change_nothing() {
    let rules = json!({ "seed": 1, "webhooks": [{ "match": "/webhooks/*", "duplicate": true }] });
    for scenario in [Scenario::Straight, Scenario::SecondAgentBusy] {
        with_faults(scenario, rules.clone()).await.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn late_and_reordered_callbacks_change_nothing_in_the_end() {
    let rules =
        |seed: u64| json!({ "seed": seed, "webhooks": [{ "match": "/webhooks/*", "delay_ms": [0, 900] }] });
    for (seed, scenario) in
        [(1, Scenario::Straight), (2, Scenario::SecondAgentDeclines), (3, Scenario::HandedOver)]
    {
        with_faults(scenario, rules(seed)).await.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_create_whose_answer_was_lost_is_looked_up_and_nobody_is_dialled_twice() {
    for path in ["POST */Calls.json", "POST */Participants.json"] {
        for fault in [json!({ "status": 500 }), json!({ "reset": true })] {
            let mut rule = fault;
            rule["match"] = path.into();
            rule["after_effect"] = true.into();
            rule["times"] = 1.into();
            let played = with_faults(Scenario::Straight, json!({ "rest": [rule] })).await;
            assert_eq!(played.asked("POST", path.trim_start_matches("POST *")).len(), 1, "{path}");
            played.close().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_create_that_surely_did_not_happen_is_repeated() {
    for path in ["POST */Calls.json", "POST */Participants.json"] {
        let rules = json!({ "rest": [{ "match": path, "status": 429, "times": 1 }] });
        let played = with_faults(Scenario::Straight, rules).await;
        assert_eq!(played.asked("POST", path.trim_start_matches("POST *")).len(), 2, "{path}");
        played.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_move_that_fails_once_is_tried_again() {
    for after_effect in [false, true] {
        let rule =
            json!({ "match": "POST */Calls/CA*", "status": 503, "after_effect": after_effect, "times": 1 });
        with_faults(Scenario::Straight, json!({ "rest": [rule] })).await.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_twilio_only_takes_longer() {
    let rules = json!({ "rest": [{ "match": "*", "latency_ms": 300 }] });
    with_faults(Scenario::Straight, rules).await.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_hangs_up_first_has_ended_the_call_even_before_twilio_has_confirmed_that_the_room_closes() {
    let by_seed = |seed: u64| async move {
        let theatre = theatre(StageOptions { seed, ..StageOptions::default() }).await;
        let stage = &theatre.stage;
        for part in [FIRST_AGENT, CUSTOMER, SECOND_AGENT] {
            stage.phones.will(part, "answer", 1000).await.unwrap();
        }
        let call = stage.crm.place(20).await.unwrap();
        stage.crm.wait_for_status(&call, "connected").await.unwrap();
        stage.crm.ask(&call, "transfer", Some(json!({ "to": "agent:dana" }))).await.unwrap();
        stage.crm.wait_for_transfer(&call, "joined").await.unwrap();
        let rules = json!({
            "seed": seed,
            "rest": [{ "match": "POST */Participants/CA*", "latency_ms": 6000, "after_effect": true }],
            "webhooks": [{ "match": "/webhooks/*", "delay_ms": [0, 2000] }],
        });
        stage.phones.faults(rules).await.unwrap();
        stage.phones.hang_up(FIRST_AGENT).await.unwrap();
        stage.crm.wait_for_transfer(&call, "completed").await.unwrap();
        // Twilio has taken both flags, and has not said so.
        let flags =
            || stage.emulator.timeline().iter().filter(|it| it.kind == EventKind::ParticipantUpdated).count();
        let mut events = stage.emulator.subscribe();
        while flags() < 2 {
            events.recv().await.unwrap();
        }
        stage.phones.hang_up(CUSTOMER).await.unwrap();
        let ended = stage.crm.wait_for_status(&call, "ended").await.unwrap();
        let told = stage.crm.events(&call).await.unwrap();
        assert_eq!((seed, &ended["ended_by"]), (seed, &json!("customer")), "{}", json!(told));
        theatre.stage.strike().await.unwrap();
    };
    stream::iter(1..=12).map(by_seed).buffer_unordered(6).collect::<Vec<()>>().await;
}
