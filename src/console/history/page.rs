//! What the page of a call shows, as values that its template only writes down.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::models::{MOST, Record};
use super::said::{self, Places, Said};
use super::words;
use crate::calls::flow::{Call, Failure, Leg, LegStatus, Presence, Standing, standings};
use crate::console::audibility::{self, Ears, Named, Sound, Span};
use crate::console::{ladder, svg, texts};
use crate::telephony::Address;

/// Messages that the ladder shows at the most.
const LADDER_MOST: usize = 400;

/// A time for the template.
pub struct Time {
    /// For programs.
    pub iso: String,
    /// For people.
    pub text: String,
}

impl Time {
    /// A moment.
    pub fn of(at: DateTime<Utc>) -> Self {
        Self { iso: words::iso(at), text: words::utc(at) }
    }
}

/// Somebody of the call.
pub struct Person {
    pub name: String,
    pub role: String,
    pub address: String,
    pub state: String,
    pub tone: &'static str,
    pub rang: Option<String>,
    pub answered: Option<Time>,
    pub left: Option<Time>,
    pub line: Option<String>,
    pub silent: Option<String>,
    pub failure: Option<String>,
}

/// A transfer of the call.
pub struct TransferOut {
    pub to: String,
    pub style: String,
    pub status: String,
    pub tone: &'static str,
    pub require_accept: bool,
    pub recall: bool,
    pub failure: Option<String>,
    pub briefing: Option<String>,
    pub requested: Time,
}

/// What a person heard, one line a span.
pub struct Heard {
    pub name: String,
    pub spans: Vec<String>,
}

/// The page.
pub struct Page {
    pub id: String,
    pub customer: String,
    pub customer_address: String,
    pub status: String,
    pub is_live: bool,
    pub ended: Option<String>,
    pub began: Time,
    pub connected: Option<(Time, String)>,
    pub over: Option<Time>,
    pub length: Option<String>,
    pub caller_id: String,
    pub bridge: String,
    pub room: String,
    pub external_id: Option<String>,
    pub outcome: Option<(String, Option<String>, String)>,
    pub outcome_missing: bool,
    pub people: Vec<Person>,
    pub transfers: Vec<TransferOut>,
    pub bars: Option<String>,
    pub heard: Vec<Heard>,
    pub has_moments: bool,
    pub ladder: Option<String>,
    pub ladder_cut: bool,
    pub said: Vec<Said>,
    pub is_cut: bool,
}

impl Page {
    /// Of what was kept, as it looks now.
    pub fn new(record: &Record, places: &Places<'_>, now: DateTime<Utc>, must_have_outcome: bool) -> Self {
        let call = &record.call;
        let until = call.ended_at.unwrap_or(now).max(call.created_at);
        let ears = audibility::ears(&record.moments, call.created_at, until);
        let said = said::all(record, places);
        let outcome = record.beside.outcome.as_ref();
        let is_cut = [record.webhooks.len(), record.exchanges.len(), record.happened.len()]
            .into_iter()
            .any(|rows| i64::try_from(rows).is_ok_and(|rows| rows >= MOST));
        Self {
            id: call.id.to_string(),
            customer: words::customer(call),
            customer_address: call.customer().map(|leg| words::address(&leg.address)).unwrap_or_default(),
            status: words::of("callstatus", call.status.into()),
            is_live: call.ended_at.is_none(),
            ended: words::ended(call),
            began: Time::of(call.created_at),
            connected: call
                .connected_at
                .map(|at| (Time::of(at), words::seconds((at - call.created_at).num_milliseconds()))),
            over: call.ended_at.map(Time::of),
            length: call.connected_at.map(|at| words::length((until - at).num_milliseconds())),
            caller_id: words::address(&Address::Phone(call.caller_id.clone())),
            bridge: texts::word("record.bridge", call.bridge.into()).unwrap_or_default().to_owned(),
            room: call.room.clone(),
            external_id: record.beside.request.as_ref().and_then(|request| request.external_id.clone()),
            outcome: outcome
                .map(|it| (words::of("disposition", &it.disposition), it.notes.clone(), it.set_by.clone())),
            outcome_missing: must_have_outcome
                && call.ended_at.is_some()
                && call.connected_at.is_some()
                && outcome.is_none(),
            people: people(call, &ears, until),
            transfers: transfers(call),
            bars: bars(call, &ears, (until - call.created_at).num_milliseconds()),
            heard: heard(call, &ears),
            has_moments: !record.moments.is_empty(),
            ladder: ladder_of(call, &said),
            ladder_cut: said.len() > LADDER_MOST,
            said,
            is_cut,
        }
    }

    /// What the ladder leaves out.
    pub fn ladder_most(&self) -> usize {
        LADDER_MOST
    }

    /// What the list leaves out.
    pub fn most(&self) -> i64 {
        MOST
    }

    /// What people want to read.
    pub fn sentences(&self) -> impl Iterator<Item = &Said> {
        self.said.iter().filter(|said| said.sentence.is_some())
    }

    /// What has particulars.
    pub fn messages(&self) -> impl Iterator<Item = &Said> {
        self.said.iter().filter(|said| said.particulars.is_some())
    }
}

