//! Section "redirecting one leg of a live `<Dial>`": the rules a warm transfer rests on, one test a rule.

use super::*;

#[test]
fn a_dial_bridges_the_two_and_each_hears_the_other() {
    let world = World::bridged();
    assert_eq!(world.hears_whom(AGENT), [CUSTOMER]);
    assert_eq!(world.hears_whom(CUSTOMER), [AGENT]);
    assert_eq!(world.paths(), ["/status", "/status", "/status", "/start", "/child", "/child", "/child",]);
}

#[test]
fn a_warm_transfer_moves_all_three_into_one_room() {
    let mut world = World::bridged();
    let room = r#"<Dial><Conference beep="false" statusCallback="/room" statusCallbackEvent="start end join leave">room-1</Conference></Dial>"#;
    world.twiml("/room-twiml", room).twiml("/action", room);
    let customer = world.sid(CUSTOMER);
    let answer = world.rest("POST", &format!("Calls/{customer}"), &[("Url", "http://app/room-twiml")]);
    assert_eq!(answer.status, 200);
    let answer = world.rest("POST", "Conferences/room-1/Participants", &[("From", NUMBER), ("To", SECOND)]);
    assert_eq!(answer.status, 201);
    world.pass(10_000);
    assert_eq!(world.hears_whom(CUSTOMER), [AGENT, SECOND]);
    assert_eq!(world.hears_whom(AGENT), [CUSTOMER, SECOND]);
    world.engine.person_hangs_up(AGENT, None).unwrap();
    world.pass(1_000);
    assert_eq!(world.hears_whom(CUSTOMER), [SECOND]);
    assert_eq!(world.hears_whom(SECOND), [CUSTOMER]);
}

fn redirect(world: &mut World, address: &str) -> u16 {
    let sid = world.sid(address);
    world.twiml("/new", "<Pause length=\"60\"/>");
    world.rest("POST", &format!("Calls/{sid}"), &[("Url", "http://app/new")]).status
}

#[test]
fn a_redirected_child_asks_its_new_document_without_dial_parameters() {
    let mut world = World::bridged();
    assert_eq!(redirect(&mut world, CUSTOMER), 200);
    world.pass(2_000);
    let params = world.params("/new");
    assert_eq!(params["CallSid"], world.sid(CUSTOMER));
    assert_eq!(params["ParentCallSid"], world.sid(AGENT));
    assert_eq!(params["CallStatus"], "in-progress");
    assert!(!params.keys().any(|k| k.starts_with("Dial")), "{params:?}");
    assert_eq!(world.status(CUSTOMER), "in-progress");
}

#[test]
fn a_redirected_child_makes_the_parents_action_come_without_a_duration() {
    let mut world = World::bridged();
    redirect(&mut world, CUSTOMER);
    world.pass(2_000);
    let params = world.params("/action");
    assert_eq!(params["CallSid"], world.sid(AGENT));
    assert!(!params.contains_key("ParentCallSid"));
    assert_eq!(params["DialCallSid"], world.sid(CUSTOMER));
    assert_eq!(params["DialBridged"], "true");
    assert_eq!(params["DialCallStatus"], "completed");
    assert!(!params.contains_key("DialCallDuration"), "{params:?}");
    assert_eq!(world.hears_whom(AGENT), ["\"over\""], "the action's document is run");
}

#[test]
fn what_the_action_says_after_a_redirect_is_a_switch() {
    for (switch, expected) in [
        (RedirectedStatus::Completed, Some("completed")),
        (RedirectedStatus::Answered, Some("answered")),
        (RedirectedStatus::Absent, None),
    ] {
        let mut world = World::bridged();
        world.engine.switches.dial_call_status_after_redirect = switch;
        redirect(&mut world, CUSTOMER);
        world.pass(2_000);
        assert_eq!(world.params("/action").get("DialCallStatus").map(String::as_str), expected);
    }
}

#[test]
fn the_order_of_new_document_and_action_is_a_switch_and_else_the_seeds() {
    let order = |seed: u64, order: RedirectOrder| {
        let mut world = World::seeded(seed);
        world.engine.switches.redirect_order = order;
        world.dialled("action=\"/action\"");
        redirect(&mut world, CUSTOMER);
        world.pass(2_000);
        let paths = world.paths();
        let at = |path: &str| paths.iter().position(|p| p == path).unwrap();
        at("/new") < at("/action")
    };
    let random: Vec<bool> = (0..30).map(|seed| order(seed, RedirectOrder::Random)).collect();
    assert!(random.contains(&true) && random.contains(&false));
    assert!((0..10).all(|seed| order(seed, RedirectOrder::UrlFirst)));
    assert!((0..10).all(|seed| !order(seed, RedirectOrder::ActionFirst)));
}

#[test]
fn without_an_action_the_parent_of_a_redirected_child_is_hung_up() {
    let mut world = World::bridged_with("");
    redirect(&mut world, CUSTOMER);
    world.pass(2_000);
    assert_eq!(world.status(AGENT), "completed");
    assert_eq!(world.status(CUSTOMER), "in-progress");
}

