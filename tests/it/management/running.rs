//! The commands that run: the demo by itself, and the service as a process.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::time::Duration;

use diesel::prelude::*;
use serde_json::{Value, json};
use warm_transfer::db::schema::{commands, legs};
use warm_transfer::db::{Db, DbError, DbOptions};
use warm_transfer::settings::PERMISSIVE_GUARD;
use wiremock::matchers::method;
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::program;
use crate::support::database::TestDatabase;
use crate::support::process::{Killed, command};

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
fn a_stray_file_of_settings_does_not_change_the_demo() {
    let database = TestDatabase::new();
    std::fs::write(database.folder.path().join("development.toml"), "[calls]\nring_timeout_secs = 0\n")
        .unwrap();
    let args = ["demo", "--headless", "--speed", "20", "--scenario", "customer-busy"];
    program(&database).args(args).assert().success();
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

#[tokio::test(flavor = "multi_thread")]
async fn what_is_being_asked_of_twilio_is_finished_before_the_service_ends() {
    let database = TestDatabase::new();
    let twilio = MockServer::start().await;
    let made = json!({ "sid": "CA00000000000000000000000000000001", "status": "queued" });
    let slow = ResponseTemplate::new(201).set_body_json(made).set_delay(Duration::from_millis(1500));
    Mock::given(method("POST")).respond_with(slow).mount(&twilio).await;
    let created = command(&database).args(["key", "create", "crm"]).output().unwrap();
    let key = String::from_utf8(created.stdout).unwrap();
    let addr = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut service = command(&database);
    service
        .args(["serve", "--bind", &addr.to_string()])
        .env("PUBLIC_URL", "https://calls.example.com")
        .env("TWILIO_ACCOUNT_SID", "AC00000000000000000000000000000001")
        .env("TWILIO_AUTH_TOKEN", "token")
        .env("TWILIO_API_BASE_URL", twilio.uri())
        .envs(PERMISSIVE_GUARD)
        .stderr(Stdio::piped());
    let mut service = Killed(service.spawn().unwrap());
    let mut lines = BufReader::new(service.0.stderr.take().unwrap()).lines().map_while(Result::ok);
    assert!(lines.any(|line| line.contains("listening")));

    let patience = Duration::from_secs(10);
    let http = warm_transfer::twilio::http_client(patience, patience).unwrap();
    let body = json!({ "agent": "client:a", "customer": "+15550100199", "caller_id": "+15550100100" });
    let placed = http.post(format!("http://{addr}/api/v1/calls")).bearer_auth(key.trim()).json(&body).send();
    assert_eq!(placed.await.unwrap().status(), 201);
    while twilio.received_requests().await.unwrap().is_empty() {
        tokio::task::yield_now().await;
    }
    Command::new("kill").arg(service.0.id().to_string()).status().unwrap();
    assert!(service.0.wait().unwrap().success());

    let location = warm_transfer::db::Location::parse(&database.url).unwrap();
    let (pool_timeout, busy_timeout) = (patience, patience);
    let db = Db::open(&DbOptions { location, pool_size: 1, pool_timeout, busy_timeout }).unwrap();
    let kept = db.read(|conn| {
        let command = commands::table.select(commands::status).load::<String>(conn)?;
        let sids = legs::table.filter(legs::call_sid.is_not_null()).count().get_result::<i64>(conn)?;
        Ok::<_, DbError>((command, sids))
    });
    assert_eq!(kept.await.unwrap(), (vec!["done".to_owned()], 1));
}
