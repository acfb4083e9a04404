//! Settings: layered (defaults, environment file, variables, conventional names), typed, checked before anything starts.
//! Nothing else reads the environment. `config/default.toml` is their manual.

mod checks;
mod guard;
mod layers;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::TimeDelta;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use crate::app::CallDefaults;
use crate::calls::flow::{
    AgentLeavesEarly, Bridge, CustomerLeavesConsult, NobodyLeft, Policy, Style, TargetFails,
};
use crate::crm::feed::FeedOptions;
use crate::crm::webhooks::WebhookOptions;
use crate::db::spool::SpoolOptions;
use crate::db::{DbOptions, Location};
use crate::middleware::peer::Proxies;
use crate::telephony::AccountSid;
use crate::twilio::{Credentials, TwilioConfig};

pub use guard::{GuardSettings, PERMISSIVE_GUARD};

/// One clear line: which setting, what is wrong with it, what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SettingsError(String);

impl SettingsError {
    /// About this setting; a reason of several lines becomes one.
    pub fn new(setting: &str, reason: impl ToString) -> Self {
        let reason = reason.to_string();
        Self(format!("setting {setting}: {}", reason.split_whitespace().collect::<Vec<_>>().join(" ")))
    }
}

const ACCOUNT_SID: &str = "twilio.account_sid (TWILIO_ACCOUNT_SID)";
const DATABASE_URL: &str = "database.url (DATABASE_URL)";
const PUBLIC_URL: &str = "server.public_url (PUBLIC_URL)";

/// All settings.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The HTTP server.
    pub server: ServerSettings,
    /// The API for programs.
    pub api: ApiSettings,
    /// The database.
    pub database: DatabaseSettings,
    /// Twilio.
    pub twilio: TwilioSettings,
    /// What calls are made of.
    pub calls: CallSettings,
    /// What transfers are made of, and the flow's choices.
    pub transfers: TransferSettings,
    /// Whom the service may call.
    pub guard: GuardSettings,
    /// The flow's times.
    pub flow: FlowSettings,
    /// What may come of a call.
    pub outcomes: OutcomeSettings,
    /// What is heard.
    pub voice: VoiceSettings,
    /// The feed of events.
    pub events: EventSettings,
    /// Webhooks to CRMs.
    pub webhooks: WebhookSettings,
    /// The console.
    pub console: ConsoleSettings,
    /// Logs.
    pub logging: LoggingSettings,
}

/// `[server]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServerSettings {
    /// host:port
    pub bind: String,
    /// Absolute, without a trailing slash; empty if not set.
    pub public_url: String,
    /// Addresses and networks of reverse proxies.
    pub trusted_proxies: Words,
    /// 0 means one a core.
    pub workers: usize,
    /// How long a stop waits, in seconds.
    pub shutdown_timeout_secs: u64,
    /// How long a TwiML view waits for the database, in milliseconds.
    pub database_budget_ms: u64,
}

/// `[api]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApiSettings {
    /// Of one key; 0 means no limit.
    pub requests_per_second: u32,
    /// Of one key, at once.
    pub burst: u32,
}

/// `[database]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatabaseSettings {
    /// `sqlite://…` or `postgres://…`.
    pub url: SecretString,
    /// Connections at the most.
    pub pool_size: u32,
    /// In milliseconds.
    pub pool_timeout_ms: u64,
    /// In milliseconds.
    pub busy_timeout_ms: u64,
    /// A folder; empty for the one beside the SQLite file.
    pub spool: String,
    /// At the most.
    pub spool_entries: usize,
    /// At the most.
    pub spool_bytes: u64,
}

