//! Every answer of every endpoint against a schema: our own, and Twilio's published one where it lies beside the repository.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use jsonschema::Validator;
use serde_json::{Value, json};

use super::support::{ACCOUNT, AGENT, Application, CUSTOMER, NUMBER, SECOND, TOKEN, Twilio};

/// Names of the lists, and what each holds.
const PLURALS: [(&str, &str); 6] = [
    ("calls", "call"),
    ("conferences", "conference"),
    ("participants", "participant"),
    ("recordings", "recording"),
    ("incoming_phone_numbers", "incoming_phone_number"),
    ("outgoing_caller_ids", "outgoing_caller_id"),
];

/// What must have been asked by the end: methods and paths, SIDs replaced by `*`.
const ENDPOINTS: [&str; 33] = [
    "GET ",
    "POST Calls",
    "GET Calls",
    "GET Calls/*",
    "POST Calls/*",
    "DELETE Calls/*",
    "POST Calls/*/Recordings",
    "GET Calls/*/Recordings",
    "GET Calls/*/Recordings/*",
    "POST Calls/*/Recordings/*",
    "DELETE Calls/*/Recordings/*",
    "GET Conferences",
    "GET Conferences/*",
    "POST Conferences/*",
    "POST Conferences/*/Participants",
    "GET Conferences/*/Participants",
    "GET Conferences/*/Participants/*",
    "POST Conferences/*/Participants/*",
    "DELETE Conferences/*/Participants/*",
    "GET Conferences/*/Recordings",
    "GET Conferences/*/Recordings/*",
    "POST Conferences/*/Recordings/*",
    "DELETE Conferences/*/Recordings/*",
    "GET Recordings",
    "GET Recordings/*",
    "DELETE Recordings/*",
    "GET IncomingPhoneNumbers",
    "GET IncomingPhoneNumbers/*",
    "POST IncomingPhoneNumbers/*",
    "GET OutgoingCallerIds",
    "GET OutgoingCallerIds/*",
    "GET Wombats",
    "DELETE Conferences",
];

/// Asks, and checks each answer.
struct Inspector {
    twilio: Twilio,
    own: BTreeMap<String, Validator>,
    official: Option<Value>,
    seen: BTreeSet<String>,
    officially_checked: BTreeSet<String>,
}

