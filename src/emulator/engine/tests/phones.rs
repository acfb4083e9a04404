//! People and faults: machines, detection, planned keys, silence, own numbers, media cuts, dead legs, stale reads.

use super::*;

fn plan(world: &mut World, address: &str, plan: PhonePlan) {
    world.engine.set_phone(address, vec![plan]).unwrap();
}

fn detect(world: &mut World, more: &[(&str, &str)]) {
    world.twiml("/start", "<Say loop=\"0\">hello</Say>");
    let mut form = vec![("To", AGENT), ("From", NUMBER), ("Url", "http://app/start")];
    form.extend(more);
    assert_eq!(world.rest("POST", "Calls", &form).status, 201);
}

fn faults(world: &mut World, rules: &str) {
    world.engine.set_faults(serde_json::from_str(rules).unwrap());
}

#[test]
fn detection_makes_the_document_wait_unless_it_is_asynchronous() {
    for (behaviour, mode, found) in [
        (Behaviour::Answer, "Enable", "human"),
        (Behaviour::Voicemail, "Enable", "machine_start"),
        (Behaviour::Voicemail, "DetectMessageEnd", "machine_end_beep"),
        (Behaviour::Fax, "Enable", "fax"),
    ] {
        let mut world = World::new();
        plan(&mut world, AGENT, PhonePlan { behaviour, after_ms: Some(1_000), ..PhonePlan::answer() });
        detect(&mut world, &[("MachineDetection", mode)]);
        world.pass(4_000);
        assert!(!world.asked("/start"), "{mode}");
        world.pass(16_000);
        assert_eq!(world.params("/start")["AnsweredBy"], found);
    }
    let mut world = World::new();
    detect(
        &mut world,
        &[("MachineDetection", "Enable"), ("AsyncAmd", "true"), ("AsyncAmdStatusCallback", "http://app/amd")],
    );
    world.pass(2_000);
    assert!(world.asked("/start") && !world.asked("/amd"));
    world.pass(5_000);
    assert_eq!(world.params("/amd")["AnsweredBy"], "human");
    assert_eq!(world.params("/amd")["MachineDetectionDuration"], "4000");
}

#[test]
fn a_greeting_longer_than_the_detection_is_unknown() {
    let mut world = World::new();
    let voicemail = PhonePlan {
        behaviour: Behaviour::Voicemail,
        after_ms: Some(500),
        greeting_ms: Some(20_000),
        ..PhonePlan::answer()
    };
    plan(&mut world, AGENT, voicemail);
    detect(&mut world, &[("MachineDetection", "DetectMessageEnd"), ("MachineDetectionTimeout", "10")]);
    world.pass(30_000);
    assert_eq!(world.params("/start")["AnsweredBy"], "unknown");
}

#[test]
fn somebody_who_hears_nothing_for_too_long_hangs_up() {
    let mut world = World::new();
    plan(&mut world, AGENT, PhonePlan { hang_up_on_silence_ms: Some(3_000), ..PhonePlan::answer() });
    world.twiml("/start", "<Pause length=\"2\"/><Say>hello</Say><Pause length=\"60\"/>");
    world.call(AGENT);
    world.pass(5_000);
    assert_eq!(world.status(AGENT), "in-progress");
    world.pass(5_000);
    assert_eq!(world.status(AGENT), "completed");
}

#[test]
fn planned_keys_are_pressed_by_themselves() {
    let mut world = World::new();
    let press = PlannedPress { after_ms: 2_000, digits: "1".into() };
    plan(&mut world, CUSTOMER, PhonePlan { presses: vec![press], ..PhonePlan::answer() });
    world.twiml("/start", &format!("<Dial><Number url=\"/whisper\">{CUSTOMER}</Number></Dial>"));
    world.twiml("/whisper", "<Gather numDigits=\"1\" action=\"/accepted\" timeout=\"10\"/><Hangup/>");
    world.twiml("/accepted", "<Say>connecting</Say>");
    world.call(AGENT);
    world.pass(10_000);
    assert_eq!(world.hears_whom(AGENT), [CUSTOMER]);
}

#[test]
fn a_call_to_an_own_number_runs_its_document_on_a_second_leg() {
    let mut world = World::new();
    let own = "+15550100077";
    let voice = http::Link { url: "http://app/ivr".into(), method: Method::Post };
    world
        .engine
        .numbers
        .insert(own.into(), people::VoiceSettings { voice: Some(voice), ..Default::default() });
    world.twiml("/start", &format!("<Dial action=\"/action\"><Number>{own}</Number></Dial>"));
    world.twiml("/ivr", "<Gather numDigits=\"1\" action=\"/key\"><Say loop=\"0\">press one</Say></Gather>");
    world.twiml("/key", "<Hangup/>");
    world.twiml("/action", "<Say loop=\"0\">over</Say>");
    world.call(AGENT);
    world.pass(5_000);
    assert_eq!(world.params("/ivr")["Direction"], "inbound");
    assert_eq!(world.hears_whom(AGENT), ["\"press one\""]);
    world.engine.person_presses(AGENT, None, "1").unwrap();
    world.pass(1_000);
    assert_eq!(world.params("/action")["DialCallStatus"], "completed");
    assert_eq!(world.hears_whom(AGENT), ["\"over\""]);
}

