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
    // Before anybody is told that it listens, so that whoever stops it at once is heard.
    let stopped = until_stopped()?;
    let listener = server::listen(&settings.server.bind)?;
    let server = Server::start(&settings, app, listener).await?;
    tracing::info!(addr = %server.addr(), "listening");
    stopped.await;
    tracing::info!("stopping");
    server.stop().await?;
    Ok(ExitCode::SUCCESS)
}

/// Listens, from now on, for being interrupted or asked to end; what it gives waits for either.
pub fn until_stopped() -> std::io::Result<impl Future<Output = ()>> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}
