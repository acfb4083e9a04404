//! `audit`: who changed what.

use std::process::ExitCode;

use clap::Subcommand;

use super::{Format, database, print_json};
use crate::audit::models::{ActorKind, Filter};
use crate::audit::serializers::EntryOut;
use crate::audit::services;
use crate::calls::forms::Moment;

#[derive(Debug, Subcommand)]
pub enum AuditCommand {
    /// List entries, newest first
    List(ListArgs),
}

#[derive(Debug, clap::Args)]
pub struct ListArgs {
    /// Only by whom: the name of a key, an agent, a user of this machine, or a part of the service
    #[arg(long)]
    actor: Option<String>,
    /// Only by this sort of somebody
    #[arg(long, value_enum)]
    actor_kind: Option<ActorKind>,
    /// Only what was done: call.placed, or all of a kind: call.
    #[arg(long)]
    action: Option<String>,
    /// Only to what: a call's id, a key's name
    #[arg(long)]
    subject: Option<String>,
    /// Only from this time on, such as 2027-01-31T09:00:00Z
    #[arg(long, value_name = "TIME")]
    since: Option<Moment>,
    /// Only before this time
    #[arg(long, value_name = "TIME")]
    until: Option<Moment>,
    /// Only entries older than the one with this id
    #[arg(long, value_name = "ID")]
    before: Option<i64>,
    /// How many at the most
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    limit: u32,
    /// For people or for programs
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

pub async fn run(AuditCommand::List(args): AuditCommand) -> anyhow::Result<ExitCode> {
    let filter = Filter {
        actor: args.actor,
        actor_kind: args.actor_kind,
        action: args.action,
        subject: args.subject,
        since: args.since.map(|moment| moment.0),
        until: args.until.map(|moment| moment.0),
        before: args.before,
    };
    let page = services::page(&database().await?, filter, args.limit).await?;
    match args.format {
        Format::Json => print_json(&page)?,
        Format::Text => page.entries.iter().for_each(print_entry),
    }
    Ok(ExitCode::SUCCESS)
}

fn print_entry(entry: &EntryOut) {
    let at = entry.at.format("%Y-%m-%dT%H:%M:%SZ");
    let who = format!("{}:{}", entry.actor_kind, entry.actor);
    let subject = entry.subject.as_deref().unwrap_or("-");
    let is_bare = entry.detail.as_object().is_some_and(serde_json::Map::is_empty);
    let detail = if is_bare { String::new() } else { entry.detail.to_string() };
    let line = format!("{:8} {at} {who:24} {:24} {subject:36} {detail}", entry.id, entry.action);
    say!("{}", line.trim_end());
}
