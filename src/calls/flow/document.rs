//! The table as a page for people, generated so that it is never wrong.

use std::fmt::Write;

use strum::{EnumMessage, IntoEnumIterator};

use super::state::Stage;
use super::table::{Rule, TABLE, Trigger};

/// `docs/failure-table.md`.
pub fn table_page() -> String {
    let mut page = String::from(
        "# What happens when\n\n\
         Generated from `src/calls/flow/table.rs`; `UPDATE_DOCS=1 cargo test table_page` writes it anew.\n\n\
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
