//! Section "Conferences and Participants REST": adding, holding, announcing, removing.

use super::*;

fn add(world: &mut World, key: &str, extra: &[(&str, &str)]) -> RestAnswer {
    let mut form = vec![("From", NUMBER), ("To", SECOND)];
    form.extend_from_slice(extra);
    world.rest("POST", &format!("Conferences/{key}/Participants"), &form)
}

fn update(world: &mut World, address: &str, form: &[(&str, &str)]) -> RestAnswer {
    let (room, sid) = (world.room_sid(), world.sid(address));
    world.rest("POST", &format!("Conferences/{room}/Participants/{sid}"), form)
}

#[test]
fn a_name_opens_a_conference_and_a_sid_must_be_live() {
    let mut world = World::new();
    let answer = add(&mut world, "fresh", &[]);
    assert_eq!(answer.status, 201);
    let room = answer.body.unwrap()["conference_sid"].as_str().unwrap().to_owned();
    assert_eq!(add(&mut world, &room, &[]).status, 201);
    world.rest("POST", &format!("Conferences/{room}"), &[("Status", "completed")]);
    let refused = add(&mut world, &room, &[]);
    assert_eq!((refused.status, refused.body.unwrap()["code"].as_u64()), (400, Some(16022)));
}

#[test]
fn the_others_hear_an_early_leg_ring() {
    for (early, hears) in
        [("true", vec![AGENT.to_owned(), "ringing".into()]), ("false", vec![AGENT.to_owned()])]
    {
        let mut world = World::in_room("");
        world.phone(SECOND, Behaviour::Manual);
        add(&mut world, "room-1", &[("EarlyMedia", early)]);
        world.pass(1_000);
        assert_eq!(world.hears_whom(CUSTOMER), hears, "EarlyMedia={early}");
    }
}

#[test]
fn an_added_leg_that_fails_leaves_with_add_failed() {
    let mut world = World::in_room("");
    world.phone(SECOND, Behaviour::Busy);
    add(&mut world, "room-1", &[("Label", "second")]);
    world.pass(5_000);
    let params = world.params("/room");
    assert_eq!(params["ReasonParticipantLeft"], "participant_add_failed");
    assert_eq!(
        (params["ParticipantCallStatus"].as_str(), params["ParticipantLabel"].as_str()),
        ("busy", "second")
    );
    assert_eq!(world.hears_whom(CUSTOMER), [AGENT]);
}

#[test]
fn an_added_leg_rings_five_seconds_longer_and_ends_with_the_conference() {
    let mut world = World::in_room("");
    world.phone(SECOND, Behaviour::NoAnswer);
    add(&mut world, "room-1", &[("Timeout", "10")]);
    world.pass(60_000);
    let of = |kind| world.engine.timeline().iter().rev().find(|e| e.kind == kind).unwrap().at_ms;
    assert_eq!(of(EventKind::NoAnswer) - of(EventKind::Ringing), 15_000);
    world.phone(SECOND, Behaviour::Answer);
    add(&mut world, "room-1", &[]);
    world.pass(5_000);
    let room = world.room_sid();
    world.rest("POST", &format!("Conferences/{room}"), &[("Status", "completed")]);
    world.pass(100);
    assert_eq!(
        (world.status(SECOND).as_str(), world.status(CUSTOMER).as_str()),
        ("completed", "in-progress")
    );
}

#[test]
fn a_label_names_one_participant() {
    let mut world = World::in_room("");
    add(&mut world, "room-1", &[("Label", "second agent")]);
    let refused = add(&mut world, "room-1", &[("Label", "second agent")]);
    assert_eq!(refused.body.unwrap()["code"].as_u64(), Some(16026));
    world.pass(5_000);
    let room = world.room_sid();
    let read = world.rest("GET", &format!("Conferences/{room}/Participants/second%20agent"), &[]);
    assert_eq!(read.body.unwrap()["status"], "connected");
}

#[test]
fn a_held_member_hears_music_and_is_not_heard() {
    let mut world = World::in_room("");
    world.twiml("/hold", "<Say loop=\"0\">one moment</Say>");
    update(&mut world, CUSTOMER, &[("Hold", "true"), ("HoldUrl", "http://app/hold")]);
    assert_eq!(world.hears_whom(CUSTOMER), ["\"one moment\""]);
    assert_eq!(world.requests("/hold")[0].method, Method::Get);
    assert!(world.hears(AGENT).is_empty());
    update(&mut world, CUSTOMER, &[("Hold", "false")]);
    assert_eq!(world.hears_whom(CUSTOMER), [AGENT]);
    update(&mut world, CUSTOMER, &[("Hold", "true")]);
    assert_eq!(world.hears(CUSTOMER), [Heard::Music]);
    let events = world.room_events();
    assert_eq!(events[events.len() - 3..], ["participant-hold", "participant-unhold", "participant-hold"]);
}

#[test]
fn the_end_flag_of_a_held_member_does_not_change_though_the_answer_is_200() {
    let mut world = World::in_room("");
    update(&mut world, AGENT, &[("Hold", "true")]);
    let answer = update(&mut world, AGENT, &[("EndConferenceOnExit", "true")]);
    assert_eq!((answer.status, answer.body.unwrap()["end_conference_on_exit"].as_bool()), (200, Some(false)));
    update(&mut world, AGENT, &[("Hold", "false")]);
    let answer = update(&mut world, AGENT, &[("EndConferenceOnExit", "true")]);
    assert_eq!(answer.body.unwrap()["end_conference_on_exit"].as_bool(), Some(true));
    assert_eq!(world.room_events().last().unwrap(), "participant-modify");
}

