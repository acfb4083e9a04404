//! Owns the record of what happened: one numbered event after the other, for tests, the demo and people.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::telephony::CallSid;

/// What kind of thing happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, strum::Display)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
#[expect(missing_docs, reason = "the names are the documentation: they are what the JSON says")]
pub enum EventKind {
    Queued,
    Dialled,
    Ringing,
    Answered,
    Busy,
    NoAnswer,
    Failed,
    Canceled,
    Ended,
    Bridged,
    Unbridged,
    TwimlRequested,
    TwimlVerb,
    TwimlError,
    TwimlWarning,
    CallbackSent,
    WebhookFailed,
    RestRequest,
    ConferenceCreated,
    ConferenceStarted,
    ConferenceJoined,
    ConferenceLeft,
    ConferenceEnded,
    ParticipantUpdated,
    Recording,
    Said,
    Pressed,
}

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TimelineEvent {
    /// Counts from 1.
    pub index: u64,
    /// Emulated milliseconds since the exchange started.
    pub at_ms: u64,
    /// What happened.
    pub kind: EventKind,
    /// The leg it happened to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub call_sid: Option<CallSid>,
    /// The person's address on that leg.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// One line for people.
    pub detail: String,
    /// The same for programs, beside the other fields: `url`, `text`, `ended_by`, `status`, `conference_sid` …
    #[serde(flatten)]
    pub data: BTreeMap<&'static str, String>,
}

/// The timeline as plain lines.
pub fn as_text(events: &[TimelineEvent]) -> String {
    events.iter().map(line).collect()
}

fn line(event: &TimelineEvent) -> String {
    let seconds = event.at_ms / 1000;
    let (minutes, seconds, millis) = (seconds / 60, seconds % 60, event.at_ms % 1000);
    let who = event.address.as_deref().unwrap_or("-");
    format!(
        "{minutes:02}:{seconds:02}.{millis:03}  {who:<22} {:<20} {}\n",
        event.kind.to_string(),
        event.detail
    )
}

/// The timeline as a Mermaid sequence diagram: each address and Twilio are participants.
pub fn as_mermaid(events: &[TimelineEvent]) -> String {
    let mut names: Vec<&str> = Vec::new();
    for address in events.iter().filter_map(|e| e.address.as_deref()) {
        if !names.contains(&address) {
            names.push(address);
        }
    }
    let mut out = String::from(
        "sequenceDiagram\n    participant app as application\n    participant twilio as Twilio\n",
    );
    for (i, name) in names.iter().enumerate() {
        out.push_str(&format!("    participant p{i} as {}\n", name.replace([';', '#', '\n'], " ")));
    }
    for event in events {
        let person = event.address.as_deref().and_then(|a| names.iter().position(|n| *n == a));
        let person = person.map_or_else(|| "twilio".to_owned(), |i| format!("p{i}"));
        let (from, to) = ends(event.kind, &person);
        let detail = event.detail.replace([';', '#', '\n', '\r'], " ");
        out.push_str(&format!("    {from}->>{to}: {} {detail}\n", event.kind));
    }
    out
}

fn ends(kind: EventKind, person: &str) -> (String, String) {
    let (twilio, app, person) = ("twilio".to_owned(), "app".to_owned(), person.to_owned());
    match kind {
        EventKind::RestRequest => (app, twilio),
        EventKind::TwimlRequested | EventKind::CallbackSent | EventKind::WebhookFailed => (twilio, app),
        EventKind::Answered | EventKind::Pressed | EventKind::Busy => (person, twilio),
        _ => (twilio, person),
    }
}
