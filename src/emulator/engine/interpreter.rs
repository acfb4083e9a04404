//! Owns the execution of a call's document: verbs top to bottom, one at a time, what they do handed to their owners.

use url::Url;

use super::audio;
use super::calls::{Activity, CallId, Direction, Document, EndedBy, Role, Status};
use super::http::{self, Link, RequestKind};
use super::recordings::Recorded;
use super::timeline::EventKind;
use super::timers::Timer;
use super::twiml::{self, Program, Speech, TwimlError, Verb};
use super::{Engine, fetch};

/// A document that came without a URL and starts a little later.
#[derive(Debug)]
pub(crate) struct Inline {
    call: CallId,
    turn: u64,
    text: String,
}

/// Whether the interpreter goes on with the next verb at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flow {
    Continue,
    Wait,
}

/// The source of a recording that `<Start>` began.
const BACKGROUND: &str = "StartCallRecordingTwiML";
/// A redirect takes this long, so that time passes even in a document that only redirects to itself.
const REDIRECT_MS: u64 = 20;
/// Sounds at least this long count as doing something: see [`fetch`]'s bound on documents that do nothing.
const SOMETHING_MS: u64 = 100;

impl Engine {
    /// The call is between two things: silent, older answers and timers void.
    pub(super) fn wait(&mut self, call: CallId) -> u64 {
        self.touch(call);
        self.calls[call].activity = Activity::Waiting;
        self.turn(call)
    }

    pub(super) fn run_inline(&mut self, call: CallId, text: &str, delay_ms: u64) {
        let turn = self.wait(call);
        let inline = Inline { call, turn, text: text.to_owned() };
        self.timers.at(self.now_ms + delay_ms, Timer::Start(Box::new(inline)));
    }

    pub(super) fn start_inline(&mut self, inline: Inline) {
        let Inline { call, turn, text } = inline;
        if self.calls[call].turn != turn || self.calls[call].is_ended() {
            return;
        }
        match twiml::parse(&text) {
            Ok(program) => self.begin(call, program, None, Role::Main),
            Err(error) => self.document_failed(call, "", error, Role::Main, true),
        }
    }

    /// Starts a document on a call.
    pub(super) fn begin(&mut self, call: CallId, program: Program, base: Option<Url>, role: Role) {
        self.keep_document(Some(call), &program, base.as_ref().map(Url::as_str), role);
        self.calls[call].document = Some(Document { base, verbs: program.verbs, next: 0, role });
        self.run(call);
    }

    /// What the document under way is to its leg.
    pub(super) fn role(&self, call: CallId) -> Role {
        self.calls[call].document.as_ref().map_or(Role::Main, |d| d.role)
    }

    /// The fallback if there is one and it was not the one that failed; otherwise an apology and the end.
    pub(super) fn document_failed(
        &mut self,
        call: CallId,
        url: &str,
        error: TwimlError,
        role: Role,
        fallback_left: bool,
    ) {
        self.error_of(Some(call), error.code, Some(url), &error.message);
        match self.calls[call].fallback.clone() {
            Some(link) if fallback_left => {
                let mut extra = Vec::new();
                if self.switches.fallback_tells_the_error {
                    extra.push(("ErrorCode".to_owned(), error.code.to_string()));
                    extra.push(("ErrorUrl".to_owned(), url.to_owned()));
                }
                self.fetch_to_run(call, link, RequestKind::Fallback, extra, 0, role, false);
            }
            _ if role == Role::Queue => self.leave_queue(call, "error"),
            _ => self.begin(call, http::application_error(), None, Role::Main),
        }
    }

    /// A call whose documents would never end hears the apology; leaving a queue must not begin the loop anew.
    pub(super) fn give_up(&mut self, call: CallId, url: &str) {
        self.abandon_queue(call, "error");
        self.document_failed(call, url, fetch::endless(), Role::Main, false);
    }

    /// A timer for the current verb is due.
    pub(super) fn next(&mut self, call: CallId, turn: u64) {
        if self.calls[call].turn != turn || self.calls[call].is_ended() {
            return;
        }
        match self.calls[call].activity {
            Activity::Gathering(_) => self.gather_timer(call),
            Activity::Recording(ref recorder) => {
                let recorder = recorder.clone();
                self.recorder_timer(call, recorder);
            }
            _ => self.run(call),
        }
    }

    /// Runs verbs until one takes time or the document ends. Bounded by the document's length.
    fn run(&mut self, call: CallId) {
        loop {
            if self.calls[call].is_ended() {
                return;
            }
            let Some(verb) = self.next_verb(call) else {
                return self.end_of_document(call);
            };
            if self.idles(call, 1) {
                return self.give_up(call, "");
            }
            if self.execute(call, verb) == Flow::Wait {
                return;
            }
        }
    }

    fn next_verb(&mut self, call: CallId) -> Option<Verb> {
        let document = self.calls[call].document.as_mut()?;
        let verb = document.verbs.get(document.next).cloned();
        document.next += 1;
        verb
    }

