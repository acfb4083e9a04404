//! The console in Chromium: `tests/browser/console/story.js` plays it in several windows, with the program as a process that can
//! be killed, and the emulator's phones.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::Stdio;

use serde_json::json;
use warm_transfer::demo::{CALLER_ID, Stage, StageOptions};
use warm_transfer::emulator::{self, Emulator, EmulatorOptions};
use warm_transfer::settings::PERMISSIVE_GUARD;

use crate::support::browser::{chromium, script};
use crate::support::console::PASSWORD;
use crate::support::database::TestDatabase;
use crate::support::process::{Killed, command};

const ACCOUNT: &str = "AC00000000000000000000000000000001";
const TOKEN: &str = "test_auth_token_0123456789abcdef";
const PEOPLE: [(&str, &str, &str); 4] = [
    ("alice", "+15550100101", "agent"),
    ("dana", "+15550100102", "agent"),
    ("sam", "+15550100109", "supervisor"),
    ("root", "+15550100108", "admin"),
];

/// The service as a process that comes back at the same address.
struct House {
    database: TestDatabase,
    emulator: Emulator,
    addr: SocketAddr,
}

impl House {
    async fn build() -> Self {
        let database = TestDatabase::new();
        for (name, address, role) in PEOPLE {
            hire(&database, name, address, role);
        }
        let emulator = emulator::start(EmulatorOptions::new(ACCOUNT.parse().unwrap(), TOKEN)).await.unwrap();
        let addr = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        Self { database, emulator, addr }
    }

    fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// Starts the program and waits until it listens.
    fn open(&self) -> Killed {
        let mut serve = command(&self.database);
        serve
            .args(["serve", "--bind", &self.addr.to_string()])
            .env("PUBLIC_URL", self.url())
            .env("TWILIO_ACCOUNT_SID", ACCOUNT)
            .env("TWILIO_AUTH_TOKEN", TOKEN)
            .env("TWILIO_API_BASE_URL", self.emulator.base_url())
            .env("WARM_TRANSFER__TWILIO__CALLER_ID", CALLER_ID)
            .env("WARM_TRANSFER__TWILIO__CALLS_PER_SECOND", "0")
            .env("WARM_TRANSFER__SERVER__WORKERS", "1")
            .env("WARM_TRANSFER__LOGGING__LEVEL", "error")
            .envs(PERMISSIVE_GUARD);
        let mut process = Killed(serve.spawn().unwrap());
        while TcpStream::connect(self.addr).is_err() {
            assert_eq!(process.0.try_wait().unwrap(), None, "it has ended");
            std::thread::yield_now();
        }
        process
    }
}

fn hire(database: &TestDatabase, name: &str, address: &str, role: &str) {
    let mut hiring = command(database)
        .args(["agent", "add", name, "--address", address, "--role", role, "--password-stdin"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    writeln!(hiring.stdin.take().unwrap(), "{PASSWORD}").unwrap();
    assert!(hiring.wait().unwrap().success(), "{name} was not hired");
}

/// Plays the story; whenever it asks for it, the program is killed and started again.
fn play(house: &House) -> bool {
    let mut process = house.open();
    let mut script = script("console/story.js");
    let mut input = script.stdin.take().unwrap();
    let given = json!({
        "base": house.url(), "emulator": house.emulator.base_url(), "chromium": chromium(), "password": PASSWORD,
    });
    writeln!(input, "{given}").unwrap();
    for wish in BufReader::new(script.stdout.take().unwrap()).lines() {
        assert_eq!(wish.unwrap(), "kill");
        drop(process);
        process = house.open();
        writeln!(input, "restarted").unwrap();
    }
    script.wait().unwrap().success()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_story_of_two_agents_and_their_supervisor_is_played_in_chromium() {
    let house = House::build().await;
    let played = tokio::task::spawn_blocking(move || play(&house)).await.unwrap();
    assert!(played, "tests/browser/console/story.js failed; its words are above");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_person_plays_two_agents_and_a_customer_in_the_demo() {
    let database = TestDatabase::new();
    let options =
        StageOptions { has_panel: true, database_url: Some(database.url.clone()), ..StageOptions::default() };
    let stage = Stage::set(options).await.unwrap();
    let base = stage.crm.base_url().to_owned();
    let play = move || {
        let mut script = script("console/demo.js");
        let given = json!({ "base": base, "chromium": chromium() });
        writeln!(script.stdin.take().unwrap(), "{given}").unwrap();
        script.wait().unwrap().success()
    };
    let played = tokio::task::spawn_blocking(play).await.unwrap();
    assert!(played, "tests/browser/console/demo.js failed; its words are above");
    stage.strike().await.unwrap();
}
