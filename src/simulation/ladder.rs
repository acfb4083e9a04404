//! Owns how a played call is told to people: what was thrown, then line by line what Twilio saw, what the service made of it
//! and what went wrong on purpose.

use std::fmt::Write;

use super::judge::Verdict;
use super::script::Script;
use super::world::Aftermath;
use crate::emulator::as_text;

pub(super) fn ladder(script: &Script, after: &Aftermath, verdict: &Verdict) -> String {
    let mut lines: Vec<(u64, String)> = vec![];
    for event in &after.timeline {
        lines.push((event.at_ms, format!("twilio   {}", as_text(std::slice::from_ref(event)).trim_end())));
    }
    for moment in &after.history {
        lines.push((moment.at_ms, format!("service  [{}] {}", moment.call.stage, moment.cause)));
    }
    for (at_ms, mishap) in &after.mishaps {
        lines.push((*at_ms, format!("fault    {mishap}")));
    }
    for (at_ms, wish, taken) in &after.wishes {
        let taken = taken.map_or_else(|refusal| refusal.to_string(), |()| "taken".to_owned());
        lines.push((*at_ms, format!("request  {wish:?}: {taken}")));
    }
    lines.sort_by_key(|(at_ms, _)| *at_ms);
    let mut text = format!("{script:#?}\n");
    for (at_ms, line) in lines {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{at_ms:>8} {line}");
    }
    for person in &after.audibility.people {
        let _ = writeln!(text, "{} heard:", person.address);
        for span in &person.spans {
            let _ = writeln!(text, "{:>8} - {:>8} {:?}", span.from_ms, span.to_ms, span.hears);
        }
    }
    let _ = writeln!(
        text,
        "ended by {:?}, {:?}; {:#?}",
        after.call.ended_by, after.call.end_reason, verdict.violations
    );
    text
}