fn people(call: &Call, ears: &[Ears], until: DateTime<Utc>) -> Vec<Person> {
    let standings = standings(call);
    let shown = call.legs.iter().filter(|leg| leg.status != LegStatus::Unplaced || call.ended_at.is_none());
    shown.map(|leg| person(leg, &standings, ears.iter().find(|it| it.leg_id == leg.id), until)).collect()
}

fn person(leg: &Leg, standings: &[Standing], ears: Option<&Ears>, until: DateTime<Utc>) -> Person {
    let presence =
        standings.iter().find(|it| it.leg_id == leg.id).map_or(Presence::Planned, |it| it.presence);
    let rang: i64 = ears
        .iter()
        .flat_map(|ears| &ears.spans)
        .filter(|it| it.sound == Sound::PhoneRings)
        .map(|it| it.to_ms - it.from_ms)
        .sum();
    let line = leg.answered_at.map(|at| (leg.ended_at.unwrap_or(until) - at).num_milliseconds());
    let silent = ears.map(Ears::silent_ms).filter(|ms| *ms > 0);
    Person {
        name: words::called(leg),
        role: words::of("role", leg.role.into()),
        address: words::address(&leg.address),
        state: words::of("state", presence.into()),
        tone: tone(presence),
        rang: (rang > 0).then(|| words::seconds(rang)),
        answered: leg.answered_at.map(Time::of),
        left: leg.ended_at.map(Time::of),
        line: line.map(words::length),
        silent: silent.map(words::seconds),
        failure: leg.failure_detail().or_else(|| leg.failure.map(failure)),
    }
}

fn tone(presence: Presence) -> &'static str {
    match presence {
        Presence::Talking => "good",
        Presence::Calling | Presence::Ringing => "ringing",
        Presence::OnHold | Presence::Waiting => "hold",
        Presence::Asked | Presence::Leaving => "wait",
        Presence::Failed => "bad",
        Presence::Planned | Presence::Left => "none",
    }
}

fn failure(failure: Failure) -> String {
    words::of("failure", failure.into())
}

fn transfers(call: &Call) -> Vec<TransferOut> {
    let out = |transfer: &crate::calls::flow::Transfer| {
        let status: &str = transfer.status.into();
        let to: Vec<String> =
            call.targets(transfer.id).map(|leg| svg::isolated(&words::called(leg))).collect();
        TransferOut {
            to: to.join(", "),
            style: texts::word("record.transfer.style", transfer.style.into()).unwrap_or_default().to_owned(),
            status: texts::word("transfer.status", status).unwrap_or(status).to_owned(),
            tone: match status {
                "completed" | "joined" => "good",
                "failed" | "abandoned" => "bad",
                "cancelled" => "none",
                _ => "ringing",
            },
            require_accept: transfer.require_accept,
            recall: transfer.recall,
            failure: transfer.failure_detail.clone().or_else(|| transfer.failure.map(failure)),
            briefing: transfer.briefing.clone(),
            requested: Time::of(transfer.requested_at),
        }
    };
    call.transfers.iter().map(out).collect()
}

fn bars(call: &Call, ears: &[Ears], length_ms: i64) -> Option<String> {
    let names: Vec<String> = ears.iter().map(|it| name_of(call, it.leg_id)).collect();
    let words: Vec<Vec<String>> =
        ears.iter().map(|it| it.spans.iter().map(|span| span_words(call, span)).collect()).collect();
    let named: Vec<Named<'_>> = ears
        .iter()
        .zip(&names)
        .zip(&words)
        .map(|((ears, name), words)| Named { name, ears, words })
        .filter(|named| !named.ears.spans.is_empty())
        .collect();
    (!named.is_empty()).then(|| audibility::draw(texts::t("record.ears.svg"), &named, length_ms))
}

fn heard(call: &Call, ears: &[Ears]) -> Vec<Heard> {
    let people = ears.iter().filter(|it| !it.spans.is_empty());
    let line = |ears: &Ears| Heard {
        name: name_of(call, ears.leg_id),
        spans: ears.spans.iter().map(|span| span_words(call, span)).collect(),
    };
    people.map(line).collect()
}

fn name_of(call: &Call, leg_id: Uuid) -> String {
    call.leg(leg_id).map(words::called).unwrap_or_default()
}

/// `0:03.100 – 0:08.000 Dana, Alice`.
fn span_words(call: &Call, span: &Span) -> String {
    let what = match span.sound {
        Sound::People => {
            let people = span.people.iter().map(|id| svg::isolated(&name_of(call, *id)));
            people.collect::<Vec<_>>().join(", ")
        }
        sound => texts::word("record.ears", sound.into()).unwrap_or_default().to_owned(),
    };
    let held = if span.is_held { format!(", {}", texts::t("record.ears.held")) } else { String::new() };
    format!("{} – {} {what}{held}", ladder::clock(span.from_ms), ladder::clock(span.to_ms))
}

fn ladder_of(call: &Call, said: &[Said]) -> Option<String> {
    let messages: Vec<_> = said.iter().take(LADDER_MOST).map(|said| said.message.clone()).collect();
    (!messages.is_empty()).then(|| ladder::draw(texts::t("record.ladder.svg"), &said::lanes(call), &messages))
}
