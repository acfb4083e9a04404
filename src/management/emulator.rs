//! The command `emulator`: the Twilio emulator alone, until it is interrupted.

use std::process::ExitCode;

use anyhow::Context;
use clap::Args;

use crate::emulator::{self, ClockMode, EmulatorOptions, Switches};
use crate::telephony::AccountSid;

/// Options of `warm-transfer emulator`.
#[derive(Debug, Clone, Args)]
pub struct EmulatorArgs {
    /// Where to listen. The control API has no credentials: keep it on this machine.
    #[arg(long, default_value = "127.0.0.1:4010", value_name = "HOST:PORT")]
    pub bind: String,
    /// The account that exists.
    #[arg(long, default_value = "AC00000000000000000000000000000001", value_name = "AC…")]
    pub account_sid: AccountSid,
    /// Its auth token: password of the REST API, and key of the webhooks' signatures.
    #[arg(long, default_value = "emulator-auth-token", value_name = "TOKEN")]
    pub auth_token: String,
    /// An API key that is accepted too, with its secret.
    #[arg(long, value_name = "SK…:SECRET", value_parser = api_key)]
    pub api_key: Option<(String, String)>,
    /// Emulated seconds for each real one.
    #[arg(long, default_value_t = 1.0)]
    pub speed: f64,
    /// Time stands still until the page or `POST /emulator/clock` advances it.
    #[arg(long, conflicts_with = "speed")]
    pub virtual_time: bool,
    /// So many calls, and so many participants, are dialled in a second, the others wait; 0 lets all go at once.
    #[arg(long, default_value_t = 1.0, value_name = "N")]
    pub calls_per_second: f64,
    /// Decides everything that varies.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
}

fn api_key(text: &str) -> Result<(String, String), String> {
    match text.split_once(':') {
        Some((sid, secret)) if sid.starts_with("SK") && !secret.is_empty() => Ok((sid.into(), secret.into())),
        _ => Err("expected SK…:SECRET".into()),
    }
}

/// Runs the emulator until it is interrupted.
///
/// # Errors
/// When the address cannot be bound or the server fails.
pub async fn run(args: EmulatorArgs) -> anyhow::Result<ExitCode> {
    let mut emulator = emulator::start(EmulatorOptions {
        bind: args.bind,
        account_sid: args.account_sid.clone(),
        auth_token: args.auth_token,
        api_key: args.api_key,
        speed: args.speed,
        seed: args.seed,
        switches: Switches::default(),
        clock: if args.virtual_time { ClockMode::Virtual } else { ClockMode::Real },
        calls_per_second: (args.calls_per_second > 0.0).then_some(args.calls_per_second),
    })
    .await?;
    say!("Twilio emulator at {} for account {}", emulator.base_url(), args.account_sid);
    tokio::select! {
        ended = emulator.run_until_stopped() => ended?,
        interrupted = tokio::signal::ctrl_c() => interrupted.context("cannot wait for the interrupt")?,
    }
    emulator.stop().await;
    Ok(ExitCode::SUCCESS)
}
