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
    let mut text = thrown(script);
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

/// What was thrown, a line for each thing.
fn thrown(script: &Script) -> String {
    let Script { seed, bridge, policy, faults, switches, latency_ms, .. } = script;
    let (ring_secs, limit_secs) = (script.ring_timeout_secs, script.time_limit_secs);
    let mut text = format!(
        "seed {seed}: bridge {bridge}, rings {ring_secs} s, lasts {limit_secs} s, latency {latency_ms:?} ms\n\
         {policy:?}\n{faults:?}\n{switches:?}\n"
    );
    for (address, plans) in &script.phones {
        for plan in plans {
            let (acts, hangs_up) = (plan.after_ms.unwrap_or_default(), plan.hang_up_after_ms);
            let keys: Vec<_> = plan.presses.iter().map(|it| (it.after_ms, it.digits.as_str())).collect();
            // Writing to a String cannot fail.
            let _ = writeln!(
                text,
                "{address}: {} after {acts} ms, hangs up {hangs_up:?}, presses {keys:?}",
                plan.behaviour
            );
        }
    }
    text
}
