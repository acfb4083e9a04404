//! `agent` and `key`: the directory of agents, and the API keys of programs.

use std::process::ExitCode;

use anyhow::Context;
use chrono::TimeDelta;
use clap::Subcommand;

use super::{Format, FormatArgs, complain, database, load_settings, operator, print_json};
use crate::agents::models::{AgentRole, Scope};
use crate::agents::passwords::Password;
use crate::agents::services::{self, KeyInfo, NewAgent};
use crate::clock::{Clock, RandomIds, SystemClock};
use crate::console::sessions::models::Horizon;
use crate::console::sessions::services::SessionInfo;
use crate::db::Db;
use crate::telephony::Address;

#[derive(Debug, Subcommand)]
pub enum AgentCommand {
    /// Add somebody, who can then be rung as agent:NAME
    Add {
        /// 1 to 64 letters, digits, dots, hyphens or underscores
        name: String,
        /// What to ring: +15550100123, client:name or sip:user@host
        #[arg(long)]
        address: Option<Address>,
        /// What people are told: "Dana did not answer"; the name if absent
        #[arg(long)]
        display_name: Option<String>,
        /// What is rung for them, as --address
        #[arg(long, conflicts_with = "address", required_unless_present = "address")]
        phone: Option<Address>,
        /// What they may do
        #[arg(long, value_enum, default_value = "agent")]
        role: AgentRole,
        /// Read the password from standard input, one line; otherwise one is made up and printed, alone on standard output
        /// and this once
        #[arg(long)]
        password_stdin: bool,
    },
    /// Give somebody a new password, and log them out everywhere
    Password {
        /// Their name
        name: String,
        /// Read it from standard input, one line; otherwise one is made up and printed, alone on standard output and this once
        #[arg(long)]
        password_stdin: bool,
    },
    /// Change what is rung for somebody
    Phone {
        /// Their name
        name: String,
        /// +15550100123, client:name or sip:user@host
        address: Address,
    },
    /// Change what somebody may do
    Role {
        /// Their name
        name: String,
        /// What they may do
        #[arg(value_enum)]
        role: AgentRole,
    },
    /// Show where somebody is logged in, or log them out there
    Sessions {
        /// Their name
        name: String,
        /// Log them out everywhere
        #[arg(long)]
        revoke: bool,
        #[command(flatten)]
        format: FormatArgs,
    },
    /// List everybody
    List(FormatArgs),
    /// Take somebody out of the directory
    Disable {
        /// Their name
        name: String,
    },
}

#[derive(Debug, Subcommand)]
pub enum KeyCommand {
    /// Make a key and print it, alone on standard output and this once
    Create {
        /// 1 to 64 letters, digits, dots, hyphens or underscores
        name: String,
        /// What it may do; may be given several times; read, call and transfer if absent
        #[arg(long = "scope", value_enum)]
        scopes: Vec<Scope>,
        /// From when on it is refused, in days from now
        #[arg(long, value_parser = clap::value_parser!(u16).range(1..))]
        expires_days: Option<u16>,
    },
    /// List all keys, without their secrets
    List(FormatArgs),
    /// Refuse a key from now on
    Revoke {
        /// Its name
        name: String,
    },
}

