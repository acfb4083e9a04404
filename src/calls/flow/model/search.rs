//! Breadth-first search: every state within a scenario's depth, each once, and the shortest path to one that breaks a law.

use std::collections::HashSet;
use std::fmt;
use std::time::{Duration, Instant};

use super::laws;
use super::scenario::Scenario;
use super::world::{Action, World};

/// What a search has seen.
pub struct Report {
    pub states: usize,
    pub transitions: usize,
    /// Nothing new lies beyond this depth, if less than the scenario's.
    pub depth: u32,
    pub is_complete: bool,
    pub took: Duration,
    pub violation: Option<String>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = if self.is_complete { ", all" } else { "" };
        let secs = self.took.as_secs_f32();
        write!(f, "{}{all} | {} | {} | {secs:.1}", self.depth, self.states, self.transitions)
    }
}

/// How each state was found first: from which, by what.
type Trail = Vec<(u32, Action)>;

/// Explores a scenario until a law is broken or the depth is reached.
pub fn explore(scenario: &Scenario) -> Report {
    let started = Instant::now();
    let first = scenario.begin();
    let mut seen = HashSet::from([first.key()]);
    let mut trail: Trail = vec![(0, Action::DialOver)];
    let mut transitions = 0;
    let mut depth = 0;
    let mut violation = laws::check(&first, scenario).err().map(|law| story(scenario, &trail, 0, &law));
    let mut frontier = vec![(0_u32, first)];
    while depth < scenario.depth && !frontier.is_empty() && violation.is_none() {
        let mut next = vec![];
        'level: for (at, world) in frontier.drain(..) {
            for action in world.actions(scenario) {
                let Some(after) = world.after(scenario, action) else { continue };
                transitions += 1;
                if !seen.insert(after.key()) {
                    continue;
                }
                trail.push((at, action));
                let found = trail.len() as u32 - 1;
                if let Err(law) = laws::check(&after, scenario) {
                    violation = Some(story(scenario, &trail, found, &law));
                    break 'level;
                }
                next.push((found, after));
            }
        }
        frontier = next;
        depth += 1;
    }
    let is_complete = frontier.is_empty();
    Report { states: seen.len(), transitions, depth, is_complete, took: started.elapsed(), violation }
}

/// The shortest path to a broken law, to be read.
fn story(scenario: &Scenario, trail: &Trail, last: u32, law: &str) -> String {
    let mut path = vec![];
    let mut at = last;
    while at != 0 {
        let (before, action) = trail[at as usize];
        path.push(action);
        at = before;
    }
    let mut world = scenario.begin();
    let mut lines = vec![format!("{}: {law}", scenario.name), format!("  from {}", world.told())];
    for action in path.into_iter().rev() {
        lines.push(format!("  {}", world.describe(action)));
        world.act_in(scenario, action);
        lines.push(format!("      {}", world.told()));
    }
    lines.push("  and if nobody does anything then:".into());
    let mut watches = 2;
    while let Some(action) = world.next_by_itself(&mut watches).filter(|_| lines.len() < 150) {
        lines.push(format!("  {}", world.describe(action)));
        world.act_in(scenario, action);
    }
    lines.push(format!("      {}", world.told()));
    let zeros = "00000000-0000-0000-0000-00000000";
    lines.join("\n").replace(zeros, "")
}

impl World {
    /// What an action is, in words.
    fn describe(&self, action: Action) -> String {
        let task = |at: u8| format!("{:?}", self.tasks[usize::from(at)].command);
        match action {
            Action::Carry(at) => format!("Twilio does {}", task(at)),
            Action::Settle(at) => format!("the answer comes to {}", task(at)),
            Action::Refuse(at) => format!("FAULT: Twilio will not do {}", task(at)),
            Action::LoseAnswer(at) => format!("FAULT: the answer is lost to {}", task(at)),
            Action::GiveUp(at) => format!("FAULT: done, but believed refused: {}", task(at)),
            Action::Fire(at) if self.is_quiet() => format!("timer {:?}", self.timers[usize::from(at)]),
            Action::Fire(at) => format!("FAULT: early timer {:?}", self.timers[usize::from(at)]),
            Action::Lose(mail) => format!("FAULT: lost is {mail:?}"),
            Action::Double(mail) => format!("FAULT: arrives, and will again, {mail:?}"),
            Action::Deliver(mail) => format!("arrives {mail:?}"),
            Action::Answer(seat) => format!("answers: {}", self.name(seat.into())),
            Action::LetRing(seat) => format!("does not answer: {}", self.name(seat.into())),
            Action::HangUp(seat) => format!("hangs up: {}", self.name(seat.into())),
            Action::Press(seat, answer) => format!("at the gate, {answer}: {}", self.name(seat.into())),
            Action::WordsEnd(seat) => format!("has heard the last words: {}", self.name(seat.into())),
            Action::DialOver => "Twilio asks for the Dial action".into(),
            Action::Ask(ask) => format!("API: {ask:?}"),
        }
    }

    /// The state, in a line.
    fn told(&self) -> String {
        let people = (0..self.twilio.people.len()).map(|seat| {
            let leg = &self.call.legs[seat];
            let marks = [(leg.in_room, " in room"), (leg.gone, " gone"), (leg.end_wanted, " to end")];
            let marks: String = marks.into_iter().filter(|(is, _)| *is).map(|(_, mark)| mark).collect();
            format!(
                "{seat}: {:?} (believed {}, sent to {}{marks})",
                self.twilio.line(seat),
                leg.status,
                leg.sent_to
            )
        });
        let transfer = self.call.transfers.last().map(|it| it.status);
        let people: Vec<_> = people.collect();
        format!("{} {transfer:?}; {}; {:?}", self.call.stage, people.join(", "), self.timers)
    }
}
