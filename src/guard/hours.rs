//! The arithmetic of calling hours: windows of local time, and when one is next open. Pure; the change of clocks comes from
//! the IANA database.

use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Datelike, Days, NaiveDateTime, Offset, TimeDelta, TimeZone, Timelike, Utc, Weekday};
use chrono_tz::Tz;

/// How far ahead an opening is looked for.
const HORIZON: TimeDelta = TimeDelta::days(15);
const DAY_MINUTES: u16 = 24 * 60;
const WEEK: [Weekday; 7] =
    [Weekday::Mon, Weekday::Tue, Weekday::Wed, Weekday::Thu, Weekday::Fri, Weekday::Sat, Weekday::Sun];

/// From one time of the day to another, `08:00-20:00`: the first belongs to it, the last does not. One that ends before it
/// begins goes on past midnight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    from: u16,
    until: u16,
}

impl FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let minutes = |text: &str| {
            let (hours, minutes) = text.trim().split_once(':')?;
            let is_plain = |part: &str| part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
            let (hours, minutes): (u16, u16) = match is_plain(hours) && is_plain(minutes) {
                true => (hours.parse().ok()?, minutes.parse().ok()?),
                false => return None,
            };
            Some(hours * 60 + minutes).filter(|all| minutes < 60 && *all <= DAY_MINUTES)
        };
        let both = text.split_once('-').and_then(|(from, until)| Some((minutes(from)?, minutes(until)?)));
        match both {
            Some((from, until)) if from != until && from < DAY_MINUTES => Ok(Self { from, until }),
            _ => Err(format!("is {text:?}; expected times of the day such as \"08:00-20:00\"")),
        }
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let clock = |minutes: u16| format!("{:02}:{:02}", minutes / 60, minutes % 60);
        write!(f, "from {} to {}", clock(self.from), clock(self.until))
    }
}

/// When calls are allowed, by the customer's own clock. A window past midnight belongs to the day on which it begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window {
    span: Span,
    days: [bool; 7],
}

impl Window {
    /// On these days of the week.
    pub fn new(span: Span, days: &[Weekday]) -> Self {
        Self { span, days: WEEK.map(|day| days.contains(&day)) }
    }

    /// Whether calls are allowed when the clock shows this.
    pub fn is_open(&self, local: NaiveDateTime) -> bool {
        let Span { from, until } = self.span;
        let minute = u16::try_from(local.hour() * 60 + local.minute()).unwrap_or(DAY_MINUTES);
        let begins_on = |day: Weekday| self.days[day.num_days_from_monday() as usize];
        if from < until {
            begins_on(local.weekday()) && (from..until).contains(&minute)
        } else {
            (begins_on(local.weekday()) && minute >= from)
                || (begins_on(local.weekday().pred()) && minute < until)
        }
    }

    /// What the clock will show when the window next begins.
    fn begins_after(&self, local: NaiveDateTime) -> Option<NaiveDateTime> {
        let beginning = |days: u64| {
            let date = local.date().checked_add_days(Days::new(days))?;
            let is_on = self.days[date.weekday().num_days_from_monday() as usize];
            date.and_hms_opt(u32::from(self.span.from / 60), u32::from(self.span.from % 60), 0)
                .filter(|_| is_on)
        };
        (0..=7).filter_map(beginning).find(|begins| *begins > local)
    }

    /// The first moment from `now` on at which it is open in this zone.
    fn next_open(&self, zone: Tz, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let mut at = now;
        // Each round passes one change of the clocks, and no zone has many within a week.
        for _ in 0..8 {
            let local = at.with_timezone(&zone).naive_local();
            if self.is_open(local) {
                return Some(at);
            }
            let then = at.checked_add_signed(self.begins_after(local)? - local)?;
            if offset(zone, then) == offset(zone, at) {
                return Some(then);
            }
            at = change_between(zone, at, then);
        }
        None
    }
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let days: Vec<usize> = (0..7).filter(|day| self.days[*day]).collect();
        let name = |day: &usize| DAY_NAMES[*day];
        match days.as_slice() {
            [] | [_, _, _, _, _, _, _] => {}
            [one] => write!(f, "on {} ", name(one))?,
            [first, .., last] if last - first == days.len() - 1 => {
                write!(f, "{} to {} ", name(first), name(last))?;
            }
            [first @ .., last] => {
                let first: Vec<&str> = first.iter().map(name).collect();
                write!(f, "on {} and {} ", first.join(", "), name(last))?;
            }
        }
        self.span.fmt(f)
    }
}

