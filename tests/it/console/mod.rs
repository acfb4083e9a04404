//! The console from outside.

mod browser;
mod calls;
mod security;
mod story;
