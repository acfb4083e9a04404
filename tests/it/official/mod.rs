//! Owns the checks against Twilio's own libraries for Python and Node, and how their scripts are run.

mod clients;
mod signature;
mod twiml;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The Python that has Twilio's library. Its absence fails the test: a check that is skipped checks nothing.
fn python() -> PathBuf {
    let in_tree = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/official/.venv/bin/python");
    let python = std::env::var_os("WARM_TRANSFER_TEST_PYTHON").map_or(in_tree, PathBuf::from);
    assert!(
        python.exists(),
        "there is no {}: run scripts/test, which makes tests/official/.venv (or tests/official/setup.sh alone)",
        python.display()
    );
    python
}

/// The Python above, ready to be given a script.
fn python_command() -> Command {
    let mut command = Command::new(python());
    command.env("PYTHONUTF8", "1").env("PYTHONDONTWRITEBYTECODE", "1");
    command
}

/// Node with Twilio's library and Express on its path, whichever folder the program is in.
fn node_command() -> Command {
    let modules = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/official/node/node_modules");
    assert!(
        modules.join("twilio").exists(),
        "there is no {}: run scripts/test, which installs Node and these (or tests/official/setup.sh alone)",
        modules.join("twilio").display()
    );
    let found = Command::new("node").arg("--version").output().is_ok_and(|output| output.status.success());
    assert!(found, "there is no node: run scripts/test, which installs it, or install nodejs");
    let mut command = Command::new("node");
    command.env("NODE_PATH", modules);
    command
}

/// What a script of `tests/official` prints when it is given this.
fn run(script: &str, input: String) -> String {
    run_with(python_command(), script, input)
}

fn run_with(mut command: Command, script: &str, input: String) -> String {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/official").join(script);
    let mut child =
        command.arg(&script).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the script starts");
    let mut stdin = child.stdin.take().expect("piped");
    // From a thread of its own, lest both sides wait for the other to read.
    let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
    let output = child.wait_with_output().expect("the script runs");
    writer.join().expect("the writer").expect("the script reads its input");
    assert!(output.status.success(), "{} failed; its words are above", script.display());
    String::from_utf8(output.stdout).expect("UTF-8")
}
