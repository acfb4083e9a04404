//! The same seed and the same inputs give the same history, byte for byte; and nothing ever goes wrong inside.

use super::*;

/// A long random life of an exchange, as text.
fn history(seed: u64) -> String {
    let mut dice = StdRng::seed_from_u64(seed);
    let mut world = World::seeded(seed);
    world.twiml("/start", &format!("<Dial action=\"/action\" hangupOnStar=\"true\"><Number url=\"/whisper\">{CUSTOMER}</Number><Number>{SECOND}</Number></Dial>"));
    world.twiml("/whisper", "<Say>hello</Say>");
    world.twiml("/action", "<Dial action=\"/done\"><Conference waitUrl=\"/wait\" statusCallback=\"/room\" statusCallbackEvent=\"start end join leave mute hold\">r</Conference></Dial>");
    world.twiml("/wait", "<Play>/music</Play><Redirect/>");
    world.twiml("/done", "<Gather timeout=\"2\"><Say>over</Say></Gather>");
    let phones = [AGENT, CUSTOMER, SECOND];
    let behaviours =
        [Behaviour::Answer, Behaviour::Busy, Behaviour::Decline, Behaviour::Voicemail, Behaviour::Manual];
    for _ in 0..25 {
        let address = phones[dice.random_range(0..3)];
        let sid = world.engine.calls.iter().nth(dice.random_range(0..8)).map(|(_, c)| c.sid.to_string());
        let path = format!("Calls/{}", sid.clone().unwrap_or_default());
        match dice.random_range(0..12) {
            0 | 1 => drop(world.call(AGENT)),
            2 => drop(world.phone(address, behaviours[dice.random_range(0..5)])),
            3 => drop(world.rest("POST", &path, &[("Url", "http://app/action")])),
            4 => drop(world.rest("POST", &path, &[("Status", "completed")])),
            5 => drop(world.rest("POST", "Conferences/r/Participants", &[("From", NUMBER), ("To", address)])),
            6 => drop(world.engine.person_hangs_up(address, None)),
            7 => drop(world.engine.person_answers(address, None)),
            8 => drop(world.engine.person_presses(address, None, "*1#")),
            9 => in_room(&mut world, &mut dice, sid.as_deref().unwrap_or_default()),
            _ => {}
        }
        world.pass(dice.random_range(0..6_000));
    }
    world.pass(20_000_000);
    assert!(world.engine.calls.iter().all(|(_, c)| c.is_ended()), "four hours end every call");
    format!("{}\n{:?}", as_text(world.engine.timeline()), world.engine.audibility())
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
    for seed in 0..300 {
        assert_eq!(history(seed), history(seed), "seed {seed}");
    }
    assert_ne!(history(1), history(2));
}
