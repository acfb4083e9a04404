//! A Twilio of one's own: REST, TwiML, webhooks, phones and what everybody hears, without an account and without a network.
//!
//! | module | owns |
//! | --- | --- |
//! | [`engine`] | the exchange itself, pure |
//! | `rest` | Twilio's REST API over the engine, pure |
//! | `server`, `control` | the HTTP of both APIs: Twilio's, and `/emulator/…` |
//! | `page` | the page at `/`: phones, conferences, the ladder, what goes wrong |
//! | `stream` | what happens, as it happens, for the page and other readers |
//! | `exchange` | the running engine: lock, clock, webhooks |
//! | `webhooks`, `signature` | sending and signing |
//!
//! It shares only plain telephony values with the service: two readings of one documentation.

mod control;
pub mod engine;
mod exchange;
mod page;
mod rest;
mod server;
mod signature;
mod stream;
mod webhooks;

use std::sync::Arc;

use actix_web::dev::ServerHandle;
use actix_web::web::{Data, PayloadConfig};
use actix_web::{App, HttpServer};
use anyhow::Context;
use tokio::sync::broadcast;
use tokio::task::JoinHandle;

use crate::telephony::AccountSid;
pub use engine::{
    Audibility, Behaviour, DebuggerEntry, DebuggerLevel, DeclinedStatus, DeletedParticipant, EndedUpdate,
    EventKind, ExecutedDocument, FaultRules, Heard, LimitFrom, NotNow, Person, PersonAction, PhonePlan,
    PlannedPress, RedirectOrder, RedirectedStatus, RefusedStatus, RingingLeg, Span, Switches, TimelineEvent,
    UnownedFrom, as_mermaid, as_text,
};
use exchange::Exchange;
pub use exchange::RequestRecord;
pub(crate) use webhooks::Limits;
pub use webhooks::WebhookRecord;

/// Which time the exchange lives in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClockMode {
    /// The machine's, `speed` times as fast.
    Real,
    /// Stands still until it is advanced.
    Virtual,
}

/// What an emulator starts from.
#[derive(Debug, Clone)]
pub struct EmulatorOptions {
    /// `HOST:PORT`; port 0 takes any free one.
    pub bind: String,
    /// The only account there is.
    pub account_sid: AccountSid,
    /// Password of the account, and key of the webhooks' signatures.
    pub auth_token: String,
    /// An API key (`SK…`) and its secret that are accepted too.
    pub api_key: Option<(String, String)>,
    /// Emulated seconds for each real one, from 0.001 to 1000; HTTP budgets stay real.
    pub speed: f64,
    /// Decides everything that varies.
    pub seed: u64,
    /// Answers to open questions about Twilio.
    pub switches: Switches,
    /// Real or virtual time.
    pub clock: ClockMode,
    /// So many calls, and so many participants, are dialled in a second; the others wait. Without it nobody waits.
    /// Twilio begins every account with one: <https://www.twilio.com/docs/api/errors/22005>.
    pub calls_per_second: Option<f64>,
}

impl EmulatorOptions {
    /// An emulator on any free port of this machine, in real time, that keeps nobody waiting.
    pub fn new(account_sid: AccountSid, auth_token: impl Into<String>) -> Self {
        Self {
            bind: "127.0.0.1:0".into(),
            account_sid,
            auth_token: auth_token.into(),
            api_key: None,
            speed: 1.0,
            seed: 1,
            switches: Switches::default(),
            clock: ClockMode::Real,
            calls_per_second: None,
        }
    }
}

/// A running emulator. It ends when it is stopped or dropped.
pub struct Emulator {
    exchange: Arc<Exchange>,
    base_url: String,
    server: ServerHandle,
    serving: JoinHandle<std::io::Result<()>>,
    driving: JoinHandle<()>,
}

/// A way to watch an emulator and to play its people from elsewhere in this process. Cheap to clone.
#[derive(Clone)]
pub struct Watcher(Arc<Exchange>);

impl Watcher {
    /// Every event from now on.
    pub fn subscribe(&self) -> broadcast::Receiver<TimelineEvent> {
        self.0.subscribe()
    }

    /// Each phone as it is now: its address, its legs, and what its holder hears; as the control API shows them.
    pub fn phones(&self) -> serde_json::Value {
        self.0.with(|engine| serde_json::to_value(engine.phones_now())).unwrap_or_default()
    }

    /// Sets how a phone behaves: one plan a call, the last one stays.
    ///
    /// # Errors
    /// When the address is none.
    pub fn set_phone(&self, address: &str, plans: Vec<PhonePlan>) -> anyhow::Result<()> {
        self.0.with(|engine| engine.set_phone(address, plans))?;
        Ok(())
    }

