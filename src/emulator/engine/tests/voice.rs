//! The rest of TwiML for voice: `<Record>`, `<Start>`, recording a `<Dial>`, tones, speech, sequential dialling, caller ids.

use super::*;

fn run(verbs: &str) -> World {
    let mut world = World::new();
    world.twiml("/start", verbs);
    world.call(AGENT);
    world.pass(2_000);
    world
}

fn codes(world: &World) -> Vec<u32> {
    world.engine.debugger().iter().map(|e| e.code).collect()
}

#[test]
fn a_record_beeps_listens_and_tells_its_action() {
    let mut world = run("<Record action=\"/recorded\" timeout=\"5\" recordingStatusCallback=\"/file\"/>");
    assert_eq!(world.hears(AGENT).len(), usize::from(world.hears(AGENT) == [Heard::Tone]));
    world.twiml("/recorded", "<Say loop=\"0\">thanks</Say>");
    world.pass(20_000);
    let params = world.params("/recorded");
    assert_eq!(params["RecordingDuration"], "8", "three seconds of speech, five of silence");
    assert!(params["RecordingUrl"].contains("/Recordings/RE"));
    assert_eq!(world.params("/file")["RecordingStatus"], "completed");
}

#[test]
fn a_key_or_the_longest_length_ends_a_record() {
    let mut world = run("<Record action=\"/recorded\" finishOnKey=\"#\" playBeep=\"false\"/>");
    world.engine.person_presses(AGENT, None, "1").unwrap();
    world.pass(100);
    assert!(!world.asked("/recorded"));
    world.engine.person_presses(AGENT, None, "#").unwrap();
    world.pass(100);
    assert_eq!(world.params("/recorded")["Digits"], "#");
    let mut world = run("<Record action=\"/recorded\" maxLength=\"2\" playBeep=\"false\"/>");
    world.pass(2_000);
    assert_eq!(world.params("/recorded")["RecordingDuration"], "2");
}

#[test]
fn a_record_without_an_action_asks_for_its_document_again_and_silence_goes_on() {
    let mut world = run("<Record maxLength=\"2\"/>");
    world.pass(20_000);
    assert!(world.requests("/start").len() > 2);
    let mut world = World::new();
    let silent = PhonePlan { speaks_ms: Some(0), ..PhonePlan::answer() };
    world.engine.set_phone(AGENT, vec![silent]).unwrap();
    world.twiml("/start", "<Record action=\"/recorded\"/><Say loop=\"0\">nothing</Say>");
    world.call(AGENT);
    world.pass(10_000);
    assert!(!world.asked("/recorded"));
    assert_eq!(world.hears_whom(AGENT), ["\"nothing\""]);
}

#[test]
fn a_caller_who_hangs_up_while_recording_is_told_to_the_action() {
    let mut world = run("<Record action=\"/recorded\"/>");
    world.pass(1_000);
    world.engine.person_hangs_up(AGENT, None).unwrap();
    world.pass(100);
    assert_eq!(world.params("/recorded")["Digits"], "hangup");
}

#[test]
fn a_recorded_dial_names_its_recording_in_the_action() {
    let mut world = World::bridged_with(
        "action=\"/action\" record=\"record-from-answer-dual\" recordingStatusCallback=\"/file\" recordingStatusCallbackEvent=\"in-progress completed\"",
    );
    assert_eq!(world.params("/file")["RecordingStatus"], "in-progress");
    world.engine.person_hangs_up(CUSTOMER, None).unwrap();
    world.pass(100);
    assert!(world.params("/action").contains_key("RecordingUrl"));
    world.pass(5_000);
    let file = world.params("/file");
    assert_eq!((file["RecordingStatus"].as_str(), file["RecordingChannels"].as_str()), ("completed", "2"));
    assert_eq!(file["RecordingSource"], "DialVerb");
}

#[test]
fn a_started_recording_outlives_its_document_until_it_is_stopped() {
    let mut world = World::new();
    world.twiml(
        "/start",
        "<Start><Recording recordingStatusCallback=\"http://app/file\"/></Start><Redirect>/two</Redirect>",
    );
    world.twiml("/two", "<Pause length=\"10\"/><Stop><Recording/></Stop><Say loop=\"0\">on</Say>");
    world.call(AGENT);
    world.pass(20_000);
    let file = world.params("/file");
    assert_eq!(file["RecordingSource"], "StartCallRecordingTwiML");
    assert_eq!(world.status(AGENT), "in-progress");
}

#[test]
fn a_conference_is_recorded_from_its_start() {
    let mut world = World::new();
    world.twiml("/start", "<Dial><Conference record=\"record-from-start\" recordingStatusCallback=\"/file\" recordingStatusCallbackEvent=\"in-progress completed\">r</Conference></Dial>");
    world.call(AGENT);
    world.pass(3_000);
    assert!(!world.asked("/file"), "a lone member is not recorded");
    world.call(CUSTOMER);
    world.pass(3_000);
    assert_eq!(world.params("/file")["RecordingStatus"], "in-progress");
    world.engine.person_hangs_up(AGENT, None).unwrap();
    world.engine.person_hangs_up(CUSTOMER, None).unwrap();
    world.pass(5_000);
    assert_eq!(world.params("/file")["RecordingStatus"], "completed");
}

