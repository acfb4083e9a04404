//! Each request to Twilio goes wrong in its turn, in every way: the tale ends as it should, and nobody is dialled twice.

use serde_json::{Value, json};
use warm_transfer::demo::StageOptions;

use super::tale::{TOUR, Tale};
use super::{Theatre, is_thorough, theatre};

/// What may become of a request. Twilio is waited for half a second, in real time.
fn faults() -> [Value; 8] {
    [
        json!({ "status": 429 }),
        json!({ "status": 429, "retry_after_s": 1 }),
        json!({ "status": 500 }),
        json!({ "status": 503, "after_effect": true }),
        json!({ "reset": true }),
        json!({ "reset": true, "after_effect": true }),
        json!({ "hang_ms": 20_000 }),
        json!({ "hang_ms": 20_000, "after_effect": true }),
    ]
}

/// The first request of each kind, as globs.
const KINDS: [&str; 5] = [
    "POST */Calls.json",
    "POST */Participants.json",
    "POST */Calls/CA*",
    "POST */Conferences/CF*/Participants/CA*",
    "POST */Conferences/CF*",
];

/// Plays the tour with these faults; gives how many requests there were.
async fn toured(rules: Value) -> usize {
    let settings = [("twilio.timeout_ms", "500"), ("flow.watch_secs", "30")];
    let settings = settings.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
    let Theatre { stage, _database } = theatre(StageOptions { settings, ..StageOptions::default() }).await;
    stage.phones.faults(json!({ "rest": rules })).await.unwrap();
    Tale::on(&stage, TOUR).play().await;
    let requests = stage.emulator.requests().len();
    stage.strike().await.unwrap();
    requests
}

fn once(fault: &Value, pattern: &str) -> Value {
    let mut rule = fault.clone();
    rule["match"] = pattern.into();
    rule["times"] = 1.into();
    rule
}

/// The request of this number goes wrong, whichever it is.
async fn one_goes_wrong(number: usize, fault: &Value) {
    println!("number {number}: {fault}");
    let before = json!({ "match": "*", "latency_ms": 0, "times": number - 1 });
    let fault = once(fault, "*");
    toured(if number == 1 { json!([fault]) } else { json!([before, fault]) }).await;
}

/// Every `of`th request from this one on, each with another fault; when it is to be thorough, with every fault.
async fn each_goes_wrong(from: usize, of: usize) {
    let count = toured(json!([])).await;
    assert!(count > 20, "{count}");
    for number in (1..=count).skip(from).step_by(of) {
        for (index, fault) in faults().iter().enumerate() {
            if is_thorough() || index == number % faults().len() {
                one_goes_wrong(number, fault).await;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn any_odd_request_may_go_wrong() {
    each_goes_wrong(0, 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn any_even_request_may_go_wrong() {
    each_goes_wrong(1, 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_of_request_may_go_wrong_once_in_every_way() {
    for fault in faults() {
        println!("{fault}");
        let rules: Vec<Value> = KINDS.iter().map(|kind| once(&fault, kind)).collect();
        toured(json!(rules)).await;
    }
}
