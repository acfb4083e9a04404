//! Owns the running exchange: the engine behind its lock, the clock that moves it, and the webhooks it asks for.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use serde::Serialize;
use tokio::runtime::Handle;
use tokio::sync::{Notify, broadcast, watch};

use super::engine::pace::Pace;
use super::engine::{Audibility, Engine, EngineOptions, HttpOutcome, HttpRequest, RequestId, TimelineEvent};
use super::faults::{FaultRules, Faults};
use super::rest::{RestAnswer, RestRequest};
use super::webhooks::{Sender, WebhookRecord};
use super::{ClockMode, EmulatorOptions};

/// One REST request as it was received.
#[derive(Debug, Clone, Serialize)]
pub struct RequestRecord {
    /// Emulated milliseconds.
    pub at_ms: u64,
    /// GET, POST or DELETE.
    pub method: String,
    /// As sent.
    pub path: String,
    /// Names and values in the order received.
    pub form: Vec<(String, String)>,
    /// What was answered; nothing when the connection was cut on purpose.
    pub status: Option<u16>,
}

/// What one fresh start owns; replaced whole by a reset.
struct State {
    engine: Engine,
    started: Instant,
    generation: u64,
    published: usize,
    /// Webhooks under way, and the answers that wait for the others'.
    unanswered: usize,
    answers: BTreeMap<(RequestId, bool), Option<HttpOutcome>>,
    received: u64,
    requests: VecDeque<RequestRecord>,
    webhooks: VecDeque<WebhookRecord>,
    faults: Faults,
}

/// The exchange that all handlers share.
pub(super) struct Exchange {
    pub(super) options: EmulatorOptions,
    base_url: String,
    state: Mutex<State>,
    sender: Sender,
    runtime: Handle,
    wake: Notify,
    events: broadcast::Sender<TimelineEvent>,
    length: watch::Sender<u64>,
    in_flight: watch::Sender<usize>,
}

