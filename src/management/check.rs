//! `check`: named findings about settings, database, public URL and Twilio account, each with a hint. Exit code 1 if any
//! is an error.

use std::process::ExitCode;
use std::time::Duration;

use serde::Serialize;

use super::{Format, FormatArgs, load_settings, print_json};
use crate::db::Db;
use crate::guard::caller_ids;
use crate::settings::Settings;
use crate::twilio::{CallFilter, RetryPolicy, TwilioClient, TwilioError, http_client};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Level {
    Ok,
    Warning,
    Error,
}

#[derive(Debug, Serialize)]
struct Finding {
    id: &'static str,
    level: Level,
    message: String,
    hint: Option<String>,
}

impl Finding {
    fn ok(id: &'static str, message: impl Into<String>) -> Self {
        Self { id, level: Level::Ok, message: message.into(), hint: None }
    }

    fn wrong(id: &'static str, level: Level, message: impl ToString, hint: impl Into<String>) -> Self {
        Self { id, level, message: message.to_string(), hint: Some(hint.into()) }
    }
}

#[derive(Debug, clap::Args)]
pub struct CheckArgs {
    /// Only ask the service that runs here whether it is ready; for health checks
    #[arg(long)]
    ready: bool,
    #[command(flatten)]
    format: FormatArgs,
}

