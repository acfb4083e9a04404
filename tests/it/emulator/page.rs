//! The emulator's page in Chromium: `tests/browser/page.js` drives it, with a real emulator and a small application.

use std::io::{BufRead, BufReader, Write};

use serde_json::json;
use warm_transfer::emulator::{self, ClockMode, Emulator, EmulatorOptions};

use super::support::{ACCOUNT, Application, TOKEN};
use crate::support::browser::{chromium, script};

async fn start(bind: &str, clock: ClockMode) -> Emulator {
    let mut options = EmulatorOptions::new(ACCOUNT.parse().unwrap(), TOKEN);
    options.bind = bind.to_owned();
    options.clock = clock;
    emulator::start(options).await.unwrap()
}

/// The script's next line, waited for without holding up the emulator.
async fn line(
    mut lines: BufReader<std::process::ChildStdout>,
) -> (String, BufReader<std::process::ChildStdout>) {
    let read = move || {
        let mut line = String::new();
        lines.read_line(&mut line).unwrap();
        (line.trim().to_owned(), lines)
    };
    tokio::task::spawn_blocking(read).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_page_works_in_chromium() {
    let chromium = chromium();
    let app = Application::start();
    app.twiml(
        "/start",
        r#"<Gather numDigits="1" action="/pressed"><Say loop="0">press a key</Say></Gather>"#,
    );
    app.twiml("/pressed", "<Dial><Conference>room-1</Conference></Dial>");
    let twilio = start("127.0.0.1:0", ClockMode::Real).await;
    let base = twilio.base_url().to_owned();

    let mut script = script("page.js");
    let mut input = script.stdin.take().unwrap();
    let output = BufReader::new(script.stdout.take().unwrap());
    let given =
        json!({"base": base, "app": app.url, "account": ACCOUNT, "token": TOKEN, "chromium": chromium});
    writeln!(input, "{given}").unwrap();

    let (wish, output) = line(output).await;
    if wish == "restart" {
        twilio.stop().await;
        let again = start(base.strip_prefix("http://").unwrap(), ClockMode::Virtual).await;
        writeln!(input, "restarted").unwrap();
        line(output).await;
        drop(again);
    }
    let ended = tokio::task::spawn_blocking(move || script.wait()).await.unwrap().unwrap();
    assert!(ended.success(), "tests/browser/page.js failed; its words are above");
}
