//! Owns what a call is: its record, what it is doing, and the arena calls live in. How calls change is `lifecycle`'s.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ops::{Index, IndexMut};
use std::sync::Arc;

use serde::Serialize;
use url::Url;

use super::audio::Heard;
use super::conferences::RoomId;
use super::debugger::ExecutedDocument;
use super::http::{Link, Method};
use super::log::Log;
use super::phones::PhonePlan;
use super::queues::Queued;
use super::recorder::Recorder;
use super::recordings::{RecordOrder, RecordingId};
use super::twiml::{Detection, DialVerb, Endpoint, GatherVerb, Verb};
use crate::telephony::CallSid;

/// A call's place in the arena; calls are never removed, only hidden by a REST delete.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct CallId(pub(crate) usize);

/// Call status as REST and callbacks name it (`initiated` exists only in callbacks).
/// <https://www.twilio.com/docs/voice/api/call-resource#call-status-values>
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, strum::Display, strum::EnumString)]
#[strum(serialize_all = "kebab-case")]
pub(crate) enum Status {
    Queued,
    Initiated,
    Ringing,
    InProgress,
    Completed,
    Busy,
    Failed,
    NoAnswer,
    Canceled,
}

impl Status {
    pub(crate) fn is_terminal(self) -> bool {
        matches!(self, Self::Completed | Self::Busy | Self::Failed | Self::NoAnswer | Self::Canceled)
    }

    /// As the REST API shows it: `initiated` is still `queued` there.
    pub(crate) fn rest(self) -> Self {
        if self == Self::Initiated { Self::Queued } else { self }
    }
}

/// Who a call was made by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::Display)]
#[strum(serialize_all = "kebab-case")]
pub(crate) enum Direction {
    Inbound,
    OutboundApi,
    OutboundDial,
}

/// Whose doing an ending was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::Display)]
#[strum(serialize_all = "snake_case")]
pub(crate) enum EndedBy {
    Person,
    Rest,
    Twiml,
    Twilio,
}

/// Where call progress is reported.
#[derive(Debug, Clone)]
pub(crate) struct Callback {
    pub(crate) url: String,
    pub(crate) method: Method,
    /// `initiated ringing answered completed`; empty counts as `completed` alone.
    pub(crate) events: BTreeSet<String>,
}

impl Callback {
    /// A callback when there is a URL; an empty event list is Twilio's default, `completed`.
    pub(crate) fn new(url: Option<String>, method: Method, events: Vec<String>) -> Option<Self> {
        let events = if events.is_empty() { vec!["completed".to_owned()] } else { events };
        url.map(|url| Self { url, method, events: events.into_iter().collect() })
    }

    /// A callback that hears of the end alone, as numbers and applications have it.
    pub(crate) fn of_the_end(link: Link) -> Option<Self> {
        Self::new(Some(link.url), link.method, Vec::new())
    }
}

/// What happens when the far end answers.
#[derive(Debug, Clone)]
pub(crate) enum Start {
    /// A document is requested.
    Document(Link),
    /// A document that came with the REST call.
    Inline(String),
    /// The leg enters the conference it was added to.
    Conference,
    /// The leg is bridged to its parent, after the whisper document if there is one.
    Child { whisper: Option<Link> },
}

/// A document being executed.
#[derive(Debug, Clone)]
pub(crate) struct Document {
    /// `None` for a document that came inline: relative URLs in it are error 15004.
    pub(crate) base: Option<Url>,
    pub(crate) verbs: Arc<[Verb]>,
    pub(crate) next: usize,
    pub(crate) role: Role,
}

/// What a document is to its leg: decides what its end does, and what it may say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// The leg's own: its end hangs up.
    Main,
    /// Runs on an answered child: its end is the bridge to the parent.
    Whisper,
    /// Runs while the leg waits in a queue: its end is silence.
    Queue,
    /// Runs beside the leg's own: waiting, holding, announcing.
    Track,
}

/// What a leg may bring beside the usual.
#[derive(Debug, Clone, Default)]
pub(crate) struct CallExtras {
    /// Sent to the far end after its answer.
    pub(crate) send_digits: Option<String>,
    pub(crate) detection: Option<Detection>,
}

/// What the leg is doing: decides what it hears.
#[derive(Debug, Clone)]
pub(crate) enum Activity {
    /// Nothing yet, or between two things: silence.
    Waiting,
    /// A `<Say>`, `<Play>` or `<Pause>`.
    Sound(Option<Heard>),
    /// A `<Gather>`.
    Gathering(Gathering),
    /// A `<Record>`.
    Recording(Recorder),
    /// In its `<Dial>`, which rings.
    Dialing,
    /// Connected to one other leg.
    Bridged(CallId),
    /// In a conference.
    Room(RoomId),
    /// Over.
    Ended,
}

/// A `<Gather>` under way.
#[derive(Debug, Clone)]
pub(crate) struct Gathering {
    pub(crate) verb: Arc<GatherVerb>,
    /// The prompt that plays, or past the end: waiting for keys.
    pub(crate) prompt: usize,
    pub(crate) digits: String,
    pub(crate) sound: Option<Heard>,
}

