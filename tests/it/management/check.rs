//! `check` and `migrate`.

use serde_json::Value;
use wiremock::matchers::{basic_auth, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::{printed, printed_json, program};
use crate::support::database::TestDatabase;

const SID: &str = "AC00000000000000000000000000000001";

/// Twilio that answers every look at the account's calls like this, if the token is right.
async fn twilio(answer: ResponseTemplate) -> MockServer {
    let server = MockServer::start().await;
    let calls = path(format!("/2010-04-01/Accounts/{SID}/Calls.json"));
    Mock::given(method("GET"))
        .and(calls)
        .and(basic_auth(SID, "token"))
        .respond_with(answer)
        .mount(&server)
        .await;
    let owned = serde_json::json!([{ "phone_number": "+15550100101" }]);
    for (list, key, numbers) in [
        ("IncomingPhoneNumbers", "incoming_phone_numbers", owned),
        ("OutgoingCallerIds", "outgoing_caller_ids", serde_json::json!([])),
    ] {
        Mock::given(method("GET"))
            .and(path(format!("/2010-04-01/Accounts/{SID}/{list}.json")))
            .respond_with(ResponseTemplate::new(200).set_body_json(serde_json::json!({ key: numbers })))
            .mount(&server)
            .await;
    }
    server
}

/// The level of each finding, and the exit code.
fn levels(database: &TestDatabase, variables: &[(&str, &str)]) -> (Vec<(String, String)>, i32) {
    let mut command = program(database);
    command.args(["check", "--format", "json"]).envs(variables.iter().copied());
    let output = command.output().unwrap();
    let findings: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let level = |finding: &Value| {
        assert_eq!(finding["hint"].is_null(), finding["level"] == "ok", "{finding}");
        (text(&finding["id"]), text(&finding["level"]))
    };
    (findings.iter().map(level).collect(), output.status.code().unwrap())
}

fn expected<const N: usize>(levels: [(&str, &str); N]) -> Vec<(String, String)> {
    levels.map(|(id, level)| (id.to_owned(), level.to_owned())).to_vec()
}

#[test]
fn what_is_not_set_is_found_and_named() {
    let database = TestDatabase::new();
    let (findings, code) = levels(&database, &[]);
    let all = [
        ("settings", "ok"),
        ("database", "warning"),
        ("spool", "ok"),
        ("public-url", "error"),
        ("caller-id", "warning"),
        ("guard", "warning"),
        ("twilio", "error"),
    ];
    assert_eq!((findings, code), (expected(all), 1));
    let output = program(&database).arg("check").output().unwrap();
    let lines = String::from_utf8(output.stdout).unwrap();
    for named in ["PUBLIC_URL", "TWILIO_ACCOUNT_SID", "twilio.caller_id", "migrate", "guard.allowed_regions"]
    {
        assert!(lines.contains(named), "{named}: {lines}");
    }
}

#[test]
fn a_wrong_setting_is_a_finding_too() {
    let database = TestDatabase::new();
    let (findings, code) = levels(&database, &[("WARM_TRANSFER__CALLS__COLOUR", "red")]);
    assert_eq!((findings, code), (vec![("settings".into(), "error".into())], 1));
}

#[test]
fn a_spool_that_cannot_be_written_is_found_and_named() {
    let database = TestDatabase::new();
    std::fs::write(database.folder.path().join("taken"), "a file").unwrap();
    let taken = [("WARM_TRANSFER__DATABASE__SPOOL", "taken")];
    let (findings, code) = levels(&database, &taken);
    assert!(findings.contains(&("spool".into(), "error".into())) && code == 1, "{findings:?}");
    let output = program(&database).arg("check").envs(taken).output().unwrap();
    let lines = String::from_utf8(output.stdout).unwrap();
    assert!(lines.contains("taken") && lines.contains("database.spool"), "{lines}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_complete_installation_passes_and_a_wrong_token_does_not() {
    let database = TestDatabase::new();
    let first = printed_json(&database, &["migrate"]);
    assert!(first["applied"].as_array().unwrap().len() > 1, "{first}");
    assert!(printed(&database, &["migrate"]).contains("complete"));

    let page = serde_json::json!({ "calls": [], "page": 0, "page_size": 1, "next_page_uri": null });
    let server = twilio(ResponseTemplate::new(200).set_body_json(page)).await;
    let variables = [
        ("PUBLIC_URL", "https://calls.example.com"),
        ("WARM_TRANSFER__TWILIO__CALLER_ID", "+15550100101"),
        ("WARM_TRANSFER__GUARD__ALLOWED_REGIONS", "us,CA"),
        ("TWILIO_ACCOUNT_SID", SID),
        ("TWILIO_AUTH_TOKEN", "token"),
        ("TWILIO_API_BASE_URL", &server.uri()),
    ];
    let all = [
        ("settings", "ok"),
        ("database", "ok"),
        ("spool", "ok"),
        ("public-url", "ok"),
        ("caller-id", "ok"),
        ("guard", "ok"),
        ("twilio", "ok"),
        ("caller-id-owned", "ok"),
    ];
    assert_eq!(levels(&database, &variables), (expected(all), 0));

    let others = [("WARM_TRANSFER__TRANSFERS__CALLER_ID", "+15550100109")];
    let (findings, code) = levels(&database, &[&variables[..], &others].concat());
    assert_eq!((findings.last().cloned(), code), (Some(("caller-id-owned".into(), "error".into())), 1));

    let refused = [&variables[..], &[("TWILIO_AUTH_TOKEN", "wrong")]].concat();
    let all = [
        ("settings", "ok"),
        ("database", "ok"),
        ("spool", "ok"),
        ("public-url", "ok"),
        ("caller-id", "ok"),
        ("guard", "ok"),
        ("twilio", "error"),
    ];
    assert_eq!(levels(&database, &refused), (expected(all), 1));
}
