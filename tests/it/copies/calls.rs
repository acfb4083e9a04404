//! Whole calls through two copies behind a load balancer that sends each request, the CRM's and Twilio's, to the next one.

use std::collections::BTreeMap;

use diesel::prelude::*;
use futures_util::future::join_all;
use serde_json::{Value, json};
use warm_transfer::db::DbError;
use warm_transfer::db::schema::{calls, commands, events, legs, timers, webhooks};
use warm_transfer::demo::{Crm, Stage, StageOptions};
use warm_transfer::emulator::{Behaviour, Emulator, EventKind, PersonAction, PhonePlan};

use super::shared_database;
use crate::flows::records::no_command_is_open;
use crate::support::balancer::Balancer;

/// Stage seconds that pass in a real one: less than elsewhere, as two dozen calls share the machine.
const SPEED: f64 = 4.0;
/// Calls of each kind.
const OF_EACH_KIND: u32 = 3;

/// What becomes of a call.
#[derive(Debug, Clone, Copy)]
enum Kind {
    /// A transfer that succeeds, with this bridge and style.
    HandedOver(&'static str, &'static str),
    SecondAgentBusy,
    Cancelled,
    CustomerHangsUpWhileRinging,
    HungUpByCrm,
    NoTransfer,
}

const KINDS: [Kind; 9] = [
    Kind::HandedOver("dial", "with_customer"),
    Kind::HandedOver("room", "with_customer"),
    Kind::HandedOver("dial", "private_first"),
    Kind::HandedOver("dial", "blind"),
    Kind::SecondAgentBusy,
    Kind::Cancelled,
    Kind::CustomerHangsUpWhileRinging,
    Kind::HungUpByCrm,
    Kind::NoTransfer,
];

/// One call and its three people, whose phones are nobody else's.
struct Story<'a> {
    kind: Kind,
    crm: &'a Crm,
    emulator: &'a Emulator,
    agent: String,
    customer: String,
    second: String,
}

impl<'a> Story<'a> {
    fn new(number: u32, kind: Kind, crm: &'a Crm, emulator: &'a Emulator) -> Self {
        let phone = |thousands: u32| format!("+1555010{}", thousands * 1000 + number);
        Self { kind, crm, emulator, agent: phone(1), customer: phone(2), second: phone(3) }
    }

    /// Plays it to its end; gives the call as it is then.
    async fn play(&self) -> anyhow::Result<Value> {
        let will =
            |behaviour, after_ms| PhonePlan { behaviour, after_ms: Some(after_ms), ..PhonePlan::answer() };
        let second = match self.kind {
            Kind::SecondAgentBusy => will(Behaviour::Busy, 800),
            Kind::HandedOver(..) => will(Behaviour::Answer, 3000),
            _ => will(Behaviour::Answer, 60_000),
        };
        self.emulator.set_phone(&self.agent, vec![will(Behaviour::Answer, 1000)])?;
        self.emulator.set_phone(&self.customer, vec![will(Behaviour::Answer, 1000)])?;
        self.emulator.set_phone(&self.second, vec![second])?;
        let call = self.place().await?;
        let talk = |call: &Value| call["status"] == "connected" || call["status"] == "in_room";
        self.crm.wait(&call, "agent and customer talk", talk).await?;
        self.transfer(&call).await?;
        self.crm.wait_for_status(&call, "ended").await
    }

    async fn place(&self) -> anyhow::Result<String> {
        let bridge = if let Kind::HandedOver(bridge, _) = self.kind { bridge } else { "dial" };
        let body = json!({ "agent": self.agent, "customer": self.customer, "bridge": bridge });
        let (status, call) = self.crm.send("POST", "/api/v1/calls", Some(body)).await?;
        anyhow::ensure!(status == 201, "{status} {call}");
        Ok(call["id"].as_str().unwrap_or_default().to_owned())
    }

    async fn transfer(&self, call: &str) -> anyhow::Result<()> {
        let style = if let Kind::HandedOver(_, style) = self.kind { style } else { "with_customer" };
        if !matches!(self.kind, Kind::NoTransfer) {
            let body = json!({ "to": self.second, "style": style, "ring_timeout_secs": 20 });
            self.crm.ask(call, "transfer", Some(body)).await?;
        }
        match self.kind {
            Kind::HandedOver(_, style) => {
                if style != "blind" {
                    self.crm.wait_for_transfer(call, "joined").await?;
                    self.crm.ask(call, "transfer/complete", None).await?;
                }
                self.crm.wait_for_transfer(call, "completed").await?;
                self.in_room(call, 2).await?;
            }
            Kind::SecondAgentBusy => drop(self.crm.wait_for_transfer(call, "failed").await?),
            Kind::Cancelled => {
                self.in_room(call, 2).await?;
                self.crm.ask(call, "transfer/cancel", None).await?;
            }
            Kind::CustomerHangsUpWhileRinging => drop(self.crm.wait_for_transfer(call, "ringing").await?),
            Kind::HungUpByCrm => {
                self.crm.wait_for_transfer(call, "ringing").await?;
                return self.crm.ask(call, "hangup", None).await;
            }
            Kind::NoTransfer => {}
        }
        self.emulator.act(&self.customer, &PersonAction::HangUp)
    }

