//! `agent` and `key`.

use super::{complaint, printed, printed_json, program};
use crate::support::database::TestDatabase;

#[test]
fn an_agent_is_added_listed_and_disabled() {
    let database = TestDatabase::new();
    assert_eq!(printed_json(&database, &["agent", "list"]), serde_json::json!([]));
    printed(&database, &["agent", "add", "dana", "--address", "client:dana"]);
    let ben =
        ["agent", "add", "ben", "--address", "+15550100123", "--display-name", "Ben B", "--role", "admin"];
    printed(&database, &ben);
    let line = complaint(&database, 1, &ben, &[]);
    assert_eq!(line, "warm-transfer: agent ben exists already");

    printed(&database, &["agent", "disable", "dana"]);
    let mut listed = printed_json(&database, &["agent", "list"]);
    for agent in listed.as_array_mut().unwrap() {
        assert!(agent.as_object_mut().unwrap().remove("id").is_some());
    }
    let expected = serde_json::json!([
        { "name": "ben", "display_name": "Ben B", "address": "+15550100123", "role": "admin", "disabled": false, "has_password": true },
        { "name": "dana", "display_name": "Dana", "address": "client:dana", "role": "agent", "disabled": true, "has_password": true },
    ]);
    assert_eq!(listed, expected);
    let lines = printed(&database, &["agent", "list"]);
    assert!(lines.lines().count() == 2 && lines.lines().all(|line| line == line.trim_end()), "{lines}");
}

#[test]
fn a_password_is_made_up_and_printed_alone_or_read_and_not_printed() {
    let database = TestDatabase::new();
    let made_up = printed(&database, &["agent", "add", "dana", "--phone", "+15550100123"]);
    let made_up = made_up.strip_suffix('\n').unwrap();
    assert!(made_up.len() == 19 && made_up.split('-').all(|group| group.len() == 4), "{made_up}");
    let another = printed(&database, &["agent", "password", "dana"]);
    assert_ne!(another.trim_end(), made_up);
    let given = program(&database)
        .args(["agent", "password", "dana", "--password-stdin"])
        .write_stdin("correct horse battery\n")
        .assert()
        .success()
        .get_output()
        .clone();
    assert_eq!(given.stdout, b"agent:dana has a new password\n");
    for (stdin, complaint) in [("short\n", "a password has 10 to 256 characters"), ("", "a password has")] {
        let mut command = program(&database);
        let add = ["agent", "add", "ben", "--address", "client:ben", "--password-stdin"];
        let output = command.args(add).write_stdin(stdin).assert().code(1).get_output().clone();
        assert!(String::from_utf8(output.stderr).unwrap().contains(complaint));
    }
    assert_eq!(
        printed_json(&database, &["agent", "list"]).as_array().unwrap().len(),
        1,
        "nobody was half added"
    );
    let log = printed_json(&database, &["audit", "list"]).to_string();
    assert!(!log.contains(made_up) && !log.contains("correct horse"), "{log}");
    for args in [&["agent", "password", "nobody"][..], &["agent", "role", "nobody", "admin"]] {
        assert_eq!(complaint(&database, 1, args, &[]), "warm-transfer: there is no agent nobody");
    }
    program(&database).args(["agent", "add", "kim"]).assert().code(2);
}

#[test]
fn phone_and_role_are_changed_and_told() {
    let database = TestDatabase::new();
    printed(&database, &["agent", "add", "dana", "--address", "+15550100123"]);
    printed(&database, &["agent", "phone", "dana", "sip:dana@example.com"]);
    printed(&database, &["agent", "role", "dana", "supervisor"]);
    let listed = printed_json(&database, &["agent", "list"]);
    assert_eq!(
        (&listed[0]["address"], &listed[0]["role"]),
        (&"sip:dana@example.com".into(), &"supervisor".into())
    );
    assert_eq!(printed_json(&database, &["agent", "sessions", "dana"]), serde_json::json!([]));
    assert_eq!(
        printed(&database, &["agent", "sessions", "dana", "--revoke"]),
        "logged agent:dana out of 0 sessions\n"
    );
    let log = printed_json(&database, &["audit", "list", "--action", "agent."]);
    let actions: Vec<_> = log["entries"].as_array().unwrap().iter().map(|entry| &entry["action"]).collect();
    assert_eq!(actions, ["agent.role_set", "agent.phone_set", "agent.password_set", "agent.added"]);
}

