//! Owns the judgement: what people experienced, and what the call has become, against the invariants of the design.

use super::script::{CUSTOMER, FIRST_AGENT, SECOND_AGENTS, SUPERVISOR, Script};
use super::world::{Aftermath, LegRecord};
use crate::calls::flow::{Event, Monitor, Party, Role, Stage, Style, TransferStatus};
use crate::emulator::{EventKind, Heard, Span};

/// How long things may take, in milliseconds.
#[derive(Debug, Clone, Copy)]
struct Bounds {
    /// I1: the customer hears nobody and nothing.
    silence_ms: u64,
    /// I3: the customer has gone; whoever talks is told or ended.
    told_ms: u64,
    /// I3: the customer has gone; whatever rings stops.
    ringing_ms: u64,
    /// I4: a transfer has failed; customer and agent hear each other.
    together_ms: u64,
    /// A leg goes on after its call has ended.
    outlived_ms: u64,
}

/// While nothing is lost: the wait document's pause of a second or the music document's of two, and four ways through a
/// network of 150 ms; I3's ten seconds; a round trip for what rings and for what was taken back.
const CALM: Bounds =
    Bounds { silence_ms: 3_000, told_ms: 10_000, ringing_ms: 2_000, together_ms: 3_000, outlived_ms: 2_000 };

/// A request that times out six times over, with the pauses between, is given up after this long.
const PATIENCE_MS: u64 = 95_000;

impl Bounds {
    /// When the news of somebody's end is lost, the next look at Twilio tells, and a request that fails is tried again.
    fn of(script: &Script) -> Self {
        if script.faults.is_calm() {
            return CALM;
        }
        let watch_ms = u64::from(script.policy.watch_secs) * 1_000;
        let late_ms = watch_ms + PATIENCE_MS;
        Self {
            silence_ms: watch_ms + ROUGH_MS,
            told_ms: late_ms,
            ringing_ms: late_ms,
            together_ms: watch_ms + ROUGH_MS,
            outlived_ms: late_ms,
        }
    }
}

/// I1 and I4 while things are lost on purpose, beyond the watch that notices: two requests that time out, ten seconds each,
/// and the pauses between.
const ROUGH_MS: u64 = 30_000;

/// How a call was for the people in it.
#[derive(Debug, Clone, Default)]
pub struct Verdict {
    /// Broken promises, in words.
    pub violations: Vec<String>,
    /// The longest that the customer heard nobody and nothing, in milliseconds.
    pub longest_silence_ms: u64,
}

/// Judges what a script has led to.
pub(super) fn judge(script: &Script, after: &Aftermath) -> Verdict {
    let court = Court { script, after, bounds: Bounds::of(script) };
    let violations = [
        court.silences(),
        court.private_talk(),
        court.heard_in_secret(),
        court.dialled_twice(),
        court.not_dialled(),
        court.outlived(),
        court.not_together_again(),
        court.ending(),
        court.broken_documents(),
    ]
    .concat();
    Verdict { violations, longest_silence_ms: court.longest_silence_ms() }
}

struct Court<'a> {
    script: &'a Script,
    after: &'a Aftermath,
    bounds: Bounds,
}

fn length_ms(span: &Span) -> u64 {
    span.to_ms.saturating_sub(span.from_ms)
}

fn overlap(a: (u64, u64), b: (u64, u64)) -> bool {
    a.0 < b.1 && b.0 < a.1
}

fn hears_person(span: &Span, address: &str) -> bool {
    span.hears.iter().any(|heard| matches!(heard, Heard::Person { who } if who == address))
}

