//! Everything that was said in a call, in the order of time: each thing as a row of the ladder, in words, and with its particulars.

use chrono::{DateTime, NaiveDateTime, Utc};
use serde_json::Value;
use url::form_urlencoded;
use uuid::Uuid;

use super::models::{Happened, Record, Told};
use super::words;
use crate::audit::models::EntryRow;
use crate::calls::exchanges::ExchangeRow;
use crate::calls::flow::{Call, Leg, LegStatus};
use crate::console::ladder::{Kind, Lane, Message, Side};
use crate::console::svg::isolated;
use crate::console::{curl, ladder, markup, texts};
use crate::voice::models::KeptWebhook;

/// Lanes of whom there is one in every call.
const CRM: usize = 0;
const SERVICE: usize = 1;
const TWILIO: usize = 2;
/// Where those of the people begin.
const PEOPLE: usize = 3;

/// Something that was said, or became so.
pub struct Said {
    /// As a row of the ladder.
    pub message: Message,
    /// When.
    pub at: DateTime<Utc>,
    /// What happened, in a sentence; only for what people want to read.
    pub sentence: Option<String>,
    /// What exactly was sent and answered; only for what went to Twilio or came from there.
    pub particulars: Option<Particulars>,
}

/// A request and its answer, as they were sent.
pub struct Particulars {
    /// Twilio asked; or else we did.
    pub is_webhook: bool,
    /// `POST /twiml/conference`.
    pub title: String,
    /// Names and values, in order.
    pub form: Vec<(String, String)>,
    /// The status of the answer.
    pub status: Option<i32>,
    /// How long it took, in milliseconds.
    pub took_ms: Option<i32>,
    /// The document, if one was sent, on lines.
    pub twiml: Option<String>,
    /// The same as it was sent, if that looks different.
    pub raw: Option<String>,
    /// What was answered that is no document.
    pub body: Option<String>,
    /// What went wrong.
    pub error: Option<String>,
    /// A command that says it again.
    pub curl: String,
}

impl Said {
    /// When, counted from the beginning of the call.
    pub fn clock(&self) -> String {
        ladder::clock(self.message.at_ms)
    }
}

/// Where this service and Twilio are.
pub struct Places<'a> {
    /// How Twilio reaches us, without a slash at the end.
    pub public_url: &'a str,
    /// How we reach Twilio.
    pub twilio_url: &'a str,
}

/// Whom the lanes stand for, from left to right, and whose legs the last ones are.
pub fn lanes(call: &Call) -> Vec<Lane> {
    let lane = |side, title: &str| Lane { side, title: title.to_owned(), subtitle: String::new() };
    let mut lanes = vec![
        lane(Side::Crm, texts::t("record.lane.crm")),
        lane(Side::Service, texts::t("record.lane.service")),
        lane(Side::Twilio, texts::t("record.lane.twilio")),
    ];
    lanes.extend(people(call).map(|leg| Lane {
        subtitle: words::of("role", leg.role.into()),
        ..lane(Side::Person, &words::called(leg))
    }));
    lanes
}

/// The legs that were ever placed.
pub fn people(call: &Call) -> impl Iterator<Item = &Leg> {
    call.legs.iter().filter(|leg| leg.status != LegStatus::Unplaced)
}

/// Everything, in the order of time; what happened at one moment in the order in which it leads to each other.
pub fn all(record: &Record, places: &Places<'_>) -> Vec<Said> {
    let teller = Teller { call: &record.call, places };
    let mut all: Vec<Said> = Vec::new();
    all.extend(record.asked.iter().map(|row| teller.asked(row)));
    all.extend(record.webhooks.iter().map(|row| teller.webhook(row)));
    all.extend(record.happened.iter().filter_map(|row| teller.happened(row)));
    all.extend(record.exchanges.iter().map(|row| teller.exchange(row)));
    all.extend(record.told.iter().map(|row| teller.told(row)));
    all.sort_by_key(|said| said.at);
    for (index, said) in all.iter_mut().enumerate() {
        said.message.id = match said.particulars {
            Some(_) => format!("m{}", index + 1),
            None => String::new(),
        };
    }
    all
}

struct Teller<'a> {
    call: &'a Call,
    places: &'a Places<'a>,
}

