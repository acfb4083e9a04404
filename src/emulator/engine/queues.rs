//! Owns queues: `<Enqueue>`, the wait document that runs meanwhile, `<Leave>`, and `<Dial><Queue>`.
//! <https://www.twilio.com/docs/voice/twiml/enqueue>, <https://www.twilio.com/docs/voice/twiml/queue>

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Engine;
use super::calls::{Activity, CallId, Document, EndedBy, Role, Status};
use super::dial::DialEnd;
use super::http::{Link, RequestKind};
use super::interpreter::Flow;
use super::timers::Timer;
use super::twiml::{DialTarget, EnqueueVerb, Program, QueueNoun, Repeat, Speech, Verb, WaitSource};

type Params = Vec<(String, String)>;

/// A queue's place in the arena.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct QueueId(usize);

/// One queue. It stays once it has been made.
#[derive(Debug)]
pub(crate) struct Queue {
    sid: String,
    max_size: usize,
    /// Who waits, longest first.
    waiting: Vec<CallId>,
    /// Who wants the next one.
    takers: Vec<CallId>,
    /// How many have left, and how long they waited altogether, for the average.
    served: u64,
    waited_ms: u64,
}

/// All queues.
#[derive(Debug, Default)]
pub(crate) struct Queues {
    list: Vec<Queue>,
    by_name: BTreeMap<String, QueueId>,
}

/// A leg's stay in a queue.
#[derive(Debug, Clone)]
pub(crate) struct Queued {
    queue: QueueId,
    verb: Arc<EnqueueVerb>,
    /// The document with the `<Enqueue>`; it goes on afterwards.
    outer: Option<Document>,
    since_ms: u64,
    /// Seconds in the queue, once it has left it.
    waited_s: Option<u64>,
    /// The leg whose `<Dial><Queue>` took it.
    pub(super) taken_by: Option<CallId>,
}

impl Engine {
    fn queue_named(&mut self, name: &str, max_size: usize) -> QueueId {
        if let Some(id) = self.queues.by_name.get(name) {
            return *id;
        }
        let id = QueueId(self.queues.list.len());
        let sid = format!("QU{:032x}", self.bits());
        self.queues.by_name.insert(name.to_owned(), id);
        self.queues.list.push(Queue {
            sid,
            max_size,
            waiting: Vec::new(),
            takers: Vec::new(),
            served: 0,
            waited_ms: 0,
        });
        id
    }

    pub(super) fn start_enqueue(&mut self, call: CallId, verb: Arc<EnqueueVerb>) -> Flow {
        self.answer_inbound(call);
        let queue = self.queue_named(&verb.name, verb.max_size);
        let full = self.queues.list[queue.0].waiting.len() >= self.queues.list[queue.0].max_size;
        let wait = self.wait_source(call, &verb.wait);
        let outer = self.calls[call].document.take();
        self.calls[call].queued =
            Some(Queued { queue, verb, outer, since_ms: self.now_ms, waited_s: None, taken_by: None });
        self.wait(call);
        if full {
            self.leave_queue(call, "queue-full");
            return Flow::Wait;
        }
        self.queues.list[queue.0].waiting.push(call);
        match wait {
            WaitSource::DefaultMusic => {
                let music = Speech::Play { url: "default".into(), repeat: Repeat::Forever };
                self.begin(call, Program::of(vec![Verb::Speech(music)]), None, Role::Queue);
            }
            WaitSource::Silence => {}
            WaitSource::Document { url, method } => {
                let extra = self.queue_params(call);
                self.fetch_to_run(call, Link { url, method }, RequestKind::Wait, extra, 0, Role::Queue, true);
            }
        }
        self.serve(queue);
        Flow::Wait
    }

    /// A wait source whose URL is absolute, as far as it can be made so.
    pub(super) fn wait_source(&self, call: CallId, source: &WaitSource) -> WaitSource {
        match source {
            WaitSource::Document { url, method } => {
                let url = self.resolve(call, url).unwrap_or_else(|_| url.clone());
                WaitSource::Document { url, method: *method }
            }
            other => other.clone(),
        }
    }

    /// What the wait document is told.
    pub(super) fn queue_params(&self, call: CallId) -> Vec<(String, String)> {
        let Some(queued) = &self.calls[call].queued else { return Vec::new() };
        let queue = &self.queues.list[queued.queue.0];
        let position = queue.waiting.iter().position(|c| *c == call).map_or(0, |at| at + 1);
        let average = queue.waited_ms.checked_div(queue.served).unwrap_or_default() / 1000;
        let mut params = self.queue_stay(queued);
        for (name, value) in [
            ("QueuePosition", position.to_string()),
            ("AvgQueueTime", average.to_string()),
            ("CurrentQueueSize", queue.waiting.len().to_string()),
            ("MaxQueueSize", queue.max_size.to_string()),
        ] {
            params.push((name.to_owned(), value));
        }
        params
    }

    fn queue_stay(&self, queued: &Queued) -> Vec<(String, String)> {
        let seconds = queued.waited_s.unwrap_or(self.now_ms.saturating_sub(queued.since_ms) / 1000);
        vec![
            ("QueueSid".to_owned(), self.queues.list[queued.queue.0].sid.clone()),
            ("QueueTime".to_owned(), seconds.to_string()),
        ]
    }

