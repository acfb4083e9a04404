//! Tables of what creates refuse, warn of and keep; the queue of calls.

use super::super::super::engine::EventKind;
use super::super::super::engine::pace::Pace;
use super::super::super::engine::people::VoiceSettings;
use super::super::super::engine::tests::{AGENT, CUSTOMER, NUMBER, World};
use super::code;

const CALL: [(&str, &str); 3] = [("To", AGENT), ("From", NUMBER), ("Twiml", "<Response/>")];

#[test]
fn optional_parameters_of_a_call_are_checked() {
    for (name, value, expected) in [
        ("MachineDetection", "Maybe", 21234),
        ("MachineDetectionTimeout", "61", 21234),
        ("MachineDetectionSpeechThreshold", "999", 21234),
        ("MachineDetectionSpeechEndThreshold", "5001", 21234),
        ("MachineDetectionSilenceTimeout", "soon", 21234),
        ("AsyncAmd", "perhaps", 21234),
        ("AsyncAmdStatusCallback", "nowhere", 21502),
        ("RecordingStatusCallback", "nowhere", 21502),
        ("RecordingChannels", "five", 20422),
        ("Trim", "hedge", 20422),
        ("ApplicationSid", "AP00000000000000000000000000000001", 21218),
        ("FallbackMethod", "GET", 0),
        ("SendDigits", "ww123#", 0),
    ] {
        let mut form = CALL.to_vec();
        form.push((name, value));
        let (status, got) = code(&mut World::new(), "POST", "Calls", &form);
        assert_eq!((status, got), if expected == 0 { (201, 0) } else { (400, expected) }, "{name}={value}");
    }
}

#[test]
fn optional_parameters_of_a_participant_are_checked() {
    let long = "x".repeat(129);
    for (name, value, expected) in [
        ("Record", "record-from-answer", 20422),
        ("Beep", "loud", 20422),
        ("Region", "moon", 20422),
        ("JitterBufferSize", "huge", 20422),
        ("MaxParticipants", "1", 20422),
        ("MaxParticipants", "251", 20422),
        ("ConferenceRecord", "sometimes", 20422),
        ("ConferenceTrim", "hedge", 20422),
        ("Label", &long, 16002),
        ("Timeout", "0", 21208),
        ("MachineDetection", "Maybe", 21234),
        ("ConferenceRecordingStatusCallback", "nowhere", 21502),
        ("WaitMethod", "PUT", 0),
    ] {
        let form = [("To", AGENT), ("From", NUMBER), (name, value)];
        let (status, got) = code(&mut World::new(), "POST", "Conferences/room/Participants", &form);
        assert_eq!((status, got), if expected == 0 { (201, 0) } else { (400, expected) }, "{name}={value}");
    }
}

fn warnings(world: &World) -> Vec<String> {
    let warnings = world.engine.timeline().iter().filter(|e| e.kind == EventKind::TwimlWarning);
    warnings.map(|e| e.data["code"].clone()).collect()
}

#[test]
fn what_is_only_a_warning_is_warned_of_and_what_is_kept_is_kept() {
    let mut world = World::new();
    let mut form = CALL.to_vec();
    form.extend([("AsyncAmd", "true"), ("MachineDetection", "Enable"), ("Wibble", "1")]);
    form.extend([("CallToken", "token-1"), ("MachineDetectionTimeout", "20")]);
    assert_eq!(world.rest("POST", "Calls", &form).status, 201);
    assert_eq!(warnings(&world), ["21262", "20001"]);
    let given = &world.leg(AGENT).given;
    assert_eq!(
        (given["MachineDetection"].as_str(), given["MachineDetectionTimeout"].as_str()),
        ("Enable", "20")
    );
    let mut world = World::new();
    let form = [("To", AGENT), ("From", NUMBER), ("AsyncAmd", "false"), ("MachineDetection", "Enable")];
    world.rest("POST", "Conferences/room/Participants", &form);
    assert_eq!(warnings(&world), ["21263"]);
}

#[test]
fn keys_to_be_sent_switch_machine_detection_off() {
    let mut world = World::new();
    let mut form = CALL.to_vec();
    form.extend([("SendDigits", "1"), ("MachineDetection", "Maybe")]);
    assert_eq!(world.rest("POST", "Calls", &form).status, 201);
    assert!(!world.leg(AGENT).given.contains_key("MachineDetection"));
}

#[test]
fn calls_and_participants_leave_their_queues_one_a_second() {
    let mut world = World::new();
    world.engine.pace = Pace::new(Some(1.0));
    let waits = |world: &mut World, path: &str, form: &[(&str, &str)]| -> Vec<String> {
        let wait =
            |_| world.rest("POST", path, form).body.unwrap()["queue_time"].as_str().unwrap().to_owned();
        (0..3).map(wait).collect()
    };
    assert_eq!(waits(&mut world, "Calls", &CALL), ["0", "1000", "2000"]);
    let form = [("To", CUSTOMER), ("From", NUMBER)];
    assert_eq!(waits(&mut world, "Conferences/room/Participants", &form), ["0", "1000", "2000"]);
    world.pass(500);
    let queued = |world: &mut World| {
        let list = world.rest("GET", "Calls", &[("Status", "queued")]).body.unwrap();
        list["calls"].as_array().unwrap().len()
    };
    assert_eq!(queued(&mut world), 4);
    world.pass(2_000);
    assert_eq!(queued(&mut world), 0);
}

#[test]
fn a_queue_of_a_day_is_full() {
    let mut world = World::new();
    world.engine.pace = Pace::new(Some(1.0 / 3600.0));
    for _ in 0..26 {
        let answer = code(&mut world, "POST", "Calls", &CALL);
        if answer != (201, 0) {
            assert_eq!(answer, (400, 22005));
            return;
        }
    }
    panic!("the queue never fills");
}

#[test]
fn numbers_are_listed_read_and_pointed_elsewhere() {
    let mut world = World::new();
    world.engine.numbers.insert(NUMBER.into(), VoiceSettings::default());
    for (kind, plural) in
        [("IncomingPhoneNumbers", "incoming_phone_numbers"), ("OutgoingCallerIds", "outgoing_caller_ids")]
    {
        let list = world.rest("GET", kind, &[("PhoneNumber", NUMBER)]).body.unwrap();
        let sid = list[plural][0]["sid"].as_str().unwrap().to_owned();
        let body = world.rest("GET", &format!("{kind}/{sid}"), &[]).body.unwrap();
        assert_eq!(body["phone_number"].as_str(), Some(NUMBER));
        let other = format!("{kind}/PN00000000000000000000000000000009");
        assert_eq!(code(&mut world, "GET", &other, &[]), (404, 20404));
        assert_eq!(code(&mut world, "DELETE", &format!("{kind}/{sid}"), &[]), (405, 20004));
        if kind == "IncomingPhoneNumbers" {
            let form = [("VoiceUrl", "http://app/voice"), ("VoiceMethod", "GET")];
            let body = world.rest("POST", &format!("{kind}/{sid}"), &form).body.unwrap();
            assert_eq!(
                (body["voice_url"].as_str(), body["voice_method"].as_str()),
                (Some(form[0].1), Some("GET"))
            );
        }
    }
}
