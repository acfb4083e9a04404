//! `do-not-call`.

use serde_json::json;

use super::{printed, printed_json, program};
use crate::support::database::TestDatabase;

#[test]
fn numbers_are_put_on_the_list_listed_and_taken_off() {
    let database = TestDatabase::new();
    assert_eq!(
        printed(&database, &["do-not-call", "add", "+15550100199", "--reason", "asked us"]),
        "added +15550100199\n"
    );
    printed(&database, &["do-not-call", "add", "+15550100198", "--days", "30"]);
    let listed = printed(&database, &["do-not-call", "list"]);
    let lines: Vec<&str> = listed.lines().collect();
    assert!(lines[0].starts_with("+15550100198") && lines[0].contains("until 2"), "{listed}");
    assert!(lines[1].starts_with("+15550100199") && lines[1].ends_with("asked us"), "{listed}");
    assert_eq!(printed(&database, &["do-not-call", "remove", "+15550100198"]), "removed +15550100198\n");
    let again = program(&database).args(["do-not-call", "remove", "+15550100198"]).output().unwrap();
    assert!(!again.status.success());
    assert!(String::from_utf8(again.stderr).unwrap().contains("is not on the list"));
    let left = printed_json(&database, &["do-not-call", "list"]);
    assert_eq!(left.as_array().unwrap().len(), 1);
    assert_eq!(left[0]["number"], "+15550100199");
}

#[test]
fn a_file_is_imported_its_bad_lines_are_told_and_importing_it_again_changes_nothing() {
    let database = TestDatabase::new();
    let path = database.folder.path().join("list.csv");
    let good: String = (0..12_000).map(|n| format!("+1555{n:07},from the list\n")).collect();
    std::fs::write(&path, format!("phone,reason\nnobody,\n{good}")).unwrap();
    let import = |format: &str| {
        let mut command = program(&database);
        command.args(["do-not-call", "import", "list.csv", "--format", format]);
        let output = command.output().unwrap();
        // A progress bar is for a terminal only.
        assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
        (output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap())
    };
    let told = "line 2: expected a phone number in E.164, such as +15550100123\n\
                12000 lines read, 12000 entries added or prolonged, 1 lines not read\n";
    assert_eq!(import("text"), (1, told.to_owned()));
    let (code, again) = import("json");
    let again: serde_json::Value = serde_json::from_str(&again).unwrap();
    assert_eq!((code, &again["changed"], &again["problems"][0]["line"]), (1, &json!(0), &json!(2)));
    std::fs::write(&path, "+15550100199\n").unwrap();
    assert_eq!(import("text").0, 0);
    let missing = program(&database).args(["do-not-call", "import", "no.csv"]).output().unwrap();
    assert!(String::from_utf8(missing.stderr).unwrap().contains("no.csv"));
}
