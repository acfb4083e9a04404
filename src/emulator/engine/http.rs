//! Owns what the engine asks the outside world for: HTTP requests out, answers in, and by which rules an answer is TwiML.

use serde::Serialize;

use super::audio;
use super::calls::CallId;
use super::timers::TrackOwner;
use super::twiml::{self, Program, Repeat, Speech, TwimlError, Verb};
use crate::telephony::CallSid;

/// Twilio refuses documents above this size with 11750.
pub(crate) const MAX_BODY: usize = 64 * 1024;

/// How a webhook is requested.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, strum::Display)]
#[serde(rename_all = "UPPERCASE")]
#[strum(serialize_all = "UPPERCASE")]
pub enum Method {
    /// Parameters in the query string.
    Get,
    /// Parameters as a form.
    Post,
}

impl Method {
    /// The method by its name in any case.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        match text.trim().to_ascii_uppercase().as_str() {
            "GET" => Some(Self::Get),
            "POST" => Some(Self::Post),
            _ => None,
        }
    }
}

/// Where a document is, and how it is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Link {
    pub(crate) url: String,
    pub(crate) method: Method,
}

/// Names one request of the engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct RequestId(pub u64);

/// What a webhook is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, strum::Display)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum RequestKind {
    /// A call's document: first, redirected or updated.
    Twiml,
    /// The `action` of a `<Dial>`.
    DialAction,
    /// The `action` of a `<Gather>`.
    GatherAction,
    /// The document that runs on an answered child before the bridge.
    Whisper,
    /// A conference's wait document.
    Wait,
    /// What a held participant hears.
    Hold,
    /// An announcement to one participant or to a conference.
    Announce,
    /// Asked for because another document failed.
    Fallback,
    /// Call progress.
    StatusCallback,
    /// Conference events.
    ConferenceCallback,
    /// A recording has started or is ready.
    RecordingCallback,
}

impl RequestKind {
    /// Whether the answer is ignored.
    pub(crate) fn is_callback(self) -> bool {
        matches!(self, Self::StatusCallback | Self::ConferenceCallback | Self::RecordingCallback)
    }
}

/// One webhook that Twilio would send now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpRequest {
    /// To be given back with the answer.
    pub id: RequestId,
    /// What it is for.
    pub kind: RequestKind,
    /// Absolute; may have a `#fragment` with connection settings, which is never sent.
    pub url: String,
    /// GET: parameters belong in the query; POST: in a form.
    pub method: Method,
    /// Names and values in the order they are sent.
    pub params: Vec<(String, String)>,
    /// The call it concerns, if one.
    pub call_sid: Option<CallSid>,
    /// The same for every attempt at this webhook.
    pub idempotency_token: String,
}

/// What came of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HttpOutcome {
    /// An HTTP answer; a body may be cut off after 64 kB and one byte.
    Answer {
        /// The HTTP status.
        status: u16,
        /// The header as sent.
        content_type: Option<String>,
        /// The body, raw.
        body: Vec<u8>,
    },
    /// No answer, with Twilio's error code (11200, 11205, 11210, 11215 …).
    Failed {
        /// <https://www.twilio.com/docs/api/errors>
        code: u32,
        /// For people.
        reason: String,
    },
}

/// What the engine does with an answer. A `turn` that has passed makes the answer worthless.
#[derive(Debug, Clone)]
pub(crate) enum Purpose {
    /// Runs on a call.
    Run { call: CallId, turn: u64, whisper: bool, fallback_left: bool },
    /// Feeds a wait, hold or announcement track.
    Track { owner: TrackOwner, turn: u64 },
    /// Twilio asks and throws the answer away.
    Discard,
}

/// Reads an answer by Twilio's content-type rules.
/// <https://www.twilio.com/docs/voice/twiml#twilio-understands-mime-types>
pub(crate) fn document(outcome: &HttpOutcome) -> Result<Program, TwimlError> {
    let (status, content_type, body) = match outcome {
        HttpOutcome::Failed { code, reason } => return Err(error(*code, reason.clone())),
        HttpOutcome::Answer { status, content_type, body } => (*status, content_type, body),
    };
    if !(200..300).contains(&status) {
        return Err(error(11200, format!("HTTP retrieval failure: status {status}")));
    }
    if body.len() > MAX_BODY {
        return Err(error(11750, "TwiML response body too large"));
    }
    let Some(content_type) = content_type else {
        return Err(error(12300, "No Content-Type"));
    };
    let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let text = || String::from_utf8_lossy(body);
    match essence.as_str() {
        "text/xml" | "application/xml" | "text/html" => twiml::parse(&text()),
        "text/plain" => Ok(twiml::parse(&text()).unwrap_or_else(|_| spoken(&text()))),
        audio if audio.starts_with("audio/") => Ok(Program::of(vec![
            Verb::Speech(Speech::Play { url: "audio".into(), repeat: Repeat::Times(1) }),
            Verb::Hangup,
        ])),
        other => Err(error(12300, format!("Invalid Content-Type {other}"))),
    }
}

fn spoken(text: &str) -> Program {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let say = Verb::Speech(Speech::Say { text, repeat: Repeat::Times(1) });
    Program::of(vec![say, Verb::Hangup])
}

/// What a caller hears when a document could not be had or run.
pub(crate) fn application_error() -> Program {
    spoken(audio::APPLICATION_ERROR)
}

fn error(code: u32, message: impl Into<String>) -> TwimlError {
    TwimlError { code, message: message.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, content_type: Option<&str>, body: &[u8]) -> HttpOutcome {
        HttpOutcome::Answer { status, content_type: content_type.map(str::to_owned), body: body.to_vec() }
    }

    #[test]
    fn content_types_decide_what_an_answer_is() {
        let hangup = b"<Response><Hangup/></Response>";
        for (outcome, code) in [
            (answer(200, Some("text/xml; charset=utf-8"), hangup), 0),
            (answer(200, Some("application/xml"), hangup), 0),
            (answer(200, Some("text/html"), hangup), 0),
            (answer(200, Some("text/plain"), b"good evening"), 0),
            (answer(200, Some("audio/mpeg"), b"\xff\xfb"), 0),
            (answer(200, Some("application/json"), b"{}"), 12300),
            (answer(200, None, hangup), 12300),
            (answer(500, Some("text/xml"), hangup), 11200),
            (answer(200, Some("text/xml"), b"<Response>"), 12100),
            (answer(200, Some("text/xml"), &vec![b' '; MAX_BODY + 1]), 11750),
            (HttpOutcome::Failed { code: 11205, reason: "refused".into() }, 11205),
        ] {
            assert_eq!(document(&outcome).err().map_or(0, |e| e.code), code, "{outcome:.120?}");
        }
    }
}
