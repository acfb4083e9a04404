//! The running service: built from settings, listening before it says so, run until it is told to stop.

use std::net::{SocketAddr, TcpListener};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::{ServerHandle, Service, ServiceResponse};
use actix_web::middleware::from_fn;
use actix_web::test::TestRequest;
use actix_web::web::{Data, ServiceConfig};
use actix_web::{App as ActixApp, HttpServer};
use anyhow::Context;
use futures_util::future::LocalBoxFuture;
use tokio::runtime::Handle;
use tokio::sync::{Notify, Semaphore, broadcast};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::app::{App, InHand, SharedApp};
use crate::calls::dispatcher;
use crate::calls::pacing::Pace;
use crate::clock::{IdSource, SharedClock};
use crate::console::Console;
use crate::console::live::{self, Live};
use crate::copies::Copies;
use crate::crm::{self, Crm};
use crate::db::Db;
use crate::db::spool::Spool;
use crate::guard::{self, Guard};
use crate::middleware::browsers::browsers;
use crate::middleware::gate::gate;
use crate::middleware::idempotency::idempotency;
use crate::middleware::limiter::Limiter;
use crate::middleware::request_log::request_log;
use crate::middleware::signature::SignatureCheck;
use crate::settings::{Settings, SettingsError};
use crate::twilio::{RetryPolicy, TwilioClient, http_client};
use crate::urls;
use crate::voice::documents::Documents;
use crate::voice::links::Links;
use crate::voice::models::Spooled;
use crate::voice::services::{self, Journal};

/// How many changes a slow watcher may fall behind.
const CHANGES_KEPT: usize = 1024;

/// How long what was sent may stay unread at the other side's.
const STALLED: Duration = Duration::from_secs(30);

/// What every request passes, whoever listens.
macro_rules! stack {
    ($shared:expr, $check:expr, $more:expr) => {
        ActixApp::new()
            .wrap(from_fn(idempotency))
            .wrap(from_fn(browsers))
            .wrap(from_fn(gate))
            .wrap(from_fn(request_log))
            .app_data($shared.clone())
            .app_data($check.clone())
            .configure($more)
            .configure(urls::configure)
    };
}

/// The service without a port: one request in, its answer out, through the same stack as every other.
pub type Door =
    Box<dyn Fn(TestRequest) -> LocalBoxFuture<'static, Result<ServiceResponse, actix_web::Error>>>;

/// Opens the service to whoever asks it in this process; must be called inside a Tokio `LocalSet`. Nothing works by itself:
/// whoever asks sees to timers and commands (`calls::dispatcher::do_due`).
///
/// # Errors
/// What is wrong with the settings.
pub async fn door(settings: &Settings, app: Arc<App>) -> anyhow::Result<Door> {
    let check = Data::new(SignatureCheck::new(settings.public_url()?, &settings.twilio()?.signature_tokens));
    let shared: SharedApp = Data::from(app);
    let service =
        Rc::new(actix_web::test::init_service(stack!(shared, check, |_: &mut ServiceConfig| ())).await);
    Ok(Box::new(move |request| {
        let service = service.clone();
        Box::pin(async move { Ok(service.call(request.to_request()).await?.map_into_boxed_body()) })
    }))
}

/// A service that listens and works.
pub struct Server {
    app: Arc<App>,
    addr: SocketAddr,
    handle: ServerHandle,
    serving: JoinHandle<std::io::Result<()>>,
    worker: JoinHandle<()>,
    copies: Option<Copies>,
    patience: Duration,
}

/// Takes the address, so that its port is known before anything is built; a port of 0 takes a free one.
///
/// # Errors
/// When the address is taken, or is none.
pub fn listen(bind: &str) -> anyhow::Result<TcpListener> {
    TcpListener::bind(bind).with_context(|| format!("cannot listen on {bind}"))
}

/// Builds the application: every shared thing once. Must be called on the Tokio runtime that is to do the work.
///
/// # Errors
/// What is wrong with the settings, or with opening the database.
pub fn build(settings: &Settings, clock: SharedClock, ids: Arc<dyn IdSource>) -> anyhow::Result<Arc<App>> {
    let twilio = settings.twilio()?;
    let http =
        http_client(twilio.connect_timeout, twilio.config.timeout).context("cannot build the HTTP client")?;
    Ok(Arc::new(App {
        db: Db::open(&settings.database()?)?,
        twilio: TwilioClient::new(twilio.config, http, RetryPolicy::default()),
        documents: documents(settings)?,
        policy: settings.policy(),
        pace: Pace::per_second(settings.twilio.calls_per_second),
        defaults: settings.call_defaults(),
        guard: Arc::new(Guard::new(settings.guard.rules()?)),
        outcomes: settings.outcomes.clone(),
        database_budget: Duration::from_millis(settings.server.database_budget_ms),
        process: ids.id().to_string(),
        knock: Notify::new(),
        changed: broadcast::channel(CHANGES_KEPT).0,
        in_hand: InHand::default(),
        tasks: TaskTracker::new(),
        lanes: Semaphore::new(Semaphore::MAX_PERMITS),
        runtime: Handle::current(),
        journal: Journal::new(open_spool(settings, ids.clone())?),
        limiter: Limiter::new(settings.api.requests_per_second, settings.api.burst, clock.clone()),
        crm: Crm::new(settings.events(), settings.webhooks()).context("cannot build the HTTP client")?,
        stopping: CancellationToken::new(),
        proxies: settings.proxies()?,
        live: Live::default(),
        console: Console::new(&settings.console, settings.public_url()?, clock.clone()),
        clock,
        ids,
    }))
}