impl Teller<'_> {
    fn message(&self, at: NaiveDateTime, from: usize, to: usize, kind: Kind, label: String) -> Message {
        let at_ms = (at.and_utc() - self.call.created_at).num_milliseconds();
        Message { id: String::new(), at_ms, from, to, kind, is_bad: false, label, answer: String::new() }
    }

    fn lane_of(&self, leg_id: Uuid) -> Option<usize> {
        people(self.call).position(|leg| leg.id == leg_id).map(|index| PEOPLE + index)
    }

    fn name_of(&self, leg_id: Uuid) -> Option<String> {
        self.call.leg(leg_id).map(|leg| isolated(&words::called(leg)))
    }

    fn by_sid(&self, sid: &str) -> Option<String> {
        let leg =
            self.call.legs.iter().find(|leg| leg.call_sid.as_ref().is_some_and(|it| it.as_str() == sid));
        leg.map(|leg| isolated(&words::called(leg)))
    }

    /// What somebody asked of us.
    fn asked(&self, row: &EntryRow) -> Said {
        let label = words::about("asked", &row.action, "actor", &row.actor);
        let label = label.unwrap_or_else(|| format!("{}: {}", isolated(&row.actor), row.action));
        let message = self.message(row.at, CRM, SERVICE, Kind::Request, label.clone());
        Said { message, at: row.at.and_utc(), sentence: Some(label), particulars: None }
    }

    /// What we told a CRM.
    fn told(&self, row: &Told) -> Said {
        let mut message = self.message(row.at, SERVICE, CRM, Kind::Notice, row.kind.clone());
        message.answer = match (row.status, row.state.as_str()) {
            (Some(status), _) => status.to_string(),
            (None, state) => state.to_owned(),
        };
        message.is_bad = row.error.is_some() || row.status.is_some_and(|status| status >= 300);
        if row.attempts > 1 {
            message.answer = format!("{} (× {})", message.answer, row.attempts);
        }
        Said { message, at: row.at.and_utc(), sentence: None, particulars: None }
    }

    /// What became of somebody's line, or of the call.
    fn happened(&self, row: &Happened) -> Option<Said> {
        let leg_id = row.leg_id.as_deref().and_then(|id| id.parse::<Uuid>().ok());
        let who = leg_id.and_then(|id| self.call.leg(id)).map(words::called).unwrap_or_default();
        let mut sentence = words::about("event", &row.kind, "who", &who)?;
        let detail: Value = serde_json::from_str(&row.detail).unwrap_or_default();
        let more = detail["failure_detail"].as_str().or(detail["end_detail"].as_str());
        let more = more.or(detail["disposition"].as_str());
        if let Some(more) = more {
            sentence = format!("{sentence} {}", isolated(more));
        }
        let (from, to, kind) = self.way(&row.kind, leg_id);
        let mut message = self.message(row.at, from, to, kind, sentence.clone());
        message.is_bad = detail["failure"].is_string();
        Some(Said { message, at: row.at.and_utc(), sentence: Some(sentence), particulars: None })
    }

    fn way(&self, kind: &str, leg_id: Option<Uuid>) -> (usize, usize, Kind) {
        let (area, what) = kind.split_once('.').unwrap_or_default();
        let lane = leg_id.filter(|_| area != "transfer").and_then(|id| self.lane_of(id));
        match (lane, what) {
            (Some(lane), "in_progress" | "completed") => (lane, TWILIO, Kind::Line),
            (Some(lane), _) if area == "leg" && is_progress(what) => (TWILIO, lane, Kind::Line),
            (Some(lane), _) => (lane, lane, Kind::Note),
            (None, _) => (SERVICE, SERVICE, Kind::Note),
        }
    }

    /// What Twilio asked or told us.
    fn webhook(&self, row: &KeptWebhook) -> Said {
        let form: Vec<(String, String)> = serde_json::from_str(&row.form).unwrap_or_default();
        let (path, query) = row.path_and_query.split_once('?').unwrap_or((&row.path_and_query, ""));
        let mut message = self.message(
            row.received_at,
            TWILIO,
            SERVICE,
            Kind::Webhook,
            self.told_by_twilio(path, query, &form),
        );
        let document = row.answer.as_deref();
        let verbs = document.map(markup::verbs).unwrap_or_default();
        message.answer =
            [row.answer_status.map(|it| it.to_string()), (!verbs.is_empty()).then(|| verbs.join(", "))]
                .into_iter()
                .flatten()
                .collect::<Vec<_>>()
                .join(" ");
        message.is_bad = row.answer_status.is_some_and(|status| status >= 300);
        let twiml = document.map(markup::indented);
        let url = format!("{}{}", self.places.public_url, row.path_and_query);
        let particulars = Particulars {
            is_webhook: true,
            title: format!("{} {}", row.method, row.path_and_query),
            curl: curl::of_webhook(&row.method, &url, &form),
            form,
            status: row.answer_status,
            took_ms: row.answered_ms,
            raw: row.answer.clone().filter(|raw| twiml.as_ref() != Some(raw)),
            twiml,
            body: None,
            error: None,
        };
        Said { message, at: row.received_at.and_utc(), sentence: None, particulars: Some(particulars) }
    }

    /// `call-status: ringing, Dana`.
    fn told_by_twilio(&self, path: &str, query: &str, form: &[(String, String)]) -> String {
        let name = path.rsplit('/').next().unwrap_or(path);
        let find = |wanted: &str| {
            let is_it = |(name, value): &(String, String)| (name == wanted).then(|| value.clone());
            form.iter().find_map(is_it).or_else(|| {
                let mut pairs = form_urlencoded::parse(query.as_bytes());
                pairs.find_map(|(name, value)| (name == wanted).then(|| value.into_owned()))
            })
        };
        let what = match find("StatusCallbackEvent").filter(|_| path.starts_with("/webhooks/conference")) {
            Some(event) => Some(event),
            None => find("CallStatus").filter(|_| path.starts_with("/webhooks/")),
        };
        let leg = find("leg").and_then(|id| self.name_of(id.parse().ok()?));
        let who = leg.or_else(|| find("CallSid").and_then(|sid| self.by_sid(&sid)));
        let digits = find("Digits").map(|digits| format!("Digits={digits}"));
        let parts: Vec<String> = [what, digits, who].into_iter().flatten().collect();
        if parts.is_empty() { name.to_owned() } else { format!("{name}: {}", parts.join(", ")) }
    }

    /// What we asked Twilio for.
    fn exchange(&self, row: &ExchangeRow) -> Said {
        let form: Vec<(String, String)> =
            row.form.as_deref().and_then(|form| serde_json::from_str(form).ok()).unwrap_or_default();
        let mut message =
            self.message(row.sent_at, SERVICE, TWILIO, Kind::Rest, self.asked_of_twilio(row, &form));
        message.answer = row.status.map_or_else(String::new, |status| status.to_string());
        message.is_bad = row.error.is_some();
        let particulars = Particulars {
            is_webhook: false,
            title: format!("{} {}", row.method, row.path),
            curl: curl::of_request(&row.method, self.places.twilio_url, &row.path, &form),
            form,
            status: row.status,
            took_ms: row.status.map(|_| row.duration_ms),
            twiml: None,
            raw: None,
            body: row.body.as_deref().filter(|body| !body.is_empty()).map(indented_json),
            error: row.error.clone(),
        };
        Said { message, at: row.sent_at.and_utc(), sentence: None, particulars: Some(particulars) }
    }

    /// `POST Calls (Dana): /twiml/conference`.
    fn asked_of_twilio(&self, row: &ExchangeRow, form: &[(String, String)]) -> String {
        let find =
            |wanted: &str| form.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str());
        let path = row.path.split('?').next().unwrap_or_default().trim_end_matches(".json");
        let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
        let resource = parts.iter().rfind(|part| part.chars().all(|c| c.is_ascii_alphabetic()));
        let by_sid = parts.iter().rev().find_map(|part| self.by_sid(part));
        let by_label = find("Label").and_then(|id| self.name_of(id.parse().ok()?));
        let to = || {
            let to = find("To")?;
            let leg = self.call.legs.iter().find(|leg| leg.address.to_string() == to)?;
            Some(isolated(&words::called(leg)))
        };
        let who = by_sid.or(by_label).or_else(to).map(|who| format!(" ({who})")).unwrap_or_default();
        let what = find("Url").filter(|_| find("To").is_none()).map(path_of);
        let flag = |name: &'static str| find(name).map(|value| format!("{name}={value}"));
        let flags =
            ["Status", "Hold", "Muted", "EndConferenceOnExit", "Coaching"].into_iter().filter_map(flag);
        let announced = find("AnnounceUrl").map(path_of);
        let what: Vec<String> =
            what.into_iter().chain(announced).chain(flags.filter(|_| find("To").is_none())).collect();
        let what = if what.is_empty() { String::new() } else { format!(": {}", what.join(", ")) };
        format!("{} {}{who}{what}", row.method, resource.copied().unwrap_or(path))
    }
}

/// What Twilio does to a phone, not the person who holds it.
fn is_progress(what: &str) -> bool {
    matches!(what, "ringing" | "busy" | "no_answer" | "failed" | "canceled")
}

fn path_of(url: &str) -> String {
    let after = url.split_once("://").map_or(url, |(_, rest)| rest);
    let path = after.find('/').and_then(|start| after.get(start..)).unwrap_or(after);
    path.split(['?', '#']).next().unwrap_or(path).to_owned()
}

/// On lines, if it is JSON.
fn indented_json(body: &str) -> String {
    let parsed = serde_json::from_str::<Value>(body);
    parsed.ok().and_then(|value| serde_json::to_string_pretty(&value).ok()).unwrap_or_else(|| body.to_owned())
}
