//! Exhaustive search over the flow composed with a small model of Twilio: what is explored, and the proof that a wrong
//! table would be found. `docs/proof.md` says what it covers.

mod laws;
mod scenario;
mod search;
mod twilio;
mod world;

use scenario::{Ask, Scenario, Start};
use search::explore;

use super::{
    AgentLeavesEarly, Bridge, CustomerLeavesConsult, NobodyLeft, Policy, Ring, Role, Rule, Stage, Style,
    TargetFails, Trigger, rule,
};

/// How much deeper than with faults.
const CALM: u32 = 1;

/// Explores with faults to the scenario's depth, and without any somewhat deeper.
fn check(scenario: &Scenario) {
    let deeper = std::env::var("MODEL_DEEPER").ok().and_then(|it| it.parse::<i32>().ok()).unwrap_or(0);
    for (faults, depth) in [(scenario.faults, scenario.depth), (0, scenario.depth + CALM)] {
        let depth = depth.saturating_add_signed(deeper);
        let report = explore(&Scenario { faults, depth, ..scenario.clone() });
        println!("| {} | {faults} | {report} |", scenario.name);
        assert!(report.violation.is_none(), "{}", report.violation.unwrap_or_default());
    }
}

/// On the bridge and in the room.
fn check_both(names: [&'static str; 2], scenario: &Scenario) {
    for (name, bridge) in names.into_iter().zip([Bridge::Dial, Bridge::Room]) {
        check(&Scenario { name, bridge, ..scenario.clone() });
    }
}

#[test]
fn placing() {
    let scenario =
        Scenario { start: Start::Placed, asks: vec![Ask::HangUp], depth: 9, ..Scenario::default() };
    check_both(["placing, bridge", "placing, room"], &scenario);
}

#[test]
fn in_conversation() {
    let asks = vec![
        Ask::Transfer,
        Ask::Hold(Role::Customer),
        Ask::Resume(Role::Customer),
        Ask::Remove(Role::FirstAgent),
    ];
    let scenario =
        Scenario { start: Start::Connected, asks, how_many_asks: 2, depth: 5, ..Scenario::default() };
    check_both(["in conversation, bridge", "in conversation, room"], &scenario);
}

#[test]
fn with_customer() {
    check_both(
        ["with_customer, bridge", "with_customer, room"],
        &Scenario { depth: 5, ..Scenario::default() },
    );
}

#[test]
fn private_first() {
    let scenario = Scenario { style: Style::PrivateFirst, depth: 5, ..Scenario::default() };
    check_both(["private_first, bridge", "private_first, room"], &scenario);
}

#[test]
fn blind() {
    let scenario = Scenario { style: Style::Blind, depth: 5, ..Scenario::default() };
    check_both(["blind, bridge", "blind, room"], &scenario);
}

#[test]
fn ringing() {
    let styles = [
        ("ringing, with_customer", Style::WithCustomer),
        ("ringing, private_first", Style::PrivateFirst),
        ("ringing, blind", Style::Blind),
    ];
    for (name, style) in styles {
        check(&Scenario { name, style, start: Start::Ringing, depth: 5, ..Scenario::default() });
    }
}

#[test]
fn at_the_gate() {
    let scenario = Scenario { require_accept: true, start: Start::Ringing, depth: 5, ..Scenario::default() };
    check_both(["gate, bridge", "gate, room"], &scenario);
    check(&Scenario { name: "gate, private_first", style: Style::PrivateFirst, ..scenario.clone() });
    check(&Scenario { name: "gate, blind", style: Style::Blind, ..scenario });
}

#[test]
fn several_targets() {
    let two = Scenario { targets: 2, start: Start::Ringing, depth: 5, ..Scenario::default() };
    check(&Scenario { name: "two in turn", ..two.clone() });
    check(&Scenario { name: "two together", ring: Ring::Together, depth: 4, ..two.clone() });
    check(&Scenario {
        name: "two together, blind",
        ring: Ring::Together,
        style: Style::Blind,
        depth: 4,
        ..two
    });
}

#[test]
fn consulting() {
    let asks = vec![Ask::Swap, Ask::Merge, Ask::Complete, Ask::Cancel, Ask::Remove(Role::SecondAgent)];
    let scenario = Scenario {
        style: Style::PrivateFirst,
        start: Start::Arrived,
        asks,
        how_many_asks: 3,
        depth: 5,
        ..Scenario::default()
    };
    check_both(["consulting, bridge", "consulting, room"], &scenario);
}

#[test]
fn introducing() {
    let asks = vec![Ask::Hold(Role::Customer), Ask::Resume(Role::Customer), Ask::Complete, Ask::Cancel];
    let scenario =
        Scenario { start: Start::Arrived, asks, how_many_asks: 2, depth: 5, ..Scenario::default() };
    check_both(["introducing, bridge", "introducing, room"], &scenario);
}

#[test]
fn handed_over() {
    let asks = vec![Ask::Transfer, Ask::Hold(Role::Customer), Ask::Resume(Role::Customer), Ask::Cancel];
    let after =
        Scenario { start: Start::HandedOver, asks, how_many_asks: 2, depth: 5, ..Scenario::default() };
    check(&Scenario { name: "handed over, with_customer", ..after.clone() });
    check(&Scenario { name: "handed over, private_first", style: Style::PrivateFirst, ..after.clone() });
    check(&Scenario { name: "handed over, blind", style: Style::Blind, ..after });
}

#[test]
fn other_choices() {
    let policy = Policy {
        nobody_reached: NobodyLeft::RingBack,
        blind_fails: NobodyLeft::RingBack,
        second_agent_leaves: NobodyLeft::RingBack,
        customer_leaves_consult: CustomerLeavesConsult::AgentsFinish,
        target_fails: TargetFails::TryAgain,
        ..Policy::default()
    };
    let other = Scenario { policy, ..Scenario::default() };
    let style = Style::PrivateFirst;
    check(&Scenario { name: "rings back, ringing", start: Start::Ringing, depth: 5, ..other.clone() });
    check(&Scenario {
        name: "rings back, consulting",
        style,
        start: Start::Arrived,
        depth: 5,
        ..other.clone()
    });
    check(&Scenario { name: "rings back, handed over", start: Start::HandedOver, depth: 5, ..other });
    let policy = Policy {
        agent_leaves_early: AgentLeavesEarly::EndCall,
        blind_fails: NobodyLeft::Goodbye,
        ..Policy::default()
    };
    let other = Scenario { policy, start: Start::Ringing, depth: 5, ..Scenario::default() };
    check(&Scenario { name: "ends early, with_customer", ..other.clone() });
    check(&Scenario { name: "ends early, blind", style: Style::Blind, ..other });
}

/// A wrong table, where the search begins to find it, and what is wrong.
type Mutant = (&'static str, Scenario, fn(Stage, Trigger) -> Rule);

fn mutants() -> Vec<Mutant> {
    let introducing = Scenario { start: Start::Arrived, ..Scenario::default() };
    let consulting = Scenario { style: Style::PrivateFirst, ..introducing.clone() };
    let ringing = Scenario { start: Start::Ringing, ..Scenario::default() };
    let asked_in_private = Scenario { style: Style::PrivateFirst, ..Scenario::default() };
    vec![
        ("the agent leaves an introduction, and the room closes", introducing.clone(), |stage, trigger| {
            let is_here = (stage, trigger) == (Stage::Introducing, Trigger::AgentLeft);
            if is_here { Rule::AgentGone } else { rule(stage, trigger) }
        }),
        ("the customer leaves an introduction, and nobody is told", introducing.clone(), |stage, trigger| {
            let is_here = (stage, trigger) == (Stage::Introducing, Trigger::CustomerLeft);
            if is_here { Rule::Note } else { rule(stage, trigger) }
        }),
        (
            "the second agent leaves a consultation, and nothing follows",
            consulting.clone(),
            |stage, trigger| {
                let is_here = (stage, trigger) == (Stage::Consulting, Trigger::SecondAgentLeft);
                if is_here { Rule::Note } else { rule(stage, trigger) }
            },
        ),
        ("the agent leaves a consultation, and the customer stays outside", consulting, |stage, trigger| {
            let is_here = (stage, trigger) == (Stage::Consulting, Trigger::AgentLeft);
            if is_here { Rule::Note } else { rule(stage, trigger) }
        }),
        ("a refused move is passed over", asked_in_private, |stage, trigger| {
            if trigger == Trigger::MoveRefused { Rule::Note } else { rule(stage, trigger) }
        }),
        ("whoever does not end is not chased", introducing, |stage, trigger| {
            if trigger == Trigger::EndOverdue { Rule::Note } else { rule(stage, trigger) }
        }),
        ("nobody is reached, and the customer waits on", ringing.clone(), |stage, trigger| {
            let is_here = stage == Stage::Waiting && trigger == Trigger::SecondAgentFailed;
            if is_here { Rule::Note } else { rule(stage, trigger) }
        }),
        ("the agent leaves early, and the customer is alone in the room", ringing, |stage, trigger| {
            let is_here = (stage, trigger) == (Stage::Transferring, Trigger::AgentLeft);
            if is_here { Rule::Note } else { rule(stage, trigger) }
        }),
    ]
}

#[test]
fn a_wrong_table_is_found() {
    for (what, scenario, rules) in mutants() {
        let report = explore(&Scenario { name: what, rules, depth: 7, ..scenario });
        println!("| {what} | {report} | {} |", report.violation.as_deref().map_or("", first_line));
        assert!(report.violation.is_some(), "not found: {what}");
    }
}

fn first_line(violation: &str) -> &str {
    violation.lines().next().and_then(|line| line.rsplit_once(": ")).map_or("", |(_, law)| law)
}
