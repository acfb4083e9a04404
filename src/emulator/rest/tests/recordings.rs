//! Recordings of calls and conferences, on virtual time.

use serde_json::Value;

use super::super::super::engine::tests::{ACCOUNT, AGENT, CUSTOMER, NUMBER, World};
use super::code;

const STATUS: &str = "http://app/recorded";

/// A live call, and its recording started by REST.
fn recorded() -> (World, String, String) {
    let mut world = World::new();
    world.twiml("/start", "<Pause length=\"600\"/>");
    let call = world.call(AGENT);
    world.pass(5_000);
    let form = [
        ("RecordingStatusCallback", STATUS),
        ("RecordingStatusCallbackEvent", "in-progress completed"),
        ("RecordingChannels", "dual"),
    ];
    let body = world.rest("POST", &format!("Calls/{call}/Recordings"), &form).body.unwrap();
    assert_eq!((body["status"].as_str(), body["channels"].as_u64()), (Some("in-progress"), Some(2)));
    assert_eq!(body["source"].as_str(), Some("StartCallRecordingAPI"));
    let recording = body["sid"].as_str().unwrap().to_owned();
    (world, call, recording)
}

fn statuses(world: &World) -> Vec<String> {
    let status = |r: &&super::super::super::engine::HttpRequest| {
        r.params.iter().find(|(name, _)| name == "RecordingStatus").unwrap().1.clone()
    };
    world.requests("/recorded").iter().map(status).collect()
}

#[test]
fn a_recording_ends_with_its_call_and_reports_its_length() {
    let (mut world, call, recording) = recorded();
    world.pass(30_000);
    world.rest("POST", &format!("Calls/{call}"), &[("Status", "completed")]);
    assert_eq!(world.params("/status")["RecordingSid"], recording);
    world.pass(5_000);
    assert_eq!(statuses(&world), ["in-progress", "completed"]);
    let params = world.params("/recorded");
    assert_eq!((params["RecordingDuration"].as_str(), params["CallSid"].as_str()), ("30", call.as_str()));
    let url = format!("https://api.twilio.com/2010-04-01/Accounts/{ACCOUNT}/Recordings/{recording}");
    assert_eq!(params["RecordingUrl"], url);
    let body = world.rest("GET", &format!("Recordings/{recording}"), &[]).body.unwrap();
    assert_eq!((body["duration"].as_str(), body["status"].as_str()), (Some("30"), Some("completed")));
}

#[test]
fn a_pause_leaves_silence_unless_it_is_skipped() {
    for (behaviour, expected) in [("silence", "30"), ("skip", "20")] {
        let (mut world, call, recording) = recorded();
        let path = format!("Calls/{call}/Recordings/Twilio.CURRENT");
        world.pass(10_000);
        let paused = world.rest("POST", &path, &[("Status", "paused"), ("PauseBehavior", behaviour)]);
        assert_eq!(paused.body.unwrap()["status"].as_str(), Some("paused"));
        world.pass(10_000);
        assert_eq!(world.rest("POST", &path, &[("Status", "in-progress")]).status, 200);
        world.pass(10_000);
        let stopped = world.rest("POST", &path, &[("Status", "stopped")]).body.unwrap();
        assert_eq!((stopped["status"].as_str(), &stopped["duration"]), (Some("stopped"), &Value::Null));
        world.pass(2_000);
        let path = format!("Calls/{call}/Recordings/{recording}");
        let body = world.rest("GET", &path, &[]).body.unwrap();
        assert_eq!(body["duration"].as_str(), Some(expected), "{behaviour}");
        assert_eq!(code(&mut world, "POST", &path, &[("Status", "paused")]), (400, 21220));
    }
}

#[test]
fn only_a_live_call_is_recorded_and_only_a_finished_recording_deleted() {
    let (mut world, call, recording) = recorded();
    let path = format!("Calls/{call}/Recordings");
    let one = format!("{path}/{recording}");
    assert_eq!(code(&mut world, "DELETE", &one, &[]), (400, 20009));
    assert_eq!(code(&mut world, "POST", &one, &[("Status", "loud")]), (400, 20422));
    assert_eq!(code(&mut world, "POST", &path, &[("RecordingTrack", "left")]), (400, 20422));
    world.rest("POST", &format!("Calls/{call}"), &[("Status", "completed")]);
    world.pass(2_000);
    assert_eq!(code(&mut world, "POST", &path, &[]), (400, 21220));
    assert_eq!(world.rest("DELETE", &one, &[]).status, 204);
    assert_eq!(code(&mut world, "GET", &one, &[]), (404, 20404));
    assert_eq!(code(&mut world, "GET", &format!("Recordings/{recording}"), &[]), (404, 20404));
}

#[test]
fn a_create_records_from_the_answer_on() {
    let mut world = World::new();
    let form = [
        ("To", AGENT),
        ("From", NUMBER),
        ("Twiml", "<Response><Pause length=\"8\"/></Response>"),
        ("Record", "true"),
        ("RecordingStatusCallback", STATUS),
    ];
    assert_eq!(world.rest("POST", "Calls", &form).status, 201);
    world.pass(20_000);
    assert_eq!(statuses(&world), ["completed"]);
    let params = world.params("/recorded");
    assert_eq!(
        (params["RecordingSource"].as_str(), params["RecordingDuration"].as_str()),
        ("OutboundAPI", "8")
    );
}

#[test]
fn a_conference_is_recorded_from_its_start_to_its_end() {
    let mut world = World::new();
    let callback = ("ConferenceRecordingStatusCallback", STATUS);
    for (to, more) in [(AGENT, vec![("ConferenceRecord", "true"), callback]), (CUSTOMER, vec![])] {
        let mut form = vec![("From", NUMBER), ("To", to)];
        form.extend(more);
        assert_eq!(world.rest("POST", "Conferences/room/Participants", &form).status, 201);
        world.pass(5_000);
    }
    world.pass(10_000);
    let rooms = world.rest("GET", "Conferences", &[]).body.unwrap();
    let room = rooms["conferences"][0]["sid"].as_str().unwrap().to_owned();
    let list = world.rest("GET", &format!("Conferences/{room}/Recordings"), &[]).body.unwrap();
    let recording = &list["recordings"][0];
    assert_eq!((recording["status"].as_str(), &recording["call_sid"]), (Some("in-progress"), &Value::Null));
    world.rest("POST", &format!("Conferences/{room}"), &[("Status", "completed")]);
    world.pass(2_000);
    let params = world.params("/recorded");
    assert_eq!(
        (params["ConferenceSid"].as_str(), params["RecordingSource"].as_str()),
        (room.as_str(), "Conference")
    );
    assert!(params["RecordingDuration"].parse::<u64>().unwrap() >= 10);
    let filtered = world.rest("GET", "Recordings", &[("ConferenceSid", &room)]).body.unwrap();
    assert_eq!(filtered["recordings"].as_array().unwrap().len(), 1);
    let none = world.rest("GET", "Recordings", &[("DateCreated<", "2020-01-01")]).body.unwrap();
    assert!(none["recordings"].as_array().unwrap().is_empty());
}
