//! `agent` and `key`.

use super::{complaint, printed, printed_json};
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
        { "name": "ben", "display_name": "Ben B", "address": "+15550100123", "role": "admin", "disabled": false },
        { "name": "dana", "display_name": "Dana", "address": "client:dana", "role": "agent", "disabled": true },
    ]);
    assert_eq!(listed, expected);
    let lines = printed(&database, &["agent", "list"]);
    assert!(lines.lines().count() == 2 && lines.lines().all(|line| line == line.trim_end()), "{lines}");
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
