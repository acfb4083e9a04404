//! News that never comes, comes twice, or comes late: each callback of a whole transfer in its turn. Twilio does not repeat
//! what is lost; people must not notice.

use serde_json::{Value, json};
use warm_transfer::demo::StageOptions;

use super::tale::{PRIVATE, Plan, STRAIGHT, Tale};
use super::{Theatre, is_thorough, theatre};

/// Twilio is asked how a call is as often as can be set, so that what is lost is learnt soon.
fn watchful() -> StageOptions {
    StageOptions {
        settings: vec![("flow.watch_secs".to_owned(), "10".to_owned())],
        ..StageOptions::default()
    }
}

/// Plays it with these callbacks; gives how many there were.
async fn played_with(plan: Plan, callbacks: Value) -> usize {
    let Theatre { stage, _database } = theatre(watchful()).await;
    stage.phones.faults(json!({ "seed": 7, "webhooks": callbacks })).await.unwrap();
    Tale::on(&stage, plan).play().await;
    let callbacks = stage.emulator.webhooks().iter().filter(|it| it.url.contains("/webhooks/")).count();
    stage.strike().await.unwrap();
    callbacks
}

/// The first, the second …, each in a tale of its own.
async fn each(plan: Plan, fate: Value) {
    let count = played_with(plan, json!([])).await;
    assert!(count > 15, "{count}");
    for number in 1..=count {
        println!("{plan:?}: {fate} is number {number} of {count}");
        let mut one = fate.clone();
        one["match"] = "/webhooks/*".into();
        one["times"] = 1.into();
        let before = json!({ "match": "/webhooks/*", "delay_ms": 0, "times": number - 1 });
        let fates = if number == 1 { json!([one]) } else { json!([before, one]) };
        played_with(plan, fates).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn any_one_callback_may_be_lost() {
    each(STRAIGHT, json!({ "drop": true })).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn any_one_callback_of_a_private_transfer_may_be_lost() {
    each(PRIVATE, json!({ "drop": true })).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn callbacks_may_come_late_or_twice() {
    for plan in [STRAIGHT, PRIVATE] {
        if is_thorough() {
            each(plan, json!({ "duplicate": true })).await;
            each(plan, json!({ "delay_ms": 20_000 })).await;
        }
        played_with(plan, json!([{ "match": "/webhooks/*", "duplicate": true }])).await;
        played_with(plan, json!([{ "match": "/webhooks/*", "delay_ms": 5_000 }])).await;
        played_with(plan, json!([{ "match": "/webhooks/*", "duplicate": 0.5, "delay_ms": [0, 5_000] }]))
            .await;
    }
}
