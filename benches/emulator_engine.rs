//! Owns the measure of the emulator's engine: ten thousand calls on the virtual clock, each transferred once, from one seed.
//! `cargo bench --bench emulator_engine [-- CALLS]`.

#[path = "support/transfers.rs"]
mod transfers;

use std::time::Instant;

fn main() -> anyhow::Result<()> {
    // `cargo bench` adds `--bench`.
    let calls = std::env::args().skip(1).find_map(|a| a.parse().ok()).unwrap_or(10_000);
    let started = Instant::now();
    let outcome = transfers::run(calls, 1)?;
    let seconds = started.elapsed().as_secs_f64();
    anyhow::ensure!(outcome.transferred == calls, "only {} of {calls} were transferred", outcome.transferred);
    println!(
        "{calls} calls with a transfer each: {seconds:.2} s, {:.0} calls a second, {} events, {} webhooks, {} emulated seconds",
        calls as f64 / seconds,
        outcome.events,
        outcome.webhooks,
        outcome.emulated_ms / 1000
    );
    Ok(())
}
