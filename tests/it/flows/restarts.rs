//! The service is stopped and started again in the middle of a call: the call goes on.

use serde_json::json;
use warm_transfer::demo::{CUSTOMER, FIRST_AGENT, SECOND_AGENT, Scenario, StageOptions, report};

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
