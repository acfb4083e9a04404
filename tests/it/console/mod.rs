//! The console from outside.

mod calls;
mod live;
mod screen;
mod security;
mod story;
mod supervise;