/// `[twilio]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TwilioSettings {
    /// `AC…`
    pub account_sid: String,
    /// Signs webhooks.
    pub auth_token: SecretString,
    /// Accepted on webhooks while tokens are rotated.
    pub previous_auth_token: SecretString,
    /// `SK…`
    pub api_key: String,
    /// The key's.
    pub api_secret: SecretString,
    /// Where REST is.
    pub base_url: String,
    /// In milliseconds.
    pub connect_timeout_ms: u64,
    /// In milliseconds.
    pub timeout_ms: u64,
    /// 0 for no limit.
    pub calls_per_second: f64,
    /// E.164, or empty.
    pub caller_id: String,
    /// E.164, or empty.
    pub agent_caller_id: String,
}

/// Several words: a list, or in a variable a text with commas between them.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(from = "ListOrText")]
pub struct Words(pub Vec<String>);

#[derive(Deserialize)]
#[serde(untagged)]
enum ListOrText {
    List(Vec<String>),
    Text(String),
}

impl From<ListOrText> for Words {
    fn from(given: ListOrText) -> Self {
        Self(match given {
            ListOrText::List(words) => words,
            ListOrText::Text(text) => {
                text.split(',').map(str::trim).filter(|word| !word.is_empty()).map(str::to_owned).collect()
            }
        })
    }
}

/// `[outcomes]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OutcomeSettings {
    /// The words for what came of a call.
    pub dispositions: Words,
    /// Whether each call that connected is to have one.
    pub required: bool,
}

/// `[calls]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CallSettings {
    /// In seconds.
    pub ring_timeout_secs: u32,
    /// In seconds.
    pub time_limit_secs: u32,
    /// How agent and customer are joined.
    pub bridge: Bridge,
}

/// `[transfers]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TransferSettings {
    /// How a second agent is brought in.
    pub style: Style,
    /// Whether they press a key first.
    pub require_accept: bool,
    /// E.164, or empty.
    pub caller_id: String,
    /// See [`Policy`].
    pub agent_leaves_early: AgentLeavesEarly,
    /// See [`Policy`].
    pub nobody_reached: NobodyLeft,
    /// See [`Policy`].
    pub blind_fails: NobodyLeft,
    /// See [`Policy`].
    pub second_agent_leaves: NobodyLeft,
    /// See [`Policy`].
    pub customer_leaves_consult: CustomerLeavesConsult,
    /// See [`Policy`].
    pub target_fails: TargetFails,
}

/// `[flow]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FlowSettings {
    /// In seconds.
    pub ring_grace_secs: u32,
    /// In seconds.
    pub move_limit_secs: u32,
    /// In seconds.
    pub end_limit_secs: u32,
    /// In seconds.
    pub accept_limit_secs: u32,
    /// In seconds.
    pub consult_limit_secs: u32,
    /// In seconds.
    pub finish_limit_secs: u32,
    /// In seconds.
    pub watch_secs: u32,
}

/// `[voice]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VoiceSettings {
    /// Such as `en-US`.
    pub language: String,
    /// Twilio's name of a voice, or empty.
    pub voice: String,
    /// Absolute URL, or empty.
    pub hold_music_url: String,
}

/// `[events]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EventSettings {
    /// How often a silent stream says that it is alive, in seconds.
    pub heartbeat_secs: u64,
    /// How long a stream lasts, in seconds.
    pub stream_secs: u64,
    /// How long a reader may take nothing, in seconds.
    pub slow_reader_secs: u64,
    /// Open streams at the most.
    pub max_streams: usize,
}

/// `[webhooks]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WebhookSettings {
    /// Whether they may go to addresses that are not public, and over plain http.
    pub allow_private_addresses: bool,
    /// How long one attempt may take, in milliseconds.
    pub timeout_ms: u64,
    /// Messages on their way to one endpoint at once, at each copy.
    pub parallel: usize,
    /// An endpoint that has taken nothing for so long is disabled.
    pub disable_after_hours: u32,
    /// How long settled deliveries are kept.
    pub keep_days: u32,
}

/// `[console]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConsoleSettings {
    /// A session that is not used for so long is over.
    pub session_idle_hours: u32,
    /// Any session is over after so long.
    pub session_hours: u32,
    /// Whether agents see that a supervisor is on the call.
    pub show_supervisors: bool,
    /// From when on silence is an alarm.
    pub dead_air_secs: u32,
    /// From when on a customer's hold is an alarm.
    pub long_hold_secs: u32,
    /// Whose days and hours it counts by.
    pub time_zone: Zone,
}

