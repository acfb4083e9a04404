//! The console from outside.

mod browser;
mod calls;
mod history;
mod live;
mod screen;
mod security;
mod story;
mod supervise;
