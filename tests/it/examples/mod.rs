//! The examples of `docs/crm.md`: the page quotes them as they are, and each plays its call against a demo that runs.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{ChildStdout, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use warm_transfer::twilio::http_client;

use crate::support::database::TestDatabase;
use crate::support::process::{Killed, command};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// What `tests/examples/setup.sh` installs. Its absence fails the test: a check that is skipped checks nothing.
fn installed(path: &str) -> PathBuf {
    let path = root().join("tests/examples").join(path);
    assert!(
        path.exists(),
        "there is no {}: run scripts/test, or tests/examples/setup.sh alone",
        path.display()
    );
    path
}

/// A demo that stays up.
struct Demo {
    url: String,
    key: String,
    _process: Killed,
    _output: BufReader<ChildStdout>,
    _folder: TestDatabase,
}

impl Demo {
    fn start() -> Self {
        let folder = TestDatabase::new();
        let any_port = "127.0.0.1:0";
        let mut demo = command(&folder);
        demo.args(["demo", "--speed", "5", "--bind", any_port, "--emulator-bind", any_port]);
        let mut process = Killed(demo.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap());
        let mut output = BufReader::new(process.0.stdout.take().unwrap());
        let mut said = |name: &str| loop {
            let mut line = String::new();
            assert!(output.read_line(&mut line).unwrap() > 0, "the demo has ended without saying {name}");
            if let Some(value) = line.trim().strip_prefix(&format!("export {name}=")) {
                return value.to_owned();
            }
        };
        let (url, key) = (said("WARM_TRANSFER_URL"), said("WARM_TRANSFER_KEY"));
        Self { url, key, _process: process, _output: output, _folder: folder }
    }

    async fn get(&self, path: &str) -> Value {
        let patience = Duration::from_secs(10);
        let http = http_client(patience, patience).unwrap();
        let answer = http.get(format!("{}/api/v1{path}", self.url)).bearer_auth(&self.key).send();
        serde_json::from_str(&answer.await.unwrap().text().await.unwrap()).unwrap()
    }
}

/// Runs an example against a demo; what it prints, and what the service says of the call afterwards, must be right.
async fn plays(mut example: Command) {
    let demo = Demo::start();
    example.env("WARM_TRANSFER_URL", &demo.url).env("WARM_TRANSFER_KEY", &demo.key);
    let output = tokio::task::spawn_blocking(move || example.output().unwrap()).await.unwrap();
    let (said, complaints) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{said}\n{complaints}");
    let lines: Vec<&str> = said.lines().collect();
    let id = lines[0].strip_prefix("placed ").unwrap();
    let steps = [
        "agent and customer talk",
        "all three talk",
        "the first agent has left",
        "transfer completed, ended by crm, outcome appointment",
    ];
    assert_eq!(lines[1..], steps, "{complaints}");

    let call = demo.get(&format!("/calls/{id}")).await;
    assert_eq!((&call["status"], &call["ended_by"]), (&json!("ended"), &json!("crm")), "{call:#}");
    assert!(call["external_id"].as_str().unwrap().starts_with("deal-"), "{call:#}");
    assert_eq!(call["transfers"][0]["status"], "completed", "{call:#}");
    assert_eq!(call["transfers"][0]["briefing"], "Asks about the annual plan.", "{call:#}");
    assert_eq!(call["outcome"]["notes"], "Dana calls back on Monday.", "{call:#}");
    assert_eq!(demo.get("/calls").await["calls"].as_array().unwrap().len(), 1, "one call, dialled once");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_example_for_the_shell_plays_a_call_to_its_outcome() {
    for tool in ["curl", "jq"] {
        let found = Command::new(tool).arg("--version").output().is_ok_and(|output| output.status.success());
        assert!(found, "there is no {tool}: run scripts/test, which installs it");
    }
    plays(Command::new(root().join("docs/examples/call.sh"))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_example_in_python_plays_a_call_to_its_outcome() {
    let mut example = Command::new(installed(".venv/bin/python"));
    example.env("PYTHONDONTWRITEBYTECODE", "1").arg(root().join("docs/examples/call.py"));
    plays(example).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_example_in_typescript_plays_a_call_to_its_outcome() {
    let mut example = Command::new(installed("node_modules/.bin/tsx"));
    example.arg(root().join("docs/examples/call.ts"));
    plays(example).await;
}

#[test]
fn the_example_in_typescript_has_the_types_that_it_says() {
    let mut compiler = Command::new(installed("node_modules/.bin/tsc"));
    compiler.args(["--noEmit", "--strict", "--target", "es2022", "--module", "nodenext", "--types", "node"]);
    compiler.arg("--typeRoots").arg(installed("node_modules/@types"));
    let output = compiler.arg(root().join("docs/examples/call.ts")).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

#[test]
fn the_page_quotes_every_example_as_it_is() {
    let page = std::fs::read_to_string(root().join("docs/crm.md")).unwrap();
    let mut count = 0;
    for file in std::fs::read_dir(root().join("docs/examples")).unwrap() {
        let path = file.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let language = path.extension().unwrap().to_str().unwrap();
        assert!(
            page.contains(&format!("\n```{language}\n{text}```\n")),
            "docs/crm.md does not quote {path:?}"
        );
        count += 1;
    }
    assert_eq!(count, 3);
}
