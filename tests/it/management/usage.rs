//! What every command has in common: settings, usage, exit codes.

use std::io::Read;
use std::process::Stdio;

use super::{complaint, printed, printed_json, program};
use crate::support::database::TestDatabase;
use crate::support::process::command;

#[test]
fn a_wrong_setting_is_one_line_and_exit_code_2() {
    let database = TestDatabase::new();
    let cases = [
        (("PUBLIC_URL", "http://calls.example.com"), "server.public_url (PUBLIC_URL)"),
        (("DATABASE_URL", "mysql://user:hush@db/x"), "database.url (DATABASE_URL)"),
        (("WARM_TRANSFER__LOGGING__LEVEL", "loud=loud"), "logging.level"),
        (("WARM_TRANSFER__LOGGING__COLOUR", "red"), "logging.colour"),
    ];
    for (variable, named) in cases {
        let line = complaint(&database, 2, &["agent", "list"], &[variable]);
        assert!(line.starts_with("warm-transfer: setting ") && line.contains(named), "{variable:?}: {line}");
        assert!(!line.contains("hush"), "{line}");
    }
    let line = complaint(&database, 2, &["serve"], &[]);
    assert!(line.contains("twilio.account_sid (TWILIO_ACCOUNT_SID)"), "{line}");
}

#[test]
fn wrong_usage_is_exit_code_2() {
    let database = TestDatabase::new();
    let wrong: [&[&str]; 6] = [
        &[],
        &["dance"],
        &["agent", "add", "dana"],
        &["agent", "add", "dana", "--address", "nowhere"],
        &["key", "create", "crm", "--scope", "everything"],
        &["key", "create", "crm", "--expires-days", "0"],
    ];
    for args in wrong {
        program(&database).args(args).assert().code(2);
    }
}

#[test]
fn a_database_out_of_reach_is_exit_code_1() {
    let database = TestDatabase::new();
    // A folder is no database file.
    let url = format!("sqlite://{}", database.folder.path().display());
    let line = complaint(
        &database,
        1,
        &["agent", "list"],
        &[("DATABASE_URL", &url), ("WARM_TRANSFER__DATABASE__POOL_TIMEOUT_MS", "200")],
    );
    assert!(line.contains("database"), "{line}");
}

#[test]
fn urls_lists_every_route_with_who_gets_in() {
    let database = TestDatabase::new();
    let listed = printed_json(&database, &["urls"]);
    let routes: Vec<_> = warm_transfer::urls::routes().collect();
    assert_eq!(listed, serde_json::to_value(&routes).unwrap());
    let lines = printed(&database, &["urls"]);
    assert_eq!(lines.lines().count(), routes.len());
    for (line, route) in lines.lines().zip(&routes) {
        let is_whole =
            [route.methods, route.path, route.name, route.access].iter().all(|part| line.contains(part));
        assert!(is_whole, "{line}");
    }
}

#[test]
fn a_reader_who_has_heard_enough_is_no_error() {
    let database = TestDatabase::new();
    let demo = ["demo", "--headless", "--speed", "20", "--scenario", "customer-busy"];
    for args in [&["urls"][..], &["urls", "--format", "json"], &["key", "list"], &["migrate"], &demo] {
        // A pipe that nobody reads any more.
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut child = command(&database).args(args).stdout(writer).stderr(Stdio::piped()).spawn().unwrap();
        let mut complaints = String::new();
        child.stderr.take().unwrap().read_to_string(&mut complaints).unwrap();
        assert!(child.wait().unwrap().success() && complaints.is_empty(), "{args:?}: {complaints}");
    }
}