/// The documents of the settings.
///
/// # Errors
/// What is wrong with them.
pub fn documents(settings: &Settings) -> Result<Documents, SettingsError> {
    let optional = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
    Ok(Documents {
        links: Links::new(settings.public_url()?),
        language: settings.voice.language.clone(),
        voice: optional(&settings.voice.voice),
        hold_music_url: optional(&settings.voice.hold_music_url),
    })
}

fn open_spool(settings: &Settings, ids: Arc<dyn IdSource>) -> anyhow::Result<Spool<Spooled>> {
    let options = settings.spool()?;
    let folder = options.folder.display().to_string();
    Spool::open(options, ids).with_context(|| format!("cannot use {folder} (setting database.spool)"))
}

/// Whoever takes nothing of what was sent for so long loses the connection: a reader of a stream that has stalled would
/// otherwise hold it, and what is buffered for it, for good. Connections inherit it from the listener.
fn give_up_on_the_stalled(listener: &TcpListener) -> anyhow::Result<()> {
    #[cfg(target_os = "linux")]
    socket2::SockRef::from(listener)
        .set_tcp_user_timeout(Some(STALLED))
        .context("cannot set the time-out of connections")?;
    #[cfg(not(target_os = "linux"))]
    let _ = listener;
    Ok(())
}

impl Server {
    /// Applies what is missing of the schema, takes requests, and sets to work on what an earlier process has left.
    ///
    /// # Errors
    /// When the database cannot be migrated.
    pub async fn start(settings: &Settings, app: Arc<App>, listener: TcpListener) -> anyhow::Result<Self> {
        Self::start_with(settings, app, listener, |_| {}).await
    }

    /// The same, with more routes than the service has by itself.
    ///
    /// # Errors
    /// When the database cannot be migrated.
    pub async fn start_with(
        settings: &Settings,
        app: Arc<App>,
        listener: TcpListener,
        more: impl Fn(&mut ServiceConfig) + Clone + Send + 'static,
    ) -> anyhow::Result<Self> {
        let applied = app.db.migrate().await.context("cannot migrate the database")?;
        if !applied.is_empty() {
            tracing::info!(count = applied.len(), "migrations applied");
        }
        let twilio = settings.twilio()?;
        let check = Data::new(SignatureCheck::new(settings.public_url()?, &twilio.signature_tokens));
        let shared: SharedApp = Data::from(app.clone());
        let factory = move || stack!(shared, check, more.clone());
        let patience = Duration::from_secs(settings.server.shutdown_timeout_secs);
        let mut server = HttpServer::new(factory)
            .shutdown_timeout(settings.server.shutdown_timeout_secs)
            .disable_signals();
        if settings.server.workers > 0 {
            server = server.workers(settings.server.workers);
        }
        let addr = listener.local_addr().context("listening nowhere")?;
        give_up_on_the_stalled(&listener)?;
        let server = server.listen(listener).context("cannot listen")?.run();
        let handle = server.handle();
        let copies = Copies::start(&app);
        let worker = tokio::spawn(dispatcher::run(app.clone()));
        app.work(services::drain(app.clone()));
        app.work(crm::feed::run(app.clone()));
        app.work(crm::webhooks::worker::run(app.clone()));
        app.work(live::run(app.clone()));
        if app.guard.rules.asks_metadata() {
            tokio::task::spawn_blocking(guard::numbers::warm_up);
        }
        Ok(Self { app, addr, handle, serving: tokio::spawn(server), worker, copies, patience })
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// What it shares.
    pub fn app(&self) -> &Arc<App> {
        &self.app
    }

    /// Takes no more requests, finishes those in flight and what they asked of Twilio.
    ///
    /// # Errors
    /// When the server had failed.
    pub async fn stop(self) -> anyhow::Result<()> {
        // Streams would otherwise go on for as long as the server waits.
        self.app.crm.feed.close();
        self.app.live.close();
        self.handle.stop(true).await;
        self.serving.await.context("the server broke off")?.context("the server failed")?;
        self.app.stop(self.patience).await;
        let worked = self.worker.await.context("the worker broke off");
        if let Some(copies) = self.copies {
            copies.stop().await;
        }
        worked
    }
}
