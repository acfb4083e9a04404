//! Twilio's language as the service speaks it: what Twilio signs, and what it is asked over REST.

pub mod signature;
