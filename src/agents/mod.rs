//! Accounts: the directory of agents, and the API keys of programs.

pub mod models;
pub mod passwords;
pub mod services;
#[cfg(test)]
mod tests;
