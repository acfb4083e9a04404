//! Owns how long sounds last and what a sound is: the vocabulary of the audibility record.

use serde::Serialize;

use super::twiml::{Repeat, Speech};

/// Spoken when a document fails and there is no fallback. Twilio's wording is alike, not the same.
pub(crate) const APPLICATION_ERROR: &str = "We are sorry. An application error has occurred. Goodbye.";

/// Speech takes this long for each character …
const MS_PER_CHARACTER: u64 = 60;
/// … and at least this long.
const SHORTEST_SPEECH_MS: u64 = 500;
/// The emulator plays no files: any of them lasts this long.
const FILE_MS: u64 = 30_000;
/// Nothing lasts longer than a call may.
const LONGEST_MS: u64 = 24 * 3600 * 1000;

/// Something a person hears.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Heard {
    /// Another person.
    Person {
        /// Their address.
        who: String,
    },
    /// Hold or wait music, or a played file.
    Music,
    /// Words of a `<Say>`, an announcement, or a mailbox's greeting.
    Speech {
        /// What is said.
        text: String,
    },
    /// A ringing tone.
    Ringing,
    /// DTMF or a mailbox's beep.
    Tone,
}

/// What a speech element sounds like; a pause is `None`.
pub(crate) fn heard(speech: &Speech) -> Option<Heard> {
    match speech {
        Speech::Say { text, .. } => Some(Heard::Speech { text: text.clone() }),
        Speech::Play { .. } => Some(Heard::Music),
        Speech::Digits { .. } => Some(Heard::Tone),
        Speech::Pause { .. } => None,
    }
}

/// How long it lasts in milliseconds; `None` is until something else happens.
pub(crate) fn length_ms(speech: &Speech) -> Option<u64> {
    let (once, repeat) = match speech {
        Speech::Say { text, repeat } => (say_ms(text), *repeat),
        Speech::Play { repeat, .. } => (FILE_MS, *repeat),
        Speech::Digits { length_ms } => (*length_ms, Repeat::Times(1)),
        Speech::Pause { length_ms } => (*length_ms, Repeat::Times(1)),
    };
    match repeat {
        Repeat::Forever => None,
        Repeat::Times(n) => Some(once.saturating_mul(u64::from(n)).min(LONGEST_MS)),
    }
}

/// How long a text takes to say.
pub(crate) fn say_ms(text: &str) -> u64 {
    let characters = u64::try_from(text.chars().count()).unwrap_or(u64::MAX);
    characters.saturating_mul(MS_PER_CHARACTER).clamp(SHORTEST_SPEECH_MS, LONGEST_MS)
}
