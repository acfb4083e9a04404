//! What each person of a call heard, and when: spans made from how everybody stood at each moment, and bars drawn from them. Pure.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::ladder::clock;
use super::svg::{Svg, isolated, shortened};
use crate::calls::flow::{Hears, Presence, Standing};
use crate::calls::standings::Moment;

/// What a span is drawn as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum Sound {
    /// Nobody is on the line: the phone rings.
    PhoneRings,
    /// At least one other person.
    People,
    /// A phone that rings, and nobody.
    Ringing,
    /// Music, and nobody.
    Music,
    /// An announcement, and nobody.
    Words,
    /// Nobody and nothing: dead air.
    Silence,
}

/// A time in which somebody heard the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// Milliseconds since the call was asked for.
    pub from_ms: i64,
    /// The same; never before `from_ms`.
    pub to_ms: i64,
    /// In one word.
    pub sound: Sound,
    /// In the room, and not heard by the others.
    pub is_held: bool,
    /// Whom they heard.
    pub people: Vec<Uuid>,
}

/// The ears of one person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ears {
    /// Whose leg.
    pub leg_id: Uuid,
    /// In order, without overlaps; nothing while nobody rang them.
    pub spans: Vec<Span>,
}

/// What everybody heard until then, in the order of the legs.
pub fn ears(moments: &[Moment], began: DateTime<Utc>, until: DateTime<Utc>) -> Vec<Ears> {
    let mut all: Vec<Ears> = Vec::new();
    for (index, moment) in moments.iter().enumerate() {
        let next = moments.get(index + 1).map_or(until, |next| next.at);
        let from_ms = (moment.at - began).num_milliseconds();
        let to_ms = (next - began).num_milliseconds().max(from_ms);
        for standing in &moment.people {
            let ears = match all.iter().position(|ears| ears.leg_id == standing.leg_id) {
                Some(index) => all.get_mut(index),
                None => {
                    all.push(Ears { leg_id: standing.leg_id, spans: vec![] });
                    all.last_mut()
                }
            };
            if let (Some(ears), Some(span)) = (ears, span(standing, from_ms, to_ms)) {
                ears.add(span);
            }
        }
    }
    all
}

impl Ears {
    /// Joins what is the same as before; what took no time is nothing. Clocks of several copies may differ a little: a span
    /// never begins before the one in front of it has ended.
    fn add(&mut self, mut span: Span) {
        let last = self.spans.last_mut();
        span.from_ms = last.as_ref().map_or(span.from_ms, |last| span.from_ms.max(last.to_ms));
        if span.to_ms <= span.from_ms {
            return;
        }
        match last {
            Some(last) if last.to_ms == span.from_ms && last.is_like(&span) => last.to_ms = span.to_ms,
            _ => self.spans.push(span),
        }
    }

    /// How long they heard nobody and nothing, in milliseconds.
    pub fn silent_ms(&self) -> i64 {
        let silent = self.spans.iter().filter(|span| span.sound == Sound::Silence);
        silent.map(|span| span.to_ms - span.from_ms).sum()
    }
}

impl Span {
    fn is_like(&self, other: &Self) -> bool {
        (self.sound, self.is_held, &self.people) == (other.sound, other.is_held, &other.people)
    }
}

fn span(standing: &Standing, from_ms: i64, to_ms: i64) -> Option<Span> {
    let mut people: Vec<Uuid> = standing
        .hears
        .iter()
        .filter_map(|hears| match hears {
            Hears::Person { leg_id } => Some(*leg_id),
            _ => None,
        })
        .collect();
    people.sort_unstable();
    let sound = match standing.presence {
        Presence::Planned | Presence::Calling | Presence::Left | Presence::Failed => return None,
        Presence::Ringing => Sound::PhoneRings,
        _ => sound(&standing.hears),
    };
    Some(Span { from_ms, to_ms, sound, is_held: standing.presence == Presence::OnHold, people })
}

fn sound(hears: &[Hears]) -> Sound {
    let any = |wanted: fn(&Hears) -> bool| hears.iter().any(wanted);
    if any(|hears| matches!(hears, Hears::Person { .. })) {
        Sound::People
    } else if any(|hears| matches!(hears, Hears::Words)) {
        Sound::Words
    } else if any(|hears| matches!(hears, Hears::Music)) {
        Sound::Music
    } else if any(|hears| matches!(hears, Hears::Ringing)) {
        Sound::Ringing
    } else {
        Sound::Silence
    }
}