/// A time zone, by its name in the IANA database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Zone(pub chrono_tz::Tz);

impl TryFrom<String> for Zone {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        name.parse().map(Self).map_err(|_| format!("{name} is no time zone, such as Europe/Berlin"))
    }
}

/// `[logging]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LoggingSettings {
    /// How lines look.
    pub format: LogFormat,
    /// A tracing filter.
    pub level: String,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum LogFormat {
    /// For people.
    Text,
    /// For programs.
    Json,
}

impl TryFrom<String> for LogFormat {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        match text.as_str() {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => Err("expected text or json"),
        }
    }
}

/// Twilio as `serve` needs it: all of it is there.
#[derive(Debug, Clone)]
pub struct Twilio {
    /// For REST.
    pub config: TwilioConfig,
    /// How long connecting may take.
    pub connect_timeout: Duration,
    /// Tokens that webhooks may be signed with, the present one first.
    pub signature_tokens: Vec<SecretString>,
}

impl Settings {
    /// The settings of this process.
    ///
    /// # Errors
    /// One line about the first setting that is wrong.
    pub fn load() -> Result<Self, SettingsError> {
        Self::from_layers(Path::new("config"), &layers::environment(std::env::vars_os())?)
    }

    /// The settings that a folder of files and these variables make.
    ///
    /// # Errors
    /// One line about the first setting that is wrong.
    pub fn from_layers(folder: &Path, variables: &BTreeMap<String, String>) -> Result<Self, SettingsError> {
        let mut settings = layers::merge(folder, variables)?;
        settings.check()?;
        Ok(settings)
    }

    /// Where the database is, and how patiently it is used.
    ///
    /// # Errors
    /// When the URL is not one of a database.
    pub fn database(&self) -> Result<DbOptions, SettingsError> {
        let location = Location::parse(self.database.url.expose_secret());
        Ok(DbOptions {
            location: location.map_err(|reason| SettingsError::new(DATABASE_URL, reason))?,
            pool_size: self.database.pool_size,
            pool_timeout: Duration::from_millis(self.database.pool_timeout_ms),
            busy_timeout: Duration::from_millis(self.database.busy_timeout_ms),
        })
    }

    /// Where callbacks wait while the database is away.
    ///
    /// # Errors
    /// When it is to be beside a database whose URL is not one.
    pub fn spool(&self) -> Result<SpoolOptions, SettingsError> {
        let folder = match (self.database.spool.as_str(), self.database()?.location) {
            ("", Location::Sqlite(path)) => PathBuf::from(format!("{path}.spool")),
            ("", Location::Postgres(_)) => PathBuf::from("warm-transfer.spool"),
            (folder, _) => PathBuf::from(folder),
        };
        let (entries, bytes) = (self.database.spool_entries, self.database.spool_bytes);
        Ok(SpoolOptions { folder, entries, bytes })
    }

    /// Twilio's account, for the commands that need it.
    ///
    /// # Errors
    /// One line about what is missing.
    pub fn twilio(&self) -> Result<Twilio, SettingsError> {
        let twilio = &self.twilio;
        let account_sid: AccountSid =
            required(ACCOUNT_SID, &twilio.account_sid, "it is AC and 32 hexadecimal digits")?
                .parse()
                .map_err(|error| SettingsError::new(ACCOUNT_SID, error))?;
        // Webhooks are signed with the token even where REST uses a key.
        let hint = "the Twilio console shows it beside the account SID";
        required("twilio.auth_token (TWILIO_AUTH_TOKEN)", twilio.auth_token.expose_secret(), hint)?;
        let credentials = if twilio.api_key.is_empty() {
            Credentials::AuthToken(twilio.auth_token.clone())
        } else {
            Credentials::ApiKey { sid: twilio.api_key.clone(), secret: twilio.api_secret.clone() }
        };
        let tokens = [&twilio.auth_token, &twilio.previous_auth_token];
        let is_set = |token: &&SecretString| !token.expose_secret().is_empty();
        Ok(Twilio {
            config: TwilioConfig {
                base_url: twilio.base_url.clone(),
                account_sid,
                credentials,
                timeout: Duration::from_millis(twilio.timeout_ms),
            },
            connect_timeout: Duration::from_millis(twilio.connect_timeout_ms),
            signature_tokens: tokens.into_iter().filter(is_set).cloned().collect(),
        })
    }

