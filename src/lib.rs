//! Outbound sales calls over Twilio Voice, transferred warm: the map of the crate.
//!
//! | module | owns |
//! | --- | --- |
//! | [`telephony`] | plain values both sides of the wire know: phone numbers, addresses, SIDs |
//! | [`clock`] | where time, ids and randomness come from |
//! | [`twilio`] | Twilio's language as the service speaks it: signatures, REST |
//! | [`middleware`] | what every request passes on its way to a view: Twilio's signature |
//! | [`twiml`] | TwiML documents: typed verbs and their writer; pure |
pub mod clock;
pub mod middleware;
pub mod telephony;
pub mod twilio;
pub mod twiml;
