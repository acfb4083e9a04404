//! Whole calls in virtual worlds: service core and emulator engine in one process on one virtual clock, from one seed,
//! with random people, random requests and random faults, each judged by what the people in it experienced.
//!
//! | file | owns |
//! | --- | --- |
//! | `dice` | chance: one seed, the same throws |
//! | `script` | what is thrown before a call begins |
//! | `world` | one clock for exchange, service, network and people |
//! | `line` | the wires between service and exchange |
//! | `service` | the call, its queue and timers, in memory |
//! | `judge` | invariants, and how long things may take |
//! | `ladder` | what happened, for people |
//! | `measure` | a transfer in which nothing goes wrong: the customer's dead air, and how soon the second agent's phone rings |
//!
//! The flow, the documents, what a webhook means, which request a command is and what its answer leads to are the service's
//! own functions; only the rows of the database and the waiting are played.

mod dice;
mod judge;
mod ladder;
mod line;
mod measure;
mod script;
mod service;
#[cfg(test)]
mod tests;
mod world;

pub use judge::Verdict;
pub use measure::{Case, Measured, Percentiles, measure};
pub use script::{Faults, Script};

/// A call that was played to its end.
#[derive(Debug)]
pub struct Played {
    /// How it was for the people in it.
    pub verdict: Verdict,
    /// How long it took, in virtual milliseconds.
    pub lasted_ms: u64,
    /// Transfers that were asked for and taken in.
    pub transfers: usize,
    /// Phones that rang.
    pub dialled: usize,
}

/// Plays the call of this script. The same script gives the same history.
pub fn play(script: &Script) -> Played {
    let after = world::play(script);
    Played {
        verdict: judge::judge(script, &after),
        lasted_ms: after.over_ms,
        transfers: after.call.transfers.len(),
        dialled: after.legs.len(),
    }
}

/// The history of a script's call, for people: what was thrown, what happened, and which promises were broken.
pub fn ladder(script: &Script) -> String {
    let after = world::play(script);
    ladder::ladder(script, &after, &judge::judge(script, &after))
}

/// A script that breaks the first promise that this one breaks, with as few faults and requests as will do it.
pub fn shrunk(script: &Script) -> Script {
    let broken = |script: &Script| {
        let verdict = play(script).verdict;
        verdict.violations.first().map(|text| text.chars().take(2).collect::<String>())
    };
    let wanted = broken(script);
    let mut smallest = script.clone();
    loop {
        let smaller = smallest.simpler().into_iter().find(|simpler| broken(simpler) == wanted);
        match smaller {
            Some(smaller) if wanted.is_some() => smallest = smaller,
            _ => return smallest,
        }
    }
}

/// What to tell of a seed whose call breaks a promise: how to replay it, and its shortest history; `None` if it breaks none.
pub fn complaint(seed: u64) -> Option<String> {
    let script = Script::of(seed);
    let verdict = play(&script).verdict;
    if verdict.violations.is_empty() {
        return None;
    }
    Some(format!(
        "seed {seed} breaks: {:#?}\nreplay it with: cargo run --release --example simulation -- --replay {seed}\n{}",
        verdict.violations,
        ladder(&shrunk(&script))
    ))
}
