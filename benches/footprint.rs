//! What an operator and two people on the phone notice: how soon the service answers after its start, how much memory it
//! takes, how long after the button the second agent is rung, and how long the customer hears nothing while being moved.

mod support;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use serde_json::json;
use support::process::{Process, median};
use support::{block_on, fields, load, post};
use tokio::sync::broadcast::Receiver;
use warm_transfer::demo::{CUSTOMER, FIRST_AGENT, SECOND_AGENT, Stage, StageOptions};
use warm_transfer::emulator::{EventKind, TimelineEvent};

/// Starts of each kind.
const STARTS: usize = 9;
/// Requests between the two readings of memory.
const REQUESTS: usize = 50_000;
/// Transfers that are timed.
const TRANSFERS: usize = 15;
/// How fast the emulator's people ring and answer; the service's own time is measured in real milliseconds.
const SPEED: f64 = 10.0;

fn main() -> anyhow::Result<()> {
    if !std::env::args().any(|argument| argument == "--bench") {
        return Ok(());
    }
    block_on(starts_and_memory())?;
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(transfers())
}

async fn starts_and_memory() -> anyhow::Result<()> {
    let kept = tempfile::tempdir()?;
    let (mut with_all_to_do, mut with_none) = (vec![], vec![]);
    for start in 0..=STARTS {
        let fresh = tempfile::tempdir()?;
        let (all_to_do, none) = (start_once(fresh.path()).await?, start_once(kept.path()).await?);
        // The first of each warms the caches, and migrates the database that is kept.
        if start > 0 {
            with_all_to_do.push(all_to_do);
            with_none.push(none);
        }
    }
    line("start to the first 200, migrations done", median(with_none), "ms", "≤ 50");
    line("start to the first 200, all migrations to do", median(with_all_to_do), "ms", "≤ 150");

    let (service, _) = Process::service(kept.path(), &kept.path().join("log"), "info").await?;
    service.cpu_us_at_rest().await?;
    line("memory (PSS) at rest", service.pss_kib()? as f64 / 1024.0, "MiB", "≤ 20");
    let path = format!("/twiml/conference?call={0}&leg={0}&room=r", uuid::Uuid::nil());
    let request = post(&path, &fields("CA00000000000000000000000000000000", "in-progress", 3));
    load(&service, &Arc::new(vec![request]), REQUESTS, 200).await?;
    let during = service.pss_kib()? as f64 / 1024.0;
    service.cpu_us_at_rest().await?;
    line("memory (PSS) at the end of 50,000 requests", during, "MiB", "≤ 40");
    line("memory (PSS) after load, at rest", service.pss_kib()? as f64 / 1024.0, "MiB", "≤ 40");
    Ok(())
}

async fn start_once(folder: &Path) -> anyhow::Result<f64> {
    let (service, took) = Process::service(folder, &folder.join("log"), "info").await?;
    drop(service);
    Ok(milliseconds(took))
}

/// Service and emulator in this process, Twilio no further away than loopback: what is left is the service's own.
async fn transfers() -> anyhow::Result<()> {
    let stage = Stage::set(StageOptions { speed: SPEED, ..StageOptions::default() }).await?;
    let (mut to_ringing, mut dead_air) = (vec![], vec![]);
    for _ in 0..TRANSFERS {
        let (ringing, air) = transfer(&stage).await?;
        to_ringing.push(milliseconds(ringing));
        dead_air.push(milliseconds(air));
    }
    stage.strike().await?;
    line("button to second agent at Twilio, beside the round trip", median(to_ringing), "ms", "≤ 5");
    line("customer's dead air, document asked for to in the room", median(dead_air), "ms", "≤ 5");
    Ok(())
}

async fn transfer(stage: &Stage) -> anyhow::Result<(Duration, Duration)> {
    for part in [FIRST_AGENT, CUSTOMER, SECOND_AGENT] {
        stage.phones.will(part, "answer", 200).await?;
    }
    let call = stage.crm.place(10).await?;
    stage.crm.wait_for_status(&call, "connected").await?;
    // Until the callbacks of before have been taken in.
    tokio::time::sleep(Duration::from_millis(100)).await;
    let mut ringing = stage.emulator.subscribe();
    let mut moving = stage.emulator.subscribe();
    let ringing =
        tokio::spawn(async move { until(&mut ringing, EventKind::Queued, SECOND_AGENT.address).await });
    let moving = tokio::spawn(async move {
        let asked = until(&mut moving, EventKind::TwimlRequested, CUSTOMER.address).await?;
        let joined = until(&mut moving, EventKind::ConferenceJoined, CUSTOMER.address).await?;
        anyhow::Ok(joined - asked)
    });
    let pressed = Instant::now();
    stage.crm.ask(&call, "transfer", Some(json!({ "to": "agent:dana" }))).await?;
    let (ringing, moving) = (ringing.await?? - pressed, moving.await??);
    stage.crm.wait_for_transfer(&call, "joined").await?;
    stage.phones.hang_up(CUSTOMER).await?;
    stage.phones.hang_up(FIRST_AGENT).await?;
    stage.crm.wait_for_status(&call, "ended").await?;
    Ok((ringing, moving))
}

/// When this happens to this person.
async fn until(
    events: &mut Receiver<TimelineEvent>,
    kind: EventKind,
    address: &str,
) -> anyhow::Result<Instant> {
    let wait = async {
        loop {
            let event = events.recv().await.context("the emulator has stopped")?;
            if event.kind == kind && event.address.as_deref() == Some(address) {
                return anyhow::Ok(Instant::now());
            }
        }
    };
    match tokio::time::timeout(Duration::from_secs(10), wait).await {
        Ok(found) => found,
        Err(_) => bail!("{kind:?} of {address} has not come"),
    }
}

fn line(what: &str, found: f64, unit: &str, budget: &str) {
    println!("{what:<60}{found:>8.1} {unit:<4} budget {budget} {unit}");
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}
