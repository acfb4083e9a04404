//! Section `<Conference>`: life, members, callbacks, what is heard.

use super::*;

#[test]
fn a_join_may_be_reported_when_the_leg_rings() {
    for (early, joins) in [(true, 1), (false, 0)] {
        let mut world = World::new();
        world.engine.switches.join_at_early_media = early;
        world.phone(SECOND, Behaviour::Manual);
        let form = [
            ("From", NUMBER),
            ("To", SECOND),
            ("ConferenceStatusCallback", "http://app/room"),
            ("ConferenceStatusCallbackEvent", "join"),
        ];
        world.rest("POST", "Conferences/r/Participants", &form);
        world.pass(2_000);
        assert_eq!(world.requests("/room").len(), joins);
        world.engine.person_answers(SECOND, None).unwrap();
        world.pass(1_000);
        assert_eq!(world.requests("/room").len(), 1);
    }
}

impl World {
    /// Agent and customer, each by a call of its own, in `room-1`.
    pub(super) fn in_room(attributes: &str) -> Self {
        let mut world = Self::new();
        world.twiml("/start", &format!("<Dial action=\"/action\"><Conference {attributes} statusCallback=\"/room\" statusCallbackEvent=\"start end join leave mute hold modify announcement\">room-1</Conference></Dial>"));
        world.twiml("/action", "<Say loop=\"0\">over</Say>");
        world.call(AGENT);
        world.call(CUSTOMER);
        world.pass(10_000);
        world
    }

    pub(super) fn room_sid(&self) -> String {
        self.engine.rooms.iter().next_back().unwrap().1.sid.to_string()
    }

    pub(super) fn room_events(&self) -> Vec<String> {
        let of =
            |r: &&HttpRequest| r.params.iter().find(|(k, _)| k == "StatusCallbackEvent").unwrap().1.clone();
        self.requests("/room").iter().map(of).collect()
    }
}

#[test]
fn a_lone_member_waits_with_music_and_two_start_the_conference() {
    let mut world = World::new();
    world.twiml("/start", "<Dial><Conference>room-1</Conference></Dial>");
    world.call(AGENT);
    world.pass(5_000);
    assert_eq!(world.hears(AGENT), [Heard::Music]);
    world.call(CUSTOMER);
    world.pass(5_000);
    assert_eq!(world.hears_whom(AGENT), [CUSTOMER]);
    world.engine.person_hangs_up(CUSTOMER, None).unwrap();
    assert_eq!(world.hears(AGENT), [Heard::Tone]);
    world.pass(1_000);
    assert!(world.hears(AGENT).is_empty(), "alone in a started conference: silence");
    assert_eq!(world.status(AGENT), "in-progress");
}

#[test]
fn a_conference_nobody_may_start_never_starts() {
    let world = World::in_room("startConferenceOnEnter=\"false\"");
    assert_eq!(world.hears(AGENT), [Heard::Music]);
    assert_eq!(world.room_events(), ["participant-join", "participant-join"]);
}

#[test]
fn the_first_joiners_callback_and_events_are_the_conferences() {
    let mut world = World::new();
    world.twiml(
        "/start",
        "<Dial><Conference statusCallback=\"/first\" statusCallbackEvent=\"join\">room-1</Conference></Dial>",
    );
    world.call(AGENT);
    world.pass(5_000);
    world.twiml("/start", "<Dial><Conference statusCallback=\"/second\" statusCallbackEvent=\"start join leave\">room-1</Conference></Dial>");
    world.call(CUSTOMER);
    world.pass(5_000);
    assert_eq!(world.requests("/first").len(), 2);
    assert!(!world.asked("/second"));
}

#[test]
fn events_are_numbered_and_carry_the_member() {
    let world = World::in_room("participantLabel=\"\" endConferenceOnExit=\"true\"");
    assert_eq!(world.room_events(), ["participant-join", "participant-join", "conference-start"]);
    let first = world.requests("/room")[0].params.iter().cloned().collect::<BTreeMap<_, _>>();
    assert_eq!(first["SequenceNumber"], "1");
    assert_eq!((first["Muted"].as_str(), first["Hold"].as_str()), ("false", "false"));
    assert_eq!(first["EndConferenceOnExit"], "true");
    assert_eq!(first["FriendlyName"], "room-1");
}

#[test]
fn the_last_to_leave_ends_the_conference_and_the_name_opens_a_new_one() {
    let mut world = World::in_room("");
    let old = world.room_sid();
    for who in [AGENT, CUSTOMER] {
        world.engine.person_hangs_up(who, None).unwrap();
    }
    world.pass(100);
    let last = world.params("/room");
    assert_eq!(last["StatusCallbackEvent"], "conference-end");
    assert_eq!(last["ReasonConferenceEnded"], "last-participant-left");
    assert_eq!(last["CallSidEndingConference"], world.sid(CUSTOMER));
    world.call(AGENT);
    world.pass(5_000);
    assert_ne!(world.room_sid(), old);
}

