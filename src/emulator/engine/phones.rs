//! Owns what a phone does by itself when it rings and once it is answered: one plan a call.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};

use super::audio::say_ms;

pub(super) const GREETING: &str = "You have reached a mailbox. Please leave a message after the tone.";

/// What a phone does when it rings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, strum::Display)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Behaviour {
    /// Somebody answers.
    Answer,
    /// The line is engaged.
    Busy,
    /// It rings until the caller gives up.
    NoAnswer,
    /// Somebody rejects the call.
    Decline,
    /// A mailbox answers, speaks a greeting, beeps and listens.
    Voicemail,
    /// A fax machine answers and whistles.
    Fax,
    /// No such phone, or switched off.
    Unreachable,
    /// It rings until the control API says what its holder does.
    Manual,
}

/// A phone's behaviour for one call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PhonePlan {
    /// What it does.
    pub behaviour: Behaviour,
    /// How long after it starts ringing, in milliseconds; by default what is usual for the behaviour.
    #[serde(default)]
    pub after_ms: Option<u64>,
    /// How long after the answer its holder hangs up, in milliseconds; by default never.
    #[serde(default)]
    pub hang_up_after_ms: Option<u64>,
    /// How long its holder bears hearing nothing at all before they hang up, in milliseconds; by default for ever.
    #[serde(default)]
    pub hang_up_on_silence_ms: Option<u64>,
    /// Keys its holder presses by themselves.
    #[serde(default)]
    pub presses: Vec<PlannedPress>,
    /// How long whoever answers speaks into a `<Record>`, in milliseconds; by default 3000. 0 is not at all.
    #[serde(default)]
    pub speaks_ms: Option<u64>,
    /// How long a mailbox's greeting lasts, in milliseconds.
    #[serde(default)]
    pub greeting_ms: Option<u64>,
    /// A mailbox that does not beep after its greeting.
    #[serde(default)]
    pub no_beep: bool,
    /// What machine detection finds, whoever answers: `human`, `machine_start`, `unknown` …
    #[serde(default)]
    pub answered_by: Option<String>,
}

/// Keys pressed some time after the answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlannedPress {
    /// Milliseconds after the answer.
    pub after_ms: u64,
    /// `0` to `9`, `*` and `#`.
    pub digits: String,
}

impl PhonePlan {
    /// An answer after a short ring, nothing more: how an unknown phone behaves.
    pub fn answer() -> Self {
        Self {
            behaviour: Behaviour::Answer,
            after_ms: None,
            hang_up_after_ms: None,
            hang_up_on_silence_ms: None,
            presses: Vec::new(),
            speaks_ms: None,
            greeting_ms: None,
            no_beep: false,
            answered_by: None,
        }
    }

    pub(super) fn greeting_length_ms(&self) -> u64 {
        self.greeting_ms.unwrap_or_else(|| say_ms(GREETING))
    }

    pub(crate) fn is_unreachable(&self) -> bool {
        self.behaviour == Behaviour::Unreachable
    }

    pub(super) fn acts_after_ms(&self) -> Option<u64> {
        let usual = match self.behaviour {
            Behaviour::Answer => 1_000,
            Behaviour::Busy => 400,
            Behaviour::Decline => 2_000,
            Behaviour::Voicemail => 15_000,
            Behaviour::Fax => 4_000,
            Behaviour::NoAnswer | Behaviour::Unreachable | Behaviour::Manual => return None,
        };
        Some(self.after_ms.unwrap_or(usual))
    }
}

/// Every phone that somebody has said something about.
#[derive(Debug, Default)]
pub(crate) struct Phones {
    plans: BTreeMap<String, VecDeque<PhonePlan>>,
}

impl Phones {
    /// Sets how a phone behaves: one plan a call; the last one stays.
    pub(crate) fn set(&mut self, address: &str, plans: Vec<PhonePlan>) {
        self.plans.insert(address.to_owned(), plans.into());
    }

    /// Every phone with the plans that are left, by address.
    pub(super) fn described(&self) -> impl Iterator<Item = (&str, impl Iterator<Item = &PhonePlan>)> {
        self.plans.iter().map(|(address, plans)| (address.as_str(), plans.iter()))
    }

    /// The plan for the next call.
    pub(super) fn take(&mut self, address: &str) -> PhonePlan {
        match self.plans.get_mut(address) {
            Some(plans) if plans.len() > 1 => plans.pop_front(),
            Some(plans) => plans.front().cloned(),
            None => None,
        }
        .unwrap_or_else(PhonePlan::answer)
    }
}
