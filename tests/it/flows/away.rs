//! The database goes away in the middle of a call and comes back: the call ends up as it would have.

use serde_json::json;
use warm_transfer::demo::{CUSTOMER, FIRST_AGENT, SECOND_AGENT, Scenario, Stage, StageOptions, report};

use super::journal::journal_is_what_was_said;
use super::{Theatre, theatre};
use crate::support::outage::Away;

async fn connected() -> (Theatre, String) {
    let settings = [
        ("database.pool_timeout_ms", "200"),
        ("database.busy_timeout_ms", "100"),
        ("server.database_budget_ms", "300"),
    ];
    let settings = settings.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
    let theatre = theatre(StageOptions { settings, ..StageOptions::default() }).await;
    for part in [FIRST_AGENT, CUSTOMER, SECOND_AGENT] {
        theatre.stage.phones.will(part, "answer", 1000).await.unwrap();
    }
    let call = theatre.stage.crm.place(20).await.unwrap();
    theatre.stage.crm.wait_for_status(&call, "connected").await.unwrap();
    (theatre, call)
}

/// Waits until at least so many webhooks wait for the database.
async fn spooled(stage: &Stage, least: usize) {
    while stage.server.app().journal.spool.len() < least {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_who_hangs_up_meanwhile_ends_the_call() {
    let (Theatre { stage, _database }, call) = connected().await;
    let away = Away::begin(&_database.url);
    stage.phones.hang_up(CUSTOMER).await.unwrap();
    // Customer's end, the end of the Dial, and the agent's end that it is answered with.
    spooled(&stage, 3).await;
    drop(away);
    let ended = stage.crm.wait_for_status(&call, "ended").await.unwrap();
    assert_eq!((&ended["ended_by"], &ended["end_reason"]), (&json!("customer"), &json!("hung_up")));
    journal_is_what_was_said(&stage).await;
    let report = report(&stage, Scenario::NoTransfer, &call).await.unwrap();
    assert!(report.ok, "{:#?}", report.violations);
    stage.strike().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hand_over_meanwhile_is_completed() {
    let (Theatre { stage, _database }, call) = connected().await;
    stage.crm.ask(&call, "transfer", Some(json!({ "to": "agent:dana" }))).await.unwrap();
    stage.crm.wait_for_transfer(&call, "joined").await.unwrap();
    let away = Away::begin(&_database.url);
    stage.phones.hang_up(FIRST_AGENT).await.unwrap();
    // The room's news and the leg's.
    spooled(&stage, 2).await;
    drop(away);
    stage.crm.wait_for_transfer(&call, "completed").await.unwrap();
    stage.phones.hang_up(CUSTOMER).await.unwrap();
    stage.crm.wait_for_status(&call, "ended").await.unwrap();
    let report = report(&stage, Scenario::Straight, &call).await.unwrap();
    assert!(report.ok, "{:#?}", report.violations);
    journal_is_what_was_said(&stage).await;
    stage.strike().await.unwrap();
}