#[test]
fn status_is_no_parameter_of_a_participant() {
    let mut world = World::in_room("");
    assert_eq!(update(&mut world, AGENT, &[("Status", "completed")]).status, 200);
    assert_eq!(world.status(AGENT), "in-progress");
}

#[test]
fn a_deleted_participant_goes_on_if_it_came_by_twiml_and_ends_if_it_was_added() {
    let mut world = World::in_room("");
    add(&mut world, "room-1", &[]);
    world.pass(5_000);
    let room = world.room_sid();
    for who in [SECOND, AGENT] {
        let sid = world.sid(who);
        let answer = world.rest("DELETE", &format!("Conferences/{room}/Participants/{sid}"), &[]);
        assert_eq!((answer.status, answer.body), (204, None));
    }
    world.pass(100);
    assert_eq!((world.status(SECOND).as_str(), world.status(AGENT).as_str()), ("completed", "in-progress"));
    assert_eq!(world.hears_whom(AGENT), ["\"over\""]);
    let sid = world.sid(AGENT);
    assert_eq!(world.rest("GET", &format!("Conferences/{room}/Participants/{sid}"), &[]).status, 404);
}

#[test]
fn an_announcement_is_heard_by_one_or_by_all_and_reported() {
    let mut world = World::in_room("");
    world.twiml("/announce", "<Say>this call is recorded</Say>");
    update(&mut world, AGENT, &[("AnnounceUrl", "http://app/announce")]);
    assert_eq!(world.hears_whom(AGENT), [CUSTOMER.to_owned(), "\"this call is recorded\"".into()]);
    assert_eq!(world.hears_whom(CUSTOMER), [AGENT]);
    world.pass(5_000);
    let room = world.room_sid();
    world.rest("POST", &format!("Conferences/{room}"), &[("AnnounceUrl", "http://app/announce")]);
    assert_eq!(world.hears_whom(CUSTOMER), [AGENT.to_owned(), "\"this call is recorded\"".into()]);
    world.pass(5_000);
    assert_eq!(world.room_events().iter().filter(|e| *e == "announcement-end").count(), 2);
    assert_eq!(world.params("/room")["AnnounceUrl"], "http://app/announce");
}

#[test]
fn a_coach_is_heard_by_the_coached_alone() {
    let mut world = World::in_room("");
    let agent = world.sid(AGENT);
    add(&mut world, "room-1", &[("CallSidToCoach", &agent), ("Coaching", "true")]);
    world.pass(5_000);
    assert_eq!(world.hears_whom(AGENT), [CUSTOMER, SECOND]);
    assert_eq!(world.hears_whom(CUSTOMER), [AGENT]);
}

#[test]
fn a_leg_that_answers_after_the_end_of_its_conference_is_alone_in_a_new_one() {
    for (switch, status) in [(RingingLeg::RingsOn, "in-progress"), (RingingLeg::Ends, "canceled")] {
        let mut world = World::in_room("");
        world.engine.switches.ringing_when_conference_ends = switch;
        world.phone(SECOND, Behaviour::Manual);
        add(&mut world, "room-1", &[]);
        world.pass(1_000);
        let room = world.room_sid();
        world.rest("POST", &format!("Conferences/{room}"), &[("Status", "completed")]);
        let _ = world.engine.person_answers(SECOND, None);
        world.pass(1_000);
        assert_eq!(world.status(SECOND), status);
    }
}

#[test]
fn only_a_member_that_is_there_and_not_on_hold_is_coached() {
    let mut world = World::in_room("");
    let agent = world.sid(AGENT);
    let coach = |world: &mut World, key: &str, sid: &str| {
        let code = add(world, key, &[("CallSidToCoach", sid)]).body.unwrap()["code"].as_u64();
        let updated = update(world, CUSTOMER, &[("CallSidToCoach", sid)]).body.unwrap()["code"].as_u64();
        (code, updated)
    };
    let nobody = "CA00000000000000000000000000000009";
    assert_eq!(coach(&mut world, "room-1", nobody), (Some(16028), Some(16028)));
    update(&mut world, AGENT, &[("Hold", "true")]);
    assert_eq!(coach(&mut world, "room-1", &agent), (Some(16027), Some(16027)));
    update(&mut world, AGENT, &[("Hold", "false")]);
    assert_eq!(add(&mut world, "another", &[("CallSidToCoach", &agent)]).body.unwrap()["code"], 16028);
    assert_eq!(coach(&mut world, "room-1", &agent), (None, None));
}

#[test]
fn a_leg_reported_while_it_rang_is_reported_again_by_the_conference_that_it_opens() {
    let mut world = World::new();
    world.engine.switches.join_at_early_media = true;
    world.twiml("/start", "<Dial><Conference>r</Conference></Dial>");
    world.phone(SECOND, Behaviour::Manual);
    world.call(CUSTOMER);
    world.pass(5_000);
    let form = [
        ("From", NUMBER),
        ("To", SECOND),
        ("EarlyMedia", "true"),
        ("ConferenceStatusCallback", "http://app/room-events"),
        ("ConferenceStatusCallbackEvent", "join leave"),
    ];
    assert_eq!(world.rest("POST", "Conferences/r/Participants", &form).status, 201);
    world.pass(2_000);
    world.engine.act(CUSTOMER, &PersonAction::HangUp).unwrap();
    world.pass(1_000);
    world.engine.act(SECOND, &PersonAction::Answer).unwrap();
    world.pass(1_000);
    let last = world.params("/room-events");
    assert_eq!(last["StatusCallbackEvent"], "participant-join");
    assert_eq!(last["CallSid"], world.sid(SECOND));
}
