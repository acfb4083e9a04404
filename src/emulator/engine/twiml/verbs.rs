//! Owns the step from elements to typed verbs: defaults, limits and warnings of each attribute.

use std::sync::Arc;

use super::super::http::Method;
use super::reader::Element;

/// How often a sound is repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Repeat {
    Times(u32),
    Forever,
}

/// What is heard for a while: the part that `<Say>`, `<Play>` and `<Pause>` share with prompts and wait documents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Speech {
    Say { text: String, repeat: Repeat },
    Play { url: String, repeat: Repeat },
    Digits { count: u32 },
    Pause { length_ms: u64 },
}

/// One verb, attributes read and defaults applied.
#[derive(Debug, Clone)]
pub(crate) enum Verb {
    Speech(Speech),
    Gather(Arc<GatherVerb>),
    Dial(Arc<DialVerb>),
    Redirect { url: String, method: Method },
    Hangup,
    Reject { busy: bool },
}

impl Verb {
    /// The element's name, for the timeline.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Speech(Speech::Say { .. }) => "Say",
            Self::Speech(Speech::Play { .. } | Speech::Digits { .. }) => "Play",
            Self::Speech(Speech::Pause { .. }) => "Pause",
            Self::Gather(_) => "Gather",
            Self::Dial(_) => "Dial",
            Self::Redirect { .. } => "Redirect",
            Self::Hangup => "Hangup",
            Self::Reject { .. } => "Reject",
        }
    }
}

/// <https://www.twilio.com/docs/voice/twiml/gather>
#[derive(Debug, Clone)]
pub(crate) struct GatherVerb {
    pub(crate) action: Option<String>,
    pub(crate) method: Method,
    pub(crate) timeout_ms: u64,
    pub(crate) finish_on_key: String,
    pub(crate) num_digits: Option<usize>,
    pub(crate) action_on_empty: bool,
    pub(crate) prompts: Vec<Speech>,
}

/// <https://www.twilio.com/docs/voice/twiml/dial>
#[derive(Debug, Clone)]
pub(crate) struct DialVerb {
    pub(crate) action: Option<String>,
    pub(crate) method: Method,
    pub(crate) timeout_s: u64,
    pub(crate) time_limit_s: u64,
    pub(crate) caller_id: Option<String>,
    pub(crate) hangup_on_star: bool,
    pub(crate) answer_on_bridge: bool,
    pub(crate) target: DialTarget,
}

/// What a `<Dial>` connects to.
#[derive(Debug, Clone)]
pub(crate) enum DialTarget {
    /// All ring at once; the first to answer wins.
    Endpoints(Vec<Endpoint>),
    Conference(ConferenceNoun),
}

/// `<Number>`, `<Client>` or `<Sip>`.
#[derive(Debug, Clone)]
pub(crate) struct Endpoint {
    pub(crate) address: String,
    pub(crate) url: Option<String>,
    pub(crate) method: Method,
    pub(crate) callback: Option<String>,
    pub(crate) callback_method: Method,
    pub(crate) events: Vec<String>,
}

/// What a lone member hears.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum WaitSource {
    /// Twilio's own playlist: music without end, no request.
    DefaultMusic,
    Silence,
    Document {
        url: String,
        method: Method,
    },
}

/// <https://www.twilio.com/docs/voice/twiml/conference>
#[derive(Debug, Clone)]
pub(crate) struct ConferenceNoun {
    pub(crate) name: String,
    pub(crate) muted: bool,
    pub(crate) start_on_enter: bool,
    pub(crate) end_on_exit: bool,
    pub(crate) label: Option<String>,
    pub(crate) wait: WaitSource,
    pub(crate) max_participants: usize,
    pub(crate) coach: Option<String>,
    pub(crate) beep: Beep,
    pub(crate) callback: Option<String>,
    pub(crate) callback_method: Method,
    pub(crate) events: Vec<String>,
}

/// When a member's coming and going is announced by a tone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Beep {
    pub(crate) on_enter: bool,
    pub(crate) on_exit: bool,
}

impl Beep {
    /// `true`, `false`, `onEnter` or `onExit`; true when nothing is said.
    pub(crate) fn parse(text: Option<&str>) -> Self {
        match text {
            Some("false") => Self { on_enter: false, on_exit: false },
            Some("onEnter") => Self { on_enter: true, on_exit: false },
            Some("onExit") => Self { on_enter: false, on_exit: true },
            _ => Self { on_enter: true, on_exit: true },
        }
    }
}

type Warnings = Vec<(u32, String)>;

