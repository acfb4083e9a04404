//! The commands that run: the demo by itself, and the service as a process.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use serde_json::Value;

use super::program;
use crate::support::database::TestDatabase;

#[test]
fn the_headless_demo_prints_one_document_and_keeps_every_promise() {
    let database = TestDatabase::new();
    let args = ["demo", "--headless", "--speed", "10", "--format", "json", "--scenario", "second-agent-busy"];
    let output = program(&database).args(args).assert().success().get_output().clone();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&report["ok"], &report["violations"]), (&Value::Bool(true), &serde_json::json!([])));
    assert_eq!(report["call"]["transfers"][0]["failure"], "busy");
    assert!(report["timeline"].as_array().unwrap().len() > 10);
    assert!(report["audibility"]["people"].as_array().unwrap().len() >= 2);
    assert!(report["dead_air_ms"]["customer"].is_u64());
}

#[test]
fn the_headless_demo_draws_a_ladder_for_people() {
    let database = TestDatabase::new();
    let output = program(&database).args(["demo", "--headless", "--speed", "10"]).assert().success();
    let text = String::from_utf8(output.get_output().stdout.clone()).unwrap();
    for line in ["Alice", "answers", "hears Alice, Dana", "Dead air: customer", "Every promise was kept."] {
        assert!(text.contains(line), "{line} in\n{text}");
    }
    assert!(!text.contains('\x1b'), "no colours where there is no terminal");
}

#[test]
fn a_story_that_does_not_exist_is_wrong_usage_and_the_others_are_named() {
    let database = TestDatabase::new();
    let output = program(&database).args(["demo", "--headless", "--scenario", "nonsense"]).assert().code(2);
    let text = String::from_utf8(output.get_output().stderr.clone()).unwrap();
    assert!(text.contains("straight") && text.contains("customer-no-answer"), "{text}");
}

#[test]
fn the_service_says_when_it_listens_and_ends_in_good_order_when_told_to() {
    let database = TestDatabase::new();
    let mut service = Command::new(assert_cmd::cargo::cargo_bin!("warm-transfer"))
        .args(["serve", "--bind", "127.0.0.1:0"])
        .env_clear()
        .current_dir(database.folder.path())
        .env("DATABASE_URL", &database.url)
        .env("PUBLIC_URL", "https://calls.example.com")
        .env("TWILIO_ACCOUNT_SID", "AC00000000000000000000000000000001")
        .env("TWILIO_AUTH_TOKEN", "token")
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(service.stderr.take().unwrap()).lines().map_while(Result::ok);
    assert!(lines.any(|line| line.contains("listening")));
    Command::new("kill").arg(service.id().to_string()).status().unwrap();
    assert!(lines.any(|line| line.contains("stopping")));
    assert!(service.wait().unwrap().success());
}
