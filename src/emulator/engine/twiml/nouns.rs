//! Owns the reading of `<Dial>` and its nouns.
//! <https://www.twilio.com/docs/voice/twiml/dial>

use super::attributes::{Warnings, events, flag, link, method, number};
use super::reader::Element;
use super::verbs::{
    Beep, ConferenceNoun, Detection, DialRecording, DialTarget, DialVerb, Endpoint, QueueNoun, RecordingNoun,
    WaitSource,
};

pub(super) fn dial(e: &Element, warnings: &mut Warnings) -> Option<DialVerb> {
    let target = dial_target(e, warnings)?;
    Some(DialVerb {
        action: link(e, "action"),
        method: method(e, "method", 13210, warnings),
        timeout_s: number(e, "timeout", 30, 5..=600, 13212, warnings),
        time_limit_s: number(e, "timeLimit", 14_400, 1..=14_400, 13216, warnings),
        caller_id: link(e, "callerId"),
        hangup_on_star: flag(e, "hangupOnStar", false, 13213, warnings),
        answer_on_bridge: flag(e, "answerOnBridge", false, 13219, warnings),
        sequential: flag(e, "sequential", false, 13218, warnings),
        record: dial_recording(e, warnings),
        target,
    })
}

fn dial_target(e: &Element, warnings: &mut Warnings) -> Option<DialTarget> {
    let mut ends = Vec::new();
    for child in &e.children {
        match child.name.as_str() {
            "Conference" => return Some(DialTarget::Conference(Box::new(conference(child, warnings)))),
            "Queue" => {
                return Some(DialTarget::Queue(QueueNoun {
                    name: child.text.trim().to_owned(),
                    url: link(child, "url"),
                    method: method(child, "method", 12200, warnings),
                }));
            }
            "Number" => ends.push(endpoint(child, child.text.trim().to_owned(), warnings)),
            "Sip" => ends.push(endpoint(child, child.text.trim().to_owned(), warnings)),
            "Application" => {
                let sid = child.children.iter().find(|c| c.name == "ApplicationSid").unwrap_or(child);
                ends.push(endpoint(child, format!("app:{}", sid.text.trim()), warnings));
            }
            "Client" => {
                let identity = child.children.iter().find(|c| c.name == "Identity").unwrap_or(child);
                let address = format!("client:{}", identity.text.trim());
                ends.push(endpoint(child, address, warnings));
            }
            other => warnings.push((12200, format!("<{other}> is not a noun of <Dial> here; it is skipped"))),
        }
    }
    if ends.is_empty() && !e.text.trim().is_empty() {
        ends.push(endpoint(&Element::default(), e.text.trim().to_owned(), warnings));
    }
    if ends.len() > 10 {
        warnings.push((13250, "more than ten nouns in <Dial>; the rest is ignored".into()));
        ends.truncate(10);
    }
    if ends.is_empty() {
        warnings.push((12200, "<Dial> without anyone to dial".into()));
        return None;
    }
    Some(DialTarget::Endpoints(ends))
}

fn endpoint(e: &Element, address: String, warnings: &mut Warnings) -> Endpoint {
    Endpoint {
        address,
        url: link(e, "url"),
        method: method(e, "method", 13221, warnings),
        callback: link(e, "statusCallback"),
        callback_method: method(e, "statusCallbackMethod", 12200, warnings),
        events: events(e, "statusCallbackEvent", &CALL_EVENTS, warnings),
        send_digits: send_digits(e, warnings),
        detection: detection(e, warnings),
    }
}

const CALL_EVENTS: [&str; 4] = ["initiated", "ringing", "answered", "completed"];

fn send_digits(e: &Element, warnings: &mut Warnings) -> Option<String> {
    let digits = link(e, "sendDigits")?;
    if digits.chars().all(|c| c.is_ascii_digit() || "ABCDabcd#*wW".contains(c)) {
        return Some(digits);
    }
    warnings.push((13222, format!("sendDigits=\"{digits}\" is not dialable")));
    None
}

