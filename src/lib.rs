//! Outbound sales calls over Twilio Voice, transferred warm: the map of the crate.
//!
//! | module | owns |
//! | --- | --- |
//! | [`telephony`] | plain values both sides of the wire know: phone numbers, addresses, SIDs |
//! | [`clock`] | where time, ids and randomness come from |
//! | [`twiml`] | TwiML documents: typed verbs and their writer; pure |
pub mod clock;
pub mod telephony;
pub mod twiml;