/// The verb that an element stands for; `None`, with a warning, where Twilio skips it.
pub(super) fn verb(e: &Element, warnings: &mut Warnings) -> Option<Verb> {
    match e.name.as_str() {
        "Say" | "Play" | "Pause" => speech(e, warnings).map(Verb::Speech),
        "Gather" => Some(Verb::Gather(Arc::new(gather(e, warnings)))),
        "Dial" => dial(e, warnings).map(|dial| Verb::Dial(Arc::new(dial))),
        "Redirect" => {
            Some(Verb::Redirect { url: e.text.trim().to_owned(), method: method(e, "method", warnings) })
        }
        "Hangup" => Some(Verb::Hangup),
        "Reject" => Some(Verb::Reject { busy: e.attribute("reason") == Some("busy") }),
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
            Some(Speech::Digits { count: u32::try_from(digits.len()).unwrap_or(u32::MAX) })
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
    let digits = e.attribute("numDigits").and_then(|v| v.parse().ok()).filter(|n| *n > 0);
    GatherVerb {
        action: link(e, "action"),
        method: method(e, "method", warnings),
        timeout_ms: number(e, "timeout", 5, 0..=3600, 13311, warnings) * 1000,
        finish_on_key: e.attribute("finishOnKey").unwrap_or("#").to_owned(),
        num_digits: digits,
        action_on_empty: flag(e, "actionOnEmptyResult", false, 13312, warnings),
        prompts,
    }
}

fn dial(e: &Element, warnings: &mut Warnings) -> Option<DialVerb> {
    let target = dial_target(e, warnings)?;
    Some(DialVerb {
        action: link(e, "action"),
        method: method(e, "method", warnings),
        timeout_s: number(e, "timeout", 30, 5..=600, 13212, warnings),
        time_limit_s: number(e, "timeLimit", 14_400, 1..=14_400, 13216, warnings),
        caller_id: link(e, "callerId"),
        hangup_on_star: flag(e, "hangupOnStar", false, 13213, warnings),
        answer_on_bridge: flag(e, "answerOnBridge", false, 13219, warnings),
        target,
    })
}

fn dial_target(e: &Element, warnings: &mut Warnings) -> Option<DialTarget> {
    let mut ends = Vec::new();
    for child in &e.children {
        match child.name.as_str() {
            "Conference" => return Some(DialTarget::Conference(conference(child, warnings))),
            "Number" => ends.push(endpoint(child, child.text.trim().to_owned(), warnings)),
            "Sip" => ends.push(endpoint(child, child.text.trim().to_owned(), warnings)),
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
        method: method(e, "method", warnings),
        callback: link(e, "statusCallback"),
        callback_method: method(e, "statusCallbackMethod", warnings),
        events: events(e, &["initiated", "ringing", "answered", "completed"], warnings),
    }
}

fn conference(e: &Element, warnings: &mut Warnings) -> ConferenceNoun {
    let wait = match e.attribute("waitUrl") {
        None => WaitSource::DefaultMusic,
        Some("") => WaitSource::Silence,
        Some(url) => WaitSource::Document { url: url.to_owned(), method: method(e, "waitMethod", warnings) },
    };
    ConferenceNoun {
        name: e.text.trim().to_owned(),
        muted: flag(e, "muted", false, 13230, warnings),
        start_on_enter: flag(e, "startConferenceOnEnter", true, 13232, warnings),
        end_on_exit: flag(e, "endConferenceOnExit", false, 13231, warnings),
        label: link(e, "participantLabel"),
        wait,
        max_participants: usize::try_from(number(e, "maxParticipants", 250, 2..=250, 12200, warnings))
            .unwrap_or(250),
        coach: link(e, "coach"),
        beep: Beep::parse(e.attribute("beep")),
        callback: link(e, "statusCallback"),
        callback_method: method(e, "statusCallbackMethod", warnings),
        events: events(
            e,
            &["start", "end", "join", "leave", "mute", "hold", "modify", "speaker", "announcement"],
            warnings,
        ),
    }
}

fn link(e: &Element, name: &str) -> Option<String> {
    e.attribute(name).map(str::trim).filter(|v| !v.is_empty()).map(str::to_owned)
}

/// The events of `statusCallbackEvent`, separated by white space.
fn events(e: &Element, known: &[&str], warnings: &mut Warnings) -> Vec<String> {
    let words = e.attribute("statusCallbackEvent").unwrap_or_default().split_whitespace();
    for word in words.clone().filter(|word| !known.contains(word)) {
        warnings.push((12200, format!("statusCallbackEvent has no event {word}")));
    }
    words.map(str::to_owned).collect()
}

fn method(e: &Element, name: &str, warnings: &mut Warnings) -> Method {
    match e.attribute(name) {
        None => Method::Post,
        Some(value) => Method::parse(value).unwrap_or_else(|| {
            warnings.push((12200, format!("{name}=\"{value}\" is neither GET nor POST")));
            Method::Post
        }),
    }
}

fn flag(e: &Element, name: &str, default: bool, code: u32, warnings: &mut Warnings) -> bool {
    match e.attribute(name).map(str::to_ascii_lowercase).as_deref() {
        None => default,
        Some("true") => true,
        Some("false") => false,
        Some(other) => {
            warnings.push((code, format!("{name}=\"{other}\" is neither true nor false")));
            default
        }
    }
}

fn number(
    e: &Element,
    name: &str,
    default: u64,
    allowed: std::ops::RangeInclusive<u64>,
    code: u32,
    warnings: &mut Warnings,
) -> u64 {
    match e.attribute(name) {
        None => default,
        Some(value) => match value.trim().parse::<u64>() {
            Ok(n) if allowed.contains(&n) => n,
            Ok(n) => {
                warnings.push((code, format!("{name}=\"{n}\" is out of range")));
                n.clamp(*allowed.start(), *allowed.end())
            }
            Err(_) => {
                warnings.push((code, format!("{name}=\"{value}\" is not a number")));
                default
            }
        },
    }
}
