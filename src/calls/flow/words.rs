//! The sentences that people hear or read: one place, so that they can be read together and translated.

use serde::{Deserialize, Serialize};

use super::state::Failure;

/// Something said to a person on the phone.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "words")]
pub enum Words {
    /// To an agent whose customer could not be reached.
    CustomerNotReached {
        /// Why.
        failure: Failure,
    },
    /// To an agent whose customer has hung up.
    CustomerLeft,
    /// To two agents whose customer has hung up, and who may go on talking.
    CustomerGone,
    /// To customer and agent, together again.
    TransferFailed {
        /// What became of the second agent, as `outcome` says it.
        outcome: String,
    },
    /// To an agent who has handed the call over and leaves at once.
    HandedOver,
    /// To a second agent who is not needed, as a colleague was faster.
    TakenBy {
        /// What to call the colleague.
        name: String,
    },
    /// To a second agent who is not needed any more.
    NotNeeded,
    /// To a second agent who does not take the call.
    Declined,
    /// To a customer for whom nobody is left.
    NobodyAvailable,
    /// To whoever is left when the call is over.
    CallOver,
    /// To whoever is on the phone when something broke.
    Apology,
}

impl Words {
    /// The sentence for the ear.
    pub fn spoken(&self) -> String {
        match self {
            Self::CustomerNotReached { failure: Failure::Busy } => {
                "The customer's line is busy. Goodbye.".into()
            }
            Self::CustomerNotReached { failure: Failure::NoAnswer } => {
                "The customer did not answer. Goodbye.".into()
            }
            Self::CustomerNotReached { .. } => "The customer could not be reached. Goodbye.".into(),
            Self::CustomerLeft => "The customer has hung up. Goodbye.".into(),
            Self::CustomerGone => "The customer has hung up.".into(),
            Self::TransferFailed { outcome } => format!("{outcome}. You are together on the line again."),
            Self::HandedOver => "You have handed the call over. Goodbye.".into(),
            Self::TakenBy { name } => format!("{name} has taken the call. Goodbye."),
            Self::NotNeeded => "You are not needed any more. Goodbye.".into(),
            Self::Declined => "Thank you. Goodbye.".into(),
            Self::NobodyAvailable => {
                "We are sorry, nobody is available right now. We will call you back. Goodbye.".into()
            }
            Self::CallOver => "The call has ended. Goodbye.".into(),
            Self::Apology => "We are sorry, something went wrong. Goodbye.".into(),
        }
    }
}

/// What became of a second agent, as the beginning of a sentence: `Dana did not answer`. Somebody who had picked up and then
/// put the phone down without a word has hung up, whatever else it is called.
pub fn outcome(failure: Failure, name: &str, has_hung_up: bool) -> String {
    match failure {
        Failure::Declined if has_hung_up => format!("{name} hung up"),
        Failure::Busy => format!("{name} is busy"),
        Failure::NoAnswer => format!("{name} did not answer"),
        Failure::Declined => format!("{name} declined the call"),
        Failure::Voicemail => format!("{name}'s voicemail picked up"),
        Failure::Unreachable => format!("{name} could not be reached"),
        Failure::CustomerLeft => "The customer has hung up".into(),
        Failure::Error => format!("{name} could not be called because of a technical problem"),
    }
}

/// The same for the screen: `Dana did not answer within 20 s`.
pub fn failure_detail(failure: Failure, name: &str, has_hung_up: bool, ring_timeout_secs: u32) -> String {
    match failure {
        Failure::NoAnswer => {
            format!("{} within {ring_timeout_secs} s", outcome(failure, name, has_hung_up))
        }
        _ => outcome(failure, name, has_hung_up),
    }
}
