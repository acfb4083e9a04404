//! The audit log: who changed what, and when. Every change records itself here, in its own transaction; nothing reads it but
//! people and their programs.

pub mod models;
#[cfg(test)]
mod tests;

pub use models::{Actor, ActorKind, Entry, record};
