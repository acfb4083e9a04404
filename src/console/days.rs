//! Where days begin: the console counts by those of one time zone, which is a setting.

use chrono::{DateTime, Days, NaiveDate, NaiveTime, TimeDelta, TimeZone, Timelike, Utc};
use chrono_tz::Tz;

/// When a day begins there. Where clocks are put forward over midnight, when they next show a time of that day.
pub fn begin(zone: Tz, day: NaiveDate) -> DateTime<Utc> {
    let midnight = day.and_time(NaiveTime::MIN);
    let first = (0..=8).map(|quarters| midnight + TimeDelta::minutes(15 * quarters));
    let found = first.filter_map(|time| zone.from_local_datetime(&time).earliest()).next();
    found.map_or_else(|| midnight.and_utc(), |time| time.with_timezone(&Utc))
}

/// The day that it is there.
pub fn day_of(zone: Tz, now: DateTime<Utc>) -> NaiveDate {
    now.with_timezone(&zone).date_naive()
}

/// From when to when that day lasts: 23 to 25 hours.
pub fn bounds(zone: Tz, day: NaiveDate) -> (DateTime<Utc>, DateTime<Utc>) {
    let next = day.checked_add_days(Days::new(1)).unwrap_or(day);
    (begin(zone, day), begin(zone, next))
}

/// The hour that clocks show there, 0 to 23.
pub fn hour_of(zone: Tz, at: DateTime<Utc>) -> u32 {
    at.with_timezone(&zone).hour()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn a_day_begins_where_its_clocks_say() {
        let berlin: Tz = "Europe/Berlin".parse().unwrap();
        let (from, until) = bounds(berlin, day("2026-11-21"));
        assert_eq!(from.to_rfc3339(), "2026-11-20T23:00:00+00:00");
        assert_eq!((until - from).num_hours(), 24);
        for (short_or_long, hours) in [("2026-03-29", 23), ("2026-10-25", 25)] {
            let (from, until) = bounds(berlin, day(short_or_long));
            assert_eq!((until - from).num_hours(), hours, "{short_or_long}");
        }
        // In Beirut clocks were put forward at midnight.
        let beirut: Tz = "Asia/Beirut".parse().unwrap();
        assert_eq!(
            begin(beirut, day("2022-03-27")).with_timezone(&beirut).to_string(),
            "2022-03-27 01:00:00 EEST"
        );
        assert_eq!(day_of(berlin, from), day("2026-11-21"));
        assert_eq!(hour_of(berlin, from), 0);
    }
}
