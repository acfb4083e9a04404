//! What tests share: a database of their own, and the service running on it.

pub mod balancer;
pub mod browser;
pub mod clock;
pub mod console;
pub mod database;
pub mod front;
pub mod outage;
pub mod process;
pub mod service;
