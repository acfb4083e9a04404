//! Outbound sales calls over Twilio Voice, transferred warm: the map of the crate.
//!
//! | module | owns |
//! | --- | --- |
//! | [`calls`] | the domain: calls, legs, transfers; `calls::flow` is the pure heart |
//! | [`telephony`] | plain values both sides of the wire know: phone numbers, addresses, SIDs |
//! | [`clock`] | where time, ids and randomness come from |
pub mod calls;
pub mod clock;
pub mod telephony;
