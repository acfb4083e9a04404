//! Any bytes as the document of a call: `cargo +nightly fuzz run document`. Every call ends, nothing panics.
#![no_main]

use libfuzzer_sys::fuzz_target;
use warm_transfer::emulator::Switches;
use warm_transfer::emulator::engine::{Engine, EngineOptions, HttpOutcome};

fuzz_target!(|data: &[u8]| {
    let Ok(account_sid) = "AC00000000000000000000000000000001".parse() else { return };
    let mut engine = Engine::new(EngineOptions {
        account_sid,
        seed: 1,
        epoch: chrono::DateTime::UNIX_EPOCH,
        switches: Switches::default(),
    });
    let path = "/2010-04-01/Accounts/AC00000000000000000000000000000001/Calls.json";
    let form = [("To", "+15550100001"), ("From", "+15550100000"), ("Url", "http://app/start")];
    let form = form.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
    engine.rest("POST", path, Vec::new(), form);
    // Thirty emulated minutes, every request answered by the same bytes.
    while engine.now_ms() < 1_800_000 {
        for request in engine.take_requests() {
            let content_type = Some("text/xml".to_owned());
            let outcome = HttpOutcome::Answer { status: 200, content_type, body: data.to_vec() };
            engine.http_answer(request.id, &outcome);
        }
        match engine.next_due_ms() {
            _ if engine.has_requests() => {}
            Some(due) => engine.advance(due),
            None => break,
        }
    }
});
