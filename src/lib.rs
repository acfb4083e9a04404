//! Outbound sales calls over Twilio Voice, transferred warm: the map of the crate.
//!
//! | module | owns |
//! | --- | --- |
//! | [`telephony`] | plain values both sides of the wire know: phone numbers, addresses, SIDs |
//! | [`clock`] | where time, ids and randomness come from |
//! | [`emulator`] | a Twilio of one's own |
pub mod clock;
pub mod emulator;
pub mod management;
pub mod telephony;