    /// The holder of a phone does something now.
    ///
    /// # Errors
    /// When the address is none, or its phone is not in a state for that.
    pub fn act(&self, address: &str, action: &PersonAction) -> anyhow::Result<()> {
        self.0.with(|engine| engine.act(address, action))?;
        Ok(())
    }
}

/// Starts an emulator on the current Tokio runtime.
///
/// # Errors
/// When the address cannot be bound.
pub async fn start(options: EmulatorOptions) -> anyhow::Result<Emulator> {
    let listener = std::net::TcpListener::bind(&options.bind)
        .with_context(|| format!("the emulator cannot listen on {}", options.bind))?;
    let base_url = format!("http://{}", listener.local_addr()?);
    let exchange = Arc::new(Exchange::new(options, base_url.clone())?);
    let shared = Data::new(exchange.clone());
    let server = HttpServer::new(move || {
        App::new()
            .app_data(shared.clone())
            .app_data(PayloadConfig::new(server::MAX_REQUEST))
            .configure(server::routes)
            .configure(page::routes)
            .configure(control::routes)
    })
    .workers(1)
    .disable_signals()
    .shutdown_timeout(1)
    .listen(listener)?
    .run();
    let handle = server.handle();
    Ok(Emulator {
        base_url,
        server: handle,
        serving: tokio::spawn(server),
        driving: tokio::spawn(exchange.clone().drive()),
        exchange,
    })
}

impl Emulator {
    /// `http://127.0.0.1:4010`: what takes the place of `https://api.twilio.com`.
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// For whoever is to watch it.
    pub fn watcher(&self) -> Watcher {
        Watcher(self.exchange.clone())
    }

    /// Emulated milliseconds since the exchange started.
    pub fn now_ms(&self) -> u64 {
        self.exchange.with(|engine| engine.now_ms())
    }

    /// Every event from now on.
    pub fn subscribe(&self) -> broadcast::Receiver<TimelineEvent> {
        self.exchange.subscribe()
    }

    /// Everything that happened so far.
    pub fn timeline(&self) -> Vec<TimelineEvent> {
        self.exchange.timeline(0)
    }

    /// Who could hear whom or what, from when to when.
    pub fn audibility(&self) -> Audibility {
        self.exchange.audibility()
    }

    /// Every REST request received so far.
    pub fn requests(&self) -> Vec<RequestRecord> {
        self.exchange.requests()
    }

    /// Every webhook answered, or given up, so far.
    pub fn webhooks(&self) -> Vec<WebhookRecord> {
        self.exchange.webhooks()
    }

    /// Sets how a phone behaves: one plan a call, the last one stays.
    ///
    /// # Errors
    /// When the address is none.
    pub fn set_phone(&self, address: &str, plans: Vec<PhonePlan>) -> anyhow::Result<()> {
        self.exchange.with(|engine| engine.set_phone(address, plans))?;
        Ok(())
    }

    /// The holder of a phone does something now.
    ///
    /// # Errors
    /// When the address is none, or its phone is not in a state for that.
    pub fn act(&self, address: &str, action: &PersonAction) -> anyhow::Result<()> {
        self.exchange.with(|engine| engine.act(address, action))?;
        Ok(())
    }

    /// What Twilio's debugger would show, oldest first.
    pub fn debugger(&self) -> Vec<DebuggerEntry> {
        self.exchange.with(|engine| engine.debugger())
    }

    /// The documents a leg executed, in order; `None` when there is no such leg.
    pub fn executed_documents(&self, call_sid: &str) -> Option<Vec<ExecutedDocument>> {
        self.exchange.with(|engine| engine.executed_documents(call_sid))
    }

    /// Replaces what goes wrong on purpose.
    pub fn set_faults(&self, rules: FaultRules) {
        self.exchange.with(|engine| engine.set_faults(rules));
    }

    /// Changes how the emulator behaves where Twilio's documentation is silent.
    pub fn set_switches(&self, switches: Switches) {
        self.exchange.with(|engine| engine.switches = switches);
    }

    /// Virtual time: everything due within `by_ms` emulated milliseconds happens, each thing after the webhooks before
    /// it were answered. In real time it only waits for them.
    pub async fn advance(&self, by_ms: u64) {
        match self.exchange.options.clock {
            ClockMode::Virtual => self.exchange.advance(by_ms).await,
            ClockMode::Real => self.exchange.idle().await,
        }
    }

    /// Waits until the emulator ends by itself, which it does not.
    ///
    /// # Errors
    /// When the HTTP server fails.
    pub async fn run_until_stopped(&mut self) -> anyhow::Result<()> {
        (&mut self.serving).await??;
        Ok(())
    }

    /// Stops serving and forgets everything.
    pub async fn stop(self) {
        self.server.stop(false).await;
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        // The order to stop is given by the call; nobody waits for it to be carried out.
        drop(self.server.stop(false));
        self.driving.abort();
    }
}
