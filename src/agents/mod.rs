//! Accounts: the directory of agents, and the API keys of programs.

pub mod models;
pub mod services;
#[cfg(test)]
mod tests;
