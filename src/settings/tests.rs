//! What the layers make of each other, and what is said of what is wrong.

use std::ffi::OsString;

use super::layers::{DEFAULTS, environment};
use super::*;

fn load(variables: &[(&str, &str)]) -> Result<Settings, SettingsError> {
    let variables = variables.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
    Settings::from_layers(Path::new("no-such-folder"), &variables)
}

fn complaint(variables: &[(&str, &str)]) -> String {
    load(variables).unwrap_err().to_string()
}

#[test]
fn defaults_are_complete_and_each_is_explained() {
    load(&[]).unwrap();
    let mut before = "";
    for line in DEFAULTS.lines() {
        if line.contains(" = ") && !line.starts_with('#') {
            assert!(before.starts_with('#'), "{line} has no explanation");
        }
        before = line;
    }
}

#[test]
fn later_layers_win() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("staging.toml"), "[calls]\nring_timeout_secs = 30\n").unwrap();
    let load = |variables: &[(&str, &str)]| {
        let variables = variables.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        Settings::from_layers(folder.path(), &variables).unwrap()
    };
    let staging = ("WARM_TRANSFER_ENVIRONMENT", "staging");
    assert_eq!(load(&[staging]).calls.ring_timeout_secs, 30);
    let ours = ("WARM_TRANSFER__CALLS__RING_TIMEOUT_SECS", "40");
    assert_eq!(load(&[staging, ours]).calls.ring_timeout_secs, 40);
    let url = ("PUBLIC_URL", "https://calls.example.com/");
    assert_eq!(load(&[url]).public_url(), Ok("https://calls.example.com"));
    assert_eq!(load(&[("PORT", "9000")]).server.bind, "0.0.0.0:9000");
}

#[test]
fn a_secret_comes_from_a_file_and_is_never_printed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("token");
    std::fs::write(&path, "hush-hush\n").unwrap();
    let settings = load(&[("TWILIO_AUTH_TOKEN_FILE", path.to_str().unwrap())]).unwrap();
    assert_eq!(settings.twilio.auth_token.expose_secret(), "hush-hush");
    assert!(!format!("{settings:?}").contains("hush"));
    let missing = complaint(&[("TWILIO_AUTH_TOKEN_FILE", "no/such/file")]);
    assert!(missing.contains("TWILIO_AUTH_TOKEN_FILE") && missing.contains("no/such/file"), "{missing}");
}

#[test]
fn what_is_wrong_is_one_line_that_names_the_setting() {
    let cases = [
        (("PUBLIC_URL", "calls.example.com"), "server.public_url"),
        (("PUBLIC_URL", "http://calls.example.com"), "https://"),
        (("PUBLIC_URL", "https://my_host.example.com"), "underscore"),
        (("PUBLIC_URL", "https://user:hush@calls.example.com"), "user or password"),
        (("PUBLIC_URL", "https://user@calls.example.com"), "user or password"),
        (("DATABASE_URL", "mysql://x"), "database.url"),
        (("TWILIO_API_KEY", "SK1"), "twilio.api_secret"),
        (("WARM_TRANSFER__CALLS__RING_TIMEOUT_SECS", "4"), "calls.ring_timeout_secs"),
        (("WARM_TRANSFER__CALLS__RING_TIMEOUT_SECS", "soon"), "calls.ring_timeout_secs"),
        (("WARM_TRANSFER__CALLS__COLOUR", "red"), "colour"),
        (("WARM_TRANSFER__TWILIO__CALLER_ID", "123"), "twilio.caller_id"),
        (("PORT", "http"), "PORT"),
        (("TWILIO_API_BASE_URL", "api.twilio.com"), "twilio.base_url (TWILIO_API_BASE_URL)"),
        (("WARM_TRANSFER__SERVER__BIND", "8080"), "server.bind"),
        (("WARM_TRANSFER__SERVER__BIND", ":8080"), "server.bind"),
        (("WARM_TRANSFER__DATABASE__POOL_TIMEOUT_MS", "0"), "database.pool_timeout_ms"),
        (("WARM_TRANSFER__DATABASE__POOL_SIZE", "-1"), "(WARM_TRANSFER__DATABASE__POOL_SIZE)"),
        (("WARM_TRANSFER__TWILIO__TIMEOUT_MS", "0"), "twilio.timeout_ms"),
        (("WARM_TRANSFER__VOICE__HOLD_MUSIC_URL", "/music.mp3"), "voice.hold_music_url"),
        (("WARM_TRANSFER__LOGGING__FORMAT", "xml"), "expected text or json"),
        (("WARM_TRANSFER__", "x"), "WARM_TRANSFER__: is not the name"),
        (("WARM_TRANSFER__A[", "x"), "WARM_TRANSFER__A[: is not the name"),
        (("WARM_TRANSFER__SERVER__BIND__X", "x"), "server.bind (WARM_TRANSFER__SERVER__BIND__X)"),
    ];
    for (variable, named) in cases {
        let line = complaint(&[variable]);
        assert!(line.contains(named) && line.lines().count() == 1, "{variable:?}: {line}");
    }
}

