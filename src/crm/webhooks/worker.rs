//! Sends what is due, several messages at once, and takes over what a process that is no more has left.

use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::TimeDelta;

use super::OnItsWay;
use super::outbox::{self, Attempt, Claimant, Claimed, Settling};
use crate::app::App;
use crate::crm::models::DbResult;

/// How long to sleep at the most, in real time: other processes' rows come without a knock.
const NAP: Duration = Duration::from_millis(500);
/// How often old deliveries are forgotten, in real time.
const PRUNE_EVERY: Duration = Duration::from_secs(600);
/// How much longer than an attempt may take, twice, a claim lasts: until what came of it is written down.
const GRACE: Duration = Duration::from_secs(3);

/// Works until the application stops.
pub async fn run(app: Arc<App>) {
    let mut pruned: Option<Instant> = None;
    while !app.stopping.is_cancelled() {
        let nap = send_due(&app).await.unwrap_or_else(|error| {
            tracing::warn!(%error, "cannot look for due webhooks");
            NAP
        });
        if pruned.is_none_or(|at| at.elapsed() >= PRUNE_EVERY) {
            pruned = Some(Instant::now());
            prune(&app).await;
        }
        tokio::select! {
            () = app.stopping.cancelled() => {}
            () = app.crm.webhooks.knock.notified() => {}
            () = tokio::time::sleep(nap) => {}
        }
    }
}

/// Sets what is due on its way; gives how long until the next.
async fn send_due(app: &Arc<App>) -> DbResult<Duration> {
    loop {
        let now = app.clock.now();
        match app.db.read(outbox::next_due).await? {
            None => return Ok(NAP),
            Some(at) if at > now => return Ok(app.clock.until(at).clamp(Duration::from_millis(1), NAP)),
            Some(_) => {}
        }
        let by = claimant(app);
        let claimed = app.db.write(move |conn| outbox::claim(conn, &by)).await?;
        if claimed.is_empty() {
            // What is due waits for what is on its way, or is another process's.
            return Ok(NAP);
        }
        for message in claimed {
            let on_its_way = OnItsWay::new(app, &message.endpoint.id);
            app.work(deliver(app.clone(), message, on_its_way));
        }
    }
}

fn claimant(app: &App) -> Claimant {
    let webhooks = &app.crm.webhooks;
    let lease = (webhooks.options.timeout * 2 + GRACE).mul_f64(app.clock.speed());
    Claimant {
        process: app.process.clone(),
        now: app.clock.now(),
        lease: TimeDelta::from_std(lease).unwrap_or(TimeDelta::MAX),
        parallel: webhooks.options.parallel,
        on_their_way: webhooks.on_their_way(),
    }
}

async fn deliver(app: Arc<App>, message: Claimed, _on_its_way: OnItsWay) {
    let begun = Instant::now();
    let attempt = app.crm.webhooks.sender.send(&message, app.clock.now()).await;
    let duration_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    let (endpoint, id) = (&message.endpoint.id, &message.delivery.message_id);
    match &attempt {
        Attempt::Taken(status) => {
            tracing::debug!(
                webhook.endpoint = endpoint,
                webhook.id = id,
                status,
                duration_ms,
                "webhook delivered"
            );
        }
        Attempt::Gone => {
            tracing::info!(webhook.endpoint = endpoint, webhook.id = id, "webhook endpoint is gone")
        }
        Attempt::Refused { error, .. } => {
            tracing::info!(
                webhook.endpoint = endpoint,
                webhook.id = id,
                error,
                duration_ms,
                "webhook not taken"
            );
        }
    }
    let by = Settling {
        now: app.clock.now(),
        schedule: app.crm.webhooks.schedule,
        disable_after: app.crm.webhooks.options.disable_after,
    };
    let settled = app.db.write(move |conn| outbox::settle(conn, &by, &message.delivery, &attempt));
    if let Err(error) = settled.await {
        // The claim runs out, and the message is sent again under the same id.
        tracing::warn!(%error, "cannot write down what came of a webhook");
    }
}

async fn prune(app: &App) {
    let before = app.clock.now() - app.crm.webhooks.options.keep;
    if let Err(error) = app.db.write(move |conn| outbox::prune(conn, before)).await {
        tracing::warn!(%error, "old deliveries of webhooks could not be forgotten");
    }
}
