//! The emulator over HTTP: credentials, webhooks with signatures, the control API, and a whole warm transfer.

mod control;
mod delivery;
mod load;
mod page;
mod schema;
mod stream;
#[cfg(test)]
mod support;
mod transfer;
