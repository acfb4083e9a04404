//! The console from outside.

mod calls;
mod security;
