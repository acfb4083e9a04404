//! Section `<Dial>`: endings, statuses, limits, whispers, several nouns.

use super::*;

#[test]
fn a_child_that_is_not_reached_gives_its_status_to_the_action() {
    for (behaviour, status, sip) in [
        (Behaviour::Busy, "busy", "486"),
        (Behaviour::NoAnswer, "no-answer", "487"),
        (Behaviour::Decline, "no-answer", "603"),
        (Behaviour::Unreachable, "failed", "404"),
    ] {
        let mut world = World::new();
        world.phone(CUSTOMER, behaviour);
        world.dialled("action=\"/action\" timeout=\"20\"");
        world.pass(30_000);
        let params = world.params("/action");
        assert_eq!((params["DialCallStatus"].as_str(), params["DialBridged"].as_str()), (status, "false"));
        assert!(!params.contains_key("DialCallDuration"));
        let child = world.params("/child");
        assert_eq!((child["CallStatus"].as_str(), child["SipResponseCode"].as_str()), (status, sip));
    }
}

#[test]
fn a_dial_rings_five_seconds_longer_than_its_timeout() {
    let mut world = World::new();
    world.phone(CUSTOMER, Behaviour::NoAnswer);
    world.dialled("action=\"/action\" timeout=\"10\"");
    world.pass(60_000);
    let of = |kind| world.engine.timeline().iter().rev().find(|e| e.kind == kind).unwrap().at_ms;
    assert_eq!(of(EventKind::NoAnswer) - of(EventKind::Ringing), 15_000);
}

#[test]
fn a_ringing_child_is_cancelled_by_completed_and_left_alone_by_canceled() {
    let mut world = World::new();
    world.phone(CUSTOMER, Behaviour::Manual);
    world.dialled("action=\"/action\" timeout=\"60\"");
    let sid = world.sid(CUSTOMER);
    assert_eq!(world.rest("POST", &format!("Calls/{sid}"), &[("Status", "canceled")]).status, 200);
    assert_eq!(world.status(CUSTOMER), "ringing");
    world.rest("POST", &format!("Calls/{sid}"), &[("Status", "completed")]);
    assert_eq!(world.params("/action")["DialCallStatus"], "canceled");
    assert_eq!(world.status(AGENT), "in-progress");
}

#[test]
fn the_parent_hears_ringing_until_the_bridge() {
    let mut world = World::new();
    world.phone(CUSTOMER, Behaviour::Manual);
    world.dialled("");
    assert_eq!(world.hears(AGENT), [Heard::Ringing]);
    world.engine.person_answers(CUSTOMER, None).unwrap();
    assert_eq!(world.hears_whom(AGENT), [CUSTOMER]);
}

#[test]
fn the_first_to_answer_wins_and_the_others_are_cancelled() {
    let mut world = World::new();
    world.phone(CUSTOMER, Behaviour::Manual).phone(SECOND, Behaviour::Answer);
    world.twiml(
        "/start",
        &format!("<Dial action=\"/action\"><Number>{CUSTOMER}</Number><Number>{SECOND}</Number></Dial>"),
    );
    world.call(AGENT);
    world.pass(10_000);
    assert_eq!(world.hears_whom(AGENT), [SECOND]);
    assert_eq!(world.status(CUSTOMER), "canceled");
    assert!(!world.asked("/action"));
}

#[test]
fn the_last_noun_to_fail_ends_the_dial() {
    let mut world = World::new();
    world.phone(CUSTOMER, Behaviour::NoAnswer).phone(SECOND, Behaviour::Busy);
    world.twiml("/start", &format!("<Dial action=\"/action\" timeout=\"5\"><Number>{CUSTOMER}</Number><Number>{SECOND}</Number></Dial>"));
    world.call(AGENT);
    world.pass(5_000);
    assert!(!world.asked("/action"), "one still rings");
    world.pass(10_000);
    assert_eq!(world.params("/action")["DialCallStatus"], "no-answer");
}