#[test]
fn without_an_action_the_parent_goes_on_with_the_next_verb() {
    let mut world = World::new();
    world.twiml("/start", &format!("<Dial>{CUSTOMER}</Dial><Say loop=\"0\">next</Say>"));
    world.call(AGENT);
    world.pass(10_000);
    redirect(&mut world, CUSTOMER);
    world.pass(2_000);
    assert_eq!(world.hears_whom(AGENT), ["\"next\""]);
}

#[test]
fn a_redirected_parent_loses_its_child_and_its_action_is_asked_in_vain() {
    let mut world = World::bridged();
    assert_eq!(redirect(&mut world, AGENT), 200);
    world.pass(2_000);
    assert_eq!(world.status(CUSTOMER), "completed");
    let params = world.params("/action");
    assert_eq!(params["DialCallStatus"], "completed");
    assert!(params["DialCallDuration"].parse::<u64>().unwrap() > 0);
    let when = |path: &str| world.sent.iter().find(|(_, r)| r.url.ends_with(path)).unwrap().0;
    assert!(when("/action") < when("/new"), "measured: action at 320 ms, new URL at 651 ms");
    let said = world.engine.timeline().iter().any(|e| e.kind == EventKind::Said);
    assert!(!said, "the action's document was not run");
    assert_eq!(world.requests("/new").len(), 1);
}

#[test]
fn a_redirected_parent_without_an_action_still_asks_a_redirect_that_follows() {
    let mut world = World::new();
    world.twiml("/start", &format!("<Dial>{CUSTOMER}</Dial><Redirect>/after</Redirect>"));
    world.twiml("/after", "<Say>never</Say>");
    world.call(AGENT);
    world.pass(10_000);
    redirect(&mut world, AGENT);
    world.pass(2_000);
    assert!(world.asked("/after"));
    assert!(!world.engine.timeline().iter().any(|e| e.kind == EventKind::Said));
}

#[test]
fn a_child_that_hangs_up_leaves_the_parent_with_its_action() {
    let mut world = World::bridged();
    world.engine.person_hangs_up(CUSTOMER, None).unwrap();
    world.pass(100);
    let params = world.params("/action");
    assert_eq!(
        (params["DialCallStatus"].as_str(), params["CallStatus"].as_str()),
        ("completed", "in-progress")
    );
    assert!(params.contains_key("DialCallDuration"));
    assert_eq!(world.hears_whom(AGENT), ["\"over\""]);
}

#[test]
fn a_parent_that_hangs_up_ends_its_child_and_its_action_is_a_switch() {
    for asked in [true, false] {
        let mut world = World::bridged();
        world.engine.switches.action_when_parent_hangs_up = asked;
        world.engine.person_hangs_up(AGENT, None).unwrap();
        world.pass(1_000);
        assert_eq!(world.status(CUSTOMER), "completed");
        assert_eq!(world.asked("/action"), asked);
        if asked {
            assert_eq!(world.params("/action")["CallStatus"], "completed");
        }
    }
}

#[test]
fn a_leg_redirected_out_of_a_conference_leaves_it_alone_and_its_action_is_asked_in_vain() {
    let mut world = World::in_room("");
    let sid = world.sid(AGENT);
    world.twiml("/new", "<Pause length=\"60\"/>");
    world.rest("POST", &format!("Calls/{sid}"), &[("Url", "http://app/new")]);
    world.pass(2_000);
    assert_eq!(world.status(CUSTOMER), "in-progress");
    assert_eq!(world.params("/action")["DialCallStatus"], "answered");
    assert!(world.asked("/new"));
    let leave = world.params("/room");
    assert_eq!(leave["ReasonParticipantLeft"], "participant_updated_via_api");
    assert_eq!(leave["ParticipantCallStatus"], "in-progress");
}

#[test]
fn redirecting_an_ended_or_unanswered_call_is_21220() {
    let mut world = World::bridged();
    world.phone(SECOND, Behaviour::Manual);
    world.call(SECOND);
    assert_eq!(redirect(&mut world, SECOND), 400, "queued");
    world.pass(2_000);
    assert_eq!(redirect(&mut world, SECOND), 400, "ringing");
    world.engine.person_hangs_up(CUSTOMER, None).unwrap();
    assert_eq!(redirect(&mut world, CUSTOMER), 400, "ended");
    world.engine.switches.redirecting_an_unanswered_call = EndedUpdate::Ignored;
    assert_eq!(redirect(&mut world, SECOND), 200);
}

#[test]
fn a_relative_action_in_an_inline_document_is_an_application_error() {
    let mut world = World::bridged();
    let sid = world.sid(CUSTOMER);
    let twiml = "<Response><Dial action=\"/x\"><Conference>r</Conference></Dial></Response>";
    assert_eq!(world.rest("POST", &format!("Calls/{sid}"), &[("Twiml", twiml)]).status, 200);
    world.pass(1_000);
    let room = world.engine.rooms.live("r").unwrap();
    let sid = world.engine.rooms[room].sid.to_string();
    world.rest("POST", &format!("Conferences/{sid}"), &[("Status", "completed")]);
    let error = world.engine.timeline().iter().rfind(|e| e.kind == EventKind::TwimlError).unwrap();
    assert_eq!(error.data["code"], "15004");
}
