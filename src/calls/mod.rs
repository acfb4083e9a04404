//! The domain: one outbound call from the CRM's request to the last hang-up.

pub mod asking;
pub mod attempts;
mod audited;
pub mod dispatcher;
pub mod examples;
pub mod exchanges;
pub mod flow;
pub mod forms;
pub mod models;
pub mod pacing;
pub mod queue;
pub mod requesting;
pub mod requests;
mod rows;
pub mod serializers;
pub mod services;
pub mod standings;
pub mod urls;
pub mod views;