impl Inspector {
    async fn new() -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/emulator/schema");
        let mut own = BTreeMap::new();
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let schema: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            own.insert(name, jsonschema::validator_for(&schema).unwrap());
        }
        let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/twilio-voice-openapi.json");
        let official = std::fs::read(beside).ok().map(|text| {
            let mut document = serde_json::from_slice(&text).unwrap();
            from_openapi(&mut document);
            document
        });
        println!(
            "schemas: our own{}",
            if official.is_some() {
                " and Twilio's OpenAPI document"
            } else {
                " alone: no OpenAPI document beside the repository"
            }
        );
        let twilio = Twilio::start().await;
        Self { twilio, own, official, seen: BTreeSet::new(), officially_checked: BTreeSet::new() }
    }

    async fn ask(&mut self, method: &str, path: &str, form: &[(&str, &str)], expected: u16) -> Value {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let slash = if path.is_empty() { "" } else { "/" };
        let full = format!("/2010-04-01/Accounts/{ACCOUNT}{slash}{path}.json");
        let request = self
            .twilio
            .client
            .request(method.parse().unwrap(), self.twilio.url(&format!("{full}?{query}")))
            .basic_auth(ACCOUNT, Some(TOKEN));
        let request = if method == "POST" { request.form(form) } else { request };
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        let body = response.bytes().await.unwrap();
        let what = format!("{method} {path}");
        assert_eq!(status, expected, "{what}: {}", String::from_utf8_lossy(&body));
        let pattern: Vec<&str> = path.split('/').map(|p| if p.len() == 34 { "*" } else { p }).collect();
        self.seen.insert(format!("{method} {}", pattern.join("/")));
        if status == 204 {
            assert!(body.is_empty(), "{what}");
            return Value::Null;
        }
        let body: Value = serde_json::from_slice(&body).unwrap();
        self.check(&what, path, status, &body);
        if status < 400 {
            self.check_officially(&what, method, &full, status, &body);
        }
        body
    }

    /// By our own schema of the resource, of a page of them, or of an error.
    fn check(&self, what: &str, path: &str, status: u16, body: &Value) {
        if status >= 400 {
            assert_eq!(body["status"].as_u64(), Some(u64::from(status)), "{what}");
            return self.valid(what, "error", body);
        }
        let of = path.split('/').next().unwrap();
        let recording = match of {
            "Calls" => "call_recording",
            "Conferences" => "conference_recording",
            _ => "recording",
        };
        let named = |plural: &&(&str, &str)| body.get(plural.0).is_some_and(Value::is_array);
        if let Some((plural, singular)) = PLURALS.iter().find(named) {
            let mut page = body.clone();
            let items = page.as_object_mut().unwrap().remove(*plural).unwrap();
            self.valid(what, "page", &page);
            let singular = if *singular == "recording" { recording } else { singular };
            for item in items.as_array().unwrap() {
                self.valid(what, singular, item);
            }
            return;
        }
        let name = match path.split('/').collect::<Vec<_>>().as_slice() {
            [""] => "account",
            [_, _, "Participants", ..] => "participant",
            [_, _, "Recordings", ..] | ["Recordings", _] => recording,
            ["Calls", ..] => "call",
            ["Conferences", ..] => "conference",
            ["IncomingPhoneNumbers", _] => "incoming_phone_number",
            ["OutgoingCallerIds", _] => "outgoing_caller_id",
            other => panic!("no schema for {other:?}"),
        };
        self.valid(what, name, body);
    }

    fn valid(&self, what: &str, name: &str, body: &Value) {
        let errors: Vec<String> =
            self.own[name].iter_errors(body).map(|e| format!("{}: {e}", e.instance_path())).collect();
        assert!(errors.is_empty(), "{what} is no {name}: {errors:#?}\n{body:#}");
    }

    /// By the OpenAPI document's schema of this endpoint, if there is one.
    fn check_officially(&mut self, what: &str, method: &str, path: &str, status: u16, body: &Value) {
        let Some(document) = &self.official else { return };
        let parts: Vec<&str> = path.split('/').collect();
        let fits = |template: &str| {
            let template: Vec<&str> = template.split('/').collect();
            let same = |(t, p): (&&str, &&str)| {
                t == p || (t.starts_with('{') && t.ends_with(".json") == p.ends_with(".json"))
            };
            template.len() == parts.len() && template.iter().zip(&parts).all(same)
        };
        let Some((template, operations)) =
            document["paths"].as_object().unwrap().iter().find(|(t, _)| fits(t))
        else {
            return;
        };
        let answer = &operations[method.to_lowercase()]["responses"][status.to_string()];
        let schema = &answer["content"]["application/json"]["schema"];
        if schema.is_null() {
            return;
        }
        let whole = json!({"allOf": [schema], "components": document["components"]});
        let validator = jsonschema::validator_for(&whole).unwrap();
        let errors: Vec<String> =
            validator.iter_errors(body).map(|e| format!("{}: {e}", e.instance_path())).collect();
        assert!(errors.is_empty(), "{what}, by Twilio's own schema: {errors:#?}\n{body:#}");
        self.officially_checked.insert(format!("{method} {template}"));
    }
}

