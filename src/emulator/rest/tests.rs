//! Tables over the pure REST layer: codes, fields, lists.

mod checks;
mod recordings;

use serde_json::Value;

use super::super::engine::people::VoiceSettings;
use super::super::engine::tests::{ACCOUNT, AGENT, CUSTOMER, NUMBER, World};
use super::super::engine::{Behaviour, UnownedFrom};

fn code(world: &mut World, method: &str, path: &str, form: &[(&str, &str)]) -> (u16, u64) {
    let answer = world.rest(method, path, form);
    let code = answer.body.as_ref().and_then(|b| b["code"].as_u64()).unwrap_or_default();
    (answer.status, code)
}

#[test]
fn a_create_is_refused_with_twilios_codes() {
    let url = ("Url", "http://app/start");
    for (form, expected) in [
        (vec![("From", NUMBER), url], 21201),
        (vec![("To", AGENT), url], 21213),
        (vec![("To", AGENT), ("From", NUMBER)], 21205),
        (vec![("To", AGENT), ("From", NUMBER), ("Url", "/relative")], 21205),
        (vec![("To", "12"), ("From", NUMBER), url], 21211),
        (vec![("To", NUMBER), ("From", NUMBER), url], 21211),
        (vec![("To", AGENT), ("From", "client:dana"), url], 21212),
        (vec![("To", AGENT), ("From", NUMBER), url, ("Timeout", "-1")], 21208),
        (vec![("To", AGENT), ("From", NUMBER), url, ("Method", "PUT")], 21209),
        (vec![("To", AGENT), ("From", NUMBER), url, ("SendDigits", "1x")], 21206),
        (vec![("To", AGENT), ("From", NUMBER), url, ("StatusCallback", "http://a_b/x")], 21502),
    ] {
        assert_eq!(code(&mut World::new(), "POST", "Calls", &form), (400, expected), "{form:?}");
    }
}

#[test]
fn a_create_normalises_numbers_and_ignores_unknown_parameters() {
    let mut world = World::new();
    let form = [("To", "(415) 555-0123"), ("From", NUMBER), ("Url", "http://app/start"), ("Wibble", "1")];
    let body = world.rest("POST", "Calls", &form).body.unwrap();
    assert_eq!(
        (body["to"].as_str(), body["to_formatted"].as_str()),
        (Some("+14155550123"), Some("(415) 555-0123"))
    );
    assert_eq!((body["status"].as_str(), body["direction"].as_str()), (Some("queued"), Some("outbound-api")));
    assert_eq!((body["queue_time"].as_str(), &body["start_time"]), (Some("0"), &Value::Null));
    assert!(body["date_created"].as_str().unwrap().ends_with(" +0000"));
    assert_eq!(body.as_object().unwrap().len(), 26);
}

#[test]
fn any_text_may_be_the_from_of_a_call_to_a_client() {
    let mut world = World::new();
    let form = [("To", "client:dana"), ("From", "+1aé\u{feff}bcde"), ("Url", "http://app/start")];
    let body = world.rest("POST", "Calls", &form).body.unwrap();
    assert_eq!(body["from_formatted"].as_str(), Some("+1aé\u{feff}bcde"));
}

#[test]
fn a_from_that_is_not_ours_is_refused_when_the_switch_says_so() {
    let mut world = World::new();
    world.engine.switches.unowned_from = UnownedFrom::Refused;
    let form = [("To", AGENT), ("From", NUMBER), ("Twiml", "<Response/>")];
    assert_eq!(code(&mut world, "POST", "Calls", &form), (400, 21210));
    let ours = VoiceSettings::default();
    world.engine.numbers.insert(NUMBER.into(), ours);
    assert_eq!(world.rest("POST", "Calls", &form).status, 201);
}

