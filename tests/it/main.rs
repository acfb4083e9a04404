//! The one test program that sees the crate from outside.

// Said for Clippy, which lets tests fail by panicking: helpers count as tests only inside `cfg(test)`.
#[cfg(test)]
mod api;
#[cfg(test)]
mod console;
#[cfg(test)]
mod copies;
#[cfg(test)]
mod crm;
#[cfg(test)]
mod docs;
#[cfg(test)]
mod emulator;
#[cfg(test)]
mod examples;
#[cfg(test)]
mod fixtures;
#[cfg(test)]
mod flows;
#[cfg(test)]
mod guard;
#[cfg(test)]
mod management;
#[cfg(test)]
mod official;
#[cfg(test)]
mod support;
#[cfg(test)]
mod voice;