#[test]
fn a_time_limit_ends_the_child_and_the_parent_goes_on() {
    let mut world = World::bridged_with("action=\"/action\" timeLimit=\"30\"");
    world.pass(60_000);
    assert_eq!(world.status(CUSTOMER), "completed");
    let params = world.params("/action");
    assert_eq!((params["DialCallStatus"].as_str(), params["DialCallDuration"].as_str()), ("completed", "30"));
}

#[test]
fn star_hangs_up_the_child_only_when_the_document_says_so() {
    for (dial, ends) in [("hangupOnStar=\"true\"", true), ("", false)] {
        let mut world = World::bridged_with(&format!("action=\"/action\" {dial}"));
        world.engine.person_presses(AGENT, None, "*").unwrap();
        world.pass(100);
        assert_eq!(world.asked("/action"), ends);
        assert_eq!(world.status(CUSTOMER) == "completed", ends);
    }
}

#[test]
fn a_whisper_runs_on_the_child_before_the_bridge() {
    let mut world = World::new();
    world.twiml(
        "/whisper",
        "<Gather numDigits=\"1\" action=\"/accepted\"><Say loop=\"0\">press one</Say></Gather>",
    );
    world.twiml("/accepted", "");
    world.twiml(
        "/start",
        &format!("<Dial answerOnBridge=\"true\"><Number url=\"/whisper\">{CUSTOMER}</Number></Dial>"),
    );
    world.call(AGENT);
    world.pass(5_000);
    assert_eq!(world.hears_whom(CUSTOMER), ["\"press one\""]);
    assert_eq!(world.hears(AGENT), [Heard::Ringing]);
    world.engine.person_presses(CUSTOMER, None, "1").unwrap();
    world.pass(1_000);
    assert_eq!(world.hears_whom(AGENT), [CUSTOMER]);
}

#[test]
fn a_refused_whisper_is_told_by_dial_bridged() {
    let mut world = World::new();
    world.twiml("/whisper", "<Hangup/>");
    world.twiml(
        "/start",
        &format!("<Dial action=\"/action\"><Number url=\"/whisper\">{CUSTOMER}</Number></Dial>"),
    );
    world.call(AGENT);
    world.pass(5_000);
    let params = world.params("/action");
    assert_eq!((params["DialCallStatus"].as_str(), params["DialBridged"].as_str()), ("completed", "false"));
}

#[test]
fn a_dial_inside_a_whisper_is_refused() {
    let mut world = World::new();
    world.twiml("/whisper", &format!("<Dial>{SECOND}</Dial>"));
    world.twiml("/start", &format!("<Dial><Number url=\"/whisper\">{CUSTOMER}</Number></Dial>"));
    world.call(AGENT);
    world.pass(5_000);
    let error = world.engine.timeline().iter().find(|e| e.kind == EventKind::TwimlError).unwrap();
    assert_eq!(error.data["code"], "13201");
}

#[test]
fn an_inbound_parent_is_answered_on_the_bridge_when_it_says_so() {
    let mut world = World::new();
    let voice = http::Link { url: "http://app/start".into(), method: Method::Post };
    world
        .engine
        .numbers
        .insert(NUMBER.into(), people::VoiceSettings { voice: Some(voice), ..Default::default() });
    world.phone(CUSTOMER, Behaviour::Manual);
    world.twiml("/start", &format!("<Dial answerOnBridge=\"true\">{CUSTOMER}</Dial>"));
    world.engine.person_rings(AGENT, NUMBER).unwrap();
    world.pass(3_000);
    assert_eq!(world.status(AGENT), "ringing");
    world.engine.person_answers(CUSTOMER, None).unwrap();
    assert_eq!(world.status(AGENT), "in-progress");
    assert_eq!(world.hears_whom(CUSTOMER), [AGENT]);
}

#[test]
fn a_mailbox_is_no_person() {
    let mut world = World::new();
    world.phone(CUSTOMER, Behaviour::Voicemail);
    world.dialled("timeout=\"60\"");
    world.pass(8_000);
    assert!(matches!(world.hears(AGENT).as_slice(), [Heard::Speech { .. }]));
    world.pass(10_000);
    assert!(world.hears(AGENT).is_empty(), "it listens");
}
