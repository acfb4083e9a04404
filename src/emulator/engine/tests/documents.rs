//! Section "TwiML fetch and execution": verbs, errors, fallbacks, and documents that would never end.

use super::*;

fn run(verbs: &str) -> World {
    let mut world = World::new();
    world.twiml("/start", verbs);
    world.call(AGENT);
    world.pass(2_000);
    world
}

#[test]
fn the_end_of_a_document_hangs_up() {
    for verbs in ["", "<Hangup/>", "<Pause length=\"0\"/>"] {
        let mut world = run(verbs);
        world.pass(1_000);
        assert_eq!(world.status(AGENT), "completed", "{verbs}");
    }
}

#[test]
fn say_lasts_by_its_length_and_play_and_pause_by_theirs() {
    let world = run("<Say>hello</Say><Play>/a.mp3</Play><Pause length=\"3\"/><Play digits=\"12\"/>");
    let mut world = world;
    world.pass(60_000);
    let people = world.engine.audibility().people;
    let spans: Vec<(u64, bool)> =
        people[0].spans.iter().map(|s| (s.to_ms - s.from_ms, s.hears.is_empty())).collect();
    assert_eq!(spans, [(500, false), (30_000, false), (3_000, true), (600, false)]);
}

#[test]
fn a_gather_sends_its_digits_or_goes_on() {
    let gather =
        "<Gather action=\"/keys\" timeout=\"2\"><Say>press</Say></Gather><Say loop=\"0\">nothing</Say>";
    let mut world = run(gather);
    world.pass(5_000);
    assert_eq!(world.hears_whom(AGENT), ["\"nothing\""], "no input: the next verb");
    let mut world = run(gather);
    world.twiml("/keys", "<Hangup/>");
    world.engine.person_presses(AGENT, None, "12#").unwrap();
    world.pass(100);
    let params = world.params("/keys");
    assert_eq!((params["Digits"].as_str(), params["FinishedOnKey"].as_str()), ("12", "#"));
}

#[test]
fn a_redirect_goes_on_elsewhere_and_an_empty_one_asks_again() {
    let mut world = World::new();
    world.twiml("/start", "<Redirect method=\"GET\">/two</Redirect><Say>never</Say>");
    world.twiml("/two", "<Pause length=\"9\"/><Redirect/>");
    world.call(AGENT);
    world.pass(30_000);
    assert!(world.requests("/two").len() >= 2);
    assert_eq!(world.requests("/two")[0].method, Method::Get);
    assert_eq!(world.requests("/two")[1].method, Method::Post);
}

#[test]
fn a_document_that_fails_is_apologised_for_and_ended() {
    for (status, content_type, body) in [
        (500, "text/xml", "<Response/>"),
        (200, "application/json", "{}"),
        (200, "text/xml", "<Response>"),
        (200, "text/xml", "<response/>"),
    ] {
        let mut world = World::new();
        world.reply("/start", status, content_type, body);
        world.call(AGENT);
        world.pass(2_000);
        assert_eq!(world.hears_whom(AGENT), [format!("\"{}\"", audio::APPLICATION_ERROR)]);
        world.pass(10_000);
        assert_eq!(world.status(AGENT), "completed");
    }
}

#[test]
fn a_fallback_is_asked_with_the_error_and_only_once() {
    let mut world = World::new();
    world.reply("/start", 500, "text/xml", "");
    world.twiml("/fallback", "<Say loop=\"0\">one moment</Say>");
    let form = [
        ("To", AGENT),
        ("From", NUMBER),
        ("Url", "http://app/start"),
        ("FallbackUrl", "http://app/fallback"),
    ];
    world.rest("POST", "Calls", &form);
    world.pass(2_000);
    let params = world.params("/fallback");
    assert_eq!((params["ErrorCode"].as_str(), params["ErrorUrl"].as_str()), ("11200", "http://app/start"));
    assert_eq!(world.hears_whom(AGENT), ["\"one moment\""]);
}

#[test]
fn documents_that_would_never_end_are_bounded() {
    for verbs in [
        "<Redirect/>",
        "<Redirect>/start</Redirect>",
        "<Pause length=\"0\"/><Redirect/>",
        "<Say></Say><Redirect/>",
        "<Dial>nobody</Dial><Redirect/>",
        "<Dial><Conference waitUrl=\"/missing\">r</Conference></Dial><Redirect/>",
    ] {
        let mut world = run(verbs);
        world.pass(3_600_000);
        assert!(world.requests("/start").len() < 200 || world.status(AGENT) == "completed", "{verbs}");
        assert_eq!(world.status(AGENT), "completed", "{verbs}");
    }
    let mut world = run(&format!("{}<Redirect/>", "<Pause length=\"0\"/>".repeat(2_000)));
    world.pass(3_600_000);
    assert_eq!((world.status(AGENT).as_str(), world.requests("/start").len()), ("completed", 1));
    let mut world = run("<Say loop=\"0\">again</Say><Say>never</Say>");
    world.pass(4 * 3_600_000);
    assert_eq!(world.status(AGENT), "completed", "a call without a limit ends after four hours");
    assert!(world.engine.timeline().len() < 50);
}

#[test]
fn an_inbound_call_is_answered_by_its_first_sound_and_rejected_before() {
    for (verbs, status) in [
        ("<Reject/>", "no-answer"),
        ("<Reject reason=\"busy\"/>", "busy"),
        ("<Say loop=\"0\">hello</Say>", "in-progress"),
        ("<Pause length=\"30\"/>", "ringing"),
    ] {
        let mut world = World::new();
        let voice = http::Link { url: "http://app/start".into(), method: Method::Post };
        world
            .engine
            .numbers
            .insert(NUMBER.into(), people::VoiceSettings { voice: Some(voice), ..Default::default() });
        world.twiml("/start", verbs);
        world.engine.person_rings(AGENT, NUMBER).unwrap();
        world.pass(1_000);
        assert_eq!(world.status(AGENT), status, "{verbs}");
        assert_eq!(world.params("/start")["Direction"], "inbound");
    }
}
