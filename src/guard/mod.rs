//! The guard before dialling: whom the service may call, when, how often, and as whom. What it refuses it explains.
//!
//! [`rules::refusals`] decides, from values alone; [`services`] fetches what it must know, inside the transaction that places
//! the call, and records each refusal in the audit log. `docs/guard.md` lists the rules.

pub mod caller_ids;
pub mod forms;
pub mod hours;
pub mod import;
pub mod models;
pub mod numbers;
pub mod rules;
pub mod serializers;
pub mod services;
pub mod urls;
pub mod views;
pub mod zones;

pub use caller_ids::CallerIds;
pub use rules::{Asked, Case, Known, Refusal, Rules, Subject};

/// What it takes to decide, but for the database: one for the whole service.
#[derive(Debug, Default)]
pub struct Guard {
    /// What the settings allow.
    pub rules: Rules,
    /// Which numbers the account may show as caller.
    pub caller_ids: CallerIds,
}

impl Guard {
    /// With these rules, and nothing known of the account yet.
    pub fn new(rules: Rules) -> Self {
        Self { rules, caller_ids: CallerIds::default() }
    }
}
