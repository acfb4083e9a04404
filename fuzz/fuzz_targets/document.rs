//! Any bytes as the documents of a call, run to their end: nothing panics, every call ends, memory is bounded.
//!
//! NUL bytes part the input into documents; the requests are answered by each in turn.
#![no_main]

use libfuzzer_sys::fuzz_target;
use warm_transfer_fuzz::{CALLED, NUMBER, World, answer};

/// Ten minutes of whatever the documents say; then somebody hangs up on everything that is left.
const LIVES_MS: u64 = 600_000;
/// Longer than a ring, a whisper or a recording takes to be over.
const DIES_MS: u64 = 60_000;

fuzz_target!(|data: &[u8]| {
    let documents: Vec<&[u8]> = data.split(|byte| *byte == 0).collect();
    let mut world = World::new();
    let pairs = [("To", CALLED), ("From", NUMBER), ("Url", "http://app/start")];
    let pairs = pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
    world.rest("POST", "Calls.json", pairs);
    let mut turn = documents.iter().cycle();
    world.pass(LIVES_MS, |_| answer("text/xml", turn.next().copied().unwrap_or_default()));
    end_all(&mut world);
    world.pass(LIVES_MS + DIES_MS, |_| answer("text/xml", b"<Response/>"));
    assert!(world.is_over(), "a leg outlives its end");
    // What is shown of it is bounded too.
    let shown = world.engine.audibility();
    assert!(shown.people.iter().map(|person| person.spans.len()).sum::<usize>() <= 100_000);
    assert!(world.engine.debugger().len() <= 10_000);
});

/// Ends every call by REST, over and over, as ending one may begin another.
fn end_all(world: &mut World) {
    let (_, page) = world.rest("GET", "Calls.json", vec![("PageSize".into(), "1000".into())]);
    let calls = page.and_then(|page| page["calls"].as_array().cloned()).unwrap_or_default();
    for sid in calls.iter().filter_map(|call| call["sid"].as_str()) {
        world.rest("POST", &format!("Calls/{sid}.json"), vec![("Status".into(), "completed".into())]);
    }
}
