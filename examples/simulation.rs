//! Plays whole calls in virtual worlds, as many as wanted, and says which promise was broken, if any.
//! `cargo run --release --example simulation -- [--calls N] [--seed FIRST]`, or `--replay SEED` for one call's history.

use std::collections::BTreeMap;
use std::io::{IsTerminal, Write};
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use clap::Parser;
use warm_transfer::simulation::{self, Script};

/// Calls between two looks at the progress line.
const BATCH: u64 = 500;

/// Whole calls in virtual worlds.
#[derive(Debug, Parser)]
struct Options {
    /// How many calls.
    #[arg(long, default_value_t = 10_000)]
    calls: u64,
    /// The first call's seed; the others' follow.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Tell the history of this seed's call.
    #[arg(long)]
    replay: Option<u64>,
    /// With `--replay`: with as few faults and requests as break the same promise.
    #[arg(long)]
    shrink: bool,
    /// How many broken calls to tell of.
    #[arg(long, default_value_t = 1)]
    tell: usize,
}

/// What many calls have come to.
#[derive(Debug, Default)]
struct Sum {
    calls: u64,
    transfers: usize,
    dialled: usize,
    virtual_ms: u64,
    longest_calm_silence_ms: u64,
    longest_silence_ms: u64,
    broken: BTreeMap<u64, Vec<String>>,
}

impl Sum {
    fn add(&mut self, other: Self) {
        self.calls += other.calls;
        self.transfers += other.transfers;
        self.dialled += other.dialled;
        self.virtual_ms += other.virtual_ms;
        self.longest_calm_silence_ms = self.longest_calm_silence_ms.max(other.longest_calm_silence_ms);
        self.longest_silence_ms = self.longest_silence_ms.max(other.longest_silence_ms);
        self.broken.extend(other.broken);
    }
}

fn main() -> ExitCode {
    let options = Options::parse();
    if let Some(seed) = options.replay {
        let script = Script::of(seed);
        let script = if options.shrink { simulation::shrunk(&script) } else { script };
        println!("{}", simulation::ladder(&script));
        return ExitCode::SUCCESS;
    }
    let started = Instant::now();
    let sum = play(&options);
    let seconds = started.elapsed().as_secs_f64();
    println!(
        "{} calls from seed {} in {seconds:.1} s ({:.0} a second): {} transfers, {} legs, {:.0} hours of talk",
        sum.calls,
        options.seed,
        sum.calls as f64 / seconds,
        sum.transfers,
        sum.dialled,
        sum.virtual_ms as f64 / 3_600_000.0
    );
    println!(
        "longest silence for a customer: {} ms while nothing was lost, {} ms otherwise",
        sum.longest_calm_silence_ms, sum.longest_silence_ms
    );
    println!("{} calls broke a promise", sum.broken.len());
    for (seed, violations) in sum.broken.iter().take(200) {
        println!("  seed {seed}: {}", violations.join("; "));
    }
    for seed in sum.broken.keys().take(options.tell) {
        println!("{}", simulation::complaint(*seed).unwrap_or_default());
    }
    if sum.broken.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// As many threads as the machine has cores take batches of seeds until none is left.
fn play(options: &Options) -> Sum {
    let threads = std::thread::available_parallelism().map_or(1, |count| count.get());
    let (next, sum) = (AtomicU64::new(0), Mutex::new(Sum::default()));
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let from = next.fetch_add(BATCH, Ordering::Relaxed);
                    if from >= options.calls {
                        break;
                    }
                    let batch = batch(options.seed, from, (from + BATCH).min(options.calls));
                    let mut sum = sum.lock().unwrap_or_else(PoisonError::into_inner);
                    sum.add(batch);
                    progress(&sum, options.calls);
                }
            });
        }
    });
    sum.into_inner().unwrap_or_else(PoisonError::into_inner)
}

fn batch(first: u64, from: u64, to: u64) -> Sum {
    let mut sum = Sum::default();
    for seed in (from..to).map(|at| first.wrapping_add(at)) {
        let script = Script::of(seed);
        let played = simulation::play(&script);
        let verdict = played.verdict;
        let silence_ms = verdict.longest_silence_ms;
        let is_calm = script.faults.is_calm();
        sum.add(Sum {
            calls: 1,
            transfers: played.transfers,
            dialled: played.dialled,
            virtual_ms: played.lasted_ms,
            longest_calm_silence_ms: if is_calm { silence_ms } else { 0 },
            longest_silence_ms: if is_calm { 0 } else { silence_ms },
            broken: match verdict.violations.is_empty() {
                true => BTreeMap::new(),
                false => BTreeMap::from([(seed, verdict.violations)]),
            },
        });
    }
    sum
}

/// One line that is written over, for people at a terminal.
fn progress(sum: &Sum, calls: u64) {
    let mut out = std::io::stderr();
    if out.is_terminal() {
        // Nobody minds a progress line that could not be written.
        let _ = write!(out, "\r{} of {calls} calls, {} broken ", sum.calls, sum.broken.len());
        let _ = out.flush();
    }
}
