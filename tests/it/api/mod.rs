//! The HTTP surface from outside.

mod audit;
mod doors;
mod fields;
mod outage;
mod problems;