#[test]
fn sequential_nouns_ring_one_after_the_other() {
    let mut world = World::new();
    world.phone(CUSTOMER, Behaviour::NoAnswer);
    world.twiml("/start", &format!("<Dial action=\"/action\" sequential=\"true\" timeout=\"10\"><Number>{CUSTOMER}</Number><Number>{SECOND}</Number></Dial>"));
    world.call(AGENT);
    world.pass(5_000);
    assert_eq!(world.status(CUSTOMER), "ringing");
    assert!(world.engine.calls.of(SECOND).is_empty());
    world.pass(20_000);
    assert_eq!(
        (world.status(CUSTOMER).as_str(), world.hears_whom(AGENT)),
        ("no-answer", vec![SECOND.into()])
    );
    assert!(!world.asked("/action"));
}

#[test]
fn a_caller_id_must_be_ones_own_and_a_client_needs_one() {
    let mut world = World::new();
    world.engine.switches.unowned_from = UnownedFrom::Refused;
    world.engine.numbers.insert(NUMBER.into(), people::VoiceSettings::default());
    world.twiml("/start", &format!("<Dial callerId=\"+15550109999\"><Number>{CUSTOMER}</Number></Dial>"));
    world.call(AGENT);
    world.pass(5_000);
    assert!(codes(&world).contains(&13214));
    assert_eq!(world.leg(CUSTOMER).from, NUMBER, "the parent's instead");
    let mut world = World::new();
    let voice = http::Link { url: "http://app/start".into(), method: Method::Post };
    world
        .engine
        .numbers
        .insert(NUMBER.into(), people::VoiceSettings { voice: Some(voice), ..Default::default() });
    world.twiml("/start", &format!("<Dial action=\"/action\"><Number>{CUSTOMER}</Number></Dial>"));
    world.engine.person_rings("client:dana", NUMBER).unwrap();
    world.pass(5_000);
    assert_eq!(world.params("/action")["DialCallStatus"], "failed");
    assert!(codes(&world).contains(&13214));
}

#[test]
fn tones_are_sent_before_the_bridge() {
    let mut world = World::new();
    world.twiml("/start", &format!("<Dial answerOnBridge=\"true\"><Number sendDigits=\"ww12\" url=\"/whisper\">{CUSTOMER}</Number></Dial>"));
    world.twiml("/whisper", "<Pause length=\"1\"/>");
    world.call(AGENT);
    world.pass(2_500);
    assert_eq!(world.hears(AGENT), [Heard::Ringing]);
    world.pass(6_000);
    assert_eq!(world.hears_whom(AGENT), [CUSTOMER]);
    assert!(world.asked("/whisper"));
}

#[test]
fn a_dial_in_a_whisper_is_13201() {
    let mut world = World::new();
    world.twiml(
        "/start",
        &format!("<Dial action=\"/action\"><Number url=\"/whisper\">{CUSTOMER}</Number></Dial>"),
    );
    world.twiml("/whisper", "<Dial>+15550100009</Dial>");
    world.call(AGENT);
    world.pass(20_000);
    assert!(codes(&world).contains(&13201));
    assert_eq!(world.params("/action")["DialBridged"], "false");
}

#[test]
fn speech_ends_a_gather_that_listens_for_it() {
    let mut world = run("<Gather input=\"speech\" action=\"/said\" timeout=\"20\"/>");
    world.engine.person_presses(AGENT, None, "1#").unwrap();
    world.pass(100);
    assert!(!world.asked("/said"), "keys do not count");
    world.engine.act(AGENT, &PersonAction::Say("my order".into())).unwrap();
    world.pass(100);
    assert_eq!(world.params("/said")["SpeechResult"], "my order");
}

#[test]
fn the_debugger_keeps_errors_and_warnings_and_the_documents_of_a_leg() {
    let mut world = World::new();
    world.twiml("/start", "<Nope/><Say></Say><Redirect>/two</Redirect>");
    world.reply("/two", 200, "text/xml", "<Response version=\"9\"/>");
    world.call(AGENT);
    world.pass(20_000);
    let entries = world.engine.debugger();
    let found: Vec<(u32, DebuggerLevel)> = entries.iter().map(|e| (e.code, e.level)).collect();
    use DebuggerLevel::{Error, Warning};
    assert_eq!(found, [(12200, Warning), (13520, Warning), (12101, Error)]);
    assert_eq!(entries[2].url.as_deref(), Some("http://app/two"));
    let documents = world.engine.executed_documents(&world.sid(AGENT)).unwrap();
    assert_eq!(documents.len(), 1);
    assert!(documents[0].twiml.contains("<Nope/>") && documents[0].role == Role::Main);
}
