//! Settings: layered (defaults, environment file, variables, conventional names), typed, checked before anything starts.
//! Nothing else reads the environment. `config/default.toml` is their manual.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use config::{Config, File, FileFormat};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use url::Url;

use crate::app::CallDefaults;
use crate::calls::flow::Policy;
use crate::db::{DbOptions, Location};
use crate::telephony::{AccountSid, PhoneNumber};
use crate::twilio::{Credentials, TwilioConfig};

/// The lowest layer.
const DEFAULTS: &str = include_str!("../config/default.toml");
const PREFIX: &str = "WARM_TRANSFER__";
/// The names people already use, and the settings they mean.
const CONVENTIONAL: [(&str, &str); 7] = [
    ("DATABASE_URL", "database.url"),
    ("TWILIO_ACCOUNT_SID", "twilio.account_sid"),
    ("TWILIO_AUTH_TOKEN", "twilio.auth_token"),
    ("TWILIO_API_KEY", "twilio.api_key"),
    ("TWILIO_API_SECRET", "twilio.api_secret"),
    ("TWILIO_API_BASE_URL", "twilio.base_url"),
    ("PUBLIC_URL", "server.public_url"),
];

/// One clear line: which setting, what is wrong with it, what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SettingsError(String);

impl SettingsError {
    /// About this setting.
    pub fn new(setting: &str, reason: impl ToString) -> Self {
        bad(setting, reason)
    }
}

/// All settings.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The HTTP server.
    pub server: ServerSettings,
    /// The database.
    pub database: DatabaseSettings,
    /// Twilio.
    pub twilio: TwilioSettings,
    /// What calls are made of.
    pub calls: CallSettings,
    /// The flow's choices.
    pub flow: FlowSettings,
    /// What is heard.
    pub voice: VoiceSettings,
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
    /// 0 means one a core.
    pub workers: usize,
    /// How long a stop waits, in seconds.
    pub shutdown_timeout_secs: u64,
    /// How long a TwiML view waits for the database, in milliseconds.
    pub database_budget_ms: u64,
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
    /// E.164, or empty.
    pub caller_id: String,
}

/// `[calls]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CallSettings {
    /// In seconds.
    pub ring_timeout_secs: u32,
    /// In seconds.
    pub time_limit_secs: u32,
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
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// For people.
    Text,
    /// For programs.
    Json,
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
        let variables: BTreeMap<String, String> = std::env::vars().collect();
        Self::from_layers(Path::new("config"), &variables)
    }

    /// The settings that a folder of files and these variables make.
    ///
    /// # Errors
    /// One line about the first setting that is wrong.
    pub fn from_layers(folder: &Path, variables: &BTreeMap<String, String>) -> Result<Self, SettingsError> {
        let environment = variables.get("WARM_TRANSFER_ENVIRONMENT").map_or("development", String::as_str);
        let file: PathBuf = folder.join(format!("{environment}.toml"));
        let mut layers = Config::builder()
            .add_source(File::from_str(DEFAULTS, FileFormat::Toml))
            .add_source(File::from(file).format(FileFormat::Toml).required(false));
        for (key, value) in overrides(variables)? {
            layers = layers.set_override(&key, value).map_err(|error| bad(&key, error))?;
        }
        let merged = layers.build().map_err(|error| SettingsError(one_line(error)))?;
        let mut settings: Self = serde_path_to_error::deserialize(merged).map_err(|error| {
            let path = error.path().to_string();
            bad(&path, error.into_inner())
        })?;
        settings.check()?;
        Ok(settings)
    }

    fn check(&mut self) -> Result<(), SettingsError> {
        let server = &mut self.server;
        server.public_url = server.public_url.trim_end_matches('/').to_owned();
        if !server.public_url.is_empty() {
            check_public_url(&server.public_url)?;
        }
        Location::parse(self.database.url.expose_secret())
            .map_err(|reason| bad("database.url (DATABASE_URL)", reason))?;
        if Url::parse(&self.twilio.base_url).is_err() {
            return Err(bad("twilio.base_url (TWILIO_API_BASE_URL)", "is not an absolute URL"));
        }
        if self.twilio.api_key.is_empty() != self.twilio.api_secret.expose_secret().is_empty() {
            let reason = "are needed together; give both or neither";
            return Err(bad(
                "twilio.api_key (TWILIO_API_KEY) and twilio.api_secret (TWILIO_API_SECRET)",
                reason,
            ));
        }
        if !self.twilio.caller_id.is_empty() {
            self.twilio.caller_id.parse::<PhoneNumber>().map_err(|error| bad("twilio.caller_id", error))?;
        }
        within("calls.ring_timeout_secs", self.calls.ring_timeout_secs.into(), 5, 600)?;
        within("calls.time_limit_secs", self.calls.time_limit_secs.into(), 1, 86_400)?;
        within("flow.end_limit_secs", self.flow.end_limit_secs.into(), 1, 10)?;
        within("flow.move_limit_secs", self.flow.move_limit_secs.into(), 1, 60)?;
        within("flow.ring_grace_secs", self.flow.ring_grace_secs.into(), 1, 60)?;
        within("database.pool_size", self.database.pool_size.into(), 1, 1000)?;
        within("server.database_budget_ms", self.server.database_budget_ms, 1, 14_000)
    }

    /// Where the database is, and how patiently it is used.
    ///
    /// # Errors
    /// When the URL is not one of a database.
    pub fn database(&self) -> Result<DbOptions, SettingsError> {
        let location = Location::parse(self.database.url.expose_secret());
        Ok(DbOptions {
            location: location.map_err(|reason| bad("database.url (DATABASE_URL)", reason))?,
            pool_size: self.database.pool_size,
            pool_timeout: Duration::from_millis(self.database.pool_timeout_ms),
            busy_timeout: Duration::from_millis(self.database.busy_timeout_ms),
        })
    }

    /// Twilio's account, for the commands that need it.
    ///
    /// # Errors
    /// One line about what is missing.
    pub fn twilio(&self) -> Result<Twilio, SettingsError> {
        let twilio = &self.twilio;
        let account_sid: AccountSid =
            required("twilio.account_sid (TWILIO_ACCOUNT_SID)", &twilio.account_sid)?
                .parse()
                .map_err(|error| bad("twilio.account_sid (TWILIO_ACCOUNT_SID)", error))?;
        // Webhooks are signed with the token even where REST uses a key.
        required("twilio.auth_token (TWILIO_AUTH_TOKEN)", twilio.auth_token.expose_secret())?;
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
        required("server.public_url (PUBLIC_URL)", &self.server.public_url)
    }

    /// What calls are made of.
    pub fn call_defaults(&self) -> CallDefaults {
        CallDefaults {
            caller_id: self.twilio.caller_id.parse().ok(),
            ring_timeout_secs: self.calls.ring_timeout_secs,
            time_limit_secs: self.calls.time_limit_secs,
        }
    }

    /// The flow's choices.
    pub fn policy(&self) -> Policy {
        Policy {
            ring_grace_secs: self.flow.ring_grace_secs,
            move_limit_secs: self.flow.move_limit_secs,
            end_limit_secs: self.flow.end_limit_secs,
        }
    }
}