pub async fn run_agent(command: AgentCommand) -> anyhow::Result<ExitCode> {
    let settings = load_settings()?;
    let db = Db::open(&settings.database()?)?;
    db.migrate().await?;
    let (clock, by) = (SystemClock::new(), operator());
    match command {
        AgentCommand::Add { name, address, phone, display_name, role, password_stdin } => {
            let address = address.or(phone).context("an agent has an --address")?;
            let password = new_password(password_stdin)?;
            let hash = password.hash(&RandomIds)?;
            let new = NewAgent { name, display_name, address, role };
            let added = services::add_agent(&db, &clock, &RandomIds, &by, new).await?;
            services::set_password(&db, &clock, &by, &added.name, hash, None).await?;
            tell(&format!("added agent:{} ({})", added.name, added.display_name), &password, password_stdin);
        }
        AgentCommand::Password { name, password_stdin } => {
            let password = new_password(password_stdin)?;
            let hash = password.hash(&RandomIds)?;
            services::set_password(&db, &clock, &by, &name, hash, None).await?;
            tell(&format!("agent:{name} has a new password"), &password, password_stdin);
        }
        AgentCommand::Phone { name, address } => {
            let changed = services::set_address(&db, &clock, &by, &name, address).await?;
            say!("agent:{name} is rung at {}", changed.address);
        }
        AgentCommand::Role { name, role } => {
            services::set_role(&db, &clock, &by, &name, role).await?;
            say!("agent:{name} has the role {role}");
        }
        AgentCommand::Sessions { name, revoke: true, .. } => {
            let count = services::revoke_sessions(&db, &clock, &by, &name).await?;
            say!("logged agent:{name} out of {count} sessions");
        }
        AgentCommand::Sessions { name, revoke: false, format } => {
            let horizon = Horizon::of(&settings.console, clock.now());
            let sessions = services::list_sessions(&db, &name, horizon).await?;
            match format.format {
                Format::Json => print_json(&sessions)?,
                Format::Text => sessions.iter().for_each(print_session),
            }
        }
        AgentCommand::List(FormatArgs { format: Format::Json }) => {
            print_json(&services::list_agents(&db).await?)?
        }
        AgentCommand::List(_) => {
            for agent in services::list_agents(&db).await? {
                let state = if agent.disabled { "disabled" } else { "" };
                let line = format!(
                    "{:20} {:24} {:32} {:10} {state}",
                    agent.name, agent.display_name, agent.address, agent.role
                );
                say!("{}", line.trim_end());
            }
        }
        AgentCommand::Disable { name } => {
            services::disable_agent(&db, &clock, &by, &name).await?;
            say!("disabled agent:{name}");
        }
    }
    Ok(ExitCode::SUCCESS)
}

pub async fn run_key(command: KeyCommand) -> anyhow::Result<ExitCode> {
    let db = database().await?;
    let (clock, by) = (SystemClock::new(), operator());
    match command {
        KeyCommand::Create { name, scopes, expires_days } => {
            let scopes =
                if scopes.is_empty() { vec![Scope::Read, Scope::Call, Scope::Transfer] } else { scopes };
            let expires_at = expires_days.map(|days| clock.now() + TimeDelta::days(days.into()));
            let key = services::create_key(&db, &clock, &RandomIds, &by, &name, &scopes, expires_at);
            say!("{}", key.await?);
        }
        KeyCommand::List(FormatArgs { format: Format::Json }) => {
            print_json(&services::list_keys(&db).await?)?
        }
        KeyCommand::List(_) => services::list_keys(&db).await?.iter().for_each(print_key),
        KeyCommand::Revoke { name } => {
            services::revoke_key(&db, &clock, &by, &name).await?;
            say!("revoked key {name}");
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The first line of standard input, or one that is made up.
fn new_password(is_given: bool) -> anyhow::Result<Password> {
    if !is_given {
        return Ok(Password::generated(&RandomIds));
    }
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).context("cannot read the password from standard input")?;
    Ok(Password::parse(line.trim_end_matches(['\r', '\n']))?)
}

/// What was done; a password that was made up stands alone on standard output, for programs to take.
fn tell(done: &str, password: &Password, is_given: bool) {
    if is_given {
        say!("{done}");
    } else {
        complain(format_args!("{done}; this is the password, shown this once"));
        say!("{}", password.reveal());
    }
}

fn print_session(session: &SessionInfo) {
    let (since, seen) = (session.created_at.format("%F %R"), session.seen_at.format("%F %R"));
    let line =
        format!("{} since {since}, used {seen}, {:15} {}", session.id, session.address, session.user_agent);
    say!("{}", line.trim_end());
}

fn print_key(key: &KeyInfo) {
    let scopes: Vec<String> = key.scopes.iter().map(ToString::to_string).collect();
    let state = match (key.revoked_at, key.expires_at) {
        (Some(at), _) => format!("revoked {}", at.date_naive()),
        (None, Some(at)) => format!("expires {}", at.date_naive()),
        (None, None) => String::new(),
    };
    let line = format!("{:20} wt_{}_… {:24} {state}", key.name, key.prefix, scopes.join(","));
    say!("{}", line.trim_end());
}
