//! Windows around the change of clocks, past midnight, on closed days; and that the next opening is the next one.

use chrono_tz::Tz;
use proptest::prelude::*;

use super::*;

const ALL: &[Weekday] = &WEEK;
const WORKDAYS: &[Weekday] = &[Weekday::Mon, Weekday::Tue, Weekday::Wed, Weekday::Thu, Weekday::Fri];

fn window(span: &str, days: &[Weekday]) -> Window {
    Window::new(span.parse().unwrap(), days)
}

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// The next opening, in UTC.
fn next(window: &Window, zone: Tz, now: &str) -> String {
    let found = next_open(&[(zone, window)], at(now)).unwrap();
    found.format("%Y-%m-%dT%H:%MZ").to_string()
}

#[test]
fn the_first_minute_belongs_to_a_window_and_the_last_does_not() {
    let day = window("08:00-20:00", ALL);
    for (clock, open) in [
        ("07:59:59", false),
        ("08:00:00", true),
        ("19:59:59", true),
        ("20:00:00", false),
        ("00:00:00", false),
    ] {
        assert_eq!(day.is_open(at(&format!("2026-11-20T{clock}Z")).naive_utc()), open, "{clock}");
    }
    let always = window("00:00-24:00", ALL);
    assert!(always.is_open(at("2026-11-20T23:59:59Z").naive_utc()));
}

#[test]
fn a_window_is_two_different_times_of_the_day() {
    for bad in
        ["", "08:00", "8-20", "08:00-08:00", "24:00-08:00", "08:60-09:00", "08:00-24:01", "+8:00-09:00"]
    {
        assert!(bad.parse::<Span>().is_err(), "{bad}");
    }
}

#[test]
fn in_new_york_the_window_follows_the_clock_through_both_changes() {
    let (zone, day) = (Tz::America__New_York, window("08:00-20:00", ALL));
    // 8 March 2026: 02:00 EST becomes 03:00 EDT; 1 November: 02:00 EDT becomes 01:00 EST.
    assert_eq!(next(&day, zone, "2026-03-08T01:00:00Z"), "2026-03-08T12:00Z");
    assert_eq!(next(&day, zone, "2026-03-07T02:00:00Z"), "2026-03-07T13:00Z");
    assert_eq!(next(&day, zone, "2026-11-01T00:00:00Z"), "2026-11-01T13:00Z");
    // What begins in the hour that is left out begins when the clock has passed it.
    assert_eq!(next(&window("02:30-05:00", ALL), zone, "2026-03-08T06:00:00Z"), "2026-03-08T07:00Z");
    // An hour that comes twice is open twice.
    let early = window("01:30-01:45", ALL);
    assert_eq!(next(&early, zone, "2026-11-01T05:00:00Z"), "2026-11-01T05:30Z");
    assert_eq!(next(&early, zone, "2026-11-01T05:45:00Z"), "2026-11-01T06:30Z");
    // What ended at 01:30 is open once more when the clock is put back to 01:00.
    let night = window("22:00-01:30", ALL);
    assert_eq!(next(&night, zone, "2026-11-01T05:40:00Z"), "2026-11-01T06:00Z");
}

#[test]
fn in_berlin_too() {
    let (zone, day) = (Tz::Europe__Berlin, window("09:00-18:00", WORKDAYS));
    // 29 March 2026, 01:00 UTC; 25 October, 01:00 UTC. Both are Sundays.
    assert_eq!(next(&day, zone, "2026-03-27T18:00:00Z"), "2026-03-30T07:00Z");
    assert_eq!(next(&day, zone, "2026-10-23T17:00:00Z"), "2026-10-26T08:00Z");
    assert_eq!(next(&window("02:15-02:45", ALL), zone, "2026-03-29T00:30:00Z"), "2026-03-30T00:15Z");
    assert_eq!(next(&window("02:15-02:45", ALL), zone, "2026-10-25T00:45:00Z"), "2026-10-25T01:15Z");
}

#[test]
fn on_lord_howe_the_clock_changes_by_half_an_hour() {
    let (zone, day) = (Tz::Australia__Lord_Howe, window("08:00-20:00", ALL));
    // 5 April 2026: 02:00 (+11:00) becomes 01:30 (+10:30); 4 October: 02:00 becomes 02:30.
    assert_eq!(next(&day, zone, "2026-04-04T12:00:00Z"), "2026-04-04T21:30Z");
    assert_eq!(next(&day, zone, "2026-10-03T12:00:00Z"), "2026-10-03T21:00Z");
    assert_eq!(next(&window("02:15-04:00", ALL), zone, "2026-10-03T15:00:00Z"), "2026-10-03T15:30Z");
    assert_eq!(next(&window("01:40-01:50", ALL), zone, "2026-04-04T14:50:00Z"), "2026-04-04T15:10Z");
}

#[test]
fn where_the_clock_never_changes_it_never_does() {
    let day = window("08:00-20:00", ALL);
    for month in ["01", "03", "07", "11"] {
        let now = format!("2026-{month}-08T05:00:00Z");
        assert_eq!(next(&day, Tz::America__Phoenix, &now), format!("2026-{month}-08T15:00Z"));
        assert_eq!(next(&day, Tz::Asia__Kathmandu, &now), format!("2026-{month}-08T05:00Z"));
    }
}

