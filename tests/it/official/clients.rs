//! Owns the proof that the official libraries, unmodified, take the emulator for Twilio: every REST call, every webhook.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde::Deserialize;
use serde_json::json;
use warm_transfer::emulator::{self, ClockMode, Emulator, EmulatorOptions};

pub const ACCOUNT: &str = "AC00000000000000000000000000000001";
pub const TOKEN: &str = "test_auth_token_0123456789abcdef";

/// An emulator on virtual time.
pub async fn twilio() -> Emulator {
    let mut options = EmulatorOptions::new(ACCOUNT.parse().unwrap(), TOKEN);
    options.clock = ClockMode::Virtual;
    emulator::start(options).await.unwrap()
}

/// What a script prints.
#[derive(Debug, Deserialize)]
struct Report {
    webhooks: BTreeMap<String, u32>,
    refused: Vec<String>,
}

/// Everything an application can be asked for by the emulator.
const WEBHOOKS: [&str; 15] = [
    "/start",
    "/pressed",
    "/whisper",
    "/after",
    "/broken",
    "/fallback",
    "/wait",
    "/hold",
    "/announce",
    "/status",
    "/child",
    "/leg",
    "/room",
    "/recorded",
    "/room-recorded",
];

async fn drives_everything(command: Command, script: &'static str) {
    let twilio = twilio().await;
    let input =
        json!({"base_url": twilio.base_url(), "account_sid": ACCOUNT, "auth_token": TOKEN}).to_string();
    let printed = tokio::task::spawn_blocking(move || super::run_with(command, script, input)).await.unwrap();
    let report: Report = serde_json::from_str(&printed).unwrap();
    assert_eq!(report.refused, [""; 0], "the library's validator refused webhooks");
    let asked: BTreeSet<&str> = report.webhooks.keys().map(String::as_str).collect();
    let expected: BTreeSet<&str> = WEBHOOKS.into();
    assert_eq!(asked, expected);
    assert_eq!(endpoints(&twilio), ENDPOINTS.map(str::to_owned).into());
}

/// Methods and paths that succeeded; `*` for whatever names one thing.
fn endpoints(twilio: &Emulator) -> BTreeSet<String> {
    let root = format!("/2010-04-01/Accounts/{ACCOUNT}");
    let mut endpoints = BTreeSet::new();
    for request in twilio.requests().iter().filter(|r| r.status.is_some_and(|s| s < 400)) {
        let path = request.path.strip_prefix(&root).unwrap().trim_end_matches(".json").trim_matches('/');
        let shape: Vec<&str> =
            path.split('/').enumerate().map(|(i, part)| if i % 2 == 1 { "*" } else { part }).collect();
        endpoints.insert(format!("{} {}", request.method, shape.join("/")));
    }
    endpoints
}

const ENDPOINTS: [&str; 31] = [
    "DELETE Calls/*",
    "DELETE Calls/*/Recordings/*",
    "DELETE Conferences/*/Participants/*",
    "DELETE Conferences/*/Recordings/*",
    "DELETE Recordings/*",
    "GET ",
    "GET Calls",
    "GET Calls/*",
    "GET Calls/*/Recordings",
    "GET Calls/*/Recordings/*",
    "GET Conferences",
    "GET Conferences/*",
    "GET Conferences/*/Participants",
    "GET Conferences/*/Participants/*",
    "GET Conferences/*/Recordings",
    "GET Conferences/*/Recordings/*",
    "GET IncomingPhoneNumbers",
    "GET IncomingPhoneNumbers/*",
    "GET OutgoingCallerIds",
    "GET OutgoingCallerIds/*",
    "GET Recordings",
    "GET Recordings/*",
    "POST Calls",
    "POST Calls/*",
    "POST Calls/*/Recordings",
    "POST Calls/*/Recordings/*",
    "POST Conferences/*",
    "POST Conferences/*/Participants",
    "POST Conferences/*/Participants/*",
    "POST Conferences/*/Recordings/*",
    "POST IncomingPhoneNumbers/*",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twilio_python_drives_every_rest_call_and_accepts_every_webhook() {
    drives_everything(super::python_command(), "client.py").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twilio_node_drives_every_rest_call_and_accepts_every_webhook() {
    drives_everything(super::node_command(), "node/client.js").await;
}