/// What variables say: ours first, then the conventional names, which win; secrets from files as they are read.
fn overrides(variables: &BTreeMap<String, String>) -> Result<Vec<(String, String)>, SettingsError> {
    let ours = variables.iter().filter_map(|(name, value)| {
        let key = name.strip_prefix(PREFIX)?.to_lowercase().replace("__", ".");
        Some((name.as_str(), key, value))
    });
    let conventional = CONVENTIONAL.iter().flat_map(|(name, key)| {
        let plain = variables.get(*name).map(|value| (*name, (*key).to_owned(), value));
        let file = variables.get_key_value(&format!("{name}_FILE"));
        [plain, file.map(|(name, value)| (name.as_str(), format!("{key}_file"), value))].into_iter().flatten()
    });
    let mut found = Vec::new();
    for (name, key, value) in ours.chain(conventional) {
        match key.strip_suffix("_file") {
            Some(key) => found.push((key.to_owned(), read_secret(name, value)?)),
            None => found.push((key, value.clone())),
        }
    }
    if let Some(port) = variables.get("PORT") {
        let port: u16 = port.parse().map_err(|_| bad("PORT", "is not a port number"))?;
        found.push(("server.bind".into(), format!("0.0.0.0:{port}")));
    }
    Ok(found)
}

fn read_secret(name: &str, path: &str) -> Result<String, SettingsError> {
    let content = std::fs::read_to_string(path).map_err(|error| bad(name, format!("{path}: {error}")))?;
    Ok(content.trim_end_matches(['\r', '\n']).to_owned())
}

/// Twilio signs this URL and must reach it. <https://www.twilio.com/docs/usage/webhooks/webhooks-security>
fn check_public_url(text: &str) -> Result<(), SettingsError> {
    let name = "server.public_url (PUBLIC_URL)";
    let url = Url::parse(text)
        .map_err(|_| bad(name, "is not an absolute URL such as https://calls.example.com"))?;
    let host = url.host_str().unwrap_or_default();
    let is_here = matches!(host, "localhost" | "127.0.0.1" | "[::1]");
    match url.scheme() {
        _ if host.is_empty() => Err(bad(name, "names no host")),
        _ if host.contains('_') => {
            Err(bad(name, "has an underscore in its host name; Twilio sends no callbacks there"))
        }
        _ if url.query().is_some() || url.fragment().is_some() => {
            Err(bad(name, "must not have a query or fragment"))
        }
        "https" => Ok(()),
        "http" if is_here => Ok(()),
        _ => Err(bad(name, "must begin with https://, unless the host is this machine")),
    }
}

