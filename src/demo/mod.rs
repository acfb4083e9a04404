//! The demo: the real service and the emulator on one stage, people with phones, and stories they play. The same stories
//! are the suite's scenarios.

pub mod console;
mod crm;
mod ladder;
mod phones;
mod report;
mod scenario;
mod stage;
mod theatre;

pub use crm::Crm;
pub use ladder::Ladder;
pub use phones::Phones;
pub use report::{Report, broken_promises, report};
pub(crate) use scenario::play_in;
pub use scenario::{Expected, Scenario, play};
pub(crate) use stage::settings;
pub use stage::{CALLER_ID, CUSTOMER, FIRST_AGENT, Part, SECOND_AGENT, Stage, StageOptions, THIRD_AGENT};
pub(crate) use theatre::Theatre;