    /// How Twilio reaches this service.
    ///
    /// # Errors
    /// When it is not set.
    pub fn public_url(&self) -> Result<&str, SettingsError> {
        let hint = "it is how Twilio reaches this service, such as https://calls.example.com";
        required(PUBLIC_URL, &self.server.public_url, hint)
    }

    /// Whose word is taken for where a request comes from.
    ///
    /// # Errors
    /// When one is no address.
    pub fn proxies(&self) -> Result<Proxies, SettingsError> {
        let wrong =
            |word| SettingsError::new("server.trusted_proxies", format!("{word:?} is no address or network"));
        Proxies::parse(&self.server.trusted_proxies.0).map_err(wrong)
    }

    /// What calls are made of.
    pub fn call_defaults(&self) -> CallDefaults {
        CallDefaults {
            caller_id: self.twilio.caller_id.parse().ok(),
            agent_caller_id: self.twilio.agent_caller_id.parse().ok(),
            transfer_caller_id: self.transfers.caller_id.parse().ok(),
            bridge: self.calls.bridge,
            style: self.transfers.style,
            require_accept: self.transfers.require_accept,
            ring_timeout_secs: self.calls.ring_timeout_secs,
            time_limit_secs: self.calls.time_limit_secs,
        }
    }

    /// How events are told.
    pub fn events(&self) -> FeedOptions {
        FeedOptions {
            heartbeat: Duration::from_secs(self.events.heartbeat_secs),
            longest: Duration::from_secs(self.events.stream_secs),
            patience: Duration::from_secs(self.events.slow_reader_secs),
            most_readers: self.events.max_streams,
        }
    }

    /// How webhooks are sent.
    pub fn webhooks(&self) -> WebhookOptions {
        let webhooks = &self.webhooks;
        WebhookOptions {
            timeout: Duration::from_millis(webhooks.timeout_ms),
            allow_private_addresses: webhooks.allow_private_addresses,
            parallel: webhooks.parallel,
            disable_after: TimeDelta::hours(webhooks.disable_after_hours.into()),
            keep: TimeDelta::days(webhooks.keep_days.into()),
        }
    }

    /// The flow's choices.
    pub fn policy(&self) -> Policy {
        let (transfers, flow) = (&self.transfers, &self.flow);
        Policy {
            agent_leaves_early: transfers.agent_leaves_early,
            nobody_reached: transfers.nobody_reached,
            blind_fails: transfers.blind_fails,
            second_agent_leaves: transfers.second_agent_leaves,
            customer_leaves_consult: transfers.customer_leaves_consult,
            target_fails: transfers.target_fails,
            ring_grace_secs: flow.ring_grace_secs,
            accept_limit_secs: flow.accept_limit_secs,
            consult_limit_secs: flow.consult_limit_secs,
            finish_limit_secs: flow.finish_limit_secs,
            move_limit_secs: flow.move_limit_secs,
            end_limit_secs: flow.end_limit_secs,
            watch_secs: flow.watch_secs,
        }
    }
}

/// `hint` says what it looks like or where to find it.
fn required<'a>(name: &str, value: &'a str, hint: &str) -> Result<&'a str, SettingsError> {
    if value.is_empty() {
        return Err(SettingsError::new(name, format!("is missing; {hint}")));
    }
    Ok(value)
}
