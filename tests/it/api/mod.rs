//! The HTTP surface from outside.

mod audit;
mod doors;
mod fields;
mod limits;
mod outage;
mod problems;