fn detection(e: &Element, warnings: &mut Warnings) -> Option<Detection> {
    let to_message_end = match e.attribute("machineDetection")? {
        "Enable" => false,
        "DetectMessageEnd" => true,
        other => {
            warnings.push((12200, format!("machineDetection=\"{other}\" is not known")));
            return None;
        }
    };
    Some(Detection {
        to_message_end,
        timeout_ms: number(e, "machineDetectionTimeout", 30, 3..=60, 12200, warnings) * 1000,
        asynchronous: true,
        callback: link(e, "amdStatusCallback"),
        callback_method: method(e, "amdStatusCallbackMethod", 12200, warnings),
    })
}

/// `record` of `<Dial>`; `true` and `false` are the old names.
fn dial_recording(e: &Element, warnings: &mut Warnings) -> Option<DialRecording> {
    let value = e.attribute("record")?;
    let mut noun = recording(e, warnings);
    noun.channels = if value.ends_with("-dual") { 2 } else { 1 };
    let from_ringing = match value {
        "do-not-record" | "false" => return None,
        "record-from-answer" | "record-from-answer-dual" | "true" => false,
        "record-from-ringing" | "record-from-ringing-dual" => true,
        other => {
            warnings.push((13217, format!("record=\"{other}\" is not known")));
            return None;
        }
    };
    Some(DialRecording { from_ringing, noun })
}

/// What every element that records has in common.
pub(super) fn recording(e: &Element, warnings: &mut Warnings) -> RecordingNoun {
    let track = e.attribute("recordingTrack").or(e.attribute("track")).unwrap_or("both");
    RecordingNoun {
        callback: link(e, "recordingStatusCallback"),
        callback_method: method(e, "recordingStatusCallbackMethod", 12200, warnings),
        events: events(e, "recordingStatusCallbackEvent", &["in-progress", "completed", "absent"], warnings),
        channels: if e.attribute("channels") == Some("dual") { 2 } else { 1 },
        track: track.to_owned(),
        trim: e.attribute("trim") == Some("trim-silence"),
    }
}

/// `waitUrl`: absent is Twilio's music, empty is silence.
pub(super) fn wait(e: &Element, url: &str, with: &str, warnings: &mut Warnings) -> WaitSource {
    let code = if e.name == "Conference" { 13234 } else { 12200 };
    match e.attribute(url) {
        None => WaitSource::DefaultMusic,
        Some("") => WaitSource::Silence,
        Some(text) => WaitSource::Document { url: text.to_owned(), method: method(e, with, code, warnings) },
    }
}

fn beep(e: &Element, warnings: &mut Warnings) -> Beep {
    let value = e.attribute("beep");
    if let Some(other) = value.filter(|v| !["true", "false", "onEnter", "onExit"].contains(v)) {
        warnings.push((13235, format!("beep=\"{other}\" is not known")));
    }
    Beep::parse(value)
}

fn conference(e: &Element, warnings: &mut Warnings) -> ConferenceNoun {
    let record = match e.attribute("record") {
        Some("record-from-start" | "true") => Some(recording(e, warnings)),
        None | Some("do-not-record" | "false") => None,
        Some(other) => {
            warnings.push((12200, format!("record=\"{other}\" is not known")));
            None
        }
    };
    ConferenceNoun {
        name: e.text.trim().to_owned(),
        muted: flag(e, "muted", false, 13230, warnings),
        start_on_enter: flag(e, "startConferenceOnEnter", true, 13232, warnings),
        end_on_exit: flag(e, "endConferenceOnExit", false, 13231, warnings),
        label: link(e, "participantLabel"),
        wait: wait(e, "waitUrl", "waitMethod", warnings),
        record,
        max_participants: usize::try_from(number(e, "maxParticipants", 250, 2..=250, 12200, warnings))
            .unwrap_or(250),
        coach: link(e, "coach"),
        beep: beep(e, warnings),
        callback: link(e, "statusCallback"),
        callback_method: method(e, "statusCallbackMethod", 12200, warnings),
        events: events(
            e,
            "statusCallbackEvent",
            &["start", "end", "join", "leave", "mute", "hold", "modify", "speaker", "announcement"],
            warnings,
        ),
    }
}
