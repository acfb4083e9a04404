//! Owns the running exchange: the engine behind its lock, the clock that moves it, and the webhooks it asks for.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use serde::Serialize;
use tokio::runtime::Handle;
use tokio::sync::{Notify, broadcast, watch};

use super::engine::faults::RestFault;
use super::engine::log::Log;
use super::engine::pace::Pace;
use super::engine::{Audibility, Engine, EngineOptions, HttpOutcome, HttpRequest, RequestId, TimelineEvent};
use super::rest::{RestAnswer, RestRequest};
use super::stream::{Era, View};
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
    /// Index of the timeline's event about it; nothing when it was refused before it could do anything.
    pub event: Option<u64>,
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
    requests: Log<RequestRecord>,
    webhooks: Log<WebhookRecord>,
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
    /// Anything at all that a reader of the stream may be told.
    changed: watch::Sender<()>,
    /// Tells the ids of this process's stream from those of another one on the same port.
    process: u32,
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
            changed: watch::channel(()).0,
            process: rand::random(),
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
        self.changed.send_replace(());
        let now = state.engine.now_ms();
        for request in state.engine.take_requests() {
            self.in_flight.send_modify(|n| *n += 1);
            state.unanswered += 1;
            let (exchange, generation) = (self.clone(), state.generation);
            self.runtime.spawn(async move { exchange.deliver(request, generation, now).await });
        }
        self.wake.notify_one();
    }

    /// Sends one webhook and gives its answer to the engine that asked for it. A duplicate's answer is thrown away.
    async fn deliver(self: Arc<Self>, request: HttpRequest, generation: u64, now: u64) {
        let (outcome, record) = self.sender.send(&request, now).await;
        let duplicate = request.delivery.is_copy;
        {
            let mut state = self.lock();
            if state.generation == generation {
                state.webhooks.push(record);
                self.changed.send_replace(());
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
        self.sender.forget();
        let mut state = self.lock();
        *state = State::new(&self.options, &self.base_url, state.generation + 1);
        self.length.send_replace(0);
        self.changed.send_replace(());
        self.wake.notify_one();
    }

    /// Draws what goes wrong with a REST request.
    pub(super) fn rest_fault(&self, method: &str, path: &str) -> RestFault {
        self.lock().engine.faults.rest(method, path)
    }

    /// Notes a REST request, with the index of the timeline's event about it; returns how many there have been.
    pub(super) fn note_request(&self, request: &RestRequest, status: Option<u16>, event: Option<u64>) -> u64 {
        let mut state = self.lock();
        let at_ms = self.now_ms(&state);
        let record = RequestRecord {
            at_ms,
            method: request.method.clone(),
            path: request.path.clone(),
            form: request.form.clone(),
            status,
            event,
        };
        state.requests.push(record);
        self.changed.send_replace(());
        state.requests.total()
    }

    /// Answers a REST request whose credentials are good, and tells the index of the timeline's event about it.
    pub(super) fn rest(self: &Arc<Self>, request: &RestRequest) -> (RestAnswer, Option<u64>) {
        self.with(|engine| {
            let answer = super::rest::handle(engine, request);
            (answer, engine.timeline().last().map(|event| event.index))
        })
    }

    /// Shows the exchange as it is. Unlike `with` it changes nothing, so whoever waits for changes may look.
    pub(super) fn view<T>(&self, look: impl FnOnce(&View) -> T) -> T {
        let state = self.lock();
        look(&View {
            era: Era { process: self.process, resets: state.generation },
            engine: &state.engine,
            requests: &state.requests,
            webhooks: &state.webhooks,
            now_ms: self.now_ms(&state),
            speed: (self.options.clock == ClockMode::Real).then(|| self.speed()),
        })
    }

    /// Told whenever a view may look different.
    pub(super) fn changes(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }

    /// How many wait for changes.
    pub(super) fn readers(&self) -> usize {
        self.changed.receiver_count()
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
            requests: Log::new(KEPT),
            webhooks: Log::new(KEPT),
        }
    }
}
