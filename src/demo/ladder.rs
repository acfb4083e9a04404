//! The ladder: a column a person, a line a thing that happens, and what each person hears from then on.

use super::stage::Part;
use crate::emulator::{Audibility, EventKind, Heard, TimelineEvent};

/// Of all columns together: with the time before them, a line fits a terminal of 120.
const WIDTH: usize = 108;
/// How much of a sentence is shown.
const WORDS: usize = 24;

/// Draws a story while it happens.
pub struct Ladder {
    people: &'static [Part],
    /// Of one column.
    width: usize,
    is_coloured: bool,
    on_line: Vec<bool>,
    heard: Vec<String>,
}

impl Ladder {
    /// A column each for these people; with colours for a terminal, or plain.
    pub fn new(people: &'static [Part], is_coloured: bool) -> Self {
        Self {
            people,
            width: WIDTH / people.len().max(1),
            is_coloured,
            on_line: vec![false; people.len()],
            heard: vec![String::new(); people.len()],
        }
    }

    /// The line with everybody's name.
    pub fn head(&self) -> String {
        let names = self.people.iter().map(|part| format!("{:width$}", part.name, width = self.width));
        format!("{:10}{}", "", names.collect::<String>()).trim_end().to_owned()
    }

    /// The lines that this event adds, with what people hear from it on.
    pub fn lines(&mut self, event: &TimelineEvent, audibility: &Audibility) -> Vec<String> {
        let mut lines = Vec::new();
        let column = self.people.iter().position(|part| event.address.as_deref() == Some(part.address));
        let shown = column.zip(word(event)).filter(|(column, _)| !self.goes_without_saying(*column, event));
        if let Some((column, word)) = shown {
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

    /// Whoever is off the line, or never answered, has left the room too.
    fn goes_without_saying(&self, column: usize, event: &TimelineEvent) -> bool {
        event.kind == EventKind::ConferenceLeft && !self.on_line[column]
    }

    /// The lines that say what people hear now and did not before.
    pub fn listen(&mut self, at_ms: u64, audibility: &Audibility) -> Vec<String> {
        let mut lines = Vec::new();
        for (column, part) in self.people.iter().enumerate() {
            let now = if self.on_line[column] { self.hears(audibility, *part) } else { String::new() };
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
        let cells = (0..self.people.len()).map(|other| {
            let cell = match (other == column, self.on_line[other]) {
                (true, _) => text,
                (false, true) => "│",
                (false, false) => "",
            };
            let padded = format!("{cell:width$}", width = self.width);
            let is_painted = self.is_coloured && other == column;
            if is_painted { format!("\x1b[{colour}m{padded}\x1b[0m") } else { padded }
        });
        format!("{:>7.3} s {}", at_ms as f64 / 1000.0, cells.collect::<String>()).trim_end().to_owned()
    }

    fn hears(&self, audibility: &Audibility, part: Part) -> String {
        let person = audibility.people.iter().find(|person| person.address == part.address);
        let Some(span) = person.and_then(|person| person.spans.last()) else { return String::new() };
        let sounds: Vec<String> = span.hears.iter().map(|heard| self.sound(heard)).collect();
        let sounds = if sounds.is_empty() { "nothing".into() } else { sounds.join(", ") };
        // Cut here, so that what is cut off does not show the same words twice when it changes.
        cut(&format!("hears {sounds}"), self.width - 2)
    }

    fn sound(&self, heard: &Heard) -> String {
        match heard {
            Heard::Person { who } => {
                let part = self.people.iter().find(|part| part.address == who);
                part.map_or_else(|| who.clone(), |part| part.name.to_owned())
            }
            Heard::Music => "music".into(),
            Heard::Speech { text } => format!("“{}”", cut(text, WORDS)),
            Heard::Ringing => "ringing".into(),
            Heard::Tone => "a tone".into(),
        }
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

/// At most so many characters, and an ellipsis if there were more.
fn cut(text: &str, length: usize) -> String {
    let is_long = text.chars().count() > length;
    if is_long { text.chars().take(length).chain(['…']).collect() } else { text.into() }
}

#[cfg(test)]
mod tests {
    use super::super::stage::{CUSTOMER, FIRST_AGENT, SECOND_AGENT, THIRD_AGENT};
    use super::*;

    #[test]
    fn four_people_take_no_more_room_than_three() {
        let mut ladder = Ladder::new(&[FIRST_AGENT, CUSTOMER, SECOND_AGENT, THIRD_AGENT], false);
        assert_eq!(ladder.head().find("Kim"), Some(10 + 3 * 27));
        ladder.on_line = vec![true; 4];
        assert!(ladder.line(0, 3, &"x".repeat(26), "1").chars().count() < 120);
    }

    #[test]
    fn only_what_is_cut_off_ends_in_an_ellipsis() {
        assert_eq!((cut("Goodbye.", 8), cut("Goodbye.", 7)), ("Goodbye.".into(), "Goodbye…".into()));
    }
}
