//! The same seed and the same inputs give the same history, byte for byte; and nothing ever goes wrong inside.

use super::*;

/// Everything that can go wrong inside the engine, now and then.
const FAULTS: &str = r#"{"seed": SEED, "stale_get_ms": 500,
    "webhooks": [{"match": "/w*", "drop": 0.1, "reorder": 0.2, "duplicate": 0.2},
        {"match": "*", "drop": 0.05, "duplicate": 0.1, "reorder": 0.1, "bad_signature": 0.1, "delay_ms": [0, 300]}],
    "legs": [{"match": "*2", "chance": 0.3, "cut_after_ms": [100, 9000], "cut_for_ms": [100, 9000]},
        {"match": "*", "chance": 0.1, "die_after_ms": [100, 60000]}]}"#;

/// A long random life of an exchange, the whole record of it: what happened, who heard what, every webhook with its
/// parameters and its token, the debugger.
fn history(seed: u64) -> String {
    let mut dice = StdRng::seed_from_u64(seed);
    let mut world = World::seeded(seed);
    if seed % 2 == 1 {
        let rules = FAULTS.replace("SEED", &seed.to_string());
        world.engine.set_faults(serde_json::from_str(&rules).unwrap());
        world.engine.switches.duplicated_callbacks_percent = 10;
        world.engine.switches.late_callbacks_percent = 10;
        world.engine.switches.join_at_early_media = true;
    }
    world.twiml("/start", &format!("<Dial action=\"/action\" hangupOnStar=\"true\"><Number url=\"/whisper\">{CUSTOMER}</Number><Number>{SECOND}</Number></Dial>"));
    world.twiml("/whisper", "<Say>hello</Say>");
    world.twiml("/action", "<Dial action=\"/done\"><Conference waitUrl=\"/wait\" statusCallback=\"/room\" statusCallbackEvent=\"start end join leave mute hold\">r</Conference></Dial>");
    world.twiml("/wait", "<Play>/music</Play><Redirect/>");
    world.twiml("/done", "<Gather timeout=\"2\"><Say>over</Say></Gather><Enqueue waitUrl=\"/queue\" action=\"/left\">q</Enqueue>");
    world.twiml("/queue", "<Play>/music</Play><Leave/>");
    world.twiml("/left", "<Record maxLength=\"5\" action=\"/take\"/>");
    world.twiml("/take", "<Dial timeout=\"9\" record=\"true\"><Queue>q</Queue></Dial>");
    let phones = [AGENT, CUSTOMER, SECOND];
    let behaviours =
        [Behaviour::Answer, Behaviour::Busy, Behaviour::Decline, Behaviour::Voicemail, Behaviour::Manual];
    for _ in 0..25 {
        let address = phones[dice.random_range(0..3)];
        let sid = world.engine.calls.iter().nth(dice.random_range(0..8)).map(|(_, c)| c.sid.to_string());
        let path = format!("Calls/{}", sid.clone().unwrap_or_default());
        match dice.random_range(0..14) {
            0 | 1 => drop(world.call(AGENT)),
            2 => drop(world.phone(address, behaviours[dice.random_range(0..5)])),
            3 => drop(world.rest("POST", &path, &[("Url", "http://app/action")])),
            4 => drop(world.rest("POST", &path, &[("Status", "completed")])),
            5 => drop(world.rest("POST", "Conferences/r/Participants", &[("From", NUMBER), ("To", address)])),
            6 => drop(world.engine.person_hangs_up(address, None)),
            7 => drop(world.engine.person_answers(address, None)),
            8 => drop(world.engine.person_presses(address, None, "*1#")),
            10 => drop(world.rest("POST", &path, &[("Url", "http://app/done")])),
            11 => drop(world.rest("POST", &path, &[("Url", "http://app/take")])),
            9 => in_room(&mut world, &mut dice, sid.as_deref().unwrap_or_default()),
            _ => {}
        }
        world.pass(dice.random_range(0..6_000));
    }
    world.pass(20_000_000);
    assert!(world.engine.calls.iter().all(|(_, c)| c.is_ended()), "four hours end every call");
    record(&world)
}

fn record(world: &World) -> String {
    let engine = &world.engine;
    let happened = serde_json::to_string(engine.timeline()).unwrap();
    let heard = serde_json::to_string(&engine.audibility()).unwrap();
    let debugger = serde_json::to_string(&engine.debugger()).unwrap();
    format!("{happened}\n{heard}\n{debugger}\n{:?}", world.sent)
}

fn in_room(world: &mut World, dice: &mut StdRng, sid: &str) {
    let Some(room) = world.engine.rooms.live("r").map(|r| world.engine.rooms[r].sid.to_string()) else {
        return;
    };
    let path = format!("Conferences/{room}/Participants/{sid}");
    match dice.random_range(0..5) {
        0 => drop(world.rest("POST", &path, &[("Hold", "true")])),
        1 => drop(world.rest("POST", &path, &[("Hold", "false"), ("Muted", "true")])),
        2 => drop(world.rest("DELETE", &path, &[])),
        3 => drop(world.rest("POST", &path, &[("EndConferenceOnExit", "true")])),
        _ => drop(world.rest("POST", &format!("Conferences/{room}"), &[("Status", "completed")])),
    }
}

#[test]
fn the_same_seed_gives_the_same_history() {
    same(0..500);
    assert_ne!(history(1), history(2));
}

/// Two tests, so that they run side by side.
#[test]
fn the_same_seed_gives_the_same_history_for_a_thousand_lives() {
    same(500..1_000);
}

fn same(seeds: std::ops::Range<u64>) {
    for seed in seeds {
        assert_eq!(history(seed), history(seed), "seed {seed}");
    }
}
