//! News that never comes: callbacks that are lost for good. Twilio does not repeat them; people must not notice.

use futures_util::{StreamExt, stream};
use serde_json::{Value, json};
use warm_transfer::demo::{Scenario, StageOptions};

use super::{Played, finished, theatre};

const AT_ONCE: usize = 8;

async fn without(scenario: Scenario, webhooks: Value) -> Played {
    let theatre = theatre(StageOptions::default()).await;
    theatre.stage.phones.faults(json!({ "seed": 7, "webhooks": webhooks })).await.unwrap();
    finished(theatre, scenario).await
}

/// Which of the callbacks to this address is lost: the first, the second …, each in a story of its own.
async fn any_one_lost(scenario: Scenario, path: &str, first: usize, last: usize) {
    let stories = stream::iter(first..=last).map(|lost| async move {
        println!("{scenario}: number {lost} to {path}");
        let harmless = json!({ "match": path, "delay_ms": 0, "times": lost - 1 });
        let fatal = json!({ "match": path, "drop": true, "times": 1 });
        let rules = if lost == 1 { json!([fatal]) } else { json!([harmless, fatal]) };
        without(scenario, rules).await.close().await;
    });
    stories.buffer_unordered(AT_ONCE).collect::<Vec<()>>().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn any_one_event_of_the_room_may_be_lost() {
    any_one_lost(Scenario::Straight, "/webhooks/conference-status", 1, 10).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn any_one_event_of_the_room_may_be_lost_when_the_transfer_fails() {
    any_one_lost(Scenario::SecondAgentNoAnswer, "/webhooks/conference-status", 1, 8).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn any_one_progress_of_a_leg_may_be_lost() {
    // Agent: initiated, ringing, answered; customer the same, of whom nothing else says that they have answered.
    any_one_lost(Scenario::Straight, "/webhooks/call-status", 1, 5).await;
    any_one_lost(Scenario::Straight, "/webhooks/call-status", 7, 12).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn any_one_progress_of_a_leg_may_be_lost_when_the_transfer_fails() {
    any_one_lost(Scenario::SecondAgentBusy, "/webhooks/call-status", 7, 10).await;
}