fn required<'a>(name: &str, value: &'a str) -> Result<&'a str, SettingsError> {
    if value.is_empty() { Err(bad(name, "is missing; config/default.toml explains it")) } else { Ok(value) }
}

fn within(name: &str, value: u64, least: u64, most: u64) -> Result<(), SettingsError> {
    let fits = (least..=most).contains(&value);
    if fits { Ok(()) } else { Err(bad(name, format!("is {value}; expected {least} to {most}"))) }
}

fn bad(name: &str, reason: impl ToString) -> SettingsError {
    SettingsError(format!("setting {name}: {}", one_line(reason)))
}

fn one_line(reason: impl ToString) -> String {
    reason.to_string().split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(variables: &[(&str, &str)]) -> Result<Settings, SettingsError> {
        let variables = variables.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        Settings::from_layers(Path::new("no-such-folder"), &variables)
    }

    fn complaint(variables: &[(&str, &str)]) -> String {
        load(variables).unwrap_err().to_string()
    }

    #[test]
    fn defaults_are_complete_and_each_is_explained() {
        load(&[]).unwrap();
        let mut before = "";
        for line in DEFAULTS.lines() {
            if line.contains(" = ") && !line.starts_with('#') {
                assert!(before.starts_with('#'), "{line} has no explanation");
            }
            before = line;
        }
    }

    #[test]
    fn later_layers_win() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("staging.toml"), "[calls]\nring_timeout_secs = 30\n").unwrap();
        let load = |variables: &[(&str, &str)]| {
            let variables = variables.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
            Settings::from_layers(folder.path(), &variables).unwrap()
        };
        let staging = ("WARM_TRANSFER_ENVIRONMENT", "staging");
        assert_eq!(load(&[staging]).calls.ring_timeout_secs, 30);
        let ours = ("WARM_TRANSFER__CALLS__RING_TIMEOUT_SECS", "40");
        assert_eq!(load(&[staging, ours]).calls.ring_timeout_secs, 40);
        let url = ("PUBLIC_URL", "https://calls.example.com/");
        assert_eq!(load(&[url]).public_url(), Ok("https://calls.example.com"));
        assert_eq!(load(&[("PORT", "9000")]).server.bind, "0.0.0.0:9000");
    }

    #[test]
    fn a_secret_comes_from_a_file_and_is_never_printed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        std::fs::write(&path, "hush-hush\n").unwrap();
        let settings = load(&[("TWILIO_AUTH_TOKEN_FILE", path.to_str().unwrap())]).unwrap();
        assert_eq!(settings.twilio.auth_token.expose_secret(), "hush-hush");
        assert!(!format!("{settings:?}").contains("hush"));
        let missing = complaint(&[("TWILIO_AUTH_TOKEN_FILE", "no/such/file")]);
        assert!(missing.contains("TWILIO_AUTH_TOKEN_FILE") && missing.contains("no/such/file"), "{missing}");
    }

    #[test]
    fn what_is_wrong_is_one_line_that_names_the_setting() {
        let cases = [
            (("PUBLIC_URL", "calls.example.com"), "server.public_url"),
            (("PUBLIC_URL", "http://calls.example.com"), "https://"),
            (("PUBLIC_URL", "https://my_host.example.com"), "underscore"),
            (("DATABASE_URL", "mysql://x"), "database.url"),
            (("TWILIO_API_KEY", "SK1"), "twilio.api_secret"),
            (("WARM_TRANSFER__CALLS__RING_TIMEOUT_SECS", "4"), "calls.ring_timeout_secs"),
            (("WARM_TRANSFER__CALLS__RING_TIMEOUT_SECS", "soon"), "calls.ring_timeout_secs"),
            (("WARM_TRANSFER__CALLS__COLOUR", "red"), "colour"),
            (("WARM_TRANSFER__TWILIO__CALLER_ID", "123"), "twilio.caller_id"),
            (("PORT", "http"), "PORT"),
        ];
        for (variable, named) in cases {
            let line = complaint(&[variable]);
            assert!(line.contains(named) && line.lines().count() == 1, "{variable:?}: {line}");
        }
    }

    #[test]
    fn twilio_is_needed_only_by_those_who_call() {
        let settings = load(&[]).unwrap();
        assert!(settings.twilio().unwrap_err().to_string().contains("TWILIO_ACCOUNT_SID"));
        let sid = ("TWILIO_ACCOUNT_SID", "AC00000000000000000000000000000001");
        assert!(load(&[sid]).unwrap().twilio().unwrap_err().to_string().contains("TWILIO_AUTH_TOKEN"));
        let token = ("TWILIO_AUTH_TOKEN", "t");
        assert_eq!(load(&[sid, token]).unwrap().twilio().unwrap().signature_tokens.len(), 1);
    }
}
