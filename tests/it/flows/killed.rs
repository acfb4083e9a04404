//! The program as a process that is killed without warning, with people on the phone. It is started again, or, on
//! PostgreSQL, a second copy carries on: the call ends as it should, and nobody is dialled twice.

use std::cell::{Cell, RefCell};
use std::io::{BufRead, BufReader};
use std::process::Stdio;

use futures_util::{StreamExt, stream};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::Value;
use tokio::sync::oneshot;
use warm_transfer::demo::CALLER_ID;
use warm_transfer::emulator::{self, Emulator, EmulatorOptions};
use warm_transfer::settings::PERMISSIVE_GUARD;

use super::is_thorough;
use super::tale::{PRIVATE, Plan, STRAIGHT, Step, Tale};
use crate::support::database::TestDatabase;
use crate::support::front::Front;
use crate::support::process::{Killed, command};

const ACCOUNT: &str = "AC00000000000000000000000000000001";
const TOKEN: &str = "test_auth_token_0123456789abcdef";
/// The processes live in real time, so the exchange is only a little faster.
const SPEED: f64 = 4.0;

/// What happens after a copy was killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum After {
    /// It is started again.
    Restart,
    /// Another one was there all the time.
    TakeOver,
}

/// The ways there are on this database: two copies need PostgreSQL.
fn ways() -> Vec<After> {
    match std::env::var("WARM_TRANSFER_TEST_DATABASE").as_deref() {
        Ok("postgres") => vec![After::Restart, After::TakeOver],
        _ => vec![After::Restart],
    }
}

/// Twilio, a front, and copies of the service behind it.
struct House {
    emulator: Emulator,
    front: Front,
    key: String,
    after: After,
    /// The copy that will be killed.
    copy: RefCell<Option<Killed>>,
    was_killed: Cell<bool>,
    _other: Option<Killed>,
    database: TestDatabase,
}

impl House {
    async fn open(after: After, loses_callbacks: bool) -> Self {
        Self::behind(Front::open(loses_callbacks), after).await
    }

    async fn behind(front: Front, after: After) -> Self {
        let database = TestDatabase::new();
        let created = command(&database).args(["key", "create", "crm"]).output().unwrap();
        let key = String::from_utf8(created.stdout).unwrap().trim().to_owned();
        let options =
            EmulatorOptions { speed: SPEED, ..EmulatorOptions::new(ACCOUNT.parse().unwrap(), TOKEN) };
        let emulator = emulator::start(options).await.unwrap();
        let mut house = Self {
            emulator,
            front,
            key,
            after,
            copy: RefCell::default(),
            was_killed: Cell::new(false),
            _other: None,
            database,
        };
        house.copy = RefCell::new(Some(house.start(0).await));
        if after == After::TakeOver {
            house._other = Some(house.start(1).await);
        }
        house
    }

    /// Starts a copy; the front knows of it as soon as it listens.
    async fn start(&self, number: usize) -> Killed {
        let mut serve = command(&self.database);
        serve
            .args(["serve", "--bind", "127.0.0.1:0"])
            .env("PUBLIC_URL", &self.front.url)
            .env("TWILIO_ACCOUNT_SID", ACCOUNT)
            .env("TWILIO_AUTH_TOKEN", TOKEN)
            .env("TWILIO_API_BASE_URL", self.emulator.base_url())
            .env("WARM_TRANSFER__TWILIO__CALLER_ID", CALLER_ID)
            .envs(PERMISSIVE_GUARD)
            .env("WARM_TRANSFER__FLOW__WATCH_SECS", "10")
            .env("WARM_TRANSFER__SERVER__WORKERS", "1")
            .env("WARM_TRANSFER__LOGGING__FORMAT", "json")
            .stderr(Stdio::piped());
        let mut process = Killed(serve.spawn().unwrap());
        let log = BufReader::new(process.0.stderr.take().unwrap());
        let (listens, listening) = oneshot::channel();
        std::thread::spawn(move || {
            let mut listens = Some(listens);
            for line in log.lines().map_while(Result::ok) {
                if let Some(addr) = listening_on(&line) {
                    drop(listens.take().map(|listens| listens.send(addr)));
                }
            }
        });
        self.front.add(number, listening.await.expect("it listens"));
        process
    }

    /// Kills the first copy.
    async fn kill(&self) {
        drop(self.copy.take());
        self.was_killed.set(true);
        self.front.remove(0);
        if self.after == After::Restart {
            let again = self.start(0).await;
            self.copy.replace(Some(again));
        }
    }

    /// Kills the first copy when so much has happened at Twilio.
    async fn kill_at(&self, point: usize) {
        let mut events = self.emulator.subscribe();
        for _ in 0..point {
            events.recv().await.unwrap();
        }
        self.kill().await;
    }

