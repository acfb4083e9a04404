//! `serve`: the service, until it is told to stop.

use std::process::ExitCode;
use std::sync::Arc;

use tokio::signal::unix::{SignalKind, signal};

use super::load_settings;
use crate::clock::{RandomIds, SystemClock};
use crate::server::{self, Server};

#[derive(Debug, clap::Args)]
pub struct ServeArgs {
    /// Where to listen; the setting server.bind otherwise
    #[arg(long, value_name = "HOST:PORT")]
    bind: Option<String>,
}

pub async fn run(args: ServeArgs) -> anyhow::Result<ExitCode> {
    let mut settings = load_settings()?;
    if let Some(bind) = args.bind {
        settings.server.bind = bind;
    }
    let app = server::build(&settings, Arc::new(SystemClock::new()), Arc::new(RandomIds))?;
    let listener = server::listen(&settings.server.bind)?;
    let server = Server::start(&settings, app, listener).await?;
    tracing::info!(addr = %server.addr(), "listening");
    until_stopped().await?;
    tracing::info!("stopping");
    server.stop().await?;
    Ok(ExitCode::SUCCESS)
}

/// Until the process is interrupted or asked to end.
pub async fn until_stopped() -> std::io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted,
        _ = terminate.recv() => Ok(()),
    }
}