    async fn in_room(&self, call: &str, people: usize) -> anyhow::Result<Value> {
        let count = |call: &Value| {
            let legs = call["legs"].as_array().map(Vec::as_slice).unwrap_or_default();
            legs.iter().filter(|leg| leg["in_room"] == true).count()
        };
        self.crm.wait(call, &format!("{people} are in the room"), |call| count(call) == people).await
    }

    /// What the record must say in the end: who ended it, and what became of the transfer.
    fn expected(&self) -> (&'static str, Option<&'static str>) {
        match self.kind {
            Kind::HandedOver(..) => ("customer", Some("completed")),
            Kind::SecondAgentBusy => ("customer", Some("failed")),
            Kind::Cancelled => ("customer", Some("cancelled")),
            Kind::CustomerHangsUpWhileRinging => ("customer", Some("abandoned")),
            Kind::HungUpByCrm => ("crm", Some("cancelled")),
            Kind::NoTransfer => ("customer", None),
        }
    }

    fn judge(&self, call: &Value) {
        let found = (call["ended_by"].as_str().unwrap(), call["transfers"][0]["status"].as_str());
        assert_eq!(found, self.expected(), "{:?}: {call:#}", self.kind);
        let people = if matches!(self.kind, Kind::NoTransfer) { 2 } else { 3 };
        assert_eq!(call["legs"].as_array().unwrap().len(), people, "{:?}: {call:#}", self.kind);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_whose_every_request_goes_to_another_copy_are_whole() {
    let database = shared_database();
    let balancer = Balancer::new();
    let crm_url = balancer.url.clone();
    let settings = vec![("server.public_url".to_owned(), balancer.url.clone())];
    let options = StageOptions {
        database_url: Some(database.url.clone()),
        speed: SPEED,
        settings,
        ..StageOptions::default()
    };
    let stage = Stage::set(options).await.unwrap();
    let other = stage.another_copy().await.unwrap();
    let copies = [stage.server.addr(), other.addr()].map(|addr| format!("http://{addr}"));
    let balancing = balancer.run(copies.into());

    let crm = stage.crm.at(crm_url);
    let kinds = KINDS.iter().cycle().take(KINDS.len() * OF_EACH_KIND as usize);
    let stories: Vec<Story<'_>> =
        (0..).zip(kinds).map(|(number, kind)| Story::new(number, *kind, &crm, &stage.emulator)).collect();
    let played = join_all(stories.iter().map(Story::play)).await;
    for (story, call) in stories.iter().zip(&played) {
        story.judge(call.as_ref().unwrap_or_else(|error| panic!("{:?}: {error:#}", story.kind)));
    }
    nobody_was_dialled_twice(&stage);
    everything_is_kept(&stage, stories.len() as i64).await;
    balancing.stop(true).await;
    other.stop().await.unwrap();
    stage.strike().await.unwrap();
}

fn nobody_was_dialled_twice(stage: &Stage) {
    let mut dialled = BTreeMap::<String, usize>::new();
    for event in stage.emulator.timeline() {
        if event.kind == EventKind::Dialled {
            *dialled.entry(event.address.unwrap_or_default()).or_default() += 1;
        }
    }
    dialled.retain(|_, times| *times > 1);
    assert!(dialled.is_empty(), "dialled more than once: {dialled:?}");
}

/// Nothing is left to do, both copies had their part, and the journal has every webhook, leg and ending, once.
async fn everything_is_kept(stage: &Stage, played: i64) {
    let app = stage.server.app();
    no_command_is_open(app).await;
    let kept = app.db.read(|conn| {
        let mut processes: Vec<Option<String>> = commands::table.select(commands::claimed_by).load(conn)?;
        processes.sort_unstable();
        processes.dedup();
        let mut sids: Vec<Option<String>> = legs::table.select(legs::call_sid).load(conn)?;
        sids.retain(Option::is_some);
        let legs = sids.len();
        sids.sort_unstable();
        sids.dedup();
        let ended = calls::table.filter(calls::status.eq("ended")).count().get_result::<i64>(conn)?;
        let endings = events::table.filter(events::kind.eq("call.ended")).count().get_result::<i64>(conn)?;
        let timers = timers::table.count().get_result::<i64>(conn)?;
        let webhooks = webhooks::table.count().get_result::<i64>(conn)?;
        Ok::<_, DbError>((processes.len(), (legs, sids.len()), (ended, endings), timers, webhooks))
    });
    let (processes, (legs, sids), endings, timers, webhooks) = kept.await.unwrap();
    let timeline = stage.emulator.timeline();
    let dialled = timeline.iter().filter(|event| event.kind == EventKind::Dialled).count();
    assert_eq!((legs, sids), (dialled, dialled), "each leg at Twilio is kept, once");
    assert_eq!(endings, (played, played), "calls that ended, and how often");
    assert_eq!((processes, timers), (2, 0), "copies that carried commands out, timers left");
    let sent = stage.emulator.webhooks().len() as i64;
    assert!(webhooks >= sent, "{sent} webhooks were sent, {webhooks} are kept");
}