/// What stands beside a bar, and what its spans are called.
pub struct Named<'a> {
    /// The person.
    pub name: &'a str,
    /// Their ears.
    pub ears: &'a Ears,
    /// Each span in words.
    pub words: &'a [String],
}

/// Units of the whole drawing.
const WIDTH: i64 = 960;
/// Units beside the bars, for names.
const NAMES: i64 = 168;
/// Units of the bars.
const BARS: i64 = WIDTH - NAMES - 16;
/// Units of one person.
const ROW: i64 = 40;
/// Units of a bar.
const BAR: i64 = 22;
/// Units beneath, for the times.
const AXIS: i64 = 30;
/// Lines of the times at the most.
const TICKS_MOST: i64 = 10;
/// Distances between two times, in seconds.
const STEPS: [i64; 13] = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600];
/// Characters of a name.
const NAME_MOST: usize = 20;

/// The bars of a call that lasted so long.
pub fn draw(title: &str, people: &[Named<'_>], length_ms: i64) -> String {
    let length_ms = length_ms.max(1);
    let rows = i64::try_from(people.len()).unwrap_or_default() * ROW;
    let mut svg = Svg::new("bars", WIDTH, rows + AXIS, title);
    hatch(&mut svg);
    axis(&mut svg, rows, length_ms);
    for (index, person) in people.iter().enumerate() {
        let y = i64::try_from(index).unwrap_or_default() * ROW;
        let name = isolated(&shortened(person.name, NAME_MOST));
        svg.text_element("text", &[("class", &"name"), ("x", &(NAMES - 12)), ("y", &(y + 25))], &name);
        let top = y + (ROW - BAR) / 2;
        svg.empty(
            "rect",
            &[("class", &"ground"), ("x", &NAMES), ("y", &top), ("width", &BARS), ("height", &BAR)],
        );
        for (span, words) in person.ears.spans.iter().zip(person.words) {
            bar(&mut svg, span, words, top, length_ms);
        }
    }
    svg.finish()
}

/// Where a moment stands.
fn x(ms: i64, length_ms: i64) -> f64 {
    let share = ms.clamp(0, length_ms) as f64 / length_ms as f64;
    NAMES as f64 + (share * BARS as f64 * 100.0).round() / 100.0
}

fn bar(svg: &mut Svg, span: &Span, words: &str, y: i64, length_ms: i64) {
    let (from, to) = (x(span.from_ms, length_ms), x(span.to_ms, length_ms));
    let sound: &str = span.sound.into();
    let held = if span.is_held { " held" } else { "" };
    let width = format!("{:.2}", to - from);
    svg.open("g", &[("class", &format!("span {sound}{held}"))]);
    svg.text_element("title", &[], words);
    let place: [(&str, &dyn std::fmt::Display); 4] =
        [("x", &from), ("y", &y), ("width", &width), ("height", &BAR)];
    svg.empty("rect", &place);
    if span.sound == Sound::Silence {
        svg.empty("rect", &[&place[..], &[("class", &"hatched"), ("fill", &"url(#dead-air)")]].concat());
    }
    svg.close("g");
}

fn hatch(svg: &mut Svg) {
    svg.open("defs", &[]);
    let size: &dyn std::fmt::Display = &6;
    let rotated: &dyn std::fmt::Display = &"rotate(45)";
    svg.open(
        "pattern",
        &[
            ("id", &"dead-air"),
            ("width", &size),
            ("height", &size),
            ("patternUnits", &"userSpaceOnUse"),
            ("patternTransform", &rotated),
        ],
    );
    svg.empty("line", &[("class", &"hatch"), ("x1", &0), ("y1", &0), ("x2", &0), ("y2", &size)]);
    svg.close("pattern");
    svg.close("defs");
}

fn axis(svg: &mut Svg, rows: i64, length_ms: i64) {
    let fits = |step: &&i64| length_ms / 1000 / **step <= TICKS_MOST;
    let longest = STEPS.last().copied().unwrap_or(1);
    let step =
        STEPS.iter().find(fits).copied().unwrap_or(longest * (length_ms / 1000 / longest / TICKS_MOST + 1));
    svg.open("g", &[("class", &"axis")]);
    for second in (0..=length_ms / 1000).step_by(usize::try_from(step).unwrap_or(1)) {
        let x = x(second * 1000, length_ms);
        svg.empty("line", &[("x1", &x), ("x2", &x), ("y1", &0), ("y2", &(rows + 4))]);
        svg.text_element("text", &[("x", &x), ("y", &(rows + 20))], &clock_of(second));
    }
    svg.close("g");
}

/// `1:05`.
fn clock_of(second: i64) -> String {
    let clock = clock(second * 1000);
    clock.split('.').next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use proptest::prelude::*;

    use super::*;

    fn leg(number: u128) -> Uuid {
        Uuid::from_u128(number)
    }

    fn hears() -> impl Strategy<Value = Hears> {
        prop_oneof![
            (0_u128..4).prop_map(|number| Hears::Person { leg_id: leg(number) }),
            Just(Hears::Music),
            Just(Hears::Ringing),
            Just(Hears::Words),
        ]
    }

    fn standing(number: u128) -> impl Strategy<Value = Standing> {
        let presence = prop::sample::select(vec![
            Presence::Planned,
            Presence::Ringing,
            Presence::Talking,
            Presence::OnHold,
            Presence::Left,
        ]);
        (presence, prop::collection::vec(hears(), 0..3)).prop_map(move |(presence, hears)| Standing {
            leg_id: leg(number),
            presence,
            hears,
        })
    }

    fn moments() -> impl Strategy<Value = Vec<Moment>> {
        let people = (standing(0), standing(1), standing(2)).prop_map(|(a, b, c)| vec![a, b, c]);
        prop::collection::vec((-2_000_i64..60_000, people), 0..40).prop_map(|all| {
            let at = |ms| DateTime::<Utc>::UNIX_EPOCH + TimeDelta::milliseconds(ms);
            all.into_iter().map(|(ms, people)| Moment { at: at(ms), people }).collect()
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        #[test]
        fn spans_are_in_order_and_do_not_overlap_whatever_the_clocks_said(moments in moments()) {
            let began = DateTime::<Utc>::UNIX_EPOCH;
            for ears in ears(&moments, began, began + TimeDelta::milliseconds(60_000)) {
                prop_assert!(ears.spans.iter().all(|span| span.from_ms < span.to_ms));
                prop_assert!(ears.spans.windows(2).all(|pair| pair[0].to_ms <= pair[1].from_ms));
                for pair in ears.spans.windows(2) {
                    prop_assert!(pair[0].to_ms < pair[1].from_ms || !pair[0].is_like(&pair[1]));
                }
                let words = vec!["<b>".to_owned(); ears.spans.len()];
                let svg = draw("Who heard what", &[Named { name: "A & B", ears: &ears, words: &words }], 60_000);
                let document = roxmltree::Document::parse(&svg).unwrap();
                for rect in document.descendants().filter(|node| node.has_tag_name("rect")) {
                    let number = |name| rect.attribute(name).unwrap().parse::<f64>().unwrap();
                    prop_assert!(number("x") >= NAMES as f64 && number("x") + number("width") <= (WIDTH - 15) as f64);
                }
            }
        }
    }

    #[test]
    fn a_person_alone_hears_dead_air_and_a_phone_that_rings_is_not_on_the_line() {
        let at = |ms| DateTime::<Utc>::UNIX_EPOCH + TimeDelta::milliseconds(ms);
        let moment = |ms, presence, hears| Moment {
            at: at(ms),
            people: vec![Standing { leg_id: leg(1), presence, hears }],
        };
        let moments = [
            moment(0, Presence::Planned, vec![]),
            moment(1_000, Presence::Ringing, vec![]),
            moment(3_000, Presence::Talking, vec![]),
            moment(4_000, Presence::Talking, vec![Hears::Person { leg_id: leg(2) }, Hears::Ringing]),
            moment(9_000, Presence::OnHold, vec![Hears::Music]),
            moment(9_500, Presence::Left, vec![]),
        ];
        let found = ears(&moments, at(0), at(60_000)).remove(0);
        let spans: Vec<_> =
            found.spans.iter().map(|it| (it.from_ms, it.to_ms, it.sound, it.is_held)).collect();
        assert_eq!(
            spans,
            [
                (1_000, 3_000, Sound::PhoneRings, false),
                (3_000, 4_000, Sound::Silence, false),
                (4_000, 9_000, Sound::People, false),
                (9_000, 9_500, Sound::Music, true),
            ]
        );
        assert_eq!(found.silent_ms(), 1_000);
    }
}
