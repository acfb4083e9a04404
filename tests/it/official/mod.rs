//! Owns the checks against Twilio's own Python library, and how its scripts are run.

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

/// What a script of `tests/official` prints when it is given this.
fn run(script: &str, input: String) -> String {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/official").join(script);
    let mut child = Command::new(python())
        .arg(&script)
        .env("PYTHONUTF8", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("Python starts");
    let mut stdin = child.stdin.take().expect("piped");
    // From a thread of its own, lest both sides wait for the other to read.
    let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
    let output = child.wait_with_output().expect("Python runs");
    writer.join().expect("the writer").expect("Python reads its input");
    assert!(output.status.success(), "{} failed; its words are above", script.display());
    String::from_utf8(output.stdout).expect("UTF-8")
}
