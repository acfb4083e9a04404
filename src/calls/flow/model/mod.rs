//! Exhaustive search over the flow composed with a small model of Twilio: what is explored, and the proof that a wrong
//! table would be found. `docs/proof.md` says what it covers.

mod laws;
mod scenario;
mod search;
mod twilio;
mod world;

use scenario::{Ask, Scenario, Start};
use search::explore;

use super::{Bridge, Style};

fn check(scenario: &Scenario) {
    let deeper = std::env::var("MODEL_DEEPER").ok().and_then(|it| it.parse::<u32>().ok()).unwrap_or(0);
    let scenario = &Scenario { depth: scenario.depth + deeper, ..scenario.clone() };
    let report = explore(scenario);
    println!(
        "{:<40} depth {:>2}{} {:>8} states {:>9} transitions {:>6.1} s",
        scenario.name,
        report.depth,
        if report.is_complete { ", all" } else { "     " },
        report.states,
        report.transitions,
        report.took.as_secs_f32()
    );
    if let Some(violation) = report.violation {
        panic!("{violation}");
    }
}

#[test]
fn placing() {
    for (name, bridge) in [("placing, bridge", Bridge::Dial), ("placing, room", Bridge::Room)] {
        check(&Scenario {
            name,
            bridge,
            start: Start::Placed,
            asks: vec![Ask::HangUp],
            depth: 8,
            ..Scenario::default()
        });
    }
}

#[test]
fn with_customer() {
    check(&Scenario { name: "with_customer, bridge", depth: 6, ..Scenario::default() });
    let bridge = Bridge::Room;
    check(&Scenario { name: "with_customer, room", bridge, depth: 6, ..Scenario::default() });
}

#[test]
fn private_first() {
    let style = Style::PrivateFirst;
    check(&Scenario { name: "private_first, bridge", style, depth: 6, ..Scenario::default() });
    let bridge = Bridge::Room;
    check(&Scenario { name: "private_first, room", style, bridge, depth: 6, ..Scenario::default() });
}

#[test]
fn blind() {
    let style = Style::Blind;
    check(&Scenario { name: "blind, bridge", style, depth: 6, ..Scenario::default() });
    let bridge = Bridge::Room;
    check(&Scenario { name: "blind, room", style, bridge, depth: 6, ..Scenario::default() });
}
