//! The same stories with things going wrong between Twilio and us, and with every open question about Twilio answered both
//! ways.

use serde_json::json;
use warm_transfer::demo::{Scenario, StageOptions};
use warm_transfer::emulator::{RedirectOrder, RedirectedStatus, RingingLeg, Switches};

use super::{Played, finished, theatre, with};

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
async fn whatever_twilio_says_of_an_interrupted_dial_the_transfer_goes_on() {
    for status in [RedirectedStatus::Completed, RedirectedStatus::Answered, RedirectedStatus::Absent] {
        let switches = Switches { dial_call_status_after_redirect: status, ..Switches::default() };
        super::played(Scenario::Straight, with(switches)).await.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn in_whichever_order_twilio_asks_after_a_redirect_the_two_meet() {
    for redirect_order in [RedirectOrder::UrlFirst, RedirectOrder::ActionFirst] {
        let switches = Switches { redirect_order, redirect_gap_ms: 1500, ..Switches::default() };
        for scenario in [Scenario::Straight, Scenario::SecondAgentBusy] {
            super::played(scenario, with(switches.clone())).await.close().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn other_open_questions_change_nothing_for_people() {
    let default = Switches::default;
    let answers = [
        Switches { action_when_parent_hangs_up: false, ..default() },
        Switches { conference_sequence_start: 0, ..default() },
        Switches { ringing_when_conference_ends: RingingLeg::Ends, ..default() },
        Switches { date_created_on_create: false, ..default() },
        Switches { duplicated_callbacks_percent: 30, late_callbacks_percent: 30, ..default() },
    ];
    for switches in answers {
        for scenario in [Scenario::Straight, Scenario::CustomerHangsUpWhileRinging] {
            super::played(scenario, with(switches.clone())).await.close().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn chance_decides_nothing_that_matters() {
    for seed in 2..6 {
        let options = StageOptions { seed, ..StageOptions::default() };
        super::played(Scenario::Straight, options).await.close().await;
    }
}
