//! The ladder of a call: who said what to whom, from above to below. Pure: lanes and messages in, SVG out.
//!
//! Each message has a row of its own, so that nothing overlaps however close two are in time; a pause of some seconds is shown
//! as one. A message leads to its particulars, which stand below the ladder, and are its text for whoever cannot see it.

mod layout;
#[cfg(test)]
mod tests;

use super::svg::{Svg, isolated, shortened};
pub use layout::{Layout, Row, layout};

/// Whom a lane stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum Side {
    /// Programs and people who ask for something, and are told what happens.
    Crm,
    /// This service.
    Service,
    /// Twilio.
    Twilio,
    /// Somebody's phone.
    Person,
}

/// A vertical line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lane {
    /// Whom it stands for.
    pub side: Side,
    /// What stands above it.
    pub title: String,
    /// What stands beneath that.
    pub subtitle: String,
}

/// How a message is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum Kind {
    /// Twilio asks or tells us something.
    Webhook,
    /// We ask Twilio for something.
    Rest,
    /// Somebody asks us for something.
    Request,
    /// We tell somebody what happened.
    Notice,
    /// A phone rings, is answered, is put down.
    Line,
    /// Something that became so, without anybody being told.
    Note,
}

/// One thing that was said, or became so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The id of its particulars on the page; empty if there are none.
    pub id: String,
    /// Milliseconds since the call was asked for.
    pub at_ms: i64,
    /// From which lane.
    pub from: usize,
    /// To which; the same for a note.
    pub to: usize,
    /// How it is drawn.
    pub kind: Kind,
    /// Something went wrong.
    pub is_bad: bool,
    /// What was said, in a few words.
    pub label: String,
    /// What was answered, in a few words.
    pub answer: String,
}

/// Units between lanes.
const LANE: i64 = 168;
/// Units to the left of the first lane, where times stand.
const MARGIN: i64 = 132;
/// Units to the right of the last lane.
const END: i64 = 132;
/// Units that a character of a label takes at the most.
const CHARACTER: i64 = 7;

/// The ladder. Without messages there is nothing to draw.
pub fn draw(title: &str, lanes: &[Lane], messages: &[Message]) -> String {
    let layout = layout(lanes.len(), messages);
    let mut svg = Svg::new("ladder", layout.width, layout.height, title);
    defs(&mut svg);
    for (lane, x) in lanes.iter().zip(&layout.lanes) {
        lane_line(&mut svg, lane, *x, &layout);
    }
    for row in &layout.rows {
        match row {
            Row::Pause { y, ms } => pause(&mut svg, *y, *ms, &layout),
            Row::Message { y, index } => {
                if let Some(message) = messages.get(*index) {
                    draw_message(&mut svg, message, *y, &layout);
                }
            }
        }
    }
    svg.finish()
}

fn defs(svg: &mut Svg) {
    svg.open("defs", &[]);
    for tone in ["plain", "bad"] {
        let id = format!("head-{tone}");
        let size: &dyn std::fmt::Display = &9;
        svg.open(
            "marker",
            &[
                ("id", &id),
                ("class", &id),
                ("viewBox", &"0 0 10 10"),
                ("refX", &size),
                ("refY", &5),
                ("markerWidth", &7),
                ("markerHeight", &7),
                ("orient", &"auto-start-reverse"),
            ],
        );
        svg.empty("path", &[("d", &"M0 0 L10 5 L0 10 z")]);
        svg.close("marker");
    }
    svg.close("defs");
}

fn lane_line(svg: &mut Svg, lane: &Lane, x: i64, layout: &Layout) {
    let side: &str = lane.side.into();
    svg.open("g", &[("class", &format!("lane {side}"))]);
    svg.empty("line", &[("x1", &x), ("x2", &x), ("y1", &layout.top), ("y2", &(layout.height - 8))]);
    let most = usize::try_from(LANE / CHARACTER).unwrap_or(usize::MAX);
    let title = isolated(&shortened(&lane.title, most));
    svg.text_element("text", &[("class", &"title"), ("x", &x), ("y", &20)], &title);
    svg.text_element("text", &[("class", &"subtitle"), ("x", &x), ("y", &38)], &lane.subtitle);
    svg.close("g");
}

