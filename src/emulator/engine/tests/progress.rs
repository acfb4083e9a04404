//! Section "status callbacks": which come, in which order, with what; and the ends of a call.

use super::*;

#[test]
fn callbacks_count_from_zero_and_name_each_state() {
    let mut world = World::new();
    world.twiml("/start", "<Pause length=\"61\"/>");
    world.call(AGENT);
    world.pass(120_000);
    let statuses: Vec<(String, String)> = world
        .requests("/status")
        .iter()
        .map(|r| {
            let of = |name: &str| r.params.iter().find(|(k, _)| k == name).unwrap().1.clone();
            (of("SequenceNumber"), of("CallStatus"))
        })
        .collect();
    let expected = [("0", "initiated"), ("1", "ringing"), ("2", "in-progress"), ("3", "completed")];
    let expected: Vec<_> = expected.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
    assert_eq!(statuses, expected);
    let last = world.params("/status");
    assert_eq!((last["CallDuration"].as_str(), last["Duration"].as_str()), ("61", "2"));
    assert_eq!(last["CallbackSource"], "call-progress-events");
    assert_eq!(last["Caller"], NUMBER);
    assert!(last["Timestamp"].ends_with("+0000"), "{}", last["Timestamp"]);
}

#[test]
fn only_completed_is_reported_when_nothing_else_was_asked_for() {
    let mut world = World::new();
    let form =
        [("To", AGENT), ("From", NUMBER), ("Twiml", "<Response/>"), ("StatusCallback", "http://app/status")];
    world.rest("POST", "Calls", &form);
    world.pass(5_000);
    assert_eq!(world.requests("/status").len(), 1);
    assert_eq!(world.params("/status")["SequenceNumber"], "0");
}

#[test]
fn an_invalid_event_is_accepted_and_silences_the_callback() {
    let mut world = World::new();
    let mut form = vec![("To", AGENT), ("From", NUMBER), ("Twiml", "<Response/>")];
    form.extend([("StatusCallback", "http://app/status"), ("StatusCallbackEvent", "ringing answered")]);
    assert_eq!(world.rest("POST", "Calls", &form).status, 201);
    world.pass(5_000);
    assert!(!world.asked("/status"));
    assert!(world.engine.timeline().iter().any(|e| e.data.get("code").is_some_and(|c| c == "21626")));
}

#[test]
fn callbacks_come_late_and_twice_when_the_switches_say_so() {
    let mut world = World::new();
    world.engine.switches.duplicated_callbacks_percent = 100;
    world.engine.switches.late_callbacks_percent = 100;
    world.twiml("/start", "");
    world.call(AGENT);
    world.pass(10_000);
    let requests = world.requests("/status");
    assert_eq!(requests.len(), 8);
    let twins = requests.iter().filter(|r| r.idempotency_token == requests[0].idempotency_token);
    assert_eq!(twins.count(), 2);
}

#[test]
fn a_call_cancelled_in_the_queue_sends_nothing() {
    let mut world = World::new();
    let sid = world.call(AGENT);
    world.rest("POST", &format!("Calls/{sid}"), &[("Status", "canceled")]);
    world.pass(5_000);
    assert_eq!(world.status(AGENT), "canceled");
    assert!(world.sent.is_empty());
}

#[test]
fn canceled_leaves_an_answered_call_alone_and_completed_ends_it() {
    let mut world = World::new();
    world.twiml("/start", "<Pause length=\"60\"/>");
    let sid = world.call(AGENT);
    world.pass(5_000);
    world.rest("POST", &format!("Calls/{sid}"), &[("Status", "canceled")]);
    assert_eq!(world.status(AGENT), "in-progress");
    world.rest("POST", &format!("Calls/{sid}"), &[("Status", "completed")]);
    assert_eq!(world.status(AGENT), "completed");
    let again = world.rest("POST", &format!("Calls/{sid}"), &[("Status", "completed")]);
    assert_eq!((again.status, again.body.unwrap()["code"].as_u64()), (400, Some(21220)));
    world.engine.switches.completing_an_ended_call = EndedUpdate::Ignored;
    assert_eq!(world.rest("POST", &format!("Calls/{sid}"), &[("Status", "completed")]).status, 200);
}

#[test]
fn timeouts_and_time_limits_are_kept() {
    let mut world = World::new();
    world.phone(AGENT, Behaviour::NoAnswer);
    world.twiml("/start", "<Pause length=\"600\"/>");
    let form = [("To", AGENT), ("From", NUMBER), ("Url", "http://app/start"), ("Timeout", "20")];
    world.rest("POST", "Calls", &form);
    world.pass(19_000);
    assert_eq!(world.status(AGENT), "ringing");
    world.pass(2_000);
    assert_eq!(world.status(AGENT), "no-answer");
    let form = [("To", CUSTOMER), ("From", NUMBER), ("Url", "http://app/start"), ("TimeLimit", "30")];
    world.rest("POST", "Calls", &form);
    world.pass(60_000);
    assert_eq!((world.status(CUSTOMER).as_str(), world.leg(CUSTOMER).duration_s(0)), ("completed", 30));
}

#[test]
fn phones_take_their_plans_one_call_at_a_time() {
    let mut world = World::new();
    world.twiml("/start", "<Pause length=\"60\"/>");
    let plan = |behaviour| PhonePlan { behaviour, ..PhonePlan::answer() };
    let hang_up = PhonePlan { hang_up_after_ms: Some(3_000), ..PhonePlan::answer() };
    world.engine.phones.set(AGENT, vec![plan(Behaviour::Busy), hang_up]);
    for (status, ended) in [("busy", 0), ("completed", 3), ("completed", 3)] {
        world.call(AGENT);
        world.pass(10_000);
        assert_eq!((world.status(AGENT).as_str(), world.leg(AGENT).duration_s(0)), (status, ended));
    }
}
