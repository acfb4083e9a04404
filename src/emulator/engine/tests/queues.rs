//! Queues: `<Enqueue>`, its wait document, `<Leave>`, `<Dial><Queue>`.

use super::*;

const ENQUEUE: &str =
    "<Enqueue action=\"/left\" waitUrl=\"/wait\">support</Enqueue><Say loop=\"0\">next</Say>";

fn waiting(wait: &str) -> World {
    let mut world = World::new();
    world.twiml("/start", ENQUEUE).twiml("/wait", wait).twiml("/left", "<Say loop=\"0\">left</Say>");
    world.call(AGENT);
    world.pass(3_000);
    world
}

/// Somebody else takes whoever waits longest.
fn taken(world: &mut World, queue: &str) {
    world.twiml("/take", queue);
    let form = [("To", SECOND), ("From", NUMBER), ("Url", "http://app/take")];
    world.rest("POST", "Calls", &form);
    world.pass(5_000);
}

#[test]
fn the_wait_document_is_told_the_place_in_the_queue() {
    let world = waiting("<Say loop=\"0\">please wait</Say>");
    let params = world.params("/wait");
    assert_eq!((params["QueuePosition"].as_str(), params["CurrentQueueSize"].as_str()), ("1", "1"));
    assert!(params["QueueSid"].starts_with("QU"));
    assert_eq!(world.hears_whom(AGENT), ["\"please wait\""]);
}

#[test]
fn leave_goes_on_with_the_action_at_once() {
    let mut world = waiting("<Pause length=\"2\"/><Leave/>");
    world.pass(5_000);
    assert_eq!(world.params("/left")["QueueResult"], "leave");
    assert_eq!(world.hears_whom(AGENT), ["\"left\""]);
}

#[test]
fn a_dialled_queue_bridges_and_the_one_who_waited_goes_on_afterwards() {
    let mut world = waiting("<Play loop=\"0\">/music</Play>");
    taken(&mut world, "<Dial action=\"/done\"><Queue>support</Queue></Dial>");
    assert_eq!(world.hears_whom(AGENT), [SECOND]);
    assert_eq!(world.hears_whom(SECOND), [AGENT]);
    world.engine.person_hangs_up(SECOND, None).unwrap();
    world.pass(1_000);
    assert_eq!(world.params("/left")["QueueResult"], "bridged");
    assert_eq!(world.status(AGENT), "in-progress");
}

#[test]
fn the_one_who_took_goes_on_when_the_other_hangs_up() {
    let mut world = waiting("<Play loop=\"0\">/music</Play>");
    world.twiml("/done", "<Say loop=\"0\">over</Say>");
    taken(&mut world, "<Dial action=\"/done\"><Queue>support</Queue></Dial>");
    world.engine.person_hangs_up(AGENT, None).unwrap();
    world.pass(1_000);
    assert_eq!(world.params("/done")["DialCallStatus"], "completed");
    assert_eq!(world.params("/left")["QueueResult"], "hangup");
    assert_eq!(world.hears_whom(SECOND), ["\"over\""]);
}

#[test]
fn an_empty_queue_is_waited_for_until_the_timeout() {
    let mut world = waiting("<Leave/>");
    world.twiml("/done", "<Say loop=\"0\">nobody</Say>");
    taken(&mut world, "<Dial action=\"/done\" timeout=\"20\"><Queue>support</Queue></Dial>");
    world.pass(20_000);
    assert_eq!(world.params("/done")["DialCallStatus"], "no-answer");
}

#[test]
fn a_queue_that_is_not_there_fails_and_a_full_one_turns_away() {
    let mut world = World::new();
    world.twiml("/done", "<Hangup/>");
    taken(&mut world, "<Dial action=\"/done\"><Queue>nowhere</Queue></Dial>");
    assert_eq!(world.params("/done")["DialCallStatus"], "failed");
    world.twiml("/start", "<Enqueue action=\"/left\" maxQueueSize=\"1\">small</Enqueue>");
    world.call(AGENT);
    world.pass(3_000);
    world.call(CUSTOMER);
    world.pass(3_000);
    assert_eq!(world.params("/left")["QueueResult"], "queue-full");
}

#[test]
fn what_may_not_be_said_while_waiting_is_skipped_with_a_warning() {
    let world = waiting("<Dial>+15550100009</Dial><Say loop=\"0\">wait</Say>");
    assert_eq!(world.hears_whom(AGENT), ["\"wait\""]);
    assert!(world.engine.debugger().iter().any(|e| e.code == 13238));
}

#[test]
fn redirecting_a_waiting_leg_takes_it_out_of_the_queue() {
    let mut world = waiting("<Play loop=\"0\">/music</Play>");
    world.twiml("/new", "<Say loop=\"0\">new</Say>");
    let path = format!("Calls/{}", world.sid(AGENT));
    world.rest("POST", &path, &[("Url", "http://app/new")]);
    world.pass(1_000);
    assert_eq!(world.params("/left")["QueueResult"], "redirected");
    assert_eq!(world.hears_whom(AGENT), ["\"new\""]);
}
