//! The command line, one file a command; errors are one line with a hint, exit code 2 for settings and usage, 1 otherwise.

/// Prints a line on standard output, as `println!` does, but see [`print_line`].
macro_rules! say {
    ($($text:tt)*) => { $crate::management::print_line(format_args!($($text)*)) };
}

mod accounts;
mod audit;
mod check;
mod demo;
mod do_not_call;
mod emulator;
mod fixtures;
mod migrate;
mod serve;
mod urls;
mod webhooks;

use std::fmt;
use std::future::Future;
use std::io::{ErrorKind, Write};
use std::process::ExitCode;

use anyhow::Context;
use clap::{Parser, Subcommand, ValueEnum};
use serde::Serialize;

use crate::audit::Actor;
use crate::calls::flow::table_page;
use crate::db::Db;
use crate::openapi::{self, errors_page};
use crate::settings::{Settings, SettingsError};

/// Outbound sales calls over Twilio Voice, transferred warm.
#[derive(Debug, Parser)]
#[command(name = "warm-transfer", version, about)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the service
    Serve(serve::ServeArgs),
    /// Play with service, emulator and people, or let one story play itself
    Demo(demo::DemoArgs),
    /// Run the Twilio emulator alone
    Emulator(emulator::EmulatorArgs),
    /// Calls as test cases: record, replay, compare by what people experience
    #[command(subcommand)]
    Fixtures(fixtures::FixturesCommand),
    /// Apply what is missing of the database's schema
    Migrate(FormatArgs),
    /// Look for what is wrong with settings, database and Twilio account
    Check(check::CheckArgs),
    /// Print what is done about everything that can happen to a call, as a page of Markdown
    FailureTable,
    /// Print every error the API answers, and what to do about it, as a page of Markdown
    Errors,
    /// Print the OpenAPI document of the API
    Openapi,
    /// List every route
    Urls(FormatArgs),
    /// The directory of agents
    #[command(subcommand)]
    Agent(accounts::AgentCommand),
    /// The API keys of programs
    #[command(subcommand)]
    Key(accounts::KeyCommand),
    /// Where events are sent
    #[command(subcommand)]
    Webhook(webhooks::WebhookCommand),
    /// The numbers that are not to be called
    #[command(subcommand)]
    DoNotCall(do_not_call::DoNotCallCommand),
    /// The audit log: who changed what
    #[command(subcommand)]
    Audit(audit::AuditCommand),
}

/// How a command prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    Text,
    /// For programs.
    Json,
}

#[derive(Debug, clap::Args)]
struct FormatArgs {
    /// For people or for programs
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

/// Runs the command that the process was started with.
pub fn run() -> ExitCode {
    match dispatch(Cli::parse()) {
        Ok(code) => code,
        Err(error) => {
            complain(format_args!("{error:#}"));
            if error.downcast_ref::<SettingsError>().is_some() {
                ExitCode::from(2)
            } else {
                ExitCode::FAILURE
            }
        }
    }
}

fn dispatch(cli: Cli) -> anyhow::Result<ExitCode> {
    match cli.command {
        Command::Serve(args) => block_on(serve::run(args)),
        Command::Demo(args) => block_on(demo::run(args)),
        Command::Emulator(args) => block_on(emulator::run(args)),
        Command::Fixtures(command) => fixtures::run(command),
        Command::Migrate(args) => block_on(migrate::run(args.format)),
        Command::Check(args) => block_on(check::run(args)),
        Command::FailureTable => {
            say!("{}", table_page().trim_end());
            Ok(ExitCode::SUCCESS)
        }
        Command::Errors => {
            say!("{}", errors_page().trim_end());
            Ok(ExitCode::SUCCESS)
        }
        Command::Openapi => {
            say!("{}", openapi::json());
            Ok(ExitCode::SUCCESS)
        }
        Command::Urls(args) => urls::run(args.format),
        Command::Agent(command) => block_on(accounts::run_agent(command)),
        Command::Key(command) => block_on(accounts::run_key(command)),
        Command::Webhook(command) => block_on(webhooks::run(command)),
        Command::DoNotCall(command) => block_on(do_not_call::run(command)),
        Command::Audit(command) => block_on(audit::run(command)),
    }
}

fn block_on<T>(command: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.context("cannot start the runtime")?.block_on(command)
}

/// The settings, with logs begun.
fn load_settings() -> anyhow::Result<Settings> {
    let settings = Settings::load()?;
    crate::logging::start(&settings.logging)?;
    Ok(settings)
}

/// The database of the settings, with its schema up to date.
async fn database() -> anyhow::Result<Db> {
    let settings = load_settings()?;
    let db = Db::open(&settings.database()?)?;
    db.migrate().await?;
    Ok(db)
}

/// Whoever runs this command, for the audit log: what their session says, as far as it says it.
fn operator() -> Actor {
    let said = ["SUDO_USER", "USER", "LOGNAME"].into_iter().find_map(|name| std::env::var(name).ok());
    Actor::command_line(said.filter(|name| !name.is_empty()).unwrap_or_else(|| "unknown".to_owned()))
}

/// A reader who has heard enough (`urls | head`) is no error: what more there is to say goes nowhere, and the command ends
/// as it would have. Output that is lost for any other reason is said.
fn print_line(line: fmt::Arguments<'_>) {
    match writeln!(std::io::stdout().lock(), "{line}") {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            complain(format_args!("cannot print: {error}"));
            std::process::exit(1);
        }
        _ => {}
    }
}

/// One line on standard error, if anybody reads it.
fn complain(line: fmt::Arguments<'_>) {
    drop(writeln!(std::io::stderr(), "warm-transfer: {line}"));
}

fn print_json(value: &impl Serialize) -> anyhow::Result<()> {
    say!("{}", serde_json::to_string_pretty(value)?);
    Ok(())
}
