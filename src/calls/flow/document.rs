//! The table as a page for people, generated so that it is never wrong.

use std::fmt::Write;

use strum::{EnumMessage, IntoEnumIterator};

use super::policy::{AgentLeavesEarly, CustomerLeavesConsult, NobodyLeft, Policy, TargetFails};
use super::state::Stage;
use super::table::{Rule, TABLE, Trigger};

/// `docs/failure-table.md`.
pub fn table_page() -> String {
    let mut page = String::from(
        "# What happens when\n\n\
         Generated from `src/calls/flow/table.rs`; `UPDATE_DOCS=1 cargo test table_page` writes it anew, \
         `warm-transfer failure-table` prints it.\n\n\
         A row is something that happens, a column the stage the call is in, a cell the rule that applies. *The agent* is \
         whoever holds the customer, *the second agent* whoever is being brought in.\n\n|  |",
    );
    for stage in Stage::iter() {
        let _ = write!(page, " {stage} |");
    }
    page.push_str("\n|---|");
    page.push_str(&"---|".repeat(Stage::iter().count()));
    for (trigger, rules) in &TABLE {
        let _ = write!(page, "\n| **{trigger}** |");
        for rule in rules {
            let cell = if *rule == Rule::Note { String::new() } else { rule.to_string() };
            let _ = write!(page, " {cell} |");
        }
    }
    page.push_str("\n\n## What happens\n\n");
    for trigger in Trigger::iter() {
        let _ = writeln!(page, "* **{trigger}**: {}", trigger.get_documentation().unwrap_or_default());
    }
    page.push_str(&choices());
    page.push_str("\n## The rules\n\nAn empty cell is `note`.\n\n");
    for rule in Rule::iter() {
        let _ = writeln!(page, "* `{rule}`: {}", rule.get_documentation().unwrap_or_default());
    }
    page.push_str("\n## The stages\n\n");
    for stage in Stage::iter() {
        let _ = writeln!(page, "* `{stage}`: {}", stage.get_documentation().unwrap_or_default());
    }
    page
}

/// What a site may choose, with the settings' names and defaults.
fn choices() -> String {
    let standard = Policy::default();
    let mut text =
        String::from("\n## What a site may choose\n\nSettings of the section `[transfers]` in `config/`.\n");
    let mut choice = |setting: &str, question: &str, default: String, answers: Vec<(String, &str)>| {
        let _ = writeln!(text, "\n**{question}** `{setting}`\n");
        for (word, meaning) in answers {
            let mark = if word == default { " (default)" } else { "" };
            let _ = writeln!(text, "* `{word}`{mark}: {meaning}");
        }
    };
    choice(
        "agent_leaves_early",
        "The agent leaves while a second agent is being rung.",
        standard.agent_leaves_early.to_string(),
        answers::<AgentLeavesEarly>(),
    );
    let nobody_left = [
        ("nobody_reached", "The agent has left, and no second agent was reached.", standard.nobody_reached),
        ("blind_fails", "The same after a blind transfer.", standard.blind_fails),
        ("second_agent_leaves", "The second agent leaves after the hand-over.", standard.second_agent_leaves),
    ];
    for (setting, question, default) in nobody_left {
        choice(setting, question, default.to_string(), answers::<NobodyLeft>());
    }
    choice(
        "customer_leaves_consult",
        "The customer leaves while the agents talk without them.",
        standard.customer_leaves_consult.to_string(),
        answers::<CustomerLeavesConsult>(),
    );
    choice(
        "target_fails",
        "A second agent is busy or does not answer, and there is no other.",
        standard.target_fails.to_string(),
        answers::<TargetFails>(),
    );
    text
}

fn answers<T: IntoEnumIterator + EnumMessage + ToString>() -> Vec<(String, &'static str)> {
    T::iter().map(|answer| (answer.to_string(), answer.get_documentation().unwrap_or_default())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_page_is_current() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/failure-table.md");
        if std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::write(path, table_page()).unwrap();
        }
        let written = std::fs::read_to_string(path).unwrap_or_default();
        assert!(
            written == table_page(),
            "docs/failure-table.md is stale: UPDATE_DOCS=1 cargo test table_page"
        );
    }
}