impl Exchange {
    /// A fresh exchange on the current runtime.
    pub(super) fn new(options: EmulatorOptions, base_url: String) -> anyhow::Result<Self> {
        Ok(Self {
            state: Mutex::new(State::new(&options, &base_url, 0)),
            base_url,
            sender: Sender::new(options.auth_token.clone())?,
            options,
            runtime: Handle::current(),
            wake: Notify::new(),
            events: broadcast::channel(4096).0,
            length: watch::channel(0).0,
            in_flight: watch::channel(0).0,
        })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Brings the engine to the present, does something with it, publishes what happened and sends what it asks for.
    pub(super) fn with<T>(self: &Arc<Self>, act: impl FnOnce(&mut Engine) -> T) -> T {
        let mut state = self.lock();
        let now = self.now_ms(&state);
        state.engine.advance(now);
        let result = act(&mut state.engine);
        self.after(&mut state);
        result
    }

    fn now_ms(&self, state: &State) -> u64 {
        match self.options.clock {
            ClockMode::Virtual => state.engine.now_ms(),
            ClockMode::Real => {
                let emulated = state.started.elapsed().mul_f64(self.speed());
                u64::try_from(emulated.as_millis()).unwrap_or(u64::MAX)
            }
        }
    }

    fn speed(&self) -> f64 {
        let speed = self.options.speed;
        if speed.is_finite() && speed > 0.0 { speed.clamp(0.001, 1_000.0) } else { 1.0 }
    }

    /// A real duration for emulated milliseconds.
    pub(super) fn real(&self, emulated_ms: u64) -> Duration {
        Duration::from_millis(emulated_ms).div_f64(self.speed())
    }

    fn after(self: &Arc<Self>, state: &mut State) {
        for event in &state.engine.timeline()[state.published..] {
            // Nobody listening is fine.
            let _ = self.events.send(event.clone());
        }
        state.published = state.engine.timeline().len();
        self.length.send_replace(u64::try_from(state.published).unwrap_or(u64::MAX));
        let now = state.engine.now_ms();
        for request in state.engine.take_requests() {
            let path = url::Url::parse(&request.url).map(|u| u.path().to_owned()).unwrap_or_default();
            let fault = state.faults.webhook(&path);
            let copies = if fault.duplicate { 2 } else { 1 };
            for copy in 0..copies {
                self.in_flight.send_modify(|n| *n += 1);
                state.unanswered += 1;
                let (exchange, request, generation) = (self.clone(), request.clone(), state.generation);
                let fault = fault.clone();
                self.runtime.spawn(async move {
                    exchange.deliver(request, generation, now, fault.delay_ms, fault.drop, copy > 0).await;
                });
            }
        }
        self.wake.notify_one();
    }

    /// Sends one webhook and gives its answer to the engine that asked for it. A duplicate's answer is thrown away.
    async fn deliver(
        self: Arc<Self>,
        request: HttpRequest,
        generation: u64,
        now: u64,
        delay_ms: u64,
        drop: bool,
        duplicate: bool,
    ) {
        if delay_ms > 0 {
            tokio::time::sleep(self.real(delay_ms)).await;
        }
        let (outcome, record) = if drop {
            let reason = "lost on purpose".to_owned();
            (HttpOutcome::Failed { code: 11200, reason }, None)
        } else {
            let (outcome, record) = self.sender.send(&request, now + delay_ms).await;
            (outcome, Some(record))
        };
        {
            let mut state = self.lock();
            if state.generation == generation {
                if let Some(record) = record {
                    keep(&mut state.webhooks, record);
                }
                let outcome = (!duplicate).then_some(outcome);
                state.answers.insert((request.id, duplicate), outcome);
                state.unanswered = state.unanswered.saturating_sub(1);
                self.hand_over(&mut state);
            }
        }
        self.in_flight.send_modify(|n| *n -= 1);
    }

    /// Gives the engine its answers. In virtual time all webhooks of one moment are answered at once, in the order in which
    /// they were sent: which of them happened to be quicker must not change the history.
    fn hand_over(self: &Arc<Self>, state: &mut State) {
        if self.options.clock == ClockMode::Virtual && state.unanswered > 0 {
            return;
        }
        let now = self.now_ms(state);
        state.engine.advance(now);
        for ((id, _), outcome) in std::mem::take(&mut state.answers) {
            if let Some(outcome) = outcome {
                state.engine.http_answer(id, &outcome);
            }
        }
        self.after(state);
    }

    /// Moves the engine along in real time, until it is dropped.
    pub(super) async fn drive(self: Arc<Self>) {
        loop {
            let wait = {
                let state = self.lock();
                let now = self.now_ms(&state);
                let due = state.engine.next_due_ms().filter(|_| self.options.clock == ClockMode::Real);
                due.map(|due| self.real(due.saturating_sub(now)).max(Duration::from_millis(1)))
            };
            let long = Duration::from_secs(3600);
            let woken = tokio::time::timeout(wait.unwrap_or(long), self.wake.notified()).await;
            if woken.is_err() {
                self.with(|_| ());
            }
        }
    }

    /// Virtual time: everything due within `by_ms` happens, each thing after the webhooks before it were answered.
    pub(super) async fn advance(self: &Arc<Self>, by_ms: u64) {
        let target = self.lock().engine.now_ms().saturating_add(by_ms);
        loop {
            self.idle().await;
            let step = {
                let mut state = self.lock();
                let due = state.engine.next_due_ms().filter(|due| *due <= target);
                state.engine.advance(due.unwrap_or(target));
                self.after(&mut state);
                due
            };
            if step.is_none() && *self.in_flight.borrow() == 0 {
                return;
            }
        }
    }

    /// Until no webhook is under way.
    pub(super) async fn idle(&self) {
        let mut in_flight = self.in_flight.subscribe();
        // The sender lives as long as we do.
        let _ = in_flight.wait_for(|n| *n == 0).await;
    }

    /// A fresh exchange; answers to the old one's webhooks are ignored.
    pub(super) fn reset(&self) {
        let mut state = self.lock();
        *state = State::new(&self.options, &self.base_url, state.generation + 1);
        self.length.send_replace(0);
        self.wake.notify_one();
    }

    /// Replaces the faults.
    pub(super) fn set_faults(&self, rules: FaultRules) {
        self.lock().faults = Faults::new(rules);
    }

    /// Draws what goes wrong with a REST request.
    pub(super) fn rest_fault(&self, method: &str, path: &str) -> super::faults::RestFault {
        self.lock().faults.rest(method, path)
    }

    /// Notes a REST request; returns how many there have been.
    pub(super) fn note_request(&self, request: &RestRequest, status: Option<u16>) -> u64 {
        let mut state = self.lock();
        let at_ms = self.now_ms(&state);
        state.received += 1;
        let record = RequestRecord {
            at_ms,
            method: request.method.clone(),
            path: request.path.clone(),
            form: request.form.clone(),
            status,
        };
        keep(&mut state.requests, record);
        state.received
    }

    /// Answers a REST request whose credentials are good.
    pub(super) fn rest(self: &Arc<Self>, request: &RestRequest) -> RestAnswer {
        self.with(|engine| super::rest::handle(engine, request))
    }

    pub(super) fn requests(&self) -> Vec<RequestRecord> {
        self.lock().requests.iter().cloned().collect()
    }

    pub(super) fn webhooks(&self) -> Vec<WebhookRecord> {
        self.lock().webhooks.iter().cloned().collect()
    }

    /// Events with an index above `after`.
    pub(super) fn timeline(self: &Arc<Self>, after: u64) -> Vec<TimelineEvent> {
        let after = usize::try_from(after).unwrap_or(usize::MAX);
        self.with(|engine| engine.timeline().get(after..).unwrap_or_default().to_vec())
    }

    /// Until there is an event with an index above `after`, or the time is up.
    pub(super) async fn wait_for_event(&self, after: u64, wait: Duration) {
        let mut length = self.length.subscribe();
        let _ = tokio::time::timeout(wait, length.wait_for(|n| *n > after)).await;
    }

    pub(super) fn audibility(self: &Arc<Self>) -> Audibility {
        self.with(|engine| engine.audibility())
    }

    pub(super) fn subscribe(&self) -> broadcast::Receiver<TimelineEvent> {
        self.events.subscribe()
    }
}

/// Virtual time begins with 2026.
const VIRTUAL_EPOCH: DateTime<Utc> = DateTime::from_timestamp_nanos(1_767_225_600_000_000_000);

/// So many requests and webhooks are kept; a long load test must not fill the memory.
const KEPT: usize = 20_000;

fn keep<T>(records: &mut VecDeque<T>, record: T) {
    if records.len() >= KEPT {
        records.pop_front();
    }
    records.push_back(record);
}

impl State {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place of the emulator that reads the machine's clock"
    )]
    fn new(options: &EmulatorOptions, base_url: &str, generation: u64) -> Self {
        let mut engine = Engine::new(EngineOptions {
            account_sid: options.account_sid.clone(),
            seed: options.seed,
            epoch: match options.clock {
                ClockMode::Real => Utc::now(),
                ClockMode::Virtual => VIRTUAL_EPOCH,
            },
            switches: options.switches.clone(),
        });
        engine.base_url = base_url.to_owned();
        engine.pace = Pace::new(options.calls_per_second);
        Self {
            engine,
            started: Instant::now(),
            generation,
            published: 0,
            unanswered: 0,
            answers: BTreeMap::new(),
            received: 0,
            requests: VecDeque::new(),
            webhooks: VecDeque::new(),
            faults: Faults::new(FaultRules::default()),
        }
    }
}
