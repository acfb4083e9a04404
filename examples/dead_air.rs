//! How long the customer hears nothing during a transfer, and how soon the second agent's phone rings, on the virtual clock:
//! prints the tables of `docs/performance.md`. `cargo run --release --example dead_air -- [--calls N] [--require-accept]`

use std::process::ExitCode;

use clap::Parser;
use warm_transfer::calls::flow::{Bridge, Style};
use warm_transfer::emulator::Behaviour;
use warm_transfer::simulation::{Case, Measured, Percentiles, measure};

const ROUND_TRIPS_MS: [u64; 2] = [50, 150];
const STYLES: [Style; 3] = [Style::WithCustomer, Style::PrivateFirst, Style::Blind];
const BRIDGES: [Bridge; 2] = [Bridge::Dial, Bridge::Room];
/// What a budget allows beside round trips.
const BESIDE_MS: u64 = 5;

/// Dead air and button to ringing, as Markdown.
#[derive(Debug, Parser)]
struct Options {
    /// How many calls of each kind.
    #[arg(long, default_value_t = 500)]
    calls: u64,
    /// The second agent is asked to accept.
    #[arg(long)]
    require_accept: bool,
}

fn main() -> ExitCode {
    match tables(&Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn tables(options: &Options) -> Result<(), String> {
    for (title, phone) in [("joins", Behaviour::Answer), ("is busy", Behaviour::Busy)] {
        println!(
            "The customer's dead air when the second agent {title}, in ms (median / 99th percentile / most):\n"
        );
        println!(
            "| style | bridge | round trip | dead air | longest silence | without Twilio's own time | longest silence | budget | |"
        );
        println!("| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | --- |");
        print_cases(options, phone, dead_air)?;
        println!();
    }
    println!(
        "From the button until the second agent's phone rings, in ms (median / 99th percentile / most):\n"
    );
    println!("| style | bridge | round trip | button to ringing | without Twilio's own time | budget | |");
    println!("| --- | --- | ---: | ---: | ---: | ---: | --- |");
    print_cases(options, Behaviour::Answer, ringing)
}

/// A line for each kind of transfer.
fn print_cases(
    options: &Options,
    phone: Behaviour,
    columns: fn(&Case, &[Measured], &[Measured]) -> String,
) -> Result<(), String> {
    for style in STYLES {
        for bridge in BRIDGES {
            for round_trip_ms in ROUND_TRIPS_MS {
                let require_accept = options.require_accept;
                let usual = Case { style, bridge, require_accept, phone, round_trip_ms, twilio_percent: 100 };
                let at_once = Case { twilio_percent: 0, ..usual };
                let columns = columns(&usual, &many(&usual, options)?, &many(&at_once, options)?);
                println!("| `{style}` | `{bridge}` | {round_trip_ms} | {columns} |");
            }
        }
    }
    Ok(())
}

fn many(case: &Case, options: &Options) -> Result<Vec<Measured>, String> {
    (0..options.calls).map(|seed| measure(case, seed)).collect()
}

/// A move from the bridge may cost a round trip, in the room there should be none.
fn dead_air(case: &Case, usual: &[Measured], at_once: &[Measured]) -> String {
    let total = |found: &[Measured]| Percentiles::of(found.iter().map(|it| it.dead_air_ms).collect());
    let longest = |found: &[Measured]| Percentiles::of(found.iter().map(|it| it.longest_ms).collect());
    let budget_ms = if case.bridge == Bridge::Dial { case.longest_round_trip_ms() + BESIDE_MS } else { 0 };
    let cells = [total(usual), longest(usual), total(at_once), longest(at_once)].map(cell);
    format!("{} | {}", cells.join(" | "), verdict(longest(at_once), budget_ms))
}

fn ringing(case: &Case, usual: &[Measured], at_once: &[Measured]) -> String {
    let found = [usual, at_once].map(|found| Percentiles::of(found.iter().map(|it| it.ringing_ms).collect()));
    let budget_ms = case.longest_round_trip_ms() + BESIDE_MS;
    format!("{} | {}", found.map(cell).join(" | "), verdict(found[1], budget_ms))
}

fn cell(found: Percentiles) -> String {
    format!("{} / {} / {}", found.median, found.p99, found.most)
}

fn verdict(found: Percentiles, budget_ms: u64) -> String {
    format!("{budget_ms} | {}", if found.most <= budget_ms { "met" } else { "**missed**" })
}
