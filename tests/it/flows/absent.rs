//! The database stops and starts again at every step of a transfer: Twilio is answered, what it tells is kept aside, and the
//! call ends as it should.

use std::time::Duration;

use tokio::sync::broadcast::Receiver;
use warm_transfer::demo::StageOptions;
use warm_transfer::emulator::TimelineEvent;

use super::tale::{PRIVATE, Plan, STRAIGHT, Step, Tale};
use super::{Theatre, theatre};
use crate::support::outage::Away;

/// So much happens at Twilio before the database is back.
const HAPPENINGS: usize = 6;
/// If nothing does, it is back all the same.
const NOTHING: Duration = Duration::from_millis(300);

/// A service that notices soon.
fn options() -> StageOptions {
    let settings = [
        ("database.pool_timeout_ms", "200"),
        ("database.busy_timeout_ms", "100"),
        ("server.database_budget_ms", "300"),
        ("flow.watch_secs", "30"),
    ];
    let settings = settings.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
    StageOptions { settings, ..StageOptions::default() }
}

/// The database comes back after a while.
async fn comes_back(away: Away, mut events: Receiver<TimelineEvent>) {
    for _ in 0..HAPPENINGS {
        if tokio::time::timeout(NOTHING, events.recv()).await.is_err() {
            break;
        }
    }
    drop(away);
}

/// From this step on it is away, into the next.
async fn away_from(plan: Plan, step: Step) {
    println!("{plan:?}: away from {step:?} on");
    let Theatre { stage, _database } = theatre(options()).await;
    let mut tale = Tale::on(&stage, plan);
    let mut away = None;
    for next in plan.steps() {
        match away.take() {
            Some(away) => {
                tokio::join!(tale.take(next), comes_back(away, stage.emulator.subscribe()));
            }
            None => tale.take(next).await,
        }
        away = (next == step).then(|| Away::begin(&_database.url));
    }
    tale.judge().await;
    stage.strike().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transfer_goes_on_whenever_the_database_is_away() {
    for step in STRAIGHT.steps().into_iter().filter(|step| *step != Step::Over) {
        away_from(STRAIGHT, step).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_private_transfer_goes_on_whenever_the_database_is_away() {
    for step in [Step::Asked, Step::SecondAnswered, Step::AtGate, Step::Together, Step::Completing] {
        away_from(PRIVATE, step).await;
    }
}
