//! The HTTP surface from outside.

mod doors;
mod fields;
mod outage;
mod problems;
