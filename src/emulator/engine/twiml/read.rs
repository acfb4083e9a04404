//! Owns the step from elements to typed verbs. The nouns of `<Dial>` are `nouns`' business.
//! <https://www.twilio.com/docs/voice/twiml>

use std::sync::Arc;

use super::attributes::{Warnings, digits_ms, flag, link, method, number};
use super::nouns::{dial, recording, wait};
use super::reader::Element;
use super::verbs::{EnqueueVerb, GatherVerb, RecordVerb, Repeat, Speech, Verb};

/// The verb that an element stands for; `None`, with a warning, where Twilio skips it.
pub(super) fn verb(e: &Element, warnings: &mut Warnings) -> Option<Verb> {
    match e.name.as_str() {
        "Say" | "Play" | "Pause" => speech(e, warnings).map(Verb::Speech),
        "Gather" => Some(Verb::Gather(Arc::new(gather(e, warnings)))),
        "Dial" => dial(e, warnings).map(|dial| Verb::Dial(Arc::new(dial))),
        "Redirect" => Some(Verb::Redirect {
            url: e.text.trim().to_owned(),
            method: method(e, "method", 13710, warnings),
        }),
        "Record" => Some(Verb::Record(Arc::new(record(e, warnings)))),
        "Enqueue" => enqueue(e, warnings).map(|verb| Verb::Enqueue(Arc::new(verb))),
        "Leave" => Some(Verb::Leave),
        "Start" => background(e, warnings).map(|noun| Verb::StartRecording(recording(noun, warnings))),
        "Stop" => background(e, warnings).map(|_| Verb::StopRecording),
        "Hangup" => Some(Verb::Hangup),
        "Reject" => Some(Verb::Reject { busy: reject(e, warnings) }),
        other => {
            warnings.push((12200, format!("<{other}> is not a verb here; it is skipped")));
            None
        }
    }
}

fn speech(e: &Element, warnings: &mut Warnings) -> Option<Speech> {
    match e.name.as_str() {
        "Say" => {
            let text = spoken(e);
            if text.is_empty() {
                warnings.push((13520, "<Say> without text".into()));
                return None;
            }
            Some(Speech::Say { text, repeat: repeat(e, 13510, warnings) })
        }
        "Play" if e.attribute("digits").is_some() => {
            let digits = e.attribute("digits").unwrap_or_default();
            Some(Speech::Digits { length_ms: digits_ms(digits) })
        }
        "Play" => Some(Speech::Play { url: e.text.trim().to_owned(), repeat: repeat(e, 13410, warnings) }),
        "Pause" => {
            let seconds = number(e, "length", 1, 0..=14_400, 13910, warnings);
            Some(Speech::Pause { length_ms: seconds * 1000 })
        }
        _ => None,
    }
}

/// The text of a `<Say>`, with that of SSML elements inside it, white space collapsed.
fn spoken(e: &Element) -> String {
    fn collect(e: &Element, out: &mut String) {
        out.push_str(&e.text);
        out.push(' ');
        for child in &e.children {
            collect(child, out);
        }
    }
    let mut text = String::new();
    collect(e, &mut text);
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn repeat(e: &Element, code: u32, warnings: &mut Warnings) -> Repeat {
    match number(e, "loop", 1, 0..=1000, code, warnings) {
        0 => Repeat::Forever,
        n => Repeat::Times(u32::try_from(n).unwrap_or(1)),
    }
}

fn gather(e: &Element, warnings: &mut Warnings) -> GatherVerb {
    let mut prompts = Vec::new();
    for child in &e.children {
        match speech(child, warnings) {
            Some(prompt) => prompts.push(prompt),
            None => warnings.push((13320, format!("<{}> cannot be nested in <Gather>", child.name))),
        }
    }
    let digits = number(e, "numDigits", 0, 1..=1000, 13314, warnings);
    let input = e.attribute("input").unwrap_or("dtmf");
    if !input.split_whitespace().all(|word| matches!(word, "dtmf" | "speech")) {
        warnings.push((12200, format!("input=\"{input}\" is neither dtmf nor speech")));
    }
    let keys = e.attribute("finishOnKey").unwrap_or("#");
    if keys.chars().count() > 1 || !keys.chars().all(is_key) {
        warnings.push((13310, format!("finishOnKey=\"{keys}\" is not one key")));
    }
    GatherVerb {
        action: link(e, "action"),
        method: method(e, "method", 12200, warnings),
        timeout_ms: number(e, "timeout", 5, 0..=3600, 13311, warnings) * 1000,
        finish_on_key: keys.to_owned(),
        num_digits: usize::try_from(digits).ok().filter(|n| *n > 0),
        action_on_empty: flag(e, "actionOnEmptyResult", false, 13312, warnings),
        takes_keys: input.contains("dtmf") || !input.contains("speech"),
        takes_speech: input.contains("speech"),
        prompts,
    }
}

fn is_key(c: char) -> bool {
    c.is_ascii_digit() || matches!(c, '*' | '#')
}

fn record(e: &Element, warnings: &mut Warnings) -> RecordVerb {
    RecordVerb {
        action: link(e, "action"),
        method: method(e, "method", 13610, warnings),
        timeout_ms: number(e, "timeout", 5, 0..=3600, 13612, warnings) * 1000,
        finish_on_key: e.attribute("finishOnKey").unwrap_or("1234567890*#").to_owned(),
        max_length_ms: number(e, "maxLength", 3600, 1..=14_400, 13613, warnings) * 1000,
        beep: flag(e, "playBeep", true, 13614, warnings),
        noun: recording(e, warnings),
    }
}

fn enqueue(e: &Element, warnings: &mut Warnings) -> Option<EnqueueVerb> {
    let name = e.text.trim();
    if e.attribute("workflowSid").is_some() || name.is_empty() {
        warnings.push((12200, "<Enqueue> needs the name of a queue; TaskRouter is not emulated".into()));
        return None;
    }
    let max = number(e, "maxQueueSize", 100, 1..=1000, 12200, warnings);
    Some(EnqueueVerb {
        name: name.to_owned(),
        action: link(e, "action"),
        method: method(e, "method", 12200, warnings),
        wait: wait(e, "waitUrl", "waitUrlMethod", warnings),
        max_size: usize::try_from(max).unwrap_or(100),
    })
}

/// The `<Recording>` of a `<Start>` or `<Stop>`: the only background work that is emulated.
fn background<'a>(e: &'a Element, warnings: &mut Warnings) -> Option<&'a Element> {
    let found = e.children.iter().find(|c| c.name == "Recording");
    for other in e.children.iter().filter(|c| c.name != "Recording") {
        warnings.push((12200, format!("<{}> in <{}> is not emulated; it is skipped", other.name, e.name)));
    }
    if e.children.is_empty() {
        warnings.push((12200, format!("<{}> without a noun", e.name)));
    }
    found
}

/// Whether `<Reject>` says busy.
fn reject(e: &Element, warnings: &mut Warnings) -> bool {
    match e.attribute("reason") {
        Some("busy") => true,
        None | Some("rejected") => false,
        Some(other) => {
            warnings.push((12200, format!("reason=\"{other}\" is neither rejected nor busy")));
            false
        }
    }
}
