//! What every request passes on its way to a view.

pub mod api_key;
pub mod browsers;
pub mod gate;
pub mod idempotency;
pub mod limiter;
pub mod peer;
pub mod request_log;
pub mod signature;
