//! What others notice while a thousand calls are posted at once: how long reading a call and placing one take, alone and
//! meanwhile.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::ensure;
use serde_json::json;
use warm_transfer::demo::{Crm, FIRST_AGENT, Stage, StageOptions};

/// Calls posted at once.
const CALLS: usize = 1000;
/// By so many connections.
const CONNECTIONS: usize = 8;
/// Requests that are timed while nothing else is asked.
const ALONE: usize = 1000;
/// How often a second calls are dialled.
const A_SECOND: &str = "10";

fn main() -> anyhow::Result<()> {
    if !std::env::args().any(|argument| argument == "--bench") {
        return Ok(());
    }
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(run())
}

async fn run() -> anyhow::Result<()> {
    let setting = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let settings =
        vec![setting("twilio.calls_per_second", A_SECOND), setting("api.requests_per_second", "0")];
    let stage = Stage::set(StageOptions { settings, ..StageOptions::default() }).await?;
    stage.phones.will(FIRST_AGENT, "busy", 100).await?;
    let next = Arc::new(AtomicUsize::new(0));
    let (placed, first) = place(&stage.crm, next.fetch_add(1, Ordering::Relaxed)).await?;
    let mut alone = vec![placed];
    for _ in 1..ALONE / 10 {
        alone.push(place(&stage.crm, next.fetch_add(1, Ordering::Relaxed)).await?.0);
    }
    let reads_alone = reads(&stage.crm, &first, || false).await?;

    let posting: Vec<_> = (0..CONNECTIONS)
        .map(|_| {
            let (crm, next) = (stage.crm.at(stage.crm.base_url().to_owned()), next.clone());
            tokio::spawn(async move {
                let mut took = vec![];
                for _ in 0..CALLS / CONNECTIONS {
                    took.push(place(&crm, next.fetch_add(1, Ordering::Relaxed)).await?.0);
                }
                anyhow::Ok(took)
            })
        })
        .collect();
    let begun = Instant::now();
    let reads_meanwhile =
        reads(&stage.crm, &first, || !posting.iter().all(|task| task.is_finished())).await?;
    let took = begun.elapsed();
    let mut meanwhile = vec![];
    for task in posting {
        meanwhile.extend(task.await??);
    }
    println!("{CALLS} calls posted in {:.1} s, by {CONNECTIONS} connections", took.as_secs_f64());
    println!("{:48} {:>9} {:>9} {:>9}", "", "p50, ms", "p99, ms", "p99 ratio");
    let base = line("reading a call, alone", reads_alone, None);
    line("reading a call, meanwhile", reads_meanwhile, Some(base));
    let base = line("placing a call, alone", alone, None);
    line(&format!("placing a call, {CONNECTIONS} at once"), meanwhile, Some(base));
    stage.strike().await
}

async fn place(crm: &Crm, number: usize) -> anyhow::Result<(Duration, String)> {
    let body = json!({ "agent": "agent:alice", "customer": format!("+1555010{:04}", 5000 + number) });
    let begun = Instant::now();
    let (status, call) = crm.send("POST", "/api/v1/calls", Some(body)).await?;
    ensure!(status == 201, "{status}: {call}");
    Ok((begun.elapsed(), call["id"].as_str().unwrap_or_default().to_owned()))
}

/// Reads one call again and again: so often, or for as long as it goes on.
async fn reads(crm: &Crm, call: &str, goes_on: impl Fn() -> bool) -> anyhow::Result<Vec<Duration>> {
    let mut took = vec![];
    let is_timed = goes_on();
    while if is_timed { goes_on() } else { took.len() < ALONE } {
        let begun = Instant::now();
        crm.call(call).await?;
        took.push(begun.elapsed());
    }
    Ok(took)
}

/// Prints a line and gives its 99th percentile.
fn line(what: &str, mut took: Vec<Duration>, base: Option<f64>) -> f64 {
    took.sort_unstable();
    let at = |share: usize| took.get((took.len() * share / 100).min(took.len().saturating_sub(1)));
    let ms = |share| at(share).map_or(0.0, |took| took.as_secs_f64() * 1000.0);
    let ratio = base.map_or_else(String::new, |base| format!("{:9.1}", ms(99) / base));
    println!("{what:48} {:9.2} {:9.2} {ratio:>9}", ms(50), ms(99));
    ms(99)
}
