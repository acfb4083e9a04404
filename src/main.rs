//! The command line: parses it and runs one command.

use std::process::ExitCode;

fn main() -> ExitCode {
    warm_transfer::management::run()
}