/// A `<Dial>` under way on its parent leg.
#[derive(Debug, Clone)]
pub(crate) struct Dial {
    pub(crate) verb: Arc<DialVerb>,
    pub(crate) started_ms: u64,
    pub(crate) children: Vec<CallId>,
    /// `sequential`: nouns that have not had their turn.
    pub(crate) pending: VecDeque<Endpoint>,
    pub(crate) recording: Option<RecordingId>,
    pub(crate) answered: Option<CallId>,
    pub(crate) bridged_ms: Option<u64>,
}

/// What comes out of the far end's mouth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Voice {
    Person,
    Machine(Option<Heard>),
}

/// One leg.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) sid: CallSid,
    pub(crate) parent: Option<CallId>,
    pub(crate) direction: Direction,
    pub(crate) from: String,
    pub(crate) to: String,
    pub(crate) status: Status,
    pub(crate) created_ms: u64,
    pub(crate) updated_ms: u64,
    pub(crate) dialled_ms: Option<u64>,
    pub(crate) answered_ms: Option<u64>,
    pub(crate) ended_ms: Option<u64>,
    pub(crate) sip_code: Option<u16>,
    pub(crate) callback: Option<Callback>,
    pub(crate) sequence: u64,
    pub(crate) ring_limit_ms: u64,
    pub(crate) time_limit_ms: u64,
    /// Counts changes of the time limit, so that the old timer is known to be old.
    pub(crate) limit_turn: u64,
    pub(crate) fallback: Option<Link>,
    /// How long it waited to be placed, as estimated when it was made.
    pub(crate) queue_ms: u64,
    /// To be recorded from its answer on.
    pub(crate) record: Option<RecordOrder>,
    /// Parameters of its create that are valid and kept: `MachineDetection…`, `CallReason`, `CallToken` …
    pub(crate) given: BTreeMap<&'static str, String>,
    pub(crate) start: Start,
    pub(crate) document: Option<Document>,
    pub(crate) activity: Activity,
    /// Changes whenever the call moves on; answers and timers of an older turn are void.
    pub(crate) turn: u64,
    pub(crate) dial: Option<Dial>,
    pub(crate) plan: Option<PhonePlan>,
    pub(crate) voice: Voice,
    /// The conference it rings for or is in.
    pub(crate) room: Option<RoomId>,
    /// Verbs and documents since something last took time: bounds loops.
    pub(crate) idle: u32,
    pub(crate) extras: CallExtras,
    /// What machine detection found.
    pub(crate) answered_by: Option<String>,
    pub(crate) queued: Option<Queued>,
    pub(crate) executed: Log<ExecutedDocument>,
    /// Since when the far end hears nothing at all.
    pub(crate) silent_since: Option<u64>,
    /// No sound in either direction: a fault.
    pub(crate) cut: bool,
    /// No more callbacks are sent: a fault.
    pub(crate) mute_callbacks: bool,
    /// The other leg of a call between two numbers of the account.
    pub(crate) twin: Option<CallId>,
    /// What the status was, and since when: for reads that lag behind.
    pub(crate) statuses: Vec<(u64, Status)>,
    /// Deleted by REST: no longer shown.
    pub(crate) deleted: bool,
    /// What is currently recorded as heard.
    pub(crate) hears: Option<Vec<Heard>>,
}

impl Call {
    /// The person's address: the far end of the leg.
    pub(crate) fn person(&self) -> &str {
        if self.direction == Direction::Inbound { &self.from } else { &self.to }
    }

    pub(crate) fn is_ended(&self) -> bool {
        self.status.is_terminal()
    }

    /// Whether someone is connected.
    pub(crate) fn is_live(&self) -> bool {
        self.status == Status::InProgress
    }

    /// Seconds from answer to end (or `now_ms`), as Twilio bills them: whole, rounded up.
    pub(crate) fn duration_s(&self, now_ms: u64) -> u64 {
        match self.answered_ms {
            Some(answered) => self.ended_ms.unwrap_or(now_ms).saturating_sub(answered).div_ceil(1000),
            None => 0,
        }
    }
}

/// All calls, in the order they were made.
#[derive(Debug, Default)]
pub(crate) struct Calls {
    list: Vec<Call>,
    by_sid: BTreeMap<CallSid, CallId>,
    by_person: BTreeMap<String, Vec<CallId>>,
}

impl Calls {
    pub(crate) fn add(&mut self, call: Call) -> CallId {
        let id = CallId(self.list.len());
        self.by_sid.insert(call.sid.clone(), id);
        self.by_person.entry(call.person().to_owned()).or_default().push(id);
        self.list.push(call);
        id
    }

    /// The call with this SID, unless REST has deleted it.
    pub(crate) fn find(&self, sid: &str) -> Option<CallId> {
        let id = sid.parse().ok().and_then(|sid: CallSid| self.by_sid.get(&sid).copied())?;
        (!self[id].deleted).then_some(id)
    }

    /// The legs of a person, in the order of creation.
    pub(crate) fn of(&self, address: &str) -> &[CallId] {
        self.by_person.get(address).map_or(&[], Vec::as_slice)
    }

    /// In the order of creation.
    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = (CallId, &Call)> {
        self.list.iter().enumerate().map(|(i, call)| (CallId(i), call))
    }
}

impl Index<CallId> for Calls {
    type Output = Call;
    fn index(&self, id: CallId) -> &Call {
        &self.list[id.0]
    }
}

impl IndexMut<CallId> for Calls {
    fn index_mut(&mut self, id: CallId) -> &mut Call {
        &mut self.list[id.0]
    }
}
