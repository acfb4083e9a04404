//! `webhook`: where events are sent.

use std::process::ExitCode;

use clap::Subcommand;

use super::{Format, FormatArgs, load_settings, operator, print_json};
use crate::calls::forms::{Moment, Text};
use crate::clock::{RandomIds, SystemClock};
use crate::crm::kinds::KindFilter;
use crate::crm::webhooks::forms::{EndpointChange, Kinds, NewEndpoint, OverlapHours, Span};
use crate::crm::webhooks::models::DeliveryState;
use crate::crm::webhooks::serializers::{DeliveryOut, EndpointOut, Replayed, SecretOut};
use crate::crm::webhooks::services::Desk;
use crate::db::Db;

#[derive(Debug, Subcommand)]
pub enum WebhookCommand {
    /// Add an endpoint and print its id and its secret, this once
    Add {
        /// Where messages are posted
        url: Text<2000>,
        /// Which events, such as call.*,transfer.failed; all if absent
        #[arg(long, value_name = "TYPES")]
        events: Option<KindFilter>,
        /// For people
        #[arg(long)]
        description: Option<Text<200>>,
        #[command(flatten)]
        format: FormatArgs,
    },
    /// List all endpoints, without their secrets
    List(FormatArgs),
    /// Show one endpoint
    Show(EndpointArgs),
    /// Take an endpoint away, and what it was still to be sent
    Remove {
        /// Its id
        id: String,
    },
    /// Send to an endpoint again, what waited for it first
    Enable(EndpointArgs),
    /// Send nothing to an endpoint for now
    Disable(EndpointArgs),
    /// Give an endpoint a new secret and print it, this once
    Rotate {
        /// How long messages are signed with the old one too, 0 to 168
        #[arg(long, default_value = "24")]
        overlap_hours: OverlapHours,
        #[command(flatten)]
        endpoint: EndpointArgs,
    },
    /// Send what happened in a stretch of time once more, under the same ids
    Replay {
        /// From this time on, such as 2027-01-31T09:00:00Z
        #[arg(long, value_name = "TIME")]
        since: Moment,
        /// Before this time; now if absent
        #[arg(long, value_name = "TIME")]
        until: Option<Moment>,
        /// Only these of the types that the endpoint wants
        #[arg(long)]
        types: Option<KindFilter>,
        #[command(flatten)]
        endpoint: EndpointArgs,
    },
    /// Send a message that says nothing, to see whether it is taken
    Test(EndpointArgs),
    /// List what was, and is to be, sent to an endpoint, newest first
    Deliveries {
        /// Only in this state
        #[arg(long, value_enum)]
        state: Option<DeliveryState>,
        /// Only those older than the one with this id
        #[arg(long, value_name = "ID")]
        before: Option<i64>,
        /// How many at the most
        #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=100_000))]
        limit: u32,
        #[command(flatten)]
        endpoint: EndpointArgs,
    },
}

#[derive(Debug, clap::Args)]
pub struct EndpointArgs {
    /// Its id
    id: String,
    #[command(flatten)]
    format: FormatArgs,
}

pub async fn run(command: WebhookCommand) -> anyhow::Result<ExitCode> {
    let settings = load_settings()?;
    let db = Db::open(&settings.database()?)?;
    db.migrate().await?;
    let clock = SystemClock::new();
    let desk = Desk {
        db: &db,
        clock: &clock,
        ids: &RandomIds,
        by: operator(),
        allow_private_addresses: settings.webhooks.allow_private_addresses,
    };
    carry_out(&desk, command).await?;
    Ok(ExitCode::SUCCESS)
}

