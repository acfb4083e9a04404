//! Where everything of a ladder stands, in user units.

use super::{CHARACTER, END, LANE, MARGIN, Message};

/// Units of a message's row.
pub const ROW: i64 = 34;
/// Units of it above the arrow, where its label stands.
pub const ABOVE: i64 = 22;
/// Units of a pause.
const PAUSE: i64 = 26;
/// From how many milliseconds without a message on a pause is shown.
const PAUSE_FROM_MS: i64 = 2_000;
/// Units above the first row, for the lanes' titles.
const HEAD: i64 = 52;
/// Lanes are so wide at the least, in characters of a label.
const _: () = assert!(LANE / CHARACTER >= 20);

/// Something that has a height of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Row {
    /// The message of this index; `y` is that of its arrow.
    Message {
        /// Of its arrow.
        y: i64,
        /// Among the messages.
        index: usize,
    },
    /// So long nothing was said.
    Pause {
        /// Of its line.
        y: i64,
        /// How long.
        ms: i64,
    },
}

/// Where everything stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// Of the drawing.
    pub width: i64,
    /// Of the drawing.
    pub height: i64,
    /// Where the lanes begin.
    pub top: i64,
    /// The lanes from left to right.
    pub lanes: Vec<i64>,
    /// From above to below, in the order of time.
    pub rows: Vec<Row>,
}

/// Places so many lanes, and the messages in the order of time; those of one moment stay in theirs.
pub fn layout(lanes: usize, messages: &[Message]) -> Layout {
    let mut order: Vec<usize> = (0..messages.len()).collect();
    order.sort_by_key(|index| messages.get(*index).map(|message| message.at_ms));
    let count = i64::try_from(lanes).unwrap_or(i64::MAX / LANE);
    let mut layout = Layout {
        width: MARGIN + (count - 1).max(0) * LANE + END,
        height: HEAD,
        top: HEAD,
        lanes: (0..count).map(|lane| MARGIN + lane * LANE).collect(),
        rows: Vec::with_capacity(messages.len()),
    };
    let mut last_ms = None;
    for index in order {
        let Some(message) = messages.get(index) else { continue };
        let quiet_ms = last_ms.map_or(0, |last: i64| message.at_ms.saturating_sub(last));
        if quiet_ms >= PAUSE_FROM_MS {
            layout.rows.push(Row::Pause { y: layout.height + PAUSE / 2, ms: quiet_ms });
            layout.height += PAUSE;
        }
        layout.rows.push(Row::Message { y: layout.height + ABOVE, index });
        layout.height += ROW;
        last_ms = Some(message.at_ms);
    }
    layout.height += HEAD / 4;
    layout
}
