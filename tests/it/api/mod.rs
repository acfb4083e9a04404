//! The HTTP surface from outside.

mod doors;
mod problems;