#[test]
fn a_member_with_end_on_exit_ends_it_for_all_and_the_others_go_on_with_their_action() {
    let mut world = World::in_room("endConferenceOnExit=\"true\"");
    world.engine.person_hangs_up(AGENT, None).unwrap();
    world.pass(100);
    assert_eq!(
        world.params("/room")["ReasonConferenceEnded"],
        "participant-with-end-conference-on-exit-left"
    );
    let action = world.params("/action");
    assert_eq!(action["DialCallStatus"], "answered");
    assert!(!action.contains_key("DialCallSid"), "{action:?}");
    assert_eq!(world.hears_whom(CUSTOMER), ["\"over\""]);
}

#[test]
fn rest_ends_a_conference_for_all() {
    let mut world = World::in_room("");
    let sid = world.room_sid();
    let answer = world.rest("POST", &format!("Conferences/{sid}"), &[("Status", "completed")]);
    assert_eq!(answer.body.unwrap()["status"], "completed");
    world.pass(100);
    assert_eq!(world.params("/room")["ReasonConferenceEnded"], "conference-ended-via-api");
    assert_eq!(world.hears_whom(CUSTOMER), ["\"over\""]);
}

#[test]
fn a_label_in_use_keeps_the_second_leg_out_and_it_goes_on() {
    let mut world = World::new();
    world.twiml(
        "/start",
        "<Dial><Conference participantLabel=\"me\">room-1</Conference></Dial><Say loop=\"0\">next</Say>",
    );
    world.call(AGENT);
    world.pass(5_000);
    world.call(CUSTOMER);
    world.pass(5_000);
    assert_eq!(world.hears_whom(CUSTOMER), ["\"next\""]);
}

#[test]
fn the_wait_document_is_heard_and_looped_by_its_own_redirect() {
    let mut world = World::new();
    world.twiml("/start", "<Dial><Conference waitUrl=\"/wait\">room-1</Conference></Dial>");
    world.twiml("/wait", "<Pause length=\"1\"/><Say>please hold the line</Say><Redirect/>");
    world.call(AGENT);
    world.pass(20_000);
    assert!(world.requests("/wait").len() > 3);
    let spans = world.engine.audibility().people.remove(0).spans;
    assert!(spans.iter().any(|s| matches!(s.hears.as_slice(), [Heard::Speech { .. }])), "{spans:?}");
    assert!(spans.iter().all(|s| s.to_ms - s.from_ms <= 1_300), "{spans:?}");
}

#[test]
fn a_wait_document_that_runs_out_leaves_silence() {
    let mut world = World::new();
    world.twiml("/start", "<Dial><Conference waitUrl=\"/wait\">room-1</Conference></Dial>");
    world.twiml("/wait", "<Say>please hold the line</Say>");
    world.call(AGENT);
    world.pass(20_000);
    assert!(world.hears(AGENT).is_empty());
    assert_eq!(world.status(AGENT), "in-progress");
}

#[test]
fn a_wait_document_that_fails_keeps_the_leg_out_of_the_conference() {
    let mut world = World::new();
    world
        .twiml("/start", "<Dial action=\"/action\"><Conference waitUrl=\"/wait\">room-1</Conference></Dial>");
    world.twiml("/action", "<Say loop=\"0\">sorry</Say>");
    world.reply("/wait", 500, "text/xml", "");
    world.call(AGENT);
    world.pass(5_000);
    assert_eq!(world.hears_whom(AGENT), ["\"sorry\""]);
}

#[test]
fn an_empty_wait_url_is_silence() {
    let mut world = World::new();
    world.twiml("/start", "<Dial><Conference waitUrl=\"\">room-1</Conference></Dial>");
    world.call(AGENT);
    world.pass(5_000);
    assert!(world.hears(AGENT).is_empty());
}

#[test]
fn a_muted_member_hears_and_is_not_heard() {
    let world = World::in_room("muted=\"true\"");
    assert!(world.hears(AGENT).is_empty());
    let mut world = World::in_room("");
    let (room, sid) = (world.room_sid(), world.sid(AGENT));
    world.rest("POST", &format!("Conferences/{room}/Participants/{sid}"), &[("Muted", "true")]);
    assert!(world.hears(CUSTOMER).is_empty());
    assert_eq!(world.hears_whom(AGENT), [CUSTOMER]);
    assert_eq!(world.room_events().last().unwrap(), "participant-mute");
}

#[test]
fn a_beep_is_heard_on_joining_unless_it_is_turned_off() {
    let beeps = |world: &World| {
        let people = world.engine.audibility().people;
        people.iter().flat_map(|p| &p.spans).any(|s| s.hears.contains(&Heard::Tone))
    };
    assert!(beeps(&World::in_room("")));
    assert!(!beeps(&World::in_room("beep=\"false\"")));
}
