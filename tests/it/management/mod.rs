//! The command line from outside: what it prints where, and the code it exits with.

mod accounts;
mod check;
mod do_not_call;
mod running;
mod usage;
mod webhooks;

use assert_cmd::Command;

use crate::support::database::TestDatabase;

/// The program in a folder of its own, with nothing in its environment but a database.
fn program(database: &TestDatabase) -> Command {
    let mut command = assert_cmd::cargo::cargo_bin_cmd!("warm-transfer");
    command.env_clear().current_dir(database.folder.path()).env("DATABASE_URL", &database.url);
    command
}

/// What a command that succeeds prints on standard output.
fn printed(database: &TestDatabase, args: &[&str]) -> String {
    let output = program(database).args(args).assert().success().get_output().clone();
    String::from_utf8(output.stdout).unwrap()
}

/// What a command that succeeds prints for programs.
pub fn printed_json(database: &TestDatabase, args: &[&str]) -> serde_json::Value {
    serde_json::from_str(&printed(database, &[args, &["--format", "json"]].concat())).unwrap()
}

/// The one line on standard error of a command that fails with this code, and that it prints nothing else.
fn complaint(database: &TestDatabase, code: i32, args: &[&str], variables: &[(&str, &str)]) -> String {
    let mut command = program(database);
    command.args(args).envs(variables.iter().copied());
    let output = command.assert().code(code).get_output().clone();
    assert!(output.stdout.is_empty(), "{}", String::from_utf8_lossy(&output.stdout));
    let line = String::from_utf8(output.stderr).unwrap();
    assert_eq!(line.lines().count(), 1, "{line}");
    line.trim_end().to_owned()
}
