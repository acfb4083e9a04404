//! The running service, driven from its own OpenAPI document by schemathesis, which knows nothing of it but that.

use std::path::PathBuf;
use std::process::{Command, Output};

use serde_json::{Value, json};
use warm_transfer::agents::models::Scope;
use warm_transfer::agents::services::create_key;
use warm_transfer::audit::Actor;
use warm_transfer::demo::{CUSTOMER, FIRST_AGENT, SECOND_AGENT, Stage, StageOptions, THIRD_AGENT};

use crate::support::database::TestDatabase;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/schemathesis")
}

/// A program of the environment that `setup.sh` makes. Its absence fails the test: a check that is skipped checks nothing.
fn tool(name: &str) -> Command {
    let tool = folder().join(".venv/bin").join(name);
    assert!(
        tool.exists(),
        "there is no {}: run scripts/test, which makes it (or tests/schemathesis/setup.sh alone)",
        tool.display()
    );
    let mut command = Command::new(tool);
    command.env("PYTHONUTF8", "1").env("PYTHONDONTWRITEBYTECODE", "1");
    command
}

async fn run(mut command: Command) -> Output {
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

fn assert_well(output: &Output) {
    let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{}\n{}", said(&output.stdout), said(&output.stderr));
}

/// A call between two people, asked for and not waited for.
async fn placed(stage: &Stage, agent: &str, customer: &str) -> String {
    let body = json!({ "agent": agent, "customer": customer, "allow_duplicate": true });
    let (status, call): (u16, Value) = stage.crm.send("POST", "/api/v1/calls", Some(body)).await.unwrap();
    assert_eq!(status, 201, "{call}");
    call["id"].as_str().unwrap().to_owned()
}

/// The key of the demo's CRM may not do everything.
async fn admin_key(stage: &Stage) -> String {
    let app = stage.server.app();
    let (clock, ids) = (&*app.clock, &*app.ids);
    create_key(&app.db, clock, ids, &Actor::system("test"), "everything", &[Scope::Admin], None)
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_service_does_what_its_document_says_whatever_it_is_asked() {
    let database = TestDatabase::new();
    let options =
        StageOptions { database_url: Some(database.url.clone()), speed: 12.0, ..StageOptions::default() };
    let stage = Stage::set(options).await.unwrap();
    for part in [FIRST_AGENT, CUSTOMER, THIRD_AGENT] {
        stage.phones.will(part, "answer", 500).await.unwrap();
    }
    stage.phones.will(SECOND_AGENT, "manual", 0).await.unwrap();
    let connected = placed(&stage, "agent:alice", CUSTOMER.address).await;
    stage.crm.wait_for_status(&connected, "connected").await.unwrap();
    let transferring = placed(&stage, "agent:kim", CUSTOMER.address).await;
    stage.crm.wait_for_status(&transferring, "connected").await.unwrap();
    stage.crm.ask(&transferring, "transfer", Some(json!({ "to": "agent:dana" }))).await.unwrap();
    let ended = placed(&stage, "agent:alice", CUSTOMER.address).await;
    stage.crm.ask(&ended, "hangup", None).await.unwrap();
    stage.crm.wait_for_status(&ended, "ended").await.unwrap();

    // The file of ids is looked for beside the settings.
    let here = tempfile::tempdir().unwrap();
    std::fs::copy(folder().join("schemathesis.toml"), here.path().join("schemathesis.toml")).unwrap();
    let ids = [connected, transferring, ended].map(|id| format!("\"{id}\"\n")).concat();
    std::fs::write(here.path().join("calls.txt"), ids).unwrap();
    // For a longer walk elsewhere: `--seed 7 --max-examples 300`.
    let more = std::env::var("WARM_TRANSFER_TEST_SCHEMATHESIS").unwrap_or_default();
    let mut command = tool("schemathesis");
    command
        .current_dir(here.path())
        .env("WARM_TRANSFER_KEY", admin_key(&stage).await)
        .args(["run", "--no-color"])
        .arg(format!("{}/api/openapi.json", stage.crm.base_url()))
        .args(more.split_whitespace());
    let output = run(command).await;
    println!("{}", String::from_utf8_lossy(&output.stdout));
    assert_well(&output);
    stage.strike().await.unwrap();
}

#[tokio::test]
async fn the_document_is_what_openapi_3_1_says_a_document_is() {
    let file = tempfile::Builder::new().suffix(".json").tempfile().unwrap();
    std::fs::write(file.path(), warm_transfer::openapi::json()).unwrap();
    let mut command = tool("openapi-spec-validator");
    command.args(["--schema", "3.1"]).arg(file.path());
    assert_well(&run(command).await);
}