#[test]
fn a_key_is_printed_alone_and_this_once() {
    let database = TestDatabase::new();
    let key = printed(&database, &["key", "create", "crm"]);
    let key = key.strip_suffix('\n').unwrap();
    let parts: Vec<&str> = key.split('_').collect();
    assert_eq!((parts.len(), parts[0], parts[1].len(), parts[2].len()), (3, "wt", 8, 64), "{key}");
    let narrow =
        ["key", "create", "report", "--scope", "read", "--scope", "transfer", "--expires-days", "30"];
    printed(&database, &narrow);
    printed(&database, &["key", "revoke", "crm"]);

    for listing in
        [printed(&database, &["key", "list"]), printed_json(&database, &["key", "list"]).to_string()]
    {
        assert!(listing.contains(parts[1]) && !listing.contains(parts[2]), "{listing}");
    }
    let listed = printed_json(&database, &["key", "list"]);
    assert_eq!(listed[0]["scopes"], serde_json::json!(["read", "call", "transfer"]));
    assert!(listed[0]["revoked_at"].is_string() && listed[0]["expires_at"].is_null(), "{listed}");
    assert_eq!(listed[1]["scopes"], serde_json::json!(["read", "transfer"]));
    assert!(listed[1]["revoked_at"].is_null() && listed[1]["expires_at"].is_string(), "{listed}");
}

#[test]
fn what_is_not_there_is_named() {
    let database = TestDatabase::new();
    let line = complaint(&database, 1, &["agent", "disable", "nobody"], &[]);
    assert_eq!(line, "warm-transfer: there is no agent nobody");
    let line = complaint(&database, 1, &["key", "revoke", "nothing"], &[]);
    assert_eq!(line, "warm-transfer: there is no key nothing");
}

#[test]
fn every_change_by_the_command_line_is_recorded_once_and_by_whom() {
    let database = TestDatabase::new();
    printed(&database, &["agent", "add", "dana", "--address", "+15550100123", "--role", "supervisor"]);
    let key = printed(&database, &["key", "create", "crm", "--scope", "read"]);
    for _ in 0..2 {
        printed(&database, &["key", "revoke", "crm"]);
        printed(&database, &["agent", "disable", "dana"]);
    }
    complaint(&database, 1, &["key", "create", "crm"], &[]);

    let listed = printed_json(&database, &["audit", "list"]);
    let entries = listed["entries"].as_array().unwrap();
    let found: Vec<_> = entries.iter().map(|entry| (&entry["action"], &entry["subject"])).collect();
    let expected = [
        ("agent.disabled", "dana"),
        ("key.revoked", "crm"),
        ("key.created", "crm"),
        ("agent.password_set", "dana"),
        ("agent.added", "dana"),
    ]
    .map(|(action, subject)| (serde_json::json!(action), serde_json::json!(subject)));
    assert_eq!(found, expected.iter().map(|(action, subject)| (action, subject)).collect::<Vec<_>>());
    assert!(entries.iter().all(|entry| entry["actor_kind"] == "command_line" && entry["actor"] == "unknown"));
    let text = listed.to_string();
    assert!(!text.contains("5550100123") && !text.contains(key.trim().rsplit('_').next().unwrap()), "{text}");

    let lines = printed(&database, &["audit", "list", "--action", "key.", "--limit", "1"]);
    assert!(lines.lines().count() == 1 && lines.contains("command_line:unknown"), "{lines}");
    assert!(lines.contains("key.revoked") && lines.trim_end().ends_with("crm"), "{lines}");
    let older = ["audit", "list", "--until", "2020-01-01T00:00:00Z"];
    assert_eq!(printed_json(&database, &older)["entries"], serde_json::json!([]));
    program(&database).args(["audit", "list", "--since", "yesterday"]).assert().code(2);
}
