//! Any bytes as REST requests: every answer is one that Twilio's libraries can read, never a 5xx, and nothing panics.
//!
//! Each line is a request: its first byte picks the endpoint, the rest is the form, URL-encoded.
#![no_main]

use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use warm_transfer_fuzz::{CALLED, NUMBER, World, answer};

/// Method and path; `*` stands for the newest SID of that kind.
const ENDPOINTS: [(&str, &str); 22] = [
    ("POST", "Calls"),
    ("POST", "Calls/CA*"),
    ("POST", "Conferences/room/Participants"),
    ("POST", "Conferences/CF*/Participants"),
    ("POST", "Conferences/CF*/Participants/CA*"),
    ("POST", "Conferences/CF*"),
    ("POST", "Calls/CA*/Recordings"),
    ("POST", "Calls/CA*/Recordings/RE*"),
    ("POST", "Conferences/CF*/Recordings/RE*"),
    ("POST", "IncomingPhoneNumbers/PN0000000000000000000000039edbb220"),
    ("GET", "Calls"),
    ("GET", "Conferences"),
    ("GET", "Conferences/CF*/Participants"),
    ("GET", "Recordings"),
    ("GET", "Calls/CA*/Recordings"),
    ("GET", "IncomingPhoneNumbers"),
    ("GET", "OutgoingCallerIds"),
    ("GET", "Calls/CA*"),
    ("DELETE", "Conferences/CF*/Participants/CA*"),
    ("DELETE", "Calls/CA*"),
    ("DELETE", "Recordings/RE*"),
    ("PATCH", "Calls/CA*"),
];
const ROOM: &[u8] = b"<Response><Dial><Conference statusCallback=\"/events\" statusCallbackEvent=\"start end join leave\">room</Conference></Dial></Response>";
/// So many requests of one input are made.
const MAX_REQUESTS: usize = 40;

fuzz_target!(|data: &[u8]| {
    let mut world = World::new();
    for address in [NUMBER, "app:AP00000000000000000000000000000001"] {
        world.engine.set_voice_url(address, "http://app/room").expect("a constant");
    }
    // Somebody is in a room already, being recorded.
    let mut newest = Newest::default();
    for line in [
        format!("aTo=%2B{}&From=%2B{}&Url=http://app/room&Record=true", &CALLED[1..], &NUMBER[1..]),
        format!("cTo=%2B15550100002&From=%2B{}&Label=second&ConferenceRecord=true", &NUMBER[1..]),
    ] {
        request(&mut world, &mut newest, line.as_bytes());
        pass(&mut world, 5_000);
    }
    for line in data.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).take(MAX_REQUESTS) {
        request(&mut world, &mut newest, line);
        pass(&mut world, 2_000);
    }
    pass(&mut world, 60_000);
});

fn pass(world: &mut World, ms: u64) {
    let until_ms = world.engine.now_ms() + ms;
    world.pass(until_ms, |_| answer("text/xml", ROOM));
}

/// The newest SIDs that an answer named.
#[derive(Default)]
struct Newest {
    call: String,
    conference: String,
    recording: String,
}

impl Newest {
    fn learn(&mut self, body: &Value) {
        for (field, keep) in [("call_sid", &mut self.call), ("conference_sid", &mut self.conference)] {
            keep_sid(&body[field], keep);
        }
        let sid = &body["sid"];
        match sid.as_str().unwrap_or_default().get(..2) {
            Some("CA") => keep_sid(sid, &mut self.call),
            Some("CF") => keep_sid(sid, &mut self.conference),
            Some("RE") => keep_sid(sid, &mut self.recording),
            _ => {}
        }
    }

    fn path(&self, path: &str) -> String {
        let path = path.replace("CA*", &self.call).replace("CF*", &self.conference);
        format!("{}.json", path.replace("RE*", &self.recording))
    }
}

fn keep_sid(value: &Value, keep: &mut String) {
    if let Some(sid) = value.as_str() {
        sid.clone_into(keep);
    }
}

fn request(world: &mut World, newest: &mut Newest, line: &[u8]) {
    let Some((first, form)) = line.split_first() else { return };
    let (method, path) = ENDPOINTS[usize::from(first.wrapping_sub(b'a')) % ENDPOINTS.len()];
    let pairs = url::form_urlencoded::parse(form).into_owned().collect();
    let (status, body) = world.rest(method, &newest.path(path), pairs);
    check(method, path, status, body.as_ref());
    if let Some(body) = body {
        newest.learn(&body);
    }
}

/// What every client relies on: <https://www.twilio.com/docs/usage/twilios-response>.
fn check(method: &str, path: &str, status: u16, body: Option<&Value>) {
    let what = format!("{method} {path}: {status} {body:?}");
    match (status, body) {
        (204, None) => assert_eq!(method, "DELETE", "{what}"),
        (200 | 201, Some(body)) => check_resource(method, path, body, &what),
        (400..=499, Some(body)) => {
            assert_eq!(body["status"].as_u64(), Some(u64::from(status)), "{what}");
            let code = body["code"].as_u64();
            assert!(code.is_some_and(|code| (10_001..=69_999).contains(&code)), "{what}");
            assert!(body["message"].as_str().is_some_and(|text| !text.is_empty()), "{what}");
            let more_info = code.map(|code| format!("https://www.twilio.com/docs/errors/{code}"));
            assert_eq!(body["more_info"].as_str(), more_info.as_deref(), "{what}");
        }
        _ => panic!("{what}"),
    }
}

fn check_resource(method: &str, path: &str, body: &Value, what: &str) {
    let account = "AC00000000000000000000000000000001";
    let is_list = method == "GET" && !path.ends_with('*');
    if is_list {
        assert!(body["page"].is_u64() && body["page_size"].is_u64(), "{what}");
        assert!(body["first_page_uri"].is_string() && body["uri"].is_string(), "{what}");
        let items = body.as_object().and_then(|body| body.values().find_map(Value::as_array));
        assert!(items.is_some_and(|items| items.iter().all(|item| item["account_sid"] == account)), "{what}");
    } else {
        assert_eq!(body["account_sid"], account, "{what}");
        let uri = body["uri"].as_str().unwrap_or_default();
        assert!(uri.starts_with(warm_transfer_fuzz::ROOT) && uri.ends_with(".json"), "{what}");
        let dated = ["date_created", "date_updated"].iter().all(|name| is_date(&body[name]));
        assert!(dated, "{what}");
    }
}

fn is_date(value: &Value) -> bool {
    value.as_str().is_some_and(|text| chrono::DateTime::parse_from_rfc2822(text).is_ok())
}