const DAY_NAMES: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

/// A moment as a clock in the zone shows it: `Sunday 21:40`, or without the day where every day is like another.
pub fn clock_shows(window: &Window, zone: Tz, now: DateTime<Utc>) -> String {
    let local = now.with_timezone(&zone);
    let time = local.format("%H:%M");
    match window.days.iter().all(|is_on| *is_on) {
        true => time.to_string(),
        false => format!("{} {time}", DAY_NAMES[local.weekday().num_days_from_monday() as usize]),
    }
}

/// Which window holds where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hours {
    /// Wherever no other does.
    pub default: Window,
    /// By ISO 3166 code of the number's country, in capitals.
    pub by_region: HashMap<String, Window>,
    /// By zone; goes before the country's.
    pub by_zone: HashMap<Tz, Window>,
}

impl Hours {
    /// The window that holds in this zone for a number of this country.
    pub fn window(&self, zone: Tz, region: Option<&str>) -> &Window {
        let of_region = || region.and_then(|region| self.by_region.get(region));
        self.by_zone.get(&zone).or_else(of_region).unwrap_or(&self.default)
    }
}

/// Each zone that somebody may be in, with its window.
pub type Places<'a> = [(Tz, &'a Window)];

/// The first of these places at which it is closed now.
pub fn closed_at<'a>(places: &Places<'a>, now: DateTime<Utc>) -> Option<(Tz, &'a Window)> {
    let is_open = |(zone, window): &&(Tz, &Window)| window.is_open(now.with_timezone(zone).naive_local());
    places.iter().find(|place| !is_open(place)).copied()
}

/// The first moment from `now` on at which it is open at all of these places at once; none if that is not within two weeks.
pub fn next_open(places: &Places<'_>, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let mut at = now;
    while at - now <= HORIZON {
        // No moment before the latest of these can be open everywhere.
        let openings: Option<Vec<_>> =
            places.iter().map(|(zone, window)| window.next_open(*zone, at)).collect();
        let latest = openings?.into_iter().max().unwrap_or(at);
        if latest == at {
            return Some(at);
        }
        at = latest;
    }
    None
}

/// The first and the last moment (which is the next day's first) of the present day in this zone.
pub fn day(zone: Tz, now: DateTime<Utc>) -> (DateTime<Utc>, DateTime<Utc>) {
    let today = now.with_timezone(&zone).date_naive();
    let midnight = |days: u64| {
        let date = today.checked_add_days(Days::new(days)).unwrap_or(today);
        first_moment(zone, date.and_time(chrono::NaiveTime::MIN))
    };
    (midnight(0), midnight(1))
}

/// When the clock first shows this; where it is put forward past it, when it would have.
fn first_moment(zone: Tz, local: NaiveDateTime) -> DateTime<Utc> {
    match zone.from_local_datetime(&local).earliest() {
        Some(at) => at.to_utc(),
        None => (local - offset(zone, (local - TimeDelta::days(1)).and_utc())).and_utc(),
    }
}

fn offset(zone: Tz, at: DateTime<Utc>) -> TimeDelta {
    TimeDelta::seconds(zone.offset_from_utc_datetime(&at.naive_utc()).fix().local_minus_utc().into())
}

/// When the clocks change between two moments that differ by a change, to the second.
fn change_between(zone: Tz, before: DateTime<Utc>, after: DateTime<Utc>) -> DateTime<Utc> {
    let (mut low, mut high) = (before.timestamp(), after.timestamp() + 1);
    let at = |secs: i64| DateTime::from_timestamp(secs, 0).unwrap_or(after);
    let old = offset(zone, before);
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        if offset(zone, at(middle)) == old { low = middle } else { high = middle }
    }
    at(high)
}

#[cfg(test)]
mod tests;
