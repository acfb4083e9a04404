//! Owns what a document can say: the typed verbs and nouns, defaults applied. Reading them is `read`'s and `nouns`' business.

use std::sync::Arc;

use super::super::http::Method;

/// How often a sound is repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Repeat {
    Times(u32),
    Forever,
}

/// What is heard for a while: the part that `<Say>`, `<Play>` and `<Pause>` share with prompts and wait documents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Speech {
    Say {
        text: String,
        repeat: Repeat,
    },
    Play {
        url: String,
        repeat: Repeat,
    },
    /// DTMF, so long altogether.
    Digits {
        length_ms: u64,
    },
    Pause {
        length_ms: u64,
    },
}

/// One verb, attributes read and defaults applied.
#[derive(Debug, Clone)]
pub(crate) enum Verb {
    Speech(Speech),
    Gather(Arc<GatherVerb>),
    Dial(Arc<DialVerb>),
    Redirect {
        url: String,
        method: Method,
    },
    Record(Arc<RecordVerb>),
    Enqueue(Arc<EnqueueVerb>),
    /// Leaves the queue; only in a queue's wait document.
    Leave,
    /// `<Start><Recording>`: goes on in the background.
    StartRecording(RecordingNoun),
    /// `<Stop><Recording>`.
    StopRecording,
    Hangup,
    Reject {
        busy: bool,
    },
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
            Self::Record(_) => "Record",
            Self::Enqueue(_) => "Enqueue",
            Self::Leave => "Leave",
            Self::StartRecording(_) => "Start",
            Self::StopRecording => "Stop",
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
    /// Whether keys count.
    pub(crate) takes_keys: bool,
    /// Whether spoken words count.
    pub(crate) takes_speech: bool,
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
    /// One after the other instead of all at once.
    pub(crate) sequential: bool,
    pub(crate) record: Option<DialRecording>,
    pub(crate) target: DialTarget,
}

/// `record` of `<Dial>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DialRecording {
    pub(crate) from_ringing: bool,
    pub(crate) noun: RecordingNoun,
}

/// How a recording is made, and who is told of it.
/// <https://www.twilio.com/docs/voice/twiml/recording>
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RecordingNoun {
    pub(crate) callback: Option<String>,
    pub(crate) callback_method: Method,
    /// `in-progress completed absent`; empty counts as `completed` alone.
    pub(crate) events: Vec<String>,
    pub(crate) channels: u8,
    /// `inbound`, `outbound` or `both`.
    pub(crate) track: String,
    pub(crate) trim: bool,
}

/// <https://www.twilio.com/docs/voice/twiml/record>
#[derive(Debug, Clone)]
pub(crate) struct RecordVerb {
    pub(crate) action: Option<String>,
    pub(crate) method: Method,
    /// So much silence ends it.
    pub(crate) timeout_ms: u64,
    pub(crate) finish_on_key: String,
    pub(crate) max_length_ms: u64,
    pub(crate) beep: bool,
    pub(crate) noun: RecordingNoun,
}

/// <https://www.twilio.com/docs/voice/twiml/enqueue>
#[derive(Debug, Clone)]
pub(crate) struct EnqueueVerb {
    pub(crate) name: String,
    pub(crate) action: Option<String>,
    pub(crate) method: Method,
    pub(crate) wait: WaitSource,
    pub(crate) max_size: usize,
}

/// `<Queue>` in `<Dial>`: whoever waits longest.
/// <https://www.twilio.com/docs/voice/twiml/queue>
#[derive(Debug, Clone)]
pub(crate) struct QueueNoun {
    pub(crate) name: String,
    /// Runs on the leg that waited, before the bridge.
    pub(crate) url: Option<String>,
    pub(crate) method: Method,
}

/// Whether a person or a machine has answered, and who wants to know.
/// <https://www.twilio.com/docs/voice/answering-machine-detection>
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Detection {
    /// `DetectMessageEnd`: a machine is reported when its greeting is over; otherwise at once.
    pub(crate) to_message_end: bool,
    pub(crate) timeout_ms: u64,
    /// Without waiting: the document is requested at once.
    pub(crate) asynchronous: bool,
    pub(crate) callback: Option<String>,
    pub(crate) callback_method: Method,
}

/// What a `<Dial>` connects to.
#[derive(Debug, Clone)]
pub(crate) enum DialTarget {
    /// All ring at once, or one after the other; the first to answer wins.
    Endpoints(Vec<Endpoint>),
    Conference(Box<ConferenceNoun>),
    Queue(QueueNoun),
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
    /// Sent to the far end after its answer.
    pub(crate) send_digits: Option<String>,
    pub(crate) detection: Option<Detection>,
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
    pub(crate) record: Option<RecordingNoun>,
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