/// OpenAPI 3.0 to JSON Schema: what may be null says so in its type; every field of a resource must be there, and no other.
fn from_openapi(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(from_openapi),
        Value::Object(fields) => {
            fields.values_mut().for_each(from_openapi);
            if fields.remove("nullable") == Some(Value::Bool(true)) {
                if let Some(of) = fields.get_mut("type") {
                    *of = json!([of.clone(), "null"]);
                }
                if let Some(Value::Array(words)) = fields.get_mut("enum") {
                    words.push(Value::Null);
                }
            }
            // An optional enum is a reference, which cannot be nullable in OpenAPI 3.0: reason_conference_ended.
            let open = fields.get("properties").and_then(Value::as_object).map(|properties| {
                let names: Vec<&String> = properties.keys().collect();
                (json!(names), properties.contains_key("uri"))
            });
            if let Some((names, true)) = open {
                fields.insert("required".into(), names);
                fields.insert("additionalProperties".into(), json!(false));
            }
            if let Some(reason) = fields.get_mut("reason_conference_ended") {
                *reason = json!({"anyOf": [reason.clone(), {"type": "null"}]});
            }
        }
        _ => {}
    }
}

fn sid(body: &Value) -> String {
    body["sid"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn every_answer_of_every_endpoint_fits_its_schema() {
    let app = Application::start();
    app.twiml("/start", "<Pause length=\"600\"/>");
    let url = format!("{}/start", app.url);
    let mut rest = Inspector::new().await;
    rest.twilio.control("PUT", &format!("numbers/{NUMBER}"), &json!({"voice_url": url}).to_string()).await;
    account(&mut rest).await;
    calls(&mut rest, &url).await;
    conferences(&mut rest).await;
    for (method, path, status) in [("GET", "Wombats", 404), ("DELETE", "Conferences", 405)] {
        rest.ask(method, path, &[], status).await;
    }
    let all: BTreeSet<String> = ENDPOINTS.iter().map(|e| (*e).to_owned()).collect();
    assert_eq!(rest.seen, all);
    println!("endpoints: {}, by Twilio's own schema: {}", all.len(), rest.officially_checked.len());
    if rest.official.is_some() {
        assert!(rest.officially_checked.len() >= 20, "{:#?}", rest.officially_checked);
    }
}

async fn account(rest: &mut Inspector) {
    rest.ask("GET", "", &[], 200).await;
    for kind in ["IncomingPhoneNumbers", "OutgoingCallerIds"] {
        let list = rest.ask("GET", kind, &[], 200).await;
        let (_, items) = list.as_object().unwrap().iter().find(|(_, v)| v.is_array()).unwrap();
        let number = sid(&items[0]);
        rest.ask("GET", &format!("{kind}/{number}"), &[], 200).await;
        if kind == "IncomingPhoneNumbers" {
            rest.ask("POST", &format!("{kind}/{number}"), &[("VoiceMethod", "POST")], 200).await;
        }
    }
}

async fn calls(rest: &mut Inspector, url: &str) {
    rest.ask("POST", "Calls", &[("To", AGENT)], 400).await;
    let form = [("To", AGENT), ("From", NUMBER), ("Url", url), ("Record", "true")];
    let call = sid(&rest.ask("POST", "Calls", &form, 201).await);
    let one = format!("Calls/{call}");
    rest.ask("GET", &one, &[], 200).await;
    rest.ask("DELETE", &one, &[], 400).await;
    rest.twilio.emulator.advance(5_000).await;
    rest.ask("POST", &one, &[("Url", url)], 200).await;
    rest.ask("GET", "Calls?Status=in-progress&PageSize=1", &[], 200).await;
    rest.ask("GET", "Calls?PageSize=1001", &[], 400).await;
    let recordings = format!("{one}/Recordings");
    let recording = sid(&rest.ask("POST", &recordings, &[("RecordingChannels", "dual")], 201).await);
    rest.ask("GET", &recordings, &[], 200).await;
    let path = format!("{recordings}/{recording}");
    rest.ask("POST", &path, &[("Status", "paused")], 200).await;
    rest.twilio.emulator.advance(5_000).await;
    rest.ask("POST", &path, &[("Status", "stopped")], 200).await;
    rest.ask("POST", &one, &[("Status", "completed")], 200).await;
    rest.ask("POST", &one, &[("Status", "completed")], 400).await;
    rest.twilio.emulator.advance(5_000).await;
    rest.ask("GET", &path, &[], 200).await;
    rest.ask("GET", "Recordings", &[], 200).await;
    rest.ask("GET", &format!("Recordings/{recording}"), &[], 200).await;
    wav(rest, &recording).await;
    rest.ask("DELETE", &path, &[], 204).await;
    rest.ask("GET", &one, &[], 200).await;
    rest.ask("DELETE", &one, &[], 204).await;
    rest.ask("GET", &one, &[], 404).await;
}

/// Five seconds of two channels, for anybody who knows the address.
async fn wav(rest: &Inspector, recording: &str) {
    for suffix in ["", ".wav"] {
        let path = format!("/2010-04-01/Accounts/{ACCOUNT}/Recordings/{recording}{suffix}");
        let response = rest.twilio.client.get(rest.twilio.url(&path)).send().await.unwrap();
        assert_eq!(response.headers()["content-type"], "audio/x-wav");
        let sound = response.bytes().await.unwrap();
        assert_eq!((&sound[..4], &sound[8..12]), (&b"RIFF"[..], &b"WAVE"[..]));
        let word = |at: usize| u32::from_le_bytes(sound[at..at + 4].try_into().unwrap());
        assert_eq!((word(24), word(28), word(40)), (8_000, 32_000, 5 * 32_000));
        assert_eq!(sound.len(), 44 + 5 * 32_000);
        assert!(sound[44..].iter().all(|b| *b == 0));
    }
}

async fn conferences(rest: &mut Inspector) {
    let add = |to| [("From", NUMBER), ("To", to), ("ConferenceRecord", "true"), ("Label", to)];
    let by_name = "Conferences/room/Participants";
    let first = rest.ask("POST", by_name, &add(AGENT), 201).await;
    rest.seen.remove("POST Conferences/room/Participants");
    let room = first["conference_sid"].as_str().unwrap().to_owned();
    let members = format!("Conferences/{room}/Participants");
    rest.ask("POST", &members, &add(CUSTOMER), 201).await;
    let second = rest.ask("POST", &members, &add(SECOND), 201).await;
    rest.ask("POST", &members, &add(SECOND), 400).await;
    rest.twilio.emulator.advance(5_000).await;
    rest.ask("GET", "Conferences?Status=in-progress", &[], 200).await;
    rest.ask("GET", &format!("Conferences/{room}"), &[], 200).await;
    rest.ask("GET", &members, &[], 200).await;
    let member = format!("{members}/{}", second["call_sid"].as_str().unwrap());
    rest.ask("GET", &member, &[], 200).await;
    let held = rest.ask("POST", &member, &[("Hold", "true"), ("Muted", "true")], 200).await;
    assert_eq!((held["hold"].as_bool(), held["muted"].as_bool()), (Some(true), Some(true)));
    rest.ask("DELETE", &member, &[], 204).await;
    rest.ask("GET", &member, &[], 404).await;
    let recordings = format!("Conferences/{room}/Recordings");
    let list = rest.ask("GET", &recordings, &[], 200).await;
    let path = format!("{recordings}/{}", sid(&list["recordings"][0]));
    rest.ask("GET", &path, &[], 200).await;
    rest.ask("POST", &path, &[("Status", "stopped")], 200).await;
    rest.ask("POST", &format!("Conferences/{room}"), &[("Status", "completed")], 200).await;
    rest.ask("GET", &format!("Conferences/{room}"), &[], 200).await;
    rest.twilio.emulator.advance(5_000).await;
    rest.ask("DELETE", &path, &[], 204).await;
    let rest_of_them = rest.ask("GET", "Recordings", &[], 200).await;
    let one = sid(&rest_of_them["recordings"][0]);
    rest.ask("DELETE", &format!("Recordings/{one}"), &[], 204).await;
}