#[test]
fn a_window_past_midnight_belongs_to_the_day_on_which_it_begins() {
    let friday_night = window("22:00-02:00", &[Weekday::Fri]);
    for (now, open) in [
        ("2026-11-20T21:59:00Z", false),
        ("2026-11-20T22:00:00Z", true),
        ("2026-11-21T01:59:00Z", true),
        ("2026-11-21T02:00:00Z", false),
        ("2026-11-20T01:00:00Z", false),
    ] {
        assert_eq!(friday_night.is_open(at(now).naive_utc()), open, "{now}");
    }
    assert_eq!(next(&friday_night, Tz::UTC, "2026-11-21T02:00:00Z"), "2026-11-27T22:00Z");
}

#[test]
fn several_zones_must_all_be_open_and_may_never_be() {
    let day = window("08:00-20:00", ALL);
    let coasts = [(Tz::America__New_York, &day), (Tz::America__Los_Angeles, &day)];
    let now = at("2026-11-20T14:00:00Z"); // 09:00 and 06:00
    assert_eq!(closed_at(&coasts, now).unwrap().0, Tz::America__Los_Angeles);
    assert_eq!(next_open(&coasts, now), Some(at("2026-11-20T16:00:00Z")));
    let late = at("2026-11-21T01:30:00Z"); // 20:30 and 17:30
    assert_eq!(next_open(&coasts, late), Some(at("2026-11-21T16:00:00Z")));
    let world = [(Tz::Pacific__Guam, &day), (Tz::Atlantic__Reykjavik, &day), (Tz::Pacific__Honolulu, &day)];
    assert_eq!(next_open(&world, now), None);
    let never = window("08:00-20:00", &[]);
    assert_eq!(next_open(&[(Tz::UTC, &never)], now), None);
}

#[test]
fn a_window_is_said_in_words() {
    let said = |span: &str, days: &[Weekday]| window(span, days).to_string();
    assert_eq!(said("08:00-20:00", ALL), "from 08:00 to 20:00");
    assert_eq!(said("08:00-20:00", WORKDAYS), "Monday to Friday from 08:00 to 20:00");
    assert_eq!(said("22:00-02:00", &[Weekday::Fri]), "on Friday from 22:00 to 02:00");
    assert_eq!(
        said("08:00-12:00", &[Weekday::Mon, Weekday::Wed, Weekday::Fri]),
        "on Monday, Wednesday and Friday from 08:00 to 12:00"
    );
}

#[test]
fn a_day_is_as_long_as_the_clock_makes_it() {
    let hours = |zone: Tz, now: &str| {
        let (start, end) = day(zone, at(now));
        assert!(start <= at(now) && at(now) < end);
        (end - start).num_minutes()
    };
    assert_eq!(hours(Tz::America__New_York, "2026-03-08T15:00:00Z"), 23 * 60);
    assert_eq!(hours(Tz::America__New_York, "2026-11-01T15:00:00Z"), 25 * 60);
    assert_eq!(hours(Tz::Australia__Lord_Howe, "2026-04-05T00:00:00Z"), 24 * 60 + 30);
    // The clock is put forward at midnight.
    assert_eq!(hours(Tz::America__Havana, "2026-03-08T15:00:00Z"), 23 * 60);
}

fn any_window() -> impl Strategy<Value = Window> {
    let span = (0..DAY_MINUTES, 0..=DAY_MINUTES).prop_filter("two times", |(from, until)| from != until);
    (span, 1_u8..128).prop_map(|((from, until), days)| Window {
        span: Span { from, until },
        days: std::array::from_fn(|day| days & (1 << day) != 0),
    })
}

fn any_zone() -> impl Strategy<Value = Tz> {
    prop_oneof![
        Just(Tz::America__New_York),
        Just(Tz::Europe__Berlin),
        Just(Tz::Australia__Lord_Howe),
        Just(Tz::America__Havana),
        Just(Tz::Asia__Kathmandu),
        (0..chrono_tz::TZ_VARIANTS.len()).prop_map(|at| chrono_tz::TZ_VARIANTS[at]),
    ]
}

/// Around a change of clocks, more often than not.
fn any_moment() -> impl Strategy<Value = DateTime<Utc>> {
    let near = prop_oneof![
        Just("2026-03-08T07:00:00Z"),
        Just("2026-11-01T06:00:00Z"),
        Just("2026-03-29T01:00:00Z"),
        Just("2026-10-25T01:00:00Z"),
        Just("2026-04-04T15:00:00Z"),
        Just("2026-10-03T15:30:00Z"),
    ];
    let near =
        (near, -3_000_i64..3_000).prop_map(|(change, minutes)| at(change) + TimeDelta::minutes(minutes));
    let any =
        (0_i64..5 * 365 * 24 * 3600).prop_map(|secs| at("2025-01-01T00:00:00Z") + TimeDelta::seconds(secs));
    prop_oneof![2 => near, 1 => any]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn what_is_next_allowed_is_allowed_and_nothing_before_it_is(
        places in proptest::collection::vec((any_zone(), any_window()), 1..3),
        now in any_moment(),
    ) {
        let places: Vec<(Tz, &Window)> = places.iter().map(|(zone, window)| (*zone, window)).collect();
        let next = next_open(&places, now);
        if let Some(next) = next {
            prop_assert!(next >= now);
            prop_assert_eq!(closed_at(&places, next), None);
            prop_assert!(next == now || next.second() == 0);
        }
        // Windows begin and end, and clocks change, at whole minutes only.
        let end = next.unwrap_or(now + TimeDelta::days(8));
        let mut at = now;
        while at < end {
            prop_assert!(closed_at(&places, at).is_some(), "{} is open", at);
            at = at.with_second(0).unwrap().with_nanosecond(0).unwrap() + TimeDelta::minutes(1);
        }
    }
}