#[test]
fn an_own_number_that_rejects_is_not_reached() {
    let mut world = World::new();
    let own = "+15550100077";
    let voice = http::Link { url: "http://app/ivr".into(), method: Method::Post };
    world
        .engine
        .numbers
        .insert(own.into(), people::VoiceSettings { voice: Some(voice), ..Default::default() });
    world.twiml("/start", &format!("<Dial action=\"/action\"><Number>{own}</Number></Dial>"));
    world.twiml("/ivr", "<Reject reason=\"busy\"/>");
    world.call(AGENT);
    world.pass(5_000);
    assert_eq!(world.params("/action")["DialCallStatus"], "busy");
}

#[test]
fn a_cut_leg_neither_hears_nor_is_heard_for_a_while() {
    let mut world = World::new();
    let rule =
        format!(r#"{{"legs": [{{"match": "{CUSTOMER}", "cut_after_ms": 5000, "cut_for_ms": 4000}}]}}"#);
    faults(&mut world, &rule);
    world.dialled("");
    assert!(world.hears(AGENT).is_empty() || world.hears_whom(AGENT) == [CUSTOMER]);
    let dead = |world: &World| {
        let people = world.engine.audibility().people;
        let person = people.iter().find(|p| p.address == CUSTOMER).unwrap().clone();
        person.spans.iter().filter(|s| s.hears.is_empty()).map(|s| s.to_ms - s.from_ms).max()
    };
    world.pass(10_000);
    assert_eq!(dead(&world), Some(4_000));
    assert_eq!(world.hears_whom(AGENT), [CUSTOMER]);
}

#[test]
fn a_leg_dies_without_a_callback() {
    let mut world = World::new();
    faults(&mut world, &format!(r#"{{"legs": [{{"match": "{CUSTOMER}", "die_after_ms": 3000}}]}}"#));
    world.dialled("action=\"/action\"");
    world.pass(5_000);
    assert_eq!(world.status(CUSTOMER), "completed");
    assert!(world.requests("/child").iter().all(|r| !r.params.iter().any(|(_, v)| v == "completed")));
    assert!(world.asked("/action"));
}

#[test]
fn reads_lag_behind() {
    let mut world = World::new();
    faults(&mut world, r#"{"stale_get_ms": 2000}"#);
    world.twiml("/start", "<Say loop=\"0\">hello</Say>");
    let sid = world.call(AGENT);
    world.pass(1_500);
    let status = |world: &mut World| {
        let body = world.rest("GET", &format!("Calls/{sid}"), &[]).body.unwrap();
        body["status"].as_str().unwrap().to_owned()
    };
    assert_eq!((world.status(AGENT).as_str(), status(&mut world).as_str()), ("in-progress", "queued"));
    world.pass(3_000);
    assert_eq!(status(&mut world), "in-progress");
}

#[test]
fn webhooks_are_lost_doubled_delayed_and_badly_signed() {
    let mut world = World::new();
    faults(
        &mut world,
        r#"{"webhooks": [{"match": "/start", "drop": true, "times": 1},
            {"match": "/status", "duplicate": true, "delay_ms": 500, "bad_signature": true}]}"#,
    );
    world.twiml("/start", "<Hangup/>");
    world.call(AGENT);
    world.pass(20_000);
    assert!(!world.asked("/start"), "lost: an apology instead");
    assert!(world.engine.debugger().iter().any(|e| e.code == 11200));
    let callbacks = world.requests("/status");
    assert_eq!(callbacks.len(), 8, "four events, each twice");
    assert!(callbacks.iter().all(|r| r.delivery.bad_signature));
}

#[test]
fn rest_faults_strike_before_or_after_the_effect() {
    let mut world = World::new();
    faults(
        &mut world,
        r#"{"rest": [{"match": "POST */Calls.json", "status": 503, "after_effect": true, "times": 1},
            {"match": "POST */Calls.json", "status": 429, "retry_after_s": 3, "times": 1}]}"#,
    );
    let path = format!("/2010-04-01/Accounts/{ACCOUNT}/Calls.json");
    let form: Vec<(String, String)> = [("To", AGENT), ("From", NUMBER), ("Url", "http://app/start")]
        .map(|(k, v)| (k.to_owned(), v.to_owned()))
        .to_vec();
    let post = |world: &mut World| world.engine.rest("POST", &path, Vec::new(), form.clone()).0;
    assert_eq!((post(&mut world), world.engine.calls.iter().count()), (503, 1));
    assert_eq!((post(&mut world), world.engine.calls.iter().count()), (429, 1));
    assert_eq!((post(&mut world), world.engine.calls.iter().count()), (201, 2));
}
