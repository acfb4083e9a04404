//! The stage: emulator and service on free ports of this machine, a database in a temporary folder, two agents and a key.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use actix_web::web::ServiceConfig;
use tempfile::TempDir;

use super::console;
use super::crm::Crm;
use super::phones::Phones;
use crate::agents::models::{AgentRole, Scope};
use crate::agents::services::{AccountError, NewAgent, add_agent, create_key};
use crate::audit::Actor;
use crate::clock::{IdSource, RandomIds, SystemClock};
use crate::emulator::{self, Emulator, EmulatorOptions, Switches};
use crate::server::{self, Server};
use crate::settings::{PERMISSIVE_GUARD, Settings};
use crate::telephony::AccountSid;
use crate::twilio::http_client;

/// Somebody on the stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    /// In reports, for programs.
    pub role: &'static str,
    /// In the ladder.
    pub name: &'static str,
    /// Their phone.
    pub address: &'static str,
}

/// Places the call's first leg.
pub const FIRST_AGENT: Part = Part { role: "first_agent", name: "Alice", address: "+15550100101" };
/// Is called.
pub const CUSTOMER: Part = Part { role: "customer", name: "Customer", address: "+15550100199" };
/// Is brought in.
pub const SECOND_AGENT: Part = Part { role: "second_agent", name: "Dana", address: "+15550100102" };
/// May be brought in instead.
pub const THIRD_AGENT: Part = Part { role: "third_agent", name: "Kim", address: "+15550100103" };
/// What everybody sees as caller.
pub const CALLER_ID: &str = "+15550100100";

/// How to set the stage.
#[derive(Debug, Clone)]
pub struct StageOptions {
    /// Seconds that pass on the stage in a real one.
    pub speed: f64,
    /// Decides whatever varies in the emulator.
    pub seed: u64,
    /// A database to use instead of a new SQLite file.
    pub database_url: Option<String>,
    /// Where the service listens; any free port of this machine if absent.
    pub bind: String,
    /// Where the emulator listens.
    pub emulator_bind: String,
    /// Answers to open questions about Twilio.
    pub switches: Switches,
    /// Whether the console has the panel with everybody's phones.
    pub has_panel: bool,
    /// More settings, as `section.key` and value.
    pub settings: Vec<(String, String)>,
}

impl Default for StageOptions {
    fn default() -> Self {
        let any_port = || "127.0.0.1:0".to_owned();
        Self {
            speed: 1.0,
            seed: 1,
            database_url: None,
            bind: any_port(),
            emulator_bind: any_port(),
            switches: Switches::default(),
            has_panel: false,
            settings: vec![],
        }
    }
}

/// A set stage.
pub struct Stage {
    /// Twilio.
    pub emulator: Emulator,
    /// The service.
    pub server: Server,
    /// The service's own settings, to start it again with.
    pub settings: Settings,
    /// What a CRM can do.
    pub crm: Crm,
    /// What people can do.
    pub phones: Phones,
    /// Seconds that pass in a real one.
    pub speed: f64,
    clock: Arc<SystemClock>,
    /// Removed with the stage.
    _folder: TempDir,
}

