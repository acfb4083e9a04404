//! Owns the comparison of our signatures with the official library's, over random requests.

use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use warm_transfer::twilio::signature::{settings_are_supported, sign, verify, verify_body};

type Pairs = Vec<(String, String)>;

/// A line for `validator.py`.
#[derive(Debug, Clone, Serialize)]
struct Question<Params> {
    token: String,
    url: String,
    params: Params,
    signature: String,
}

#[derive(Debug, Deserialize)]
struct Answer {
    valid: bool,
    signature: String,
}

fn ask<Params: Serialize>(questions: &[Question<Params>]) -> Vec<Answer> {
    let lines = questions.iter().map(|question| serde_json::to_string(question).unwrap() + "\n").collect();
    let answers: Vec<Answer> =
        super::run("validator.py", lines).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(answers.len(), questions.len());
    answers
}

/// The same requests in every run.
fn random<S: Strategy>(count: usize, strategy: S) -> Vec<S::Value> {
    let mut runner = TestRunner::deterministic();
    (0..count).map(|_| strategy.new_tree(&mut runner).unwrap().current()).collect()
}

const HOSTS: [&str; 3] = ["calls.example.com", "h", "192.0.2.7"];

fn origin(hosts: &[&'static str]) -> impl Strategy<Value = String> + use<> {
    let host = select(hosts.to_vec());
    let port = select(vec!["", "", "", ":443", ":80", ":8443", ":9000"]);
    (select(vec!["https", "http"]), host, port)
        .prop_map(|(scheme, host, port)| format!("{scheme}://{host}{port}"))
}

fn target() -> impl Strategy<Value = String> {
    let path = "(/[a-z]{1,8}(%[2-7][0-9A-F])?){0,3}/?";
    let query = "(\\?([a-zA-Z]{1,6}=([a-zA-Z0-9+.:_-]|%C3%BC|%2[0-9A-Fa-f]){0,9}&?){1,5})?";
    (path, query).prop_map(|(path, query)| if path.is_empty() { format!("/{query}") } else { path + &query })
}

fn params() -> impl Strategy<Value = Pairs> {
    // Few names, so that many repeat and differ only in case.
    let name = prop_oneof![
        select(vec!["CallSid", "callsid", "A", "a", "StatusCallbackEvent", "ü", ""]).prop_map(String::from),
        "[A-Za-z]{1,12}"
    ];
    let value = prop_oneof![
        select(vec!["", " ", "ringing", "answered", "+15550100123", "ZÜRICH", "🙂"]).prop_map(String::from),
        proptest::collection::vec(any::<char>(), 0..12).prop_map(|text| text.into_iter().collect::<String>()),
    ];
    proptest::collection::vec((name, value), 0..30)
}

fn request(hosts: &[&'static str]) -> impl Strategy<Value = Question<Pairs>> + use<> {
    ("[ -~]{1,90}", origin(hosts), target(), params()).prop_map(|(token, origin, target, params)| {
        let url = origin + &target;
        Question { signature: sign(&token, &url, &params), token, url, params }
    })
}

fn accepts(question: &Question<Pairs>) -> bool {
    verify(&question.token, &question.url, &question.params, &question.signature)
}

/// The request with one thing wrong; `how` chooses which.
fn corrupted(genuine: &Question<Pairs>, how: usize) -> Question<Pairs> {
    let mut request = genuine.clone();
    let value = request.params.first_mut().map(|(_, value)| value);
    match (how % 7, value) {
        (0, Some(value)) => value.push('!'),
        (1, Some(value)) => value.insert(0, ' '),
        (2, _) => request.params.push(("Extra".into(), String::new())),
        (3, _) => request.token.push('x'),
        (4, _) => request.signature = request.signature.chars().rev().collect(),
        (5, _) => request.signature.truncate(20),
        _ => request.url.push_str("%20"),
    }
    request
}

#[test]
fn a_thousand_random_requests_are_signed_as_the_official_library_signs_them() {
    let requests = random(1000, request(&["calls.example.com", "h", "user:pw@h.example"]));
    assert!(requests.iter().any(|request| request.params.is_empty()));
    for (request, official) in requests.iter().zip(ask(&requests)) {
        assert!(official.valid, "the official library refuses ours: {request:?}");
        assert_eq!(official.signature, request.signature, "{request:?}");
        let theirs = Question { signature: official.signature, ..request.clone() };
        assert!(accepts(&theirs), "we refuse the official library's: {theirs:?}");
    }
}

#[test]
fn a_thousand_corrupted_requests_are_refused_by_both() {
    let requests: Vec<_> = random(1000, request(&["calls.example.com", "h", "user:pw@h.example"]))
        .iter()
        .enumerate()
        .map(|(how, request)| corrupted(request, how))
        .collect();
    for (request, official) in requests.iter().zip(ask(&requests)) {
        assert!(!official.valid, "the official library accepts {request:?}");
        assert!(!accepts(request), "we accept {request:?}");
    }
}

#[test]
fn ports_are_forgiven_exactly_as_the_official_library_forgives_them() {
    // Without passwords in URLs: from those the official library cannot take the port away.
    let strategy =
        (request(&HOSTS), origin(&HOSTS), target()).prop_map(|(request, signed_origin, target)| {
            let configured = request.url.find("://").unwrap() + 3;
            let end =
                request.url[configured..].find(['/', '?']).map_or(request.url.len(), |at| configured + at);
            let url = format!("{}{target}", &request.url[..end]);
            let signature = sign(&request.token, &format!("{signed_origin}{target}"), &request.params);
            Question { url, signature, ..request }
        });
    let requests = random(1000, strategy);
    let mut accepted = 0;
    for (request, official) in requests.iter().zip(ask(&requests)) {
        assert_eq!(accepts(request), official.valid, "{request:?}");
        accepted += usize::from(official.valid);
    }
    assert!((20..900).contains(&accepted), "{accepted} accepted: the test shows little");
}

#[test]
fn json_bodies_are_judged_as_the_official_library_judges_them() {
    let strategy = (origin(&HOSTS), "/[a-z]{1,8}", "[ -~]{1,40}", any::<bool>()).prop_map(
        |(origin, path, body, broken)| {
            let hash: String = Sha256::digest(&body).iter().map(|byte| format!("{byte:02x}")).collect();
            let url = format!("{origin}{path}?x=1&bodySHA256={hash}");
            let signature = sign::<&str, &str>("token", &url, &[]);
            let params = if broken { body + " " } else { body };
            Question { token: "token".to_owned(), url, params, signature }
        },
    );
    let requests = random(200, strategy);
    for (request, official) in requests.iter().zip(ask(&requests)) {
        let ours = verify_body(&request.token, &request.url, request.params.as_bytes(), &request.signature);
        assert_eq!(ours, official.valid, "{request:?}");
    }
}

#[test]
fn the_settings_header_is_read_as_the_official_library_reads_it() {
    let headers = [
        "",
        "key=webhooks_sharedkey_1",
        "key=webhooks_sharedkey_1,algorithm=HMAC_SHA256",
        "algorithm=HMAC_SHA1",
        " algorithm = hmac_sha1 ,key=1",
        "algorithm=",
        "algorithm=none",
        "algorithm=,algorithm=HMAC_SHA512",
        "algorithm",
    ];
    let lines =
        headers.iter().map(|header| serde_json::json!({"settings": header}).to_string() + "\n").collect();
    for (header, line) in headers.iter().zip(super::run("validator.py", lines).lines()) {
        let answer: serde_json::Value = serde_json::from_str(line).unwrap();
        let is_sha1 = answer["algorithm"].as_str().unwrap().eq_ignore_ascii_case("HMAC_SHA1");
        assert_eq!(settings_are_supported(header), is_sha1, "{header}");
    }
}