    /// The first waiting leg for each one who wants it.
    fn serve(&mut self, queue: QueueId) {
        loop {
            let state = &mut self.queues.list[queue.0];
            if state.waiting.is_empty() || state.takers.is_empty() {
                return;
            }
            let taker = state.takers.remove(0);
            let Some(dial) = self.calls[taker].dial.as_ref() else { continue };
            let DialTarget::Queue(noun) = dial.verb.target.clone() else { continue };
            self.take_from_queue(taker, queue, &noun);
        }
    }

    fn take_from_queue(&mut self, taker: CallId, queue: QueueId, noun: &QueueNoun) {
        let call = self.queues.list[queue.0].waiting.remove(0);
        self.out_of_queue(call);
        self.wait(call);
        if let Some(queued) = self.calls[call].queued.as_mut() {
            queued.taken_by = Some(taker);
        }
        if let Some(dial) = self.calls[taker].dial.as_mut() {
            dial.children = vec![call];
            dial.answered = Some(call);
        }
        self.touch(taker);
        match noun.url.as_deref().map(|url| self.resolve(taker, url)) {
            Some(Ok(url)) => {
                let mut extra =
                    self.calls[call].queued.as_ref().map(|q| self.queue_stay(q)).unwrap_or_default();
                extra.push(("DequeingCallSid".to_owned(), self.calls[taker].sid.to_string()));
                self.fetch_document(call, Link { url, method: noun.method }, RequestKind::Whisper, extra, 0);
            }
            _ => self.bridge(call),
        }
    }

    /// Counts the end of a leg's waiting, once.
    fn out_of_queue(&mut self, call: CallId) {
        let now = self.now_ms;
        let Some(queued) = self.calls[call].queued.as_mut() else { return };
        if queued.waited_s.is_some() {
            return;
        }
        let waited = now.saturating_sub(queued.since_ms);
        queued.waited_s = Some(waited / 1000);
        let queue = &mut self.queues.list[queued.queue.0];
        queue.waiting.retain(|c| *c != call);
        queue.served += 1;
        queue.waited_ms += waited;
    }

    /// `<Dial><Queue>`: takes whoever waits, or waits for somebody.
    pub(super) fn dial_queue(&mut self, call: CallId, noun: &QueueNoun, timeout_s: u64) {
        let Some(queue) = self.queues.by_name.get(&noun.name).copied() else {
            self.warn(call, 12200, &format!("there is no queue {}", noun.name));
            let end = DialEnd { status: Some("failed"), bridged: Some(false), ..DialEnd::default() };
            return self.finish_dial(call, end, 0);
        };
        let turn = self.calls[call].turn;
        self.timers.at(self.now_ms + timeout_s * 1000, Timer::DialTimeLimit(call, turn));
        self.queues.list[queue.0].takers.push(call);
        self.serve(queue);
    }

    /// A leg no longer wants anybody.
    pub(super) fn forget_taker(&mut self, call: CallId) {
        for queue in &mut self.queues.list {
            queue.takers.retain(|c| *c != call);
        }
    }

    /// The leg is out of its queue: its `<Enqueue>`'s action, or the verb after it.
    pub(super) fn leave_queue(&mut self, call: CallId, result: &str) {
        let Some((link, extra)) = self.quit_queue(call, result) else { return };
        let turn = self.wait(call);
        match link {
            Some(link) => self.fetch_document(call, link, RequestKind::EnqueueAction, extra, 0),
            None => self.timers.at(self.now_ms, Timer::Next(call, turn)),
        }
    }

    /// The leg leaves its queue for something else, or by hanging up: the action's answer is thrown away.
    pub(super) fn abandon_queue(&mut self, call: CallId, result: &str) {
        if let Some((Some(link), extra)) = self.quit_queue(call, result) {
            self.fetch_and_discard(call, link, RequestKind::EnqueueAction, extra, 0);
        }
    }

    fn quit_queue(&mut self, call: CallId, result: &str) -> Option<(Option<Link>, Params)> {
        self.out_of_queue(call);
        let queued = self.calls[call].queued.take()?;
        let mut extra = self.queue_stay(&queued);
        extra.push(("QueueResult".to_owned(), result.to_owned()));
        self.calls[call].document = queued.outer;
        let action = queued.verb.action.as_deref().and_then(|action| self.resolve(call, action).ok());
        Some((action.map(|url| Link { url, method: queued.verb.method }), extra))
    }

    /// `<Leave>`: only in a queue's wait document.
    pub(super) fn leave_verb(&mut self, call: CallId) -> Flow {
        if self.role(call) != Role::Queue {
            self.warn(call, 12200, "<Leave> outside a queue's wait document");
            return Flow::Continue;
        }
        self.leave_queue(call, "leave");
        Flow::Wait
    }

    /// The far side of a bridge is let go: a child ends, a leg from a queue goes on with its document.
    pub(super) fn release(&mut self, child: CallId, result: &str, by: EndedBy) {
        let taken = self.calls[child].queued.as_ref().is_some_and(|q| q.taken_by.is_some());
        if !taken || self.calls[child].is_ended() {
            let status = if self.calls[child].is_live() { Status::Completed } else { Status::Canceled };
            return self.end_call(child, status, by);
        }
        if let Some(parent) = self.dialling_parent(child) {
            let end = self.ended_with(parent, child);
            self.finish_dial(parent, end, 0);
        }
        if !matches!(self.calls[child].activity, Activity::Ended) {
            self.leave_queue(child, result);
        }
    }
}
