//! What a story has shown: who heard whom, how long anybody heard nothing, and which promises were broken.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use super::scenario::{Expected, Scenario};
use super::stage::{CUSTOMER, FIRST_AGENT, Part, SECOND_AGENT, Stage, THIRD_AGENT};
use crate::emulator::{Audibility, EventKind, Heard, Person, Span, TimelineEvent};

/// Longest silence a customer may hear at a time, in milliseconds: the wait document begins with a second's pause.
const SILENCE_MS: u64 = 2_000;
/// What the machine itself may hold things up by, in real milliseconds: on a stage that runs faster than life this counts
/// for more, and is no fault of the service.
const MACHINE_MS: f64 = 250.0;
/// By when every other leg has ended or been told, once the customer has gone, in milliseconds.
const TOLD_MS: u64 = 10_000;

/// One document about one story.
#[derive(Debug, Serialize)]
pub struct Report {
    /// No promise was broken.
    pub ok: bool,
    /// Which story.
    pub scenario: String,
    /// The call as the API shows it in the end.
    pub call: Value,
    /// What happened at the exchange.
    pub timeline: Vec<TimelineEvent>,
    /// Who heard whom.
    pub audibility: Audibility,
    /// How long each person was connected and heard nobody and nothing.
    pub dead_air_ms: BTreeMap<&'static str, u64>,
    /// Broken promises, in words.
    pub violations: Vec<String>,
}

/// Looks at everything that a story has left behind.
///
/// # Errors
/// When the service cannot be asked.
pub async fn report(stage: &Stage, scenario: Scenario, call: &str) -> anyhow::Result<Report> {
    let evidence = Evidence::of(stage, call).await?;
    let people = scenario.people().iter();
    let dead_air_ms = people.map(|part| (part.role, dead_air_ms(&evidence.audibility, *part))).collect();
    let violations =
        [unexpected(&evidence.call, scenario.expected()), evidence.broken_promises(stage.speed)].concat();
    let Evidence { timeline, audibility, call, .. } = evidence;
    Ok(Report {
        ok: violations.is_empty(),
        scenario: scenario.to_string(),
        call,
        timeline,
        audibility,
        dead_air_ms,
        violations,
    })
}

/// What was promised about every call whatever happens in it, and was not kept in this one, in words.
///
/// # Errors
/// When the service cannot be asked.
pub async fn broken_promises(stage: &Stage, call: &str) -> anyhow::Result<Vec<String>> {
    Ok(Evidence::of(stage, call).await?.broken_promises(stage.speed))
}

/// What a call has left behind.
struct Evidence {
    timeline: Vec<TimelineEvent>,
    audibility: Audibility,
    events: Vec<Value>,
    call: Value,
}

impl Evidence {
    async fn of(stage: &Stage, call: &str) -> anyhow::Result<Self> {
        Ok(Self {
            timeline: stage.emulator.timeline(),
            audibility: stage.emulator.audibility(),
            events: stage.crm.events(call).await?,
            call: stage.crm.call(call).await?,
        })
    }

    fn broken_promises(&self, speed: f64) -> Vec<String> {
        let allowance_ms = (MACHINE_MS * (speed - 1.0).max(0.0)) as u64;
        [
            silences(&self.audibility, SILENCE_MS + allowance_ms),
            dialled_twice(&self.call, &self.timeline),
            outlived(&self.audibility, &self.timeline, TOLD_MS + allowance_ms),
            not_together_again(&self.call, &self.audibility, &self.timeline),
            endings(&self.events),
        ]
        .concat()
    }
}

fn person(audibility: &Audibility, part: Part) -> Option<&Person> {
    audibility.people.iter().find(|person| person.address == part.address)
}

fn length_ms(span: &Span) -> u64 {
    span.to_ms.saturating_sub(span.from_ms)
}

fn dead_air_ms(audibility: &Audibility, part: Part) -> u64 {
    let spans = person(audibility, part).map(|person| person.spans.as_slice()).unwrap_or_default();
    spans.iter().filter(|span| span.hears.is_empty()).map(length_ms).sum()
}

fn unexpected(call: &Value, expected: Expected) -> Vec<String> {
    let transfers = call["transfers"].as_array().map(Vec::as_slice).unwrap_or_default();
    let found = (call["ended_by"].as_str(), call["end_reason"].as_str(), outcomes(transfers));
    let wanted = (Some(expected.ended_by), Some(expected.end_reason), expected.transfers.to_vec());
    if found == wanted {
        vec![]
    } else {
        vec![format!("the story must end as {wanted:?}, and ended as {found:?}")]
    }
}

