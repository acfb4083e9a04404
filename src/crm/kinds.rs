//! Owns the list of what can happen, for filters and for the documentation.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::telephony::InvalidValue;

/// Every kind of event, and what it says.
pub const KINDS: &[(&str, &str)] = &[
    ("call.queued", "the call is asked for and written down"),
    ("call.dialing_agent", "the first agent is being rung"),
    ("call.dialing_customer", "the first agent has answered, the customer is being rung"),
    ("call.connected", "customer and first agent talk, joined by `<Dial>`"),
    ("call.transferring", "a second agent is being brought in; `detail.stage` says how far it is"),
    ("call.in_room", "customer and one agent talk in the room"),
    ("call.ended", "the call is over; `detail` has `ended_by` and `end_reason`"),
    ("call.outcome", "somebody said what came of the call; `detail` has `disposition` and `set_by`"),
    ("leg.queued", "Twilio has taken the leg and waits its turn"),
    ("leg.initiated", "Twilio dials the leg"),
    ("leg.ringing", "the leg's phone rings"),
    ("leg.in_progress", "the leg was answered"),
    ("leg.completed", "the leg was answered and is over"),
    ("leg.busy", "the leg's phone was engaged"),
    ("leg.no_answer", "nobody answered the leg's phone in time"),
    ("leg.failed", "the leg could not be reached; `detail.failure` says why"),
    ("leg.canceled", "the leg was taken back before it was answered"),
    ("leg.held", "the person is on hold"),
    ("leg.resumed", "the person is off hold"),
    ("leg.muted", "the person cannot be heard"),
    ("leg.unmuted", "the person can be heard again"),
    ("leg.monitor", "a supervisor listens, coaches or speaks (`monitor`)"),
    ("leg.sent_outside", "the person waits outside the room, with music or at the accept gate"),
    ("leg.sent_inside", "the person is sent back to where the others are"),
    ("room.joined", "the person is in the room"),
    ("room.left", "the person has left the room"),
    ("transfer.requested", "a transfer is written down; `detail.transfer` is its id"),
    ("transfer.ringing", "the second agent's phone rings"),
    ("transfer.answered", "the second agent has picked up"),
    ("transfer.joined", "the second agent is in the room"),
    ("transfer.completed", "customer and second agent go on without the first"),
    ("transfer.cancelled", "the transfer was taken back"),
    ("transfer.failed", "the second agent could not be brought in; `detail.failure` says why"),
    ("transfer.abandoned", "the customer left meanwhile"),
];

/// Which kinds of events somebody wants.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct KindFilter(Vec<String>);

impl KindFilter {
    /// Reads patterns one by one: a kind, `call.*` for all that begin so, or `*` for everything.
    ///
    /// # Errors
    /// A pattern that no kind matches.
    pub fn new<'a>(patterns: impl IntoIterator<Item = &'a str>) -> Result<Self, InvalidValue> {
        let patterns: Vec<String> = patterns.into_iter().map(|it| it.trim().to_owned()).collect();
        match patterns.iter().find(|pattern| !is_known(pattern)) {
            Some(pattern) => {
                Err(InvalidValue(format!("{pattern} is no type of event, nor the beginning of one")))
            }
            None => Ok(Self(patterns)),
        }
    }

    /// Patterns that were checked when they were written down.
    pub(super) fn kept(patterns: Vec<String>) -> Self {
        Self(patterns)
    }

    /// Whether it wants this kind; without any pattern it wants all.
    pub fn wants(&self, kind: &str) -> bool {
        self.0.is_empty() || self.0.iter().any(|pattern| matches(pattern, kind))
    }

    /// The patterns.
    pub fn patterns(&self) -> &[String] {
        &self.0
    }
}

fn matches(pattern: &str, kind: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(beginning) => kind.starts_with(beginning),
        None => kind == pattern,
    }
}

fn is_known(pattern: &str) -> bool {
    let is_whole = pattern.strip_suffix('*').is_none_or(|begin| begin.is_empty() || begin.ends_with('.'));
    is_whole && KINDS.iter().any(|(kind, _)| matches(pattern, kind))
}

/// Separated by commas.
impl FromStr for KindFilter {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        Self::new(text.split(','))
    }
}

impl TryFrom<String> for KindFilter {
    type Error = InvalidValue;

    fn try_from(text: String) -> Result<Self, InvalidValue> {
        text.parse()
    }
}

impl fmt::Display for KindFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(","))
    }
}

impl From<KindFilter> for String {
    fn from(filter: KindFilter) -> Self {
        filter.to_string()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use strum::IntoEnumIterator;

    use super::*;
    use crate::calls::flow::{CallStatus, LegStatus, TransferStatus};

    #[test]
    fn every_kind_that_the_flow_tells_is_listed_once() {
        let mut told: BTreeSet<String> = CallStatus::iter().map(|it| format!("call.{it}")).collect();
        let named = LegStatus::iter().filter(|it| *it > LegStatus::Creating);
        told.extend(named.map(|it| format!("leg.{it}")));
        told.extend(TransferStatus::iter().map(|it| format!("transfer.{it}")));
        // The others are words of `history.rs`.
        let history = include_str!("../calls/flow/history.rs");
        let words = history.split('"').filter(|word| word.starts_with("leg.") || word.starts_with("room."));
        told.extend(words.filter(|word| !word.contains('{')).map(str::to_owned));
        told.insert("call.outcome".into());
        let listed: BTreeSet<String> = KINDS.iter().map(|(kind, _)| (*kind).to_owned()).collect();
        assert_eq!(listed.len(), KINDS.len());
        let missing: Vec<_> = told.difference(&listed).collect();
        assert!(missing.is_empty(), "{missing:?}");
    }

    #[test]
    fn the_documentation_has_the_same_list() {
        let page = include_str!("../../docs/events.md");
        let rows: Vec<&str> = page.lines().filter(|line| line.starts_with("| `")).take(KINDS.len()).collect();
        let expected: Vec<String> =
            KINDS.iter().map(|(kind, says)| format!("| `{kind}` | {says} |")).collect();
        assert_eq!(rows, expected, "docs/events.md");
    }

    #[test]
    fn a_filter_wants_what_its_patterns_say() {
        let wants = |filter: &str, kind: &str| filter.parse::<KindFilter>().unwrap().wants(kind);
        assert!(wants("call.*", "call.ended") && !wants("call.*", "leg.busy"));
        assert!(wants("call.*, transfer.failed", "transfer.failed"));
        assert!(!wants("transfer.failed", "transfer.joined"));
        assert!(wants("*", "leg.busy") && KindFilter::default().wants("leg.busy"));
        for nonsense in
            ["", "call", "call.", "ca*", "call.*,", "calls.*", "call.*.x", "**", "call.unheard_of"]
        {
            assert!(nonsense.parse::<KindFilter>().is_err(), "{nonsense}");
        }
    }
}
