//! The service as a process that is killed without warning, with people on the phone: another one takes over.

use std::net::TcpListener;
use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::broadcast::Receiver;
use warm_transfer::emulator::{
    self, Behaviour, Emulator, EmulatorOptions, EventKind, PersonAction, PhonePlan, TimelineEvent,
};

use crate::support::database::TestDatabase;
use crate::support::process::{Killed, command};

const ACCOUNT: &str = "AC00000000000000000000000000000001";
const TOKEN: &str = "test_auth_token_0123456789abcdef";
const AGENT: &str = "+15550100101";
const CUSTOMER: &str = "+15550100199";
const DANA: &str = "+15550100102";
const PATIENCE: Duration = Duration::from_secs(30);

fn serve(database: &TestDatabase, emulator: &Emulator, bind: &str) -> Killed {
    let mut command = command(database);
    command
        .args(["serve", "--bind", bind])
        .env("PUBLIC_URL", format!("http://{bind}"))
        .env("TWILIO_ACCOUNT_SID", ACCOUNT)
        .env("TWILIO_AUTH_TOKEN", TOKEN)
        .env("TWILIO_API_BASE_URL", emulator.base_url())
        .env("WARM_TRANSFER__TWILIO__CALLER_ID", "+15550100100")
        .stderr(Stdio::null());
    Killed(command.spawn().unwrap())
}

fn plan(behaviour: Behaviour) -> Vec<PhonePlan> {
    vec![PhonePlan { behaviour, ..PhonePlan::answer() }]
}

/// The CRM, from outside.
struct Crm {
    http: reqwest::Client,
    url: String,
    key: String,
    events: Receiver<TimelineEvent>,
}

impl Crm {
    /// Until it is answered: the process may not listen yet.
    async fn ask(&mut self, method: &str, path: &str, body: Option<Value>) -> Value {
        let asking = async {
            loop {
                let request = self.http.request(method.parse().unwrap(), format!("{}{path}", self.url));
                let request = request.bearer_auth(&self.key);
                let request = match &body {
                    Some(body) => request.json(body),
                    None => request,
                };
                if let Ok(response) = request.send().await {
                    let status = response.status();
                    let text = response.text().await.unwrap();
                    assert!(status.is_success(), "{method} {path}: {status} {text}");
                    return serde_json::from_str(&text).unwrap();
                }
                self.something_happens().await;
            }
        };
        tokio::time::timeout(PATIENCE, asking).await.expect("the service answers")
    }

    /// Whatever moves a call is first seen at the exchange; what does not is looked for a little later.
    async fn something_happens(&mut self) {
        drop(tokio::time::timeout(Duration::from_millis(50), self.events.recv()).await);
    }

    async fn wait(&mut self, call: &str, what: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            let now = self.ask("GET", &format!("/api/v1/calls/{call}"), None).await;
            if is_so(&now) {
                return now;
            }
            assert!(tokio::time::Instant::now() < deadline, "waited too long until {what}: {now:#}");
            self.something_happens().await;
        }
    }
}

fn transfer_is(status: &str) -> impl Fn(&Value) -> bool {
    move |call| call["transfers"][0]["status"] == status
}

fn in_room(call: &Value) -> usize {
    call["legs"].as_array().unwrap().iter().filter(|leg| leg["in_room"] == true).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_killed_in_the_middle_of_a_transfer_is_taken_over_by_the_next() {
    let database = TestDatabase::new();
    let created = command(&database).args(["key", "create", "crm"]).output().unwrap();
    let key = String::from_utf8(created.stdout).unwrap().trim().to_owned();
    let options = EmulatorOptions { speed: 5.0, ..EmulatorOptions::new(ACCOUNT.parse().unwrap(), TOKEN) };
    let emulator = emulator::start(options).await.unwrap();
    for (phone, behaviour) in
        [(AGENT, Behaviour::Answer), (CUSTOMER, Behaviour::Answer), (DANA, Behaviour::Manual)]
    {
        emulator.set_phone(phone, plan(behaviour)).unwrap();
    }
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let http = warm_transfer::twilio::http_client(PATIENCE, PATIENCE).unwrap();
    let mut crm = Crm { http, url: format!("http://{free}"), key, events: emulator.subscribe() };

    let first = serve(&database, &emulator, &free);
    let body = json!({ "agent": AGENT, "customer": CUSTOMER, "ring_timeout_secs": 120 });
    let placed = crm.ask("POST", "/api/v1/calls", Some(body)).await;
    let id = placed["id"].as_str().unwrap().to_owned();
    crm.wait(&id, "they talk", |call| call["status"] == "connected").await;
    crm.ask(
        "POST",
        &format!("/api/v1/calls/{id}/transfer"),
        Some(json!({ "to": DANA, "ring_timeout_secs": 120 })),
    )
    .await;
    crm.wait(&id, "two are in the room", |call| in_room(call) == 2 && transfer_is("ringing")(call)).await;

    drop(first);
    let second = serve(&database, &emulator, &free);
    crm.wait(&id, "the next process knows of it", transfer_is("ringing")).await;
    emulator.act(DANA, &PersonAction::Answer).unwrap();
    crm.wait(&id, "three are in the room", |call| in_room(call) == 3).await;
    crm.wait(&id, "Dana has joined", transfer_is("joined")).await;
    emulator.act(AGENT, &PersonAction::HangUp).unwrap();
    crm.wait(&id, "handed over", transfer_is("completed")).await;
    emulator.act(CUSTOMER, &PersonAction::HangUp).unwrap();
    let ended = crm.wait(&id, "over", |call| call["status"] == "ended").await;
    assert_eq!((&ended["ended_by"], &ended["end_reason"]), (&json!("customer"), &json!("hung_up")));

    let dialled = emulator.timeline().iter().filter(|event| event.kind == EventKind::Dialled).count();
    assert_eq!(dialled, 3, "everybody once");
    let silences: Vec<(u64, u64)> = emulator
        .audibility()
        .people
        .iter()
        .filter(|person| person.address == CUSTOMER)
        .flat_map(|person| &person.spans)
        .filter(|span| span.hears.is_empty() && span.to_ms - span.from_ms > 2000)
        .map(|span| (span.from_ms, span.to_ms))
        .collect();
    assert_eq!(silences, [], "the customer was never left in silence");
    drop(second);
    emulator.stop().await;
}
