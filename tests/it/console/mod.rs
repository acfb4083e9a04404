//! The console from outside.

mod security;
