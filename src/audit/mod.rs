//! The audit log: who changed what, and when. Every change records itself here, in its own transaction; nothing reads it but
//! people and their programs.

pub mod forms;
pub mod models;
pub mod serializers;
pub mod services;
#[cfg(test)]
mod tests;
pub mod urls;
pub mod views;

pub use models::{Actor, ActorKind, Entry, record};