fn pause(svg: &mut Svg, y: i64, ms: i64, layout: &Layout) {
    svg.open("g", &[("class", &"pause")]);
    let from = layout.lanes.first().copied().unwrap_or(MARGIN);
    let to = layout.lanes.last().copied().unwrap_or(from);
    svg.empty("line", &[("x1", &from), ("x2", &to), ("y1", &y), ("y2", &y)]);
    svg.text_element("text", &[("x", &(MARGIN - 48)), ("y", &(y + 4))], &format!("{} s", (ms + 500) / 1000));
    svg.close("g");
}

fn draw_message(svg: &mut Svg, message: &Message, y: i64, layout: &Layout) {
    let kind: &str = message.kind.into();
    let tone = if message.is_bad { "bad" } else { "plain" };
    let class = format!("message {kind} {tone}");
    let has_particulars = !message.id.is_empty();
    if has_particulars {
        svg.open("a", &[("class", &class), ("href", &format!("#{}", message.id))]);
    } else {
        svg.open("g", &[("class", &class)]);
    }
    svg.text_element("title", &[], &hint(message));
    // What is pointed at is the whole row.
    let hit = [("x", &0 as &dyn std::fmt::Display), ("width", &layout.width), ("y", &(y - layout::ABOVE))];
    svg.empty(
        "rect",
        &[&[("class", &"hit" as &dyn std::fmt::Display)][..], &hit, &[("height", &layout::ROW)]].concat(),
    );
    svg.text_element(
        "text",
        &[("class", &"time"), ("x", &(MARGIN - 48)), ("y", &(y + 4))],
        &clock(message.at_ms),
    );
    arrow(svg, message, y, layout, tone);
    svg.close(if has_particulars { "a" } else { "g" });
}

fn arrow(svg: &mut Svg, message: &Message, y: i64, layout: &Layout, tone: &str) {
    let x = |lane: usize| layout.lanes.get(lane).copied().unwrap_or(MARGIN);
    let (from, to) = (x(message.from), x(message.to));
    let (start, most) = label_place(from, to, layout.width);
    if from == to {
        svg.empty("circle", &[("cx", &from), ("cy", &y), ("r", &4)]);
        svg.text_element(
            "text",
            &[("class", &"label"), ("x", &start), ("y", &(y + 4))],
            &shortened(&message.label, most),
        );
        return;
    }
    let head = format!("url(#head-{tone})");
    svg.empty(
        "line",
        &[("x1", &from), ("x2", &to), ("y1", &y), ("y2", &y), ("marker-end", &head), ("class", &"arrow")],
    );
    let label = match message.answer.as_str() {
        "" => message.label.clone(),
        answer => format!("{} → {answer}", message.label),
    };
    svg.text_element(
        "text",
        &[("class", &"label"), ("x", &start), ("y", &(y - 6))],
        &shortened(&label, most),
    );
}

/// Where a label begins, and how many characters it may have to end within the drawing.
fn label_place(from: i64, to: i64, width: i64) -> (i64, usize) {
    let start = from.min(to) + 10;
    (start, usize::try_from((width - start - 4) / CHARACTER).unwrap_or_default())
}

fn hint(message: &Message) -> String {
    let answer = if message.answer.is_empty() { String::new() } else { format!("\n{}", message.answer) };
    format!("{} {}{answer}", clock(message.at_ms), message.label)
}

/// `1:05.250`: minutes, seconds and thousandths since the call was asked for.
pub fn clock(ms: i64) -> String {
    let sign = if ms < 0 { "-" } else { "" };
    let ms = ms.unsigned_abs();
    format!("{sign}{}:{:02}.{:03}", ms / 60_000, ms / 1000 % 60, ms % 1000)
}
