//! The emulator over HTTP: credentials, webhooks with signatures, the control API, and a whole warm transfer.

mod control;
#[cfg(test)]
mod support;
mod transfer;