    fn tale(&self, plan: Plan) -> Tale<'_> {
        Tale::new(&self.emulator, SPEED, &self.front.url, &self.key, plan)
            .with_deaths(self.front.loses_callbacks())
    }
}

fn listening_on(line: &str) -> Option<String> {
    let line: Value = serde_json::from_str(line).ok()?;
    let fields = if line["fields"].is_object() { &line["fields"] } else { &line };
    (fields["message"] == "listening").then(|| fields["addr"].as_str().unwrap_or_default().to_owned())
}

/// A kill as soon as this step is reached.
async fn killed_at(plan: Plan, step: Step, after: After) {
    println!("{plan:?}: killed at {step:?}, then {after:?}");
    let house = House::open(after, true).await;
    let mut tale = house.tale(plan);
    for next in plan.steps() {
        tale.take(next).await;
        if next == step {
            house.kill().await;
        }
    }
    tale.judge().await;
}

/// Most of such a tale is waiting for what the dead had claimed, so two are played at once.
async fn two_at_once(tales: impl Iterator<Item = impl Future<Output = ()>>) {
    stream::iter(tales).buffer_unordered(2).collect::<Vec<()>>().await;
}

/// Each step in one of the ways; when it is to be thorough, in every way.
async fn killed_at_each(plan: Plan, steps: &[Step]) {
    let ways = ways();
    let kills = steps.iter().enumerate().flat_map(|(index, step)| {
        let one = index % ways.len();
        let wanted = ways.iter().enumerate().filter(move |(way, _)| is_thorough() || *way == one);
        wanted.map(|(_, after)| (*step, *after))
    });
    two_at_once(kills.map(|(step, after)| killed_at(plan, step, after))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_fails_at_the_first_try_is_asked_for_again_and_nobody_is_hung_up() {
    let house = House::behind(Front::stumbling(), After::Restart).await;
    house.tale(PRIVATE).play().await;
    let tries: Vec<u64> = house.emulator.webhooks().iter().map(|webhook| webhook.attempts).collect();
    assert!(tries.len() > 20 && tries.iter().all(|tries| *tries == 2), "{tries:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_before_the_transfer_loses_nobody() {
    killed_at_each(STRAIGHT, &[Step::Placed, Step::AgentRings, Step::CustomerRings, Step::Connected]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_while_the_second_agent_is_rung_loses_nobody() {
    killed_at_each(STRAIGHT, &[Step::Asked, Step::SecondRings, Step::SecondAnswered]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_during_the_hand_over_loses_nobody() {
    killed_at_each(STRAIGHT, &[Step::Together, Step::Completing, Step::HandedOver]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_during_a_private_transfer_loses_nobody() {
    killed_at_each(PRIVATE, &[Step::Asked, Step::AtGate, Step::Together, Step::Completing]).await;
}

/// How many kills at random: fifty on each database, so a hundred in CI, or as many as it is told.
fn random_kills() -> u64 {
    let told = std::env::var("WARM_TRANSFER_TEST_KILLS").ok().map(|count| count.parse().unwrap());
    told.unwrap_or(if is_thorough() { 100 } else { 50 })
}

/// How much happens at Twilio in such a tale.
async fn length(plan: Plan) -> usize {
    let house = House::open(After::Restart, false).await;
    house.tale(plan).play().await;
    house.emulator.timeline().len()
}

/// Each seed is a point, a way to go on, and whether Twilio's callbacks are lost meanwhile.
async fn killed_by_chance(plan: Plan, seed: u64, length: usize) {
    let mut chance = StdRng::seed_from_u64(seed);
    let (point, loses_callbacks) = (chance.random_range(1..length), chance.random());
    let ways = ways();
    let after = ways[chance.random_range(0..ways.len())];
    println!("{plan:?}, seed {seed}: killed at {point}, then {after:?}; callbacks lost: {loses_callbacks}");
    let house = House::open(after, loses_callbacks).await;
    let mut tale = house.tale(plan);
    let killing = async {
        house.kill_at(point).await;
        std::future::pending::<()>().await;
    };
    tokio::select! {
        () = killing => {}
        () = tale.play() => {}
    }
    assert!(house.was_killed.get() || house.emulator.timeline().len() < point);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_at_any_moment_loses_nobody() {
    let length = length(STRAIGHT).await;
    two_at_once((0..random_kills() / 2).map(|seed| killed_by_chance(STRAIGHT, seed, length))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_at_any_moment_of_a_private_transfer_loses_nobody() {
    let length = length(PRIVATE).await;
    let seeds = 1000..1000 + random_kills() / 2;
    two_at_once(seeds.map(|seed| killed_by_chance(PRIVATE, seed, length))).await;
}
