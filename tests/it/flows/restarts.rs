//! The service is stopped and started again in the middle of a call: the call goes on.

use serde_json::json;
use warm_transfer::demo::{CUSTOMER, FIRST_AGENT, Part, SECOND_AGENT, Scenario, Stage, StageOptions, report};
use warm_transfer::emulator::{EventKind, PersonAction};

use super::{Theatre, theatre};

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_while_the_second_agent_is_rung_loses_nothing() {
    let Theatre { stage, _database } = theatre(StageOptions::default()).await;
    for (part, after_ms) in [(FIRST_AGENT, 1000), (CUSTOMER, 1000), (SECOND_AGENT, 6000)] {
        stage.phones.will(part, "answer", after_ms).await.unwrap();
    }
    let call = stage.crm.place(20).await.unwrap();
    stage.crm.wait_for_status(&call, "connected").await.unwrap();
    stage.crm.ask(&call, "transfer", Some(json!({ "to": "agent:dana" }))).await.unwrap();
    stage.crm.wait_for_transfer(&call, "ringing").await.unwrap();
    let in_room = |call: &serde_json::Value| {
        call["legs"].as_array().unwrap().iter().filter(|leg| leg["in_room"] == true).count()
    };
    stage.crm.wait(&call, "two are in the room", |call| in_room(call) == 2).await.unwrap();
    let stage = stage.restart().await.unwrap();
    stage.crm.wait_for_transfer(&call, "joined").await.unwrap();
    stage.phones.hang_up(FIRST_AGENT).await.unwrap();
    stage.crm.wait_for_transfer(&call, "completed").await.unwrap();
    stage.phones.hang_up(CUSTOMER).await.unwrap();
    stage.crm.wait_for_status(&call, "ended").await.unwrap();
    let report = report(&stage, Scenario::Straight, &call).await.unwrap();
    assert!(report.ok, "{:#?}", report.violations);
    stage.strike().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_was_down_for_the_answer_asks_twilio_what_became_of_the_ring() {
    let theatre = theatre(StageOptions::default()).await;
    let stage = theatre.stage;
    stage.phones.will(FIRST_AGENT, "no_answer", 0).await.unwrap();
    // Every callback about the leg is lost: only asking can tell.
    let lost = json!({ "webhooks": [{ "match": "/webhooks/*", "drop": true }] });
    stage.phones.faults(lost).await.unwrap();
    let call = stage.crm.place(5).await.unwrap();
    let stage = stage.restart().await.unwrap();
    let ended = stage.crm.wait_for_status(&call, "ended").await.unwrap();
    assert_eq!(ended["end_reason"], "agent_no_answer");
    stage.strike().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_after_every_step_of_the_story_loses_nothing() {
    let Theatre { stage, _database } = theatre(StageOptions::default()).await;
    stage.phones.will(FIRST_AGENT, "manual", 0).await.unwrap();
    stage.phones.will(CUSTOMER, "manual", 0).await.unwrap();
    stage.phones.will(SECOND_AGENT, "manual", 0).await.unwrap();
    let picks_up =
        |stage: &Stage, part: Part| stage.emulator.act(part.address, &PersonAction::Answer).unwrap();

    let call = stage.crm.place(60).await.unwrap();
    stage
        .crm
        .wait(&call, "the agent's phone rings", |call| call["legs"][0]["status"] == "ringing")
        .await
        .unwrap();
    let stage = rested(stage).await;
    picks_up(&stage, FIRST_AGENT);
    stage
        .crm
        .wait(&call, "the customer's phone rings", |call| call["legs"][1]["status"] == "ringing")
        .await
        .unwrap();
    let stage = rested(stage).await;
    picks_up(&stage, CUSTOMER);
    stage.crm.wait_for_status(&call, "connected").await.unwrap();
    let stage = rested(stage).await;
    let to = json!({ "to": "agent:dana", "ring_timeout_secs": 60 });
    stage.crm.ask(&call, "transfer", Some(to)).await.unwrap();
    stage.crm.wait_for_transfer(&call, "ringing").await.unwrap();
    let stage = rested(stage).await;
    picks_up(&stage, SECOND_AGENT);
    stage.crm.wait_for_transfer(&call, "joined").await.unwrap();
    let stage = rested(stage).await;
    stage.phones.hang_up(FIRST_AGENT).await.unwrap();
    stage.crm.wait_for_transfer(&call, "completed").await.unwrap();
    let stage = rested(stage).await;
    stage.phones.hang_up(CUSTOMER).await.unwrap();
    stage.crm.wait_for_status(&call, "ended").await.unwrap();
    let report = report(&stage, Scenario::Straight, &call).await.unwrap();
    assert!(report.ok, "{:#?}\n{}", report.violations, super::ladder(&report));
    stage.strike().await.unwrap();
}

/// Stopped and started again while Twilio asks nothing.
async fn rested(stage: Stage) -> Stage {
    stage.emulator.advance(0).await;
    stage.restart().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_asked_of_a_slow_twilio_before_a_restart_is_not_asked_again() {
    let impatient = vec![("server.shutdown_timeout_secs".to_owned(), "1".to_owned())];
    let Theatre { stage, _database } =
        theatre(StageOptions { settings: impatient, ..StageOptions::default() }).await;
    // Twilio dials at once, and takes its time to say so: longer than the service waits when it stops.
    let slow =
        json!({ "match": "POST */Calls.json", "latency_ms": 60_000, "after_effect": true, "times": 1 });
    stage.phones.faults(json!({ "rest": [slow] })).await.unwrap();
    stage.phones.will(FIRST_AGENT, "manual", 0).await.unwrap();
    stage.phones.will(CUSTOMER, "answer", 1000).await.unwrap();
    let mut events = stage.emulator.subscribe();
    let call = stage.crm.place(60).await.unwrap();
    while events.recv().await.unwrap().kind != EventKind::Ringing {}
    let stage = stage.restart().await.unwrap();
    stage.emulator.act(FIRST_AGENT.address, &PersonAction::Answer).unwrap();
    stage.crm.wait_for_status(&call, "connected").await.unwrap();
    stage.phones.hang_up(CUSTOMER).await.unwrap();
    stage.crm.wait_for_status(&call, "ended").await.unwrap();
    let report = report(&stage, Scenario::NoTransfer, &call).await.unwrap();
    assert!(report.ok, "{:#?}\n{}", report.violations, super::ladder(&report));
    stage.strike().await.unwrap();
}
