//! The command line; each command lives in `management`.
fn main() {}