impl Stage {
    /// Starts everything and hires the people.
    ///
    /// # Errors
    /// When a port is taken or the database cannot be used.
    pub async fn set(options: StageOptions) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let ids = Arc::new(RandomIds);
        let account_sid = AccountSid::from_u128(ids.id().as_u128());
        let auth_token = ids.unguessable();
        let emulator = emulator::start(EmulatorOptions {
            bind: options.emulator_bind.clone(),
            speed: options.speed,
            seed: options.seed,
            switches: options.switches.clone(),
            ..EmulatorOptions::new(account_sid.clone(), auth_token.clone())
        })
        .await?;
        let listener = server::listen(&options.bind)?;
        let public_url = format!("http://{}", listener.local_addr()?);
        let in_folder = || format!("sqlite://{}", folder.path().join("demo.db").display());
        let wanted = [
            ("database.url", options.database_url.clone().unwrap_or_else(in_folder)),
            ("database.spool", folder.path().join("spool").display().to_string()),
            ("server.public_url", public_url.clone()),
            ("server.workers", "1".to_owned()),
            ("api.requests_per_second", "0".to_owned()),
            ("twilio.account_sid", account_sid.to_string()),
            ("twilio.auth_token", auth_token),
            ("twilio.base_url", emulator.base_url().to_owned()),
            ("twilio.caller_id", CALLER_ID.to_owned()),
            ("webhooks.allow_private_addresses", "true".to_owned()),
            ("twilio.calls_per_second", "0".to_owned()),
        ];
        let wanted = wanted.into_iter().map(|(key, value)| (key.to_owned(), value));
        let settings = settings(folder.path(), wanted.chain(options.settings))?;
        let clock = Arc::new(SystemClock::with_speed(options.speed));
        let mut app = server::build(&settings, clock.clone(), ids.clone())?;
        let watcher = options.has_panel.then(|| emulator.watcher());
        if let Some(app) = Arc::get_mut(&mut app).filter(|_| options.has_panel) {
            app.console.scripts = console::SCRIPTS;
        }
        let more = move |config: &mut ServiceConfig| {
            if let Some(watcher) = &watcher {
                console::configure(config, watcher.clone());
            }
        };
        let server = Server::start_with(&settings, app, listener, more).await?;
        let http = http_client(std::time::Duration::from_secs(5), std::time::Duration::from_secs(30))?;
        let key = hire(&server, &clock, &ids).await?;
        Ok(Self {
            crm: Crm::new(http.clone(), public_url, key, server.app().changed.clone()),
            phones: Phones::new(http, emulator.base_url().to_owned()),
            emulator,
            server,
            settings,
            speed: options.speed,
            clock,
            _folder: folder,
        })
    }

    /// Lets the people talk for so many seconds of the stage.
    pub async fn pass(&self, secs: f64) {
        tokio::time::sleep(std::time::Duration::from_secs_f64(secs / self.speed)).await;
    }

    /// Stops the service and starts it again on the same address and database, as an operator would.
    ///
    /// # Errors
    /// When it cannot be stopped or started.
    pub async fn restart(mut self) -> anyhow::Result<Self> {
        let addr = self.server.addr().to_string();
        self.server.stop().await?;
        let app = server::build(&self.settings, self.clock.clone(), Arc::new(RandomIds))?;
        self.server = Server::start(&self.settings, app, server::listen(&addr)?).await?;
        self.crm.watch(self.server.app().changed.clone());
        Ok(self)
    }

    /// Starts another copy of the service on the same database, on any free port.
    ///
    /// # Errors
    /// When it cannot be started.
    pub async fn another_copy(&self) -> anyhow::Result<Server> {
        let app = server::build(&self.settings, self.clock.clone(), Arc::new(RandomIds))?;
        Server::start(&self.settings, app, server::listen("127.0.0.1:0")?).await
    }

    /// Stops everything.
    ///
    /// # Errors
    /// When the service had failed.
    pub async fn strike(self) -> anyhow::Result<()> {
        self.server.stop().await?;
        self.emulator.stop().await;
        Ok(())
    }
}

/// The folder is the stage's own, so that no file of settings that lies about changes the play.
pub(crate) fn settings(
    folder: &Path,
    wanted: impl Iterator<Item = (String, String)>,
) -> anyhow::Result<Settings> {
    let variable = |key: String| format!("WARM_TRANSFER__{}", key.replace('.', "__").to_uppercase());
    let permissive = PERMISSIVE_GUARD.map(|(name, value)| (name.to_owned(), value.to_owned())).into_iter();
    let wanted = wanted.map(|(key, value)| (variable(key), value));
    let variables: BTreeMap<String, String> = permissive.chain(wanted).collect();
    Ok(Settings::from_layers(folder, &variables)?)
}

/// Adds the agents to the directory, and makes a key.
async fn hire(server: &Server, clock: &SystemClock, ids: &RandomIds) -> anyhow::Result<String> {
    let db = &server.app().db;
    for part in [FIRST_AGENT, SECOND_AGENT, THIRD_AGENT, console::SUPERVISOR] {
        let (name, address) = (part.name.to_lowercase(), part.address.parse()?);
        let role = if part == console::SUPERVISOR { AgentRole::Supervisor } else { AgentRole::Agent };
        let new = NewAgent { name, display_name: None, address, role };
        match add_agent(db, clock, ids, &Actor::system("demo"), new).await {
            Ok(_) | Err(AccountError::Exists(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    let name: String = ids.unguessable();
    let scopes = [Scope::Read, Scope::Call, Scope::Transfer];
    Ok(create_key(db, clock, ids, &Actor::system("demo"), &name, &scopes, None).await?)
}
