//! Ten thousand calls, and that a seed is a history.

use std::collections::BTreeSet;

use super::*;
use crate::calls::flow::{Call, Hears, Presence, standings};
use crate::emulator::{Behaviour, Heard};

/// Calls a test plays; there are four such tests, so that the machine's cores share them.
const CALLS: u64 = 2_500;

fn nothing_is_broken(first_seed: u64) {
    let complaint = (first_seed..first_seed + CALLS).find_map(complaint);
    assert!(complaint.is_none(), "{}", complaint.unwrap_or_default());
}

#[test]
fn no_promise_is_broken_in_the_first_quarter_of_ten_thousand_calls() {
    nothing_is_broken(0);
}

#[test]
fn no_promise_is_broken_in_the_second_quarter_of_ten_thousand_calls() {
    nothing_is_broken(CALLS);
}

#[test]
fn no_promise_is_broken_in_the_third_quarter_of_ten_thousand_calls() {
    nothing_is_broken(2 * CALLS);
}

#[test]
fn no_promise_is_broken_in_the_last_quarter_of_ten_thousand_calls() {
    nothing_is_broken(3 * CALLS);
}

#[test]
fn one_seed_is_one_history() {
    for seed in 0..50 {
        let script = Script::of(seed);
        assert_eq!(ladder(&script), ladder(&script));
    }
}

/// Both last longer than it takes to be told of each other, as the judge allows it.
const SETTLED_MS: u64 = 3_000;

/// What the flow believes that people hear, held against what the exchange let them hear: wherever neither changes for a while.
#[test]
fn people_hear_what_the_flow_believes() {
    let (mut agreed, mut differed, mut examples) = (0, 0, vec![]);
    for seed in 0..1_500 {
        let mut script = Script { faults: Faults::default(), ..Script::of(seed) };
        // Nothing tells the flow that a mailbox is no person.
        let plans = script.phones.iter_mut().flat_map(|(_, plans)| plans);
        plans
            .filter(|plan| plan.behaviour == Behaviour::Voicemail)
            .for_each(|plan| plan.behaviour = Behaviour::Answer);
        let after = world::play(&script);
        let ends = after.history.iter().skip(1).map(|moment| moment.at_ms).chain([after.over_ms]);
        for (moment, to_ms) in after.history.iter().zip(ends) {
            for (address, believed) in believed(&moment.call) {
                let person = after.audibility.people.iter().find(|person| person.address == address);
                for span in person.map(|person| person.spans.as_slice()).unwrap_or_default() {
                    let (from, to) = (span.from_ms.max(moment.at_ms), span.to_ms.min(to_ms));
                    if to.saturating_sub(from) < SETTLED_MS || span.from_ms + SETTLED_MS > to {
                        continue;
                    }
                    let heard = heard(&span.hears);
                    if heard == believed {
                        agreed += 1;
                    } else {
                        differed += 1;
                        examples.push(format!("seed {seed}, {from} to {to} ms, {address} in {:?}: believed {believed:?}, heard {heard:?}", moment.call.stage));
                    }
                }
            }
        }
    }
    assert!(
        agreed > 1_000 && differed == 0,
        "{agreed} agreed, {differed} differed:\n{}",
        examples[..examples.len().min(25)].join("\n")
    );
}

/// What people on the line hear, for the comparison: persons by address, everything else by kind.
fn believed(call: &Call) -> Vec<(String, BTreeSet<String>)> {
    let standings = standings(call)
        .into_iter()
        .filter(|it| matches!(it.presence, Presence::Talking | Presence::OnHold | Presence::Waiting));
    let sound = |hears: &Hears| match hears {
        Hears::Person { leg_id } => call.leg(*leg_id).map(|leg| leg.address.to_string()).unwrap_or_default(),
        other => format!("{other:?}"),
    };
    standings
        .filter_map(|it| {
            Some((call.leg(it.leg_id)?.address.to_string(), it.hears.iter().map(sound).collect()))
        })
        .collect()
}

fn heard(hears: &[Heard]) -> BTreeSet<String> {
    let lasting = hears.iter().filter(|heard| !matches!(heard, Heard::Speech { .. }));
    lasting
        .map(|heard| match heard {
            Heard::Person { who } => who.clone(),
            other => format!("{other:?}"),
        })
        .collect()
}