async fn carry_out(desk: &Desk<'_>, command: WebhookCommand) -> anyhow::Result<()> {
    match command {
        WebhookCommand::Add { url, events, description, format } => {
            let new = NewEndpoint { url, events: Kinds(events.unwrap_or_default()), description };
            print_secret(&desk.create(new).await?, format.format)
        }
        WebhookCommand::List(format) => print_all(&desk.list().await?, format.format),
        WebhookCommand::Show(args) => print_endpoint(&desk.show(&args.id).await?, args.format.format),
        WebhookCommand::Remove { id } => {
            desk.remove(&id).await?;
            say!("removed webhook endpoint {id}");
            Ok(())
        }
        WebhookCommand::Enable(args) => switch(desk, args, true).await,
        WebhookCommand::Disable(args) => switch(desk, args, false).await,
        WebhookCommand::Rotate { overlap_hours, endpoint } => {
            print_secret(&desk.rotate(&endpoint.id, overlap_hours.get()).await?, endpoint.format.format)
        }
        WebhookCommand::Replay { since, until, types, endpoint } => {
            let span = Span { since: since.0, until: until.map_or_else(|| desk.clock.now(), |it| it.0) };
            let deliveries = desk.replay(&endpoint.id, span, types.unwrap_or_default()).await?;
            print_count(deliveries, endpoint.format.format)
        }
        WebhookCommand::Test(args) => {
            desk.test(&args.id).await?;
            print_count(1, args.format.format)
        }
        WebhookCommand::Deliveries { state, before, limit, endpoint } => {
            let page = desk.deliveries(&endpoint.id, state, before, limit).await?;
            match endpoint.format.format {
                Format::Json => print_json(&page)?,
                Format::Text => page.deliveries.iter().for_each(print_delivery),
            }
            Ok(())
        }
    }
}

async fn switch(desk: &Desk<'_>, args: EndpointArgs, enabled: bool) -> anyhow::Result<()> {
    let change = EndpointChange { enabled: Some(enabled), ..EndpointChange::default() };
    print_endpoint(&desk.change(&args.id, change).await?, args.format.format)
}

fn print_all(endpoints: &[EndpointOut], format: Format) -> anyhow::Result<()> {
    match format {
        Format::Json => print_json(&endpoints)?,
        Format::Text => endpoints.iter().for_each(print_line_of),
    }
    Ok(())
}

fn print_endpoint(endpoint: &EndpointOut, format: Format) -> anyhow::Result<()> {
    match format {
        Format::Json => print_json(endpoint)?,
        Format::Text => print_line_of(endpoint),
    }
    Ok(())
}

fn print_secret(made: &SecretOut, format: Format) -> anyhow::Result<()> {
    match format {
        Format::Json => print_json(made)?,
        Format::Text => {
            print_line_of(&made.endpoint);
            say!("{}", made.secret);
        }
    }
    Ok(())
}

fn print_line_of(endpoint: &EndpointOut) {
    let events = if endpoint.events.is_empty() { "*".to_owned() } else { endpoint.events.join(",") };
    let state = match (&endpoint.disabled_reason, endpoint.failing_since) {
        (Some(reason), _) => format!("disabled: {reason}"),
        (None, Some(since)) => format!("failing since {}", since.format("%Y-%m-%dT%H:%M:%SZ")),
        (None, None) => "enabled".to_owned(),
    };
    say!("{} {:40} {events:24} {state}", endpoint.id, endpoint.url);
}

fn print_delivery(delivery: &DeliveryOut) {
    let at = delivery.created_at.format("%Y-%m-%dT%H:%M:%SZ");
    let what = delivery.last_error.as_deref().unwrap_or_default();
    let line = format!(
        "{:8} {at} {:20} {:9} {:2} {} {what}",
        delivery.id, delivery.r#type, delivery.state, delivery.attempts, delivery.webhook_id
    );
    say!("{}", line.trim_end());
}

fn print_count(deliveries: usize, format: Format) -> anyhow::Result<()> {
    match format {
        Format::Json => print_json(&Replayed { deliveries })?,
        Format::Text => say!("{deliveries} to be sent"),
    }
    Ok(())
}
