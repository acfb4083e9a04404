//! `agent` and `key`: the directory of agents, and the API keys of programs.

use std::process::ExitCode;

use chrono::TimeDelta;
use clap::Subcommand;

use super::{Format, FormatArgs, database, operator, print_json};
use crate::agents::models::{AgentRole, Scope};
use crate::agents::services::{self, KeyInfo, NewAgent};
use crate::clock::{Clock, RandomIds, SystemClock};
use crate::telephony::Address;

#[derive(Debug, Subcommand)]
pub enum AgentCommand {
    /// Add somebody, who can then be rung as agent:NAME
    Add {
        /// 1 to 64 letters, digits, dots, hyphens or underscores
        name: String,
        /// What to ring: +15550100123, client:name or sip:user@host
        #[arg(long)]
        address: Address,
        /// What people are told: "Dana did not answer"; the name if absent
        #[arg(long)]
        display_name: Option<String>,
        /// What they may do
        #[arg(long, value_enum, default_value = "agent")]
        role: AgentRole,
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
    let db = database().await?;
    let (clock, by) = (SystemClock::new(), operator());
    match command {
        AgentCommand::Add { name, address, display_name, role } => {
            let new = NewAgent { name, display_name, address, role };
            let added = services::add_agent(&db, &clock, &RandomIds, &by, new).await?;
            say!("added agent:{} ({})", added.name, added.display_name);
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