pub async fn run(args: CheckArgs) -> anyhow::Result<ExitCode> {
    let findings = match load_settings() {
        Ok(settings) if args.ready => vec![ready(&settings).await],
        Ok(settings) => all(&settings).await,
        Err(error) => {
            let hint = "config/default.toml explains every setting; nothing else was looked at.";
            vec![Finding::wrong("settings", Level::Error, format!("{error:#}"), hint)]
        }
    };
    match args.format.format {
        Format::Json => print_json(&findings)?,
        Format::Text => findings.iter().for_each(print),
    }
    let has_error = findings.iter().any(|finding| finding.level == Level::Error);
    Ok(if has_error { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

async fn all(settings: &Settings) -> Vec<Finding> {
    vec![
        Finding::ok("settings", "understood"),
        database(settings).await,
        spool(settings),
        public_url(settings),
        caller_id(settings),
        guard(settings),
    ]
    .into_iter()
    .chain(twilio(settings).await)
    .collect()
}

fn print(finding: &Finding) {
    let level = match finding.level {
        Level::Ok => "ok",
        Level::Warning => "WARNING",
        Level::Error => "ERROR",
    };
    say!("{level:8} {:22} {}", finding.id, finding.message);
    if let Some(hint) = &finding.hint {
        say!("{:31} hint: {hint}", "");
    }
}

async fn ready(settings: &Settings) -> Finding {
    const ID: &str = "ready";
    const PATIENCE: Duration = Duration::from_secs(2);
    let port = settings.server.bind.rsplit(':').next().unwrap_or_default();
    let url = format!("http://127.0.0.1:{port}/readyz");
    let answer = match http_client(PATIENCE, PATIENCE) {
        Ok(http) => http.get(&url).send().await,
        Err(error) => Err(error),
    };
    match answer {
        Ok(answer) if answer.status().is_success() => Finding::ok(ID, url),
        Ok(answer) => Finding::wrong(ID, Level::Error, format!("{url}: {}", answer.status()), "See its log."),
        Err(error) => {
            Finding::wrong(ID, Level::Error, format!("{url}: {error}"), "Is the service running here?")
        }
    }
}

async fn database(settings: &Settings) -> Finding {
    const ID: &str = "database";
    let options = match settings.database() {
        Ok(options) => options,
        Err(error) => return Finding::wrong(ID, Level::Error, error, "Correct the setting."),
    };
    let pending = match Db::open(&options) {
        Ok(db) => db.pending_migrations().await,
        Err(error) => Err(error),
    };
    match pending {
        Ok(0) => Finding::ok(ID, "reachable, schema complete"),
        Ok(count) => {
            let message = format!("reachable, {count} migrations missing");
            Finding::wrong(
                ID,
                Level::Warning,
                message,
                "`serve` applies them at its start, `migrate` without one.",
            )
        }
        Err(error) => Finding::wrong(ID, Level::Error, error, "Is the server up, and DATABASE_URL right?"),
    }
}

fn spool(settings: &Settings) -> Finding {
    const ID: &str = "spool";
    let options = match settings.spool() {
        Ok(options) => options,
        Err(error) => return Finding::wrong(ID, Level::Error, error, "Correct the setting."),
    };
    let folder = options.folder.display();
    match options.probe() {
        Ok(()) => Finding::ok(ID, format!("{folder} can be written")),
        Err(error) => {
            let hint = "Set database.spool to a folder that this user may write, or may make.";
            Finding::wrong(ID, Level::Error, format!("{folder}: {error}"), hint)
        }
    }
}

fn public_url(settings: &Settings) -> Finding {
    const ID: &str = "public-url";
    match settings.public_url() {
        Ok(url) if url.starts_with("https://") => Finding::ok(ID, url),
        Ok(url) => {
            let message = format!("{url} can be reached from this machine only");
            Finding::wrong(
                ID,
                Level::Warning,
                message,
                "Right for the emulator; Twilio needs https and a public host.",
            )
        }
        Err(error) => {
            Finding::wrong(ID, Level::Error, error, "Set PUBLIC_URL to how Twilio reaches this service.")
        }
    }
}

fn caller_id(settings: &Settings) -> Finding {
    const ID: &str = "caller-id";
    match settings.call_defaults().caller_id {
        Some(_) => Finding::ok(ID, "set"),
        None => {
            let hint = "Set twilio.caller_id to a number of the account, or give caller_id with each call.";
            Finding::wrong(ID, Level::Warning, "no default caller id", hint)
        }
    }
}

fn guard(settings: &Settings) -> Finding {
    const ID: &str = "guard";
    let destinations = match settings.guard.rules() {
        Ok(rules) => rules.destinations,
        Err(error) => return Finding::wrong(ID, Level::Error, error, "Correct the setting."),
    };
    if destinations.allowed.is_empty() && destinations.regions.is_empty() {
        let message = "no number may be called";
        let hint =
            "Set guard.allowed_regions to the countries you call, such as US, or guard.allowed_prefixes.";
        return Finding::wrong(ID, Level::Warning, message, hint);
    }
    let prefixes = destinations.allowed.iter().map(|prefix| prefix.as_str().to_owned());
    let allowed: Vec<String> = destinations.regions.iter().cloned().chain(prefixes).collect();
    Finding::ok(ID, format!("calls go to {}", allowed.join(", ")))
}

async fn twilio(settings: &Settings) -> Vec<Finding> {
    let (client, finding) = credentials(settings).await;
    let mut findings = vec![finding];
    if let Some(client) = client.filter(|_| settings.guard.check_caller_id) {
        findings.extend(owned_caller_ids(settings, &client).await);
    }
    findings
}

/// Whether what is shown as caller, as far as the settings say, is the account's. The numbers themselves are not printed.
async fn owned_caller_ids(settings: &Settings, client: &TwilioClient) -> Option<Finding> {
    const ID: &str = "caller-id-owned";
    let defaults = settings.call_defaults();
    let named = [
        ("twilio.caller_id", defaults.caller_id),
        ("twilio.agent_caller_id", defaults.agent_caller_id),
        ("transfers.caller_id", defaults.transfer_caller_id),
    ];
    let named: Vec<_> = named.into_iter().filter_map(|(name, number)| Some((name, number?))).collect();
    if named.is_empty() {
        return None;
    }
    let owned = match caller_ids::ask(client).await {
        Ok(owned) => owned,
        Err(error) => return Some(Finding::wrong(ID, Level::Warning, &error, hint(&error))),
    };
    let foreign: Vec<&str> =
        named.iter().filter(|(_, number)| !owned.contains(number)).map(|(name, _)| *name).collect();
    if foreign.is_empty() {
        return Some(Finding::ok(ID, "a number of the account"));
    }
    let message = format!("{} is not a number of the account", foreign.join(", "));
    let hint = "Buy the number, or verify it as a caller id, in the Twilio console.";
    Some(Finding::wrong(ID, Level::Error, message, hint))
}

/// The account's client, if Twilio lets it in.
async fn credentials(settings: &Settings) -> (Option<TwilioClient>, Finding) {
    const ID: &str = "twilio";
    let twilio = match settings.twilio() {
        Ok(twilio) => twilio,
        Err(error) => {
            let hint = "The Twilio console shows account SID and Auth Token on its first page.";
            return (None, Finding::wrong(ID, Level::Error, error, hint));
        }
    };
    let http = match http_client(twilio.connect_timeout, twilio.config.timeout) {
        Ok(http) => http,
        Err(error) => {
            return (None, Finding::wrong(ID, Level::Error, error, "The HTTP client cannot be built."));
        }
    };
    let client = TwilioClient::new(twilio.config, http, RetryPolicy::default());
    match client.list_calls(&CallFilter { limit: Some(1), ..Default::default() }).await {
        Ok(_) => (Some(client), Finding::ok(ID, "credentials accepted")),
        Err(error) => (None, Finding::wrong(ID, Level::Error, &error, hint(&error))),
    }
}

fn hint(error: &TwilioError) -> String {
    let known = error.known().map(|known| known.hint.to_owned());
    known.unwrap_or_else(|| "Can this machine reach twilio.base_url?".into())
}
