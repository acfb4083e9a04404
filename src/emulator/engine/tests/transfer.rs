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
