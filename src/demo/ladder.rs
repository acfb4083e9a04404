//! The ladder: a column a person, a line a thing that happens, and what each person hears from then on.

use super::stage::{CUSTOMER, FIRST_AGENT, Part, SECOND_AGENT};
use crate::emulator::{Audibility, EventKind, Heard, TimelineEvent};

const PEOPLE: [Part; 3] = [FIRST_AGENT, CUSTOMER, SECOND_AGENT];
const WIDTH: usize = 36;

/// Draws a story while it happens.
pub struct Ladder {
    is_coloured: bool,
    on_line: [bool; 3],
    heard: [String; 3],
}

impl Ladder {
    /// With colours for a terminal, or plain.
    pub fn new(is_coloured: bool) -> Self {
        Self { is_coloured, on_line: [false; 3], heard: Default::default() }
    }

    /// The line with everybody's name.
    pub fn head(&self) -> String {
        let names = PEOPLE.map(|part| format!("{:WIDTH$}", part.name));
        format!("{:10}{}", "", names.concat()).trim_end().to_owned()
    }

    /// The lines that this event adds, with what people hear from it on.
    pub fn lines(&mut self, event: &TimelineEvent, audibility: &Audibility) -> Vec<String> {
        let mut lines = Vec::new();
        let column = PEOPLE.iter().position(|part| event.address.as_deref() == Some(part.address));
        if let (Some(column), Some(word)) = (column, word(event)) {
            match event.kind {
                EventKind::Answered => self.on_line[column] = true,
                EventKind::Ended => self.on_line[column] = false,
                _ => {}
            }
            lines.push(self.line(event.at_ms, column, &word, "1"));
        }
        lines.extend(self.listen(event.at_ms, audibility));
        lines
    }

    /// The lines that say what people hear now and did not before.
    pub fn listen(&mut self, at_ms: u64, audibility: &Audibility) -> Vec<String> {
        let mut lines = Vec::new();
        for (column, part) in PEOPLE.iter().enumerate() {
            let now = if self.on_line[column] { hears(audibility, *part) } else { String::new() };
            if now != self.heard[column] {
                if !now.is_empty() {
                    let colour = if now == "hears nothing" { "31" } else { "32" };
                    lines.push(self.line(at_ms, column, &now, colour));
                }
                self.heard[column] = now;
            }
        }
        lines
    }

    fn line(&self, at_ms: u64, column: usize, text: &str, colour: &str) -> String {
        let cells = (0..PEOPLE.len()).map(|other| {
            let cell = match (other == column, self.on_line[other]) {
                (true, _) => text,
                (false, true) => "│",
                (false, false) => "",
            };
            let is_long = cell.chars().count() >= WIDTH;
            let cut: String =
                if is_long { cell.chars().take(WIDTH - 2).chain(['…']).collect() } else { cell.into() };
            let padded = format!("{cut:WIDTH$}");
            let is_painted = self.is_coloured && other == column;
            if is_painted { format!("\x1b[{colour}m{padded}\x1b[0m") } else { padded }
        });
        format!("{:>7.3} s {}", at_ms as f64 / 1000.0, cells.collect::<String>()).trim_end().to_owned()
    }
}

/// What to write in somebody's column; nothing for what only programs care about.
fn word(event: &TimelineEvent) -> Option<String> {
    Some(match event.kind {
        EventKind::Ringing => "rings".into(),
        EventKind::Answered => "answers".into(),
        EventKind::Busy => "is busy".into(),
        EventKind::NoAnswer => "does not answer".into(),
        EventKind::Failed => "cannot be reached".into(),
        EventKind::Canceled => "stops ringing".into(),
        EventKind::Ended => "is off the line".into(),
        EventKind::Bridged => "is bridged".into(),
        EventKind::ConferenceJoined => "enters the room".into(),
        EventKind::ConferenceLeft => "leaves the room".into(),
        _ => return None,
    })
}

fn hears(audibility: &Audibility, part: Part) -> String {
    let person = audibility.people.iter().find(|person| person.address == part.address);
    let Some(span) = person.and_then(|person| person.spans.last()) else { return String::new() };
    let sounds: Vec<String> = span.hears.iter().map(sound).collect();
    if sounds.is_empty() { "hears nothing".into() } else { format!("hears {}", sounds.join(", ")) }
}

fn sound(heard: &Heard) -> String {
    match heard {
        Heard::Person { who } => {
            let part = PEOPLE.iter().find(|part| part.address == who);
            part.map_or_else(|| who.clone(), |part| part.name.to_owned())
        }
        Heard::Music => "music".into(),
        Heard::Speech { text } => {
            let short: String = text.chars().take(24).collect();
            format!("“{short}…”")
        }
        Heard::Ringing => "ringing".into(),
        Heard::Tone => "a tone".into(),
    }
}