impl Court<'_> {
    fn spans(&self, address: &str) -> &[Span] {
        let person = self.after.audibility.people.iter().find(|person| person.address == address);
        person.map(|person| person.spans.as_slice()).unwrap_or_default()
    }

    fn legs<'a>(&'a self, address: &'a str) -> impl Iterator<Item = &'a LegRecord> {
        self.after.legs.iter().filter(move |leg| leg.address == address)
    }

    /// From when to when this held of the call.
    fn times(&self, holds: impl Fn(&crate::calls::flow::Call) -> bool) -> Vec<(u64, u64)> {
        let mut times: Vec<(u64, u64)> = vec![];
        let mut since = None;
        for moment in &self.after.history {
            match (since, holds(&moment.call)) {
                (None, true) => since = Some(moment.at_ms),
                (Some(from), false) => {
                    times.push((from, moment.at_ms));
                    since = None;
                }
                _ => {}
            }
        }
        times.extend(since.map(|from| (from, self.after.over_ms.saturating_add(1))));
        times
    }

    /// The spans in which the customer, a person, heard nothing though nobody had wished it so.
    fn silent_spans(&self) -> Vec<&Span> {
        // Somebody was muted or put on hold through the API; the wish takes a moment to come true and to end.
        const SLACK_MS: u64 = 5_000;
        let wished = self.times(|call| call.legs.iter().any(|leg| leg.muted || leg.on_hold));
        let wished = wished.into_iter().map(|(from, to)| (from, to + SLACK_MS));
        let machines = self.after.legs.iter().filter(|leg| leg.is_machine);
        let machines = machines.filter_map(|leg| Some((leg.answered_ms?, leg.ended_ms.unwrap_or(u64::MAX))));
        let excused: Vec<(u64, u64)> = wished.chain(machines).collect();
        let spans = self.spans(CUSTOMER).iter().filter(|span| span.hears.is_empty());
        let is_excused =
            |span: &&Span| excused.iter().any(|excuse| overlap((span.from_ms, span.to_ms), *excuse));
        spans.filter(|span| !is_excused(span)).collect()
    }

    fn longest_silence_ms(&self) -> u64 {
        self.silent_spans().into_iter().map(length_ms).max().unwrap_or_default()
    }

    /// I1.
    fn silences(&self) -> Vec<String> {
        let silent = self.silent_spans().into_iter().filter(|span| length_ms(span) > self.bounds.silence_ms);
        silent
            .map(|span| format!("I1: the customer heard nothing from {} to {} ms", span.from_ms, span.to_ms))
            .collect()
    }

    /// While the agents are to talk alone, the customer hears none of their talk.
    fn private_talk(&self) -> Vec<String> {
        let mut heard = vec![];
        for transfer in self.after.call.transfers.iter().filter(|it| it.style == Style::PrivateFirst) {
            let private = self.times(|call| {
                let is_current = call.transfer().is_some_and(|it| it.id == transfer.id);
                is_current && matches!(call.stage, Stage::Transferring | Stage::Consulting)
            });
            for target in self.after.call.targets(transfer.id) {
                // Whoever was to leave from an earlier transfer is another leg, and not yet in private.
                let leg = self.after.legs.iter().find(|leg| Some(&leg.sid) == target.call_sid.as_ref());
                let Some(answered_ms) = leg.and_then(|leg| leg.answered_ms) else { continue };
                let private: Vec<_> =
                    private.iter().map(|(from, to)| (answered_ms.max(*from), *to)).collect();
                heard.extend(self.overheard(&target.address.to_string(), &private));
            }
        }
        heard.sort();
        heard.dedup();
        heard
    }

    /// When the customer heard this second agent talk to another agent, or that one to them.
    fn overheard(&self, second: &str, private: &[(u64, u64)]) -> Vec<String> {
        let agents = SECOND_AGENTS.iter().map(|(address, _)| *address).chain([FIRST_AGENT]);
        let mut heard = vec![];
        for other in agents.filter(|other| *other != second) {
            for (speaker, listener) in [(second, other), (other, second)] {
                for span in self.spans(CUSTOMER).iter().filter(|span| hears_person(span, speaker)) {
                    for talk in self.spans(listener).iter().filter(|talk| hears_person(talk, speaker)) {
                        let (from, to) = (talk.from_ms.max(span.from_ms), talk.to_ms.min(span.to_ms));
                        if from < to && private.iter().any(|time| overlap((from, to), *time)) {
                            heard.push(format!(
                                "I1: the customer overheard the agents from {from} to {to} ms"
                            ));
                        }
                    }
                }
            }
        }
        heard
    }

    /// A supervisor who listens or coaches is not heard by the customer: not while they had asked for nothing else.
    fn heard_in_secret(&self) -> Vec<String> {
        let barges = |call: &crate::calls::flow::Call| {
            let supervisor = call.legs.iter().filter(|leg| leg.role == Role::Supervisor);
            supervisor.rev().take(1).any(|leg| leg.monitor == Some(Monitor::Barge))
        };
        let mut allowed = self.times(barges);
        allowed.iter_mut().for_each(|span| span.1 = span.1.saturating_add(self.bounds.together_ms));
        let heard = self.spans(CUSTOMER).iter().filter(|span| hears_person(span, SUPERVISOR));
        let secret = heard.filter(|span| !allowed.iter().any(|it| overlap(*it, (span.from_ms, span.to_ms))));
        secret.map(|span| format!("the customer heard a silent supervisor at {} ms", span.from_ms)).collect()
    }

    /// I2: there are no more dials than legs, and no leg beyond what was asked for and the site's choices.
    fn dialled_twice(&self) -> Vec<String> {
        let mut twice = vec![];
        let addresses =
            SECOND_AGENTS.iter().map(|(address, _)| *address).chain([FIRST_AGENT, CUSTOMER, SUPERVISOR]);
        for address in addresses {
            let dialled = self.legs(address).count();
            let planned =
                self.after.call.legs.iter().filter(|leg| leg.address.to_string() == address).count();
            if dialled > planned {
                twice.push(format!("I2: {address} was dialled {dialled} times for {planned} legs"));
            }
        }
        for transfer in &self.after.call.transfers {
            for (address, name) in SECOND_AGENTS {
                let rung = self.after.call.targets(transfer.id);
                let rung = rung.filter(|leg| leg.address.to_string() == address).count();
                if rung > 2 {
                    twice.push(format!("I2: one transfer has rung {name} {rung} times"));
                }
            }
        }
        twice
    }

    /// An agent who stays on the line has the customer rung for them.
    fn not_dialled(&self) -> Vec<String> {
        let Some(agent) = self.legs(FIRST_AGENT).next() else { return vec![] };
        let Some(answered_ms) = agent.answered_ms else { return vec![] };
        let until_ms = answered_ms + self.bounds.told_ms;
        let is_rung = self.legs(CUSTOMER).any(|leg| leg.created_ms <= until_ms);
        let has_left = agent.ended_ms.is_some_and(|ended_ms| ended_ms <= until_ms);
        let complaint =
            format!("the agent answered at {answered_ms} ms, and the customer was not rung by {until_ms} ms");
        if is_rung || has_left { vec![] } else { vec![complaint] }
    }

    /// I3, and that no leg outlives its call.
    fn outlived(&self) -> Vec<String> {
        let mut late = vec![];
        let customer = self.legs(CUSTOMER).filter_map(|leg| leg.ended_ms).max();
        for leg in self.after.legs.iter().filter(|leg| leg.address != CUSTOMER) {
            let ended_ms = leg.ended_ms.unwrap_or(u64::MAX);
            if let Some(gone_ms) = customer
                && let Some(bound_ms) = self.too_late(leg, gone_ms)
            {
                late.push(format!(
                    "I3: the customer left at {gone_ms} ms, and {} was neither ended nor told within {bound_ms} ms",
                    leg.address
                ));
            }
            let over_ms = self.ended_ms().unwrap_or(u64::MAX);
            if ended_ms > over_ms.saturating_add(self.bounds.outlived_ms) {
                late.push(format!("I3: {} outlived the call, which ended at {over_ms} ms", leg.address));
            }
        }
        late
    }

    fn too_late(&self, leg: &LegRecord, gone_ms: u64) -> Option<u64> {
        let ended_ms = leg.ended_ms.unwrap_or(u64::MAX);
        let rings = leg.answered_ms.is_none_or(|answered| answered > gone_ms);
        let since = gone_ms.max(leg.created_ms);
        let bound_ms = if rings { self.bounds.ringing_ms } else { self.bounds.told_ms };
        let is_told = || {
            let spans = self.spans(&leg.address).iter();
            let mut later = spans.filter(|span| span.to_ms > gone_ms && span.from_ms <= since + bound_ms);
            later.any(|span| span.hears.iter().any(|heard| matches!(heard, Heard::Speech { .. })))
        };
        (ended_ms > since + bound_ms && !is_told()).then_some(bound_ms)
    }

    fn ended_ms(&self) -> Option<u64> {
        let ended = self.after.call.ended_at?;
        u64::try_from((ended - self.after.call.created_at).num_milliseconds()).ok()
    }

    /// I4: after a failed transfer customer and agent, if both stay, hear each other.
    fn not_together_again(&self) -> Vec<String> {
        let mut broken = vec![];
        let mut known = 0;
        for moment in &self.after.history {
            let failed =
                moment.call.transfers.iter().filter(|it| it.status == TransferStatus::Failed).count();
            if failed > known && matches!(moment.call.stage, Stage::InRoom | Stage::Connected) {
                broken.extend(self.apart_after(moment.at_ms, &moment.call));
            }
            known = failed;
        }
        broken
    }

    fn apart_after(&self, at_ms: u64, call: &crate::calls::flow::Call) -> Option<String> {
        let until_ms = at_ms + self.bounds.together_ms;
        let holder = call.agent()?;
        // A wish of a moment ago may still be on its way to Twilio.
        let since_ms = at_ms.saturating_sub(self.bounds.together_ms);
        let near = |wish_ms: u64| (since_ms..=until_ms).contains(&wish_ms);
        let is_wished = self.after.wishes.iter().any(|(wish_ms, _, taken)| near(*wish_ms) && taken.is_ok());
        let is_special = call.legs.iter().any(|leg| leg.muted || leg.on_hold);
        let sids = [holder.call_sid.clone(), call.customer()?.call_sid.clone()];
        let legs: Vec<&LegRecord> =
            self.after.legs.iter().filter(|leg| sids.contains(&Some(leg.sid.clone()))).collect();
        // Who left by themselves is missed by nobody: the first end counts, as it ends the other's leg.
        // Of two at the same moment, it is the one whose doing it was.
        let first_end = legs.iter().filter(|leg| leg.ended_ms.is_some_and(|end| end <= until_ms));
        let first_end = first_end.min_by_key(|leg| (leg.ended_ms, !leg.left_by_themselves(self.script)));
        if is_wished || is_special || legs.len() < 2 {
            return None;
        }
        match first_end {
            Some(leg) if leg.left_by_themselves(self.script) => None,
            Some(leg) => {
                Some(format!("I4: a transfer failed at {at_ms} ms, and then {} was cut off", leg.address))
            }
            None => {
                let spans = self.spans(CUSTOMER).iter();
                let mut later = spans.filter(|span| span.to_ms > at_ms && span.from_ms <= until_ms);
                let address = holder.address.to_string();
                let is_together =
                    later.any(|span| hears_person(span, &address)) || legs.iter().any(|leg| leg.is_machine);
                (!is_together).then(|| {
                    format!("I4: a transfer failed at {at_ms} ms, and the customer did not hear the agent by {until_ms} ms")
                })
            }
        }
    }

    /// I5: it ends once, by somebody who did end it, for a reason.
    fn ending(&self) -> Vec<String> {
        let call = &self.after.call;
        let mut wrong = vec![];
        if self.after.is_endless || call.stage != Stage::Ended {
            wrong.push(format!("I5: the call never ended; it is {}", call.stage));
        } else if self.after.endings != 1 {
            wrong.push(format!("I5: the call ended {} times", self.after.endings));
        }
        let (Some(by), Some(_)) = (call.ended_by, call.end_reason) else {
            wrong.push("I5: nobody knows who ended the call, or why".to_owned());
            return wrong;
        };
        if self.script.faults.is_calm() && !self.did_end(by) {
            wrong.push(format!("I5: {by} did not end the call"));
        }
        wrong
    }

    fn did_end(&self, by: Party) -> bool {
        let left = |role: Role| {
            let of_role = self.after.call.legs.iter().filter(|leg| leg.role == role);
            let sids: Vec<_> = of_role.filter_map(|leg| leg.call_sid.clone()).collect();
            let mut legs = self.after.legs.iter().filter(|leg| sids.contains(&leg.sid));
            legs.any(|leg| leg.left_by_themselves(self.script)) || self.was_sent_away(role)
        };
        match by {
            // An agent who hangs up while a transfer takes the exit flags off closes the room on the customer: whose end that
            // was cannot be told apart.
            Party::Customer => left(Role::Customer) || self.was_transferring_at_the_end(),
            Party::FirstAgent => left(Role::FirstAgent),
            Party::SecondAgent => left(Role::SecondAgent),
            Party::Crm | Party::Supervisor => self.after.wishes.iter().any(|(_, wish, taken)| {
                taken.is_ok() && matches!(wish, Event::HangUpRequested { .. } | Event::RemoveRequested { .. })
            }),
            Party::System => true,
        }
    }

    fn was_transferring_at_the_end(&self) -> bool {
        let ends: Vec<u64> = self.after.legs.iter().filter_map(|leg| leg.ended_ms).collect();
        // A little later the news of the end is not there yet.
        let near = |wish_ms: u64| ends.iter().any(|end_ms| end_ms.abs_diff(wish_ms) <= 1_000);
        self.after.wishes.iter().any(|(at_ms, wish, taken)| {
            near(*at_ms) && taken.is_ok() && matches!(wish, Event::TransferRequested(_))
        })
    }

    /// Whoever is asked through the API to leave, leaves.
    fn was_sent_away(&self, whom: Role) -> bool {
        let mut taken = self.after.wishes.iter().filter(|(_, _, taken)| taken.is_ok());
        taken.any(|(_, wish, _)| match wish {
            Event::RemoveRequested { role, .. } => *role == whom,
            Event::CompleteRequested => whom == Role::FirstAgent,
            _ => false,
        })
    }

    /// Twilio never finds fault with what it is given.
    fn broken_documents(&self) -> Vec<String> {
        if self.script.faults.no_document > 0 {
            return vec![];
        }
        let broken = [EventKind::TwimlError, EventKind::TwimlWarning, EventKind::WebhookFailed];
        let found = self.after.timeline.iter().filter(|event| broken.contains(&event.kind));
        found.map(|event| format!("TwiML: {} at {} ms", event.detail, event.at_ms)).collect()
    }
}