    /// The URL of an attribute, absolute. Relative ones resolve against the document's URL; an inline document has none: 15004.
    pub(super) fn resolve(&self, call: CallId, url: &str) -> Result<String, TwimlError> {
        if fetch::unusable(url).is_none() {
            return Ok(url.to_owned());
        }
        let base = self.calls[call].document.as_ref().and_then(|d| d.base.as_ref());
        let failed = |code, message: String| Err(TwimlError { code, message });
        match base.map(|base| if url.is_empty() { Ok(base.clone()) } else { base.join(url) }) {
            Some(Ok(absolute)) if absolute.has_host() => Ok(absolute.into()),
            Some(_) => failed(11100, format!("{url} is not a URL")),
            None => failed(15004, format!("{url} is relative, and the document has no URL")),
        }
    }

    fn end_of_document(&mut self, call: CallId) {
        let role = self.role(call);
        self.calls[call].document = None;
        match role {
            Role::Whisper => self.bridge(call),
            // Silence until somebody takes the leg out of the queue.
            Role::Queue => drop(self.wait(call)),
            Role::Main | Role::Track => self.end_call(call, Status::Completed, EndedBy::Twiml),
        }
    }

    fn execute(&mut self, call: CallId, verb: Verb) -> Flow {
        let name = verb.name();
        self.record(EventKind::TwimlVerb, Some(call), format!("<{name}>"), &[("verb", name)]);
        if self.role(call) == Role::Queue && !may_run_in_queue(&verb) {
            self.warn(call, 13238, &format!("<{name}> is not allowed while waiting"));
            return Flow::Continue;
        }
        match verb {
            Verb::Speech(speech) => self.sound(call, &speech),
            Verb::Record(record) => self.start_recorder(call, record),
            Verb::Enqueue(enqueue) => self.start_enqueue(call, enqueue),
            Verb::Leave => self.leave_verb(call),
            Verb::StartRecording(noun) => {
                let order = self.record_order(call, &noun, BACKGROUND);
                self.start_recording(Recorded::Call(call), order);
                Flow::Continue
            }
            Verb::StopRecording => {
                self.end_recordings_of(call, BACKGROUND);
                Flow::Continue
            }
            Verb::Gather(gather) => self.start_gather(call, gather),
            Verb::Dial(dial) => self.start_dial(call, dial),
            Verb::Redirect { url, method } => {
                self.redirect_verb(call, &url, method);
                Flow::Wait
            }
            Verb::Hangup => {
                self.end_call(call, Status::Completed, EndedBy::Twiml);
                Flow::Wait
            }
            Verb::Reject { busy } => {
                self.reject(call, busy);
                Flow::Wait
            }
        }
    }

    fn redirect_verb(&mut self, call: CallId, url: &str, method: http::Method) {
        let role = self.role(call);
        let kind = match role {
            Role::Whisper => RequestKind::Whisper,
            Role::Queue => RequestKind::Wait,
            Role::Main | Role::Track => RequestKind::Twiml,
        };
        match self.resolve(call, url) {
            Ok(url) => {
                let extra = self.queue_params(call);
                self.fetch_to_run(call, Link { url, method }, kind, extra, REDIRECT_MS, role, true);
            }
            Err(error) => self.document_failed(call, url, error, role, true),
        }
    }

    /// <https://www.twilio.com/docs/voice/twiml/reject>: only before an answer; afterwards it only hangs up.
    fn reject(&mut self, call: CallId, busy: bool) {
        let status = match (self.calls[call].answered_ms, busy) {
            (Some(_), _) => Status::Completed,
            (None, true) => Status::Busy,
            (None, false) => Status::NoAnswer,
        };
        self.end_call(call, status, EndedBy::Twiml);
    }

    /// An inbound call is answered by the first verb that needs a voice path.
    pub(super) fn answer_inbound(&mut self, call: CallId) {
        if self.calls[call].direction == Direction::Inbound {
            self.answer(call);
        }
    }

    fn sound(&mut self, call: CallId, speech: &Speech) -> Flow {
        // A <Pause> as the first verb leaves an inbound call ringing.
        if !matches!(speech, Speech::Pause { .. }) {
            self.answer_inbound(call);
        }
        let length = audio::length_ms(speech);
        self.did_something(call, length);
        self.note_said(call, speech);
        if length == Some(0) {
            return Flow::Continue;
        }
        let turn = self.wait(call);
        self.calls[call].activity = Activity::Sound(audio::heard(speech));
        if let Some(length) = length {
            self.timers.at(self.now_ms.saturating_add(length), Timer::Next(call, turn));
        }
        Flow::Wait
    }

    pub(super) fn note_said(&mut self, call: CallId, speech: &Speech) {
        if let Speech::Say { text, .. } = speech {
            self.record(EventKind::Said, Some(call), format!("hears: {text}"), &[("text", text)]);
        }
    }

    /// Time passes on purpose: no loop of empty documents.
    pub(super) fn did_something(&mut self, call: CallId, length_ms: Option<u64>) {
        if length_ms.is_none_or(|ms| ms >= SOMETHING_MS) {
            self.calls[call].idle = 0;
        }
    }
}

/// <https://www.twilio.com/docs/voice/twiml/enqueue>: what a queue's wait document may say.
fn may_run_in_queue(verb: &Verb) -> bool {
    matches!(verb, Verb::Speech(_) | Verb::Gather(_) | Verb::Redirect { .. } | Verb::Hangup | Verb::Leave)
}
