//! `webhook`.

use serde_json::json;

use super::{complaint, printed, printed_json};
use crate::support::database::TestDatabase;

#[test]
fn an_endpoint_is_added_shown_switched_rotated_tried_and_removed() {
    let database = TestDatabase::new();
    let added = printed_json(
        &database,
        &["webhook", "add", "https://hooks.invalid/x", "--events", "call.*,leg.busy"],
    );
    let id = added["id"].as_str().unwrap();
    assert!(added["secret"].as_str().unwrap().starts_with("whsec_"), "{added}");
    assert_eq!((&added["events"], &added["enabled"]), (&json!(["call.*", "leg.busy"]), &json!(true)));
    let listed = printed_json(&database, &["webhook", "list"]);
    assert_eq!((&listed[0]["id"], listed[0].get("secret")), (&added["id"], None));
    assert!(printed(&database, &["webhook", "list"]).contains("https://hooks.invalid/x"));

    let disabled = printed_json(&database, &["webhook", "disable", id]);
    assert!(disabled["disabled_reason"].as_str().unwrap().starts_with("disabled by "), "{disabled}");
    let line = complaint(&database, 1, &["webhook", "test", id], &[]);
    assert_eq!(line, "warm-transfer: the webhook endpoint is disabled; enable it first");
    assert_eq!(printed_json(&database, &["webhook", "enable", id])["disabled_at"], json!(null));
    let rotated = printed_json(&database, &["webhook", "rotate", id, "--overlap-hours", "2"]);
    assert!(rotated["secret"] != added["secret"] && rotated["old_secret_until"].is_string(), "{rotated}");
    assert_eq!(printed_json(&database, &["webhook", "test", id]), json!({ "deliveries": 1 }));
    let replay = ["webhook", "replay", id, "--since", "2026-01-01T00:00:00Z"];
    assert_eq!(printed(&database, &replay), "0 to be sent\n");
    let deliveries = printed_json(&database, &["webhook", "deliveries", id, "--state", "pending"]);
    assert_eq!(deliveries["deliveries"][0]["type"], "webhook.test");
    assert!(printed(&database, &["webhook", "deliveries", id]).contains("webhook.test"));
    assert_eq!(printed_json(&database, &["webhook", "show", id])["id"], added["id"]);
    assert_eq!(printed(&database, &["webhook", "remove", id]), format!("removed webhook endpoint {id}\n"));
    let line = complaint(&database, 1, &["webhook", "show", id], &[]);
    assert_eq!(line, "warm-transfer: there is no such webhook endpoint");
    let audit = printed_json(&database, &["audit", "list", "--action", "webhook."]);
    assert_eq!(audit["entries"].as_array().unwrap().len(), 7, "{audit:#}");
}

#[test]
fn an_endpoint_that_cannot_be_is_refused_in_words() {
    let database = TestDatabase::new();
    for (url, words) in [
        ("http://hooks.invalid/", "must begin with https://"),
        ("https://127.0.0.1/", "is not a public address"),
        ("https://me@hooks.invalid/", "must not hold a user or a password"),
    ] {
        let line = complaint(&database, 1, &["webhook", "add", url], &[]);
        assert!(line.starts_with(&format!("warm-transfer: url {words}")), "{line}");
    }
}