#[test]
fn what_is_not_there_is_20404_and_what_cannot_be_done_20004() {
    let mut world = World::new();
    let call = "Calls/CA00000000000000000000000000000009";
    let room = "Conferences/CF00000000000000000000000000000009";
    for (method, path, expected) in [
        ("GET", call.to_owned(), (404, 20404)),
        ("POST", call.to_owned(), (404, 20404)),
        ("GET", room.to_owned(), (404, 20404)),
        ("GET", format!("{room}/Participants"), (404, 20404)),
        ("GET", "Conferences/a-name/Participants/x".to_owned(), (404, 20404)),
        ("GET", "Wombats".to_owned(), (404, 20404)),
        ("DELETE", "Conferences".to_owned(), (405, 20004)),
    ] {
        assert_eq!(code(&mut world, method, &path, &[]), expected, "{method} {path}");
    }
}

#[test]
fn a_call_is_deleted_only_when_it_is_over() {
    let mut world = World::new();
    world.twiml("/start", "");
    let sid = world.call(AGENT);
    let path = format!("Calls/{sid}");
    assert_eq!(code(&mut world, "DELETE", &path, &[]), (400, 20009));
    world.pass(5_000);
    assert_eq!(world.rest("DELETE", &path, &[]).status, 204);
    assert_eq!(code(&mut world, "GET", &path, &[]), (404, 20404));
}

#[test]
fn a_finished_call_has_its_times_and_duration() {
    let mut world = World::new();
    world.twiml("/start", "<Pause length=\"12\"/>");
    let sid = world.call(AGENT);
    world.pass(30_000);
    let body = world.rest("GET", &format!("Calls/{sid}"), &[]).body.unwrap();
    assert_eq!((body["status"].as_str(), body["duration"].as_str()), (Some("completed"), Some("12")));
    assert!(body["start_time"].is_string() && body["end_time"].is_string());
}

fn sids(world: &mut World, path: &str, query: &[(&str, &str)]) -> Vec<String> {
    let body = world.rest("GET", path, query).body.unwrap();
    let list = body[path.to_ascii_lowercase()].as_array().unwrap().clone();
    list.iter().map(|c| c["sid"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn lists_are_filtered() {
    let mut world = World::bridged();
    let (agent, customer) = (world.sid(AGENT), world.sid(CUSTOMER));
    for (query, expected) in [
        (vec![], vec![customer.clone(), agent.clone()]),
        (vec![("To", CUSTOMER)], vec![customer.clone()]),
        (vec![("ParentCallSid", agent.as_str())], vec![customer.clone()]),
        (vec![("Status", "in-progress"), ("From", NUMBER)], vec![customer.clone(), agent.clone()]),
        (vec![("Status", "completed")], vec![]),
        (vec![("StartTime>", "2025-06-01")], vec![customer.clone(), agent.clone()]),
        (vec![("StartTime<", "2025-06-01")], vec![]),
        (vec![("StartTime", "2025-06-15")], vec![customer.clone(), agent.clone()]),
    ] {
        assert_eq!(sids(&mut world, "Calls", &query), expected, "{query:?}");
    }
}

#[test]
fn pages_follow_each_other_by_their_links() {
    let mut world = World::new();
    world.phone(AGENT, Behaviour::Manual);
    let mut made: Vec<String> = (0..5).map(|_| world.call(AGENT)).collect();
    made.reverse();
    let mut seen = Vec::new();
    let mut query = vec![("PageSize".to_owned(), "2".to_owned())];
    for page in 0..3 {
        let pairs: Vec<(&str, &str)> = query.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
        let body = world.rest("GET", "Calls", &pairs).body.unwrap();
        assert_eq!(body["page"].as_u64(), Some(page));
        seen.extend(body["calls"].as_array().unwrap().iter().map(|c| c["sid"].as_str().unwrap().to_owned()));
        let Some(next) = body["next_page_uri"].as_str() else { break };
        assert!(next.starts_with(&format!("/2010-04-01/Accounts/{ACCOUNT}/Calls.json?")), "{next}");
        let text = next.split_once('?').unwrap().1;
        query = url::form_urlencoded::parse(text.as_bytes()).into_owned().collect();
    }
    assert_eq!(seen, made);
    assert_eq!(code(&mut world, "GET", "Calls", &[("PageSize", "1001")]), (400, 20007));
}