/// Status and failure of each.
fn outcomes(transfers: &[Value]) -> Vec<(&str, Option<&str>)> {
    transfers.iter().map(|it| (it["status"].as_str().unwrap_or_default(), it["failure"].as_str())).collect()
}

/// I1: a connected customer is never left with nobody and nothing.
fn silences(audibility: &Audibility, bound_ms: u64) -> Vec<String> {
    let spans = person(audibility, CUSTOMER).map(|person| person.spans.as_slice()).unwrap_or_default();
    let silent = spans.iter().filter(|span| span.hears.is_empty() && length_ms(span) > bound_ms);
    silent
        .map(|span| format!("I1: the customer heard nothing from {} to {} ms", span.from_ms, span.to_ms))
        .collect()
}

/// I2: nobody is dialled twice by one request: there are no more dials than legs.
fn dialled_twice(call: &Value, timeline: &[TimelineEvent]) -> Vec<String> {
    let legs = call["legs"].as_array().map(Vec::as_slice).unwrap_or_default();
    let mut surplus = BTreeMap::<&str, isize>::new();
    for event in timeline.iter().filter(|event| event.kind == EventKind::Dialled) {
        *surplus.entry(event.address.as_deref().unwrap_or_default()).or_default() += 1;
    }
    for leg in legs {
        *surplus.entry(leg["address"].as_str().unwrap_or_default()).or_default() -= 1;
    }
    let twice = surplus.into_iter().filter(|(_, count)| *count > 0);
    twice.map(|(address, count)| format!("I2: {address} was dialled {count} times too often")).collect()
}

/// I3: when the customer has gone, every other leg ends soon, or is told.
fn outlived(audibility: &Audibility, timeline: &[TimelineEvent], bound_ms: u64) -> Vec<String> {
    let end_of = |part: Part| {
        let ended = |event: &&TimelineEvent| {
            event.address.as_deref() == Some(part.address) && event.kind == EventKind::Ended
        };
        timeline.iter().rfind(ended).map(|event| event.at_ms)
    };
    let Some(customer) = end_of(CUSTOMER) else { return vec![] };
    let in_time = |at_ms: u64| (customer..=customer + bound_ms).contains(&at_ms);
    let is_told = |part: Part| {
        let spans = person(audibility, part).map(|person| person.spans.as_slice()).unwrap_or_default();
        let is_speech = |heard: &Heard| matches!(heard, Heard::Speech { .. });
        spans.iter().any(|span| in_time(span.from_ms) && span.hears.iter().any(is_speech))
    };
    let late = |part: Part| end_of(part).is_some_and(|end| end > customer + bound_ms) && !is_told(part);
    let late = [FIRST_AGENT, SECOND_AGENT, THIRD_AGENT].into_iter().filter(|part| late(*part));
    late.map(|part| format!("I3: {} outlived the customer by more than 10 s", part.name)).collect()
}

/// I4: after a failed transfer the customer, if an agent is there, hears them and the reason.
fn not_together_again(call: &Value, audibility: &Audibility, timeline: &[TimelineEvent]) -> Vec<String> {
    let transfer = call["transfers"].as_array().and_then(|list| list.last()).cloned().unwrap_or_default();
    let agent_left = call["end_reason"] == "transfer_failed";
    if transfer["status"] != "failed" || agent_left {
        return vec![];
    }
    let called = [SECOND_AGENT, THIRD_AGENT];
    let is_end = |event: &&TimelineEvent| {
        let over =
            [EventKind::Ended, EventKind::Busy, EventKind::NoAnswer, EventKind::Failed, EventKind::Canceled];
        let is_called = called.iter().any(|part| event.address.as_deref() == Some(part.address));
        is_called && over.contains(&event.kind)
    };
    let since = timeline.iter().find(is_end).map_or(0, |event| event.at_ms);
    let spans = person(audibility, CUSTOMER).map(|person| person.spans.as_slice()).unwrap_or_default();
    let later = || spans.iter().filter(|span| span.to_ms > since).flat_map(|span| &span.hears);
    let hears_agent = later().any(|heard| matches!(heard, Heard::Person { .. }));
    let names_one = |text: &str| called.iter().any(|part| text.contains(part.name));
    let is_told = later().any(|heard| matches!(heard, Heard::Speech { text } if names_one(text)));
    let mut broken = vec![];
    if !hears_agent {
        broken.push("I4: after the failed transfer the customer heard no agent".to_owned());
    }
    if !is_told {
        broken.push("I4: the customer was not told why".to_owned());
    }
    broken
}

/// I5: a call ends exactly once.
fn endings(events: &[Value]) -> Vec<String> {
    match events.iter().filter(|event| event["kind"] == "call.ended").count() {
        1 => vec![],
        count => vec![format!("I5: the call ended {count} times")],
    }
}
