//! The console from outside.

mod calls;
mod history;
mod security;
