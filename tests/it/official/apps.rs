//! Owns the proof that applications written for Twilio run against the emulator as they are: a warm transfer, judged by what
//! people heard.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;

use serde_json::{Value, json};
use warm_transfer::emulator::{Emulator, Heard, PersonAction, PhonePlan};

use super::clients::{ACCOUNT, TOKEN, twilio};

const NUMBER: &str = "+15550100000";
const CUSTOMER: &str = "+15550100199";
const FIRST: &str = "client:alice";
const SECOND: &str = "client:bob";

/// A running program; it ends with the test.
struct App {
    process: Child,
    url: String,
}

impl Drop for App {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn in_tree(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/official").join(path)
}

impl App {
    /// Starts a program on any free port and waits until it says where.
    fn start(mut command: Command, twilio: &Emulator) -> Self {
        let mut process = command
            .env("TWILIO_API_BASE_URL", twilio.base_url())
            .env("TWILIO_ACCOUNT_SID", ACCOUNT)
            .env("TWILIO_AUTH_TOKEN", TOKEN)
            .env("TWILIO_NUMBER", NUMBER)
            .env("PORT", "0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the application starts");
        let (said, hear) = mpsc::channel();
        listen(process.stdout.take().expect("piped"), said.clone());
        listen(process.stderr.take().expect("piped"), said);
        let place = |line: String| line.split_once("Running on ").map(|(_, url)| url.trim().to_owned());
        // Both pipes end with the program, and with them the channel.
        let url = hear.iter().find_map(place).expect("the application ended before it ran");
        Self { process, url }
    }

    async fn post(&self, path: &str) -> Value {
        let client = reqwest::Client::builder().build().unwrap();
        let response = client.post(format!("{}{path}", self.url)).send().await.unwrap();
        assert_eq!(response.status(), 200);
        response.json().await.unwrap()
    }
}

/// Passes lines on, also to the test's output, until the pipe ends.
fn listen(pipe: impl std::io::Read + Send + 'static, said: mpsc::Sender<String>) {
    std::thread::spawn(move || {
        for line in BufReader::new(pipe).lines().map_while(Result::ok) {
            eprintln!("{line}");
            // Nobody listens any more once it runs.
            let _ = said.send(line);
        }
    });
}

/// Whom or what somebody hears now; nothing when they are not on the phone.
fn hears(twilio: &Emulator, address: &str) -> Vec<String> {
    let people = twilio.audibility().people;
    let Some(person) = people.into_iter().find(|p| p.address == address) else { return Vec::new() };
    let who = |heard: &Heard| match heard {
        Heard::Person { who } => who.clone(),
        Heard::Music => "music".into(),
        other => format!("{other:?}"),
    };
    person.spans.last().map(|span| span.hears.iter().map(who).collect()).unwrap_or_default()
}

async fn control(twilio: &Emulator, method: &str, path: &str, body: Value) -> Value {
    let client = reqwest::Client::builder().build().unwrap();
    let url = format!("{}/emulator/{path}", twilio.base_url());
    let response = client.request(method.parse().unwrap(), url).body(body.to_string()).send().await.unwrap();
    assert!(response.status().is_success(), "{path}: {}", response.status());
    response.json().await.unwrap()
}

async fn transfers(command: Command) {
    let twilio = twilio().await;
    let app = App::start(command, &twilio);
    let phone = PhonePlan { after_ms: Some(4_000), ..PhonePlan::answer() };
    for agent in [FIRST, SECOND] {
        twilio.set_phone(agent, vec![phone.clone()]).unwrap();
    }
    let voice = json!({"voice_url": format!("{}/voice", app.url)});
    control(&twilio, "PUT", &format!("numbers/{NUMBER}"), voice).await;
    let call = control(&twilio, "POST", "calls", json!({"from": CUSTOMER, "to": NUMBER})).await;
    let room = call["call_sid"].as_str().unwrap();

    twilio.advance(2_000).await;
    assert_eq!(hears(&twilio, CUSTOMER), ["music"], "while the first agent's browser rings");
    twilio.advance(8_000).await;
    assert_eq!(hears(&twilio, CUSTOMER), [FIRST]);
    assert_eq!(hears(&twilio, FIRST), [CUSTOMER]);

    app.post(&format!("/transfer/{room}")).await;
    twilio.advance(2_000).await;
    assert_eq!(hears(&twilio, CUSTOMER), [FIRST], "while the second agent's browser rings");
    twilio.advance(8_000).await;
    assert_eq!(hears(&twilio, CUSTOMER), [FIRST, SECOND]);
    assert_eq!(hears(&twilio, SECOND), [CUSTOMER, FIRST]);

    twilio.act(FIRST, &PersonAction::HangUp).unwrap();
    twilio.advance(5_000).await;
    assert_eq!(hears(&twilio, CUSTOMER), [SECOND], "the first agent has left");
    assert_eq!(hears(&twilio, SECOND), [CUSTOMER]);

    twilio.act(SECOND, &PersonAction::HangUp).unwrap();
    twilio.advance(5_000).await;
    let now = twilio.now_ms();
    let on_the_phone: Vec<String> = twilio
        .audibility()
        .people
        .into_iter()
        .filter(|p| p.spans.last().is_some_and(|s| s.to_ms == now))
        .map(|p| p.address)
        .collect();
    assert_eq!(on_the_phone, [""; 0], "the second agent's exit ends it for all");
    let bad: Vec<_> = twilio.webhooks().into_iter().filter(|w| w.status.is_none_or(|s| s >= 300)).collect();
    assert!(bad.is_empty(), "{bad:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flask_application_transfers_a_call() {
    let mut command = super::python_command();
    command.arg(in_tree("run_app.py")).arg(in_tree("flask_app/app.py"));
    transfers(command).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_express_application_transfers_a_call() {
    let mut command = super::node_command();
    command.arg("--require").arg(in_tree("node/redirected.js")).arg(in_tree("express_app/app.js"));
    transfers(command).await;
}
