//! A sales floor of a thousand: how soon everybody's page learns what somebody else has done, and what an open page costs the
//! service.

#[path = "support/process.rs"]
mod process;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use process::{PUBLIC_URL, Process, database_url, median};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc::{self, Receiver, Sender};
use warm_transfer::agents::models::{Agent, AgentRole};
use warm_transfer::agents::services::{NewAgent, add_agent};
use warm_transfer::app::App;
use warm_transfer::audit::Actor;
use warm_transfer::clock::{RandomIds, SystemClock};
use warm_transfer::console::Client;
use warm_transfer::console::sessions::{csrf_of, services as sessions};
use warm_transfer::server;
use warm_transfer::settings::Settings;

/// Pages that are open, each of another agent.
const CONSOLES: usize = 1_000;
/// How often somebody does something.
const PRESSES: usize = 40;
/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(20);

fn main() -> anyhow::Result<()> {
    if !std::env::args().any(|argument| argument == "--bench") {
        return Ok(());
    }
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?.block_on(run())
}

async fn run() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let tokens = hire(folder.path()).await?;
    let (service, _) = Process::service(folder.path(), &folder.path().join("log"), "warn").await?;
    service.cpu_us_at_rest().await?;
    let before = service.pss_kib()?;
    let (heard, mut told) = mpsc::channel(CONSOLES * 2);
    for token in &tokens {
        let stream = open(service.addr(), token).await?;
        tokio::spawn(listen(stream, heard.clone()));
    }
    // The first message of each is everything.
    hear(&mut told, "snapshot").await?;
    service.cpu_us_at_rest().await?;
    let open = service.pss_kib()?;
    let cpu = service.cpu_us_at_rest().await?;
    let (mut last, mut middle) = (vec![], vec![]);
    for press in 0..PRESSES {
        let pressed = Instant::now();
        let presence = if press % 2 == 0 { "available" } else { "busy" };
        choose(service.addr(), &tokens[press / 2], presence).await?;
        let times = hear(&mut told, presence).await?;
        let times: Vec<f64> = times.iter().map(|at| (*at - pressed).as_secs_f64() * 1000.0).collect();
        last.push(times.iter().copied().fold(0.0, f64::max));
        middle.push(median(times));
    }
    let used = service.cpu_us_at_rest().await?;
    let a_press = (used.0 + used.1 - cpu.0 - cpu.1) / PRESSES as f64 / 1000.0;
    line("press to the middle one of 1,000 pages", median(middle), "ms", "");
    line(
        "press to the last of 1,000 pages, the worst press",
        last.iter().copied().fold(0.0, f64::max),
        "ms",
        "≤ 1000",
    );
    line("CPU of the service for a press that 1,000 pages learn of", a_press, "ms", "");
    line("memory (PSS) of an open page", (open - before) as f64 / CONSOLES as f64, "KiB", "");
    line("memory (PSS) of the service with 1,000 pages", service.pss_kib()? as f64 / 1024.0, "MiB", "");
    Ok(())
}

/// A thousand agents who are logged in: their sessions' tokens.
async fn hire(folder: &Path) -> anyhow::Result<Vec<String>> {
    let variables = BTreeMap::from([
        ("DATABASE_URL".to_owned(), database_url(folder)),
        ("PUBLIC_URL".to_owned(), PUBLIC_URL.to_owned()),
        ("TWILIO_ACCOUNT_SID".to_owned(), "AC00000000000000000000000000000001".to_owned()),
        ("TWILIO_AUTH_TOKEN".to_owned(), process::AUTH_TOKEN.to_owned()),
    ]);
    let settings = Settings::from_layers(folder, &variables)?;
    let app = server::build(&settings, Arc::new(SystemClock::new()), Arc::new(RandomIds))?;
    app.db.migrate().await?;
    let mut tokens = Vec::with_capacity(CONSOLES);
    for number in 0..CONSOLES {
        let agent = hire_one(&app, number).await?;
        let client = Client { address: [127, 0, 0, 1].into(), user_agent: "bench".into() };
        tokens.push(sessions::open(&app, &agent, &client, None).await?);
    }
    Ok(tokens)
}

async fn hire_one(app: &App, number: usize) -> anyhow::Result<Agent> {
    let name = format!("agent_{number}");
    let new = NewAgent {
        address: format!("client:{name}").parse()?,
        name,
        display_name: None,
        role: AgentRole::Agent,
    };
    Ok(add_agent(&app.db, &*app.clock, &*app.ids, &Actor::system("bench"), new).await?)
}

fn cookie(token: &str) -> String {
    format!("Host: calls.example.com\r\nCookie: __Host-wt_session={token}\r\n")
}

async fn open(addr: SocketAddr, token: &str) -> anyhow::Result<TcpStream> {
    let mut stream = TcpStream::connect(addr).await?;
    let request = format!("GET /console/stream HTTP/1.1\r\n{}\r\n", cookie(token));
    stream.write_all(request.as_bytes()).await?;
    Ok(stream)
}

/// Says when each message came: the first, and the presence that the others tell of.
async fn listen(mut stream: TcpStream, heard: Sender<(&'static str, Instant)>) -> anyhow::Result<()> {
    const WORDS: [&str; 3] = ["event: snapshot", "\"presence\":\"available\"", "\"presence\":\"busy\""];
    const MEANINGS: [&str; 3] = ["snapshot", "available", "busy"];
    let mut buffer = Vec::with_capacity(16 * 1024);
    let mut is_open = false;
    loop {
        ensure!(stream.read_buf(&mut buffer).await? > 0, "the stream has ended");
        while let Some(end) = buffer.windows(2).position(|two| two == b"\n\n") {
            let message = String::from_utf8_lossy(&buffer[..end]).into_owned();
            buffer.drain(..end + 2);
            let words = if is_open { &WORDS[1..] } else { &WORDS[..1] };
            // Somebody who has pressed is told of themselves as well; the team's message is everybody's.
            let at = words.iter().position(|word| message.contains(word) && !message.contains("event: me"));
            if let Some(at) = at {
                heard.send((MEANINGS[at + usize::from(is_open)], Instant::now())).await?;
            }
            is_open = true;
        }
    }
}

/// When each of the thousand was told this.
async fn hear(told: &mut Receiver<(&'static str, Instant)>, what: &str) -> anyhow::Result<Vec<Instant>> {
    let mut times = Vec::with_capacity(CONSOLES);
    while times.len() < CONSOLES {
        let next = tokio::time::timeout(PATIENCE, told.recv()).await;
        let (word, at) =
            next.with_context(|| format!("{} were told", times.len()))?.context("all are gone")?;
        ensure!(word == what, "expected {what}, heard {word}");
        times.push(at);
    }
    Ok(times)
}

/// As the page's script does it.
async fn choose(addr: SocketAddr, token: &str, presence: &str) -> anyhow::Result<()> {
    let body = format!("{{\"presence\":\"{presence}\"}}");
    let mut stream = TcpStream::connect(addr).await?;
    let request = format!(
        "PUT /console/presence HTTP/1.1\r\n{}Origin: {PUBLIC_URL}\r\nX-CSRF-Token: {}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        cookie(token),
        csrf_of(token),
        body.len()
    );
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    ensure!(answer.starts_with("HTTP/1.1 2"), "{answer}");
    Ok(())
}

fn line(what: &str, found: f64, unit: &str, budget: &str) {
    let budget = if budget.is_empty() { String::new() } else { format!("budget {budget} {unit}") };
    println!("{what:<60}{found:>8.1} {unit:<4} {budget}");
}