#[test]
fn twilio_is_needed_only_by_those_who_call() {
    let settings = load(&[]).unwrap();
    assert!(settings.twilio().unwrap_err().to_string().contains("TWILIO_ACCOUNT_SID"));
    let sid = ("TWILIO_ACCOUNT_SID", "AC00000000000000000000000000000001");
    assert!(load(&[sid]).unwrap().twilio().unwrap_err().to_string().contains("TWILIO_AUTH_TOKEN"));
    let token = ("TWILIO_AUTH_TOKEN", "t");
    assert_eq!(load(&[sid, token]).unwrap().twilio().unwrap().signature_tokens.len(), 1);
}

#[test]
fn what_is_wrong_is_looked_for_where_it_was_set() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("development.toml");
    let complaint = |text: &str, variables: &[(&str, &str)]| {
        std::fs::write(&path, text).unwrap();
        let variables = variables.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        Settings::from_layers(folder.path(), &variables).unwrap_err().to_string()
    };
    let file = path.display().to_string();
    let line = complaint("[server]\ncolour = 1", &[]);
    assert!(
        line.starts_with(&format!("setting server.colour (file {file}): unknown field `colour`")),
        "{line}"
    );
    let line = complaint("[calls]\nring_timeout_secs = 'soon'", &[]);
    assert!(
        line.starts_with(&format!("setting calls.ring_timeout_secs (file {file}): invalid type")),
        "{line}"
    );
    let ours = ("WARM_TRANSFER__CALLS__RING_TIMEOUT_SECS", "late");
    let line = complaint("[calls]\nring_timeout_secs = 30", &[ours]);
    let named = "setting calls.ring_timeout_secs (WARM_TRANSFER__CALLS__RING_TIMEOUT_SECS): invalid type";
    assert!(line.starts_with(named), "{line}");
}

#[test]
fn a_complaint_never_quotes_what_may_be_a_secret() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("development.toml");
    for text in [
        "[twilio]\nauth_token = hush-hush",
        "[twilio]\nauth_token = \"hush-hush",
        "[twilio]\nauth_token = [\"hush-hush\"]",
        "[twilio]\nauth_token = \"1\"\nauth_token = \"hush-hush\"",
        "[database]\nurl = { hush = 1 }",
        "twilio = 'hush-hush'",
    ] {
        std::fs::write(&path, text).unwrap();
        let line = Settings::from_layers(folder.path(), &BTreeMap::new()).unwrap_err().to_string();
        assert!(line.contains("development.toml") && line.lines().count() == 1, "{line}");
        assert!(!line.contains("hush"), "{line}");
    }
    std::fs::write(&path, "\n[twilio]\nauth_token = hush").unwrap();
    let line = Settings::from_layers(folder.path(), &BTreeMap::new()).unwrap_err().to_string();
    assert!(line.contains("line 3, column 14"), "{line}");
    let line = complaint(&[("WARM_TRANSFER__DATABASE", "postgres://user:hush@host/x")]);
    assert!(line.contains("WARM_TRANSFER__DATABASE") && !line.contains("hush"), "{line}");
}

#[test]
fn a_file_that_is_there_but_cannot_be_read_is_not_passed_over() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("development.toml");
    std::fs::create_dir(&path).unwrap();
    let line = Settings::from_layers(folder.path(), &BTreeMap::new()).unwrap_err().to_string();
    assert!(line.contains(&path.display().to_string()), "{line}");
}

#[test]
fn any_setting_comes_from_a_file_of_its_own_and_an_empty_conventional_name_is_none() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("secret");
    std::fs::write(&path, "hush-hush\r\n").unwrap();
    let path = path.to_str().unwrap();
    let ours = ("WARM_TRANSFER__TWILIO__AUTH_TOKEN_FILE", path);
    let empty = [("TWILIO_AUTH_TOKEN", ""), ("TWILIO_AUTH_TOKEN_FILE", ""), ("PORT", "")];
    let settings = load(&[&[ours], &empty[..]].concat()).unwrap();
    assert_eq!(settings.twilio.auth_token.expose_secret(), "hush-hush");
    assert_eq!(settings.server.bind, "127.0.0.1:8080");
    assert_eq!(load(&[("WARM_TRANSFER__VOICE__HOLD_MUSIC_URL", "")]).unwrap().voice.hold_music_url, "");
}

#[cfg(unix)]
#[test]
fn a_variable_that_is_no_text_matters_only_if_it_is_ours() {
    use std::os::unix::ffi::OsStringExt;
    let variable = |name: &str| (OsString::from(name), OsString::from_vec(vec![0xff]));
    assert_eq!(environment([variable("LESSOPEN")].into_iter()), Ok(BTreeMap::new()));
    for name in ["TWILIO_AUTH_TOKEN", "DATABASE_URL_FILE", "PORT", "WARM_TRANSFER__SERVER__BIND"] {
        let line = environment([variable(name)].into_iter()).unwrap_err().to_string();
        assert_eq!(line, format!("setting {name}: is not UTF-8"));
    }
}
