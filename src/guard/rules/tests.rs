//! The rules as tables: what is asked, what is known, what is said.

use super::*;

const MONDAY_NOON_IN_DENVER: &str = "2026-11-23T19:00:00Z";
const LATE_IN_DENVER: &str = "2026-11-24T04:40:00Z";

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn window(span: &str, days: &[chrono::Weekday]) -> Window {
    Window::new(span.parse().unwrap(), days)
}

fn rules() -> Rules {
    use chrono::Weekday::*;
    Rules {
        destinations: Destinations { allowed: vec!["+1".parse().unwrap()], ..Destinations::default() },
        hours: Some(Hours {
            default: window("08:00-20:00", &[Mon, Tue, Wed, Thu, Fri, Sat]),
            by_region: [("CA".into(), window("09:00-21:30", &[Mon, Tue, Wed, Thu, Fri]))].into(),
            by_zone: [(Tz::America__Phoenix, window("00:00-24:00", &[Mon, Tue, Wed, Thu, Fri, Sat, Sun]))]
                .into(),
        }),
        default_time_zone: None,
        attempts_per_day: 3,
        calls_per_agent: 1,
        calls_per_key: 1000,
        check_caller_id: true,
    }
}

fn check(rules: &Rules, asked: &Asked, known: &Known, now: DateTime<Utc>) -> Result<(), Refusal> {
    super::check(rules, &Case::new(rules, asked.clone()), known, now)
}

fn asked(customer: &str) -> Asked {
    Asked {
        customer: customer.parse().unwrap(),
        agent: Some("+15550100101".parse().unwrap()),
        api_key_id: Some("key".into()),
        foreign_caller_id: None,
    }
}

fn codes(refusals: &[Refusal]) -> Vec<&'static str> {
    refusals.iter().map(Refusal::code).collect()
}

#[test]
fn what_every_rule_allows_is_allowed() {
    let known = Known { attempts: 2, calls_of_key: 999, ..Known::default() };
    assert_eq!(check(&rules(), &asked("+13035550123"), &known, at(MONDAY_NOON_IN_DENVER)), Ok(()));
}

#[test]
fn the_hour_is_the_customers() {
    let late = check(&rules(), &asked("+13035550123"), &Known::default(), at(LATE_IN_DENVER)).unwrap_err();
    assert_eq!(late.code(), "outside_calling_hours");
    assert_eq!(
        late.sentence,
        "It is Monday 21:40 in the customer's time zone (America/Denver); calls are allowed Monday to Saturday from 08:00 to \
         20:00."
    );
    assert_eq!(late.next_allowed_at, Some(at("2026-11-24T15:00:00Z")));
    assert_eq!(late.retry_after_secs, Some(10 * 3600 + 20 * 60));
    // A zone's own window goes before its country's, and that before the default.
    for (customer, refused) in
        [("+16025550123", false), ("+14165550123", true), ("+16045550123", false), ("+18085550123", false)]
    {
        let found = check(&rules(), &asked(customer), &Known::default(), at(LATE_IN_DENVER));
        assert_eq!(found.is_err(), refused, "{customer}: {found:?}");
    }
}

#[test]
fn a_number_that_may_be_in_several_zones_is_allowed_where_all_are_open() {
    // Boise or Los Angeles.
    let judge = |now: &str| check(&rules(), &asked("+12082000000"), &Known::default(), at(now));
    assert_eq!(judge("2026-11-23T16:00:00Z"), Ok(())); // 09:00 and 08:00
    let early = judge("2026-11-23T15:30:00Z").unwrap_err(); // 08:30 and 07:30
    assert!(early.sentence.contains("America/Los_Angeles"), "{}", early.sentence);
    assert_eq!(early.next_allowed_at, Some(at("2026-11-23T16:00:00Z")));
    assert!(judge("2026-11-24T03:30:00Z").unwrap_err().sentence.contains("America/Boise")); // 20:30 and 19:30
}

#[test]
fn a_number_that_tells_no_zone_is_in_the_setting_s() {
    let mut rules = rules();
    rules.destinations.allowed.push("+".parse().unwrap());
    let judge = |rules: &Rules, customer: &str| {
        check(rules, &asked(customer), &Known::default(), at(MONDAY_NOON_IN_DENVER))
    };
    // Anywhere from Guam to Hawaii: when it is morning in the one, it is noon in the other, and evening in Newfoundland.
    let anywhere = judge(&rules, "+15550100123").unwrap_err();
    let next = Some(at("2026-11-23T22:00:00Z"));
    assert_eq!((anywhere.code(), anywhere.next_allowed_at), ("outside_calling_hours", next));
    let mut short = rules.clone();
    short.hours.as_mut().unwrap().default = window("09:00-17:00", &[chrono::Weekday::Mon]);
    let anywhere = judge(&short, "+15550100123").unwrap_err();
    assert_eq!(anywhere.next_allowed_at, None);
    assert!(anywhere.sentence.contains("guard.default_time_zone"), "{}", anywhere.sentence);
    let nowhere = judge(&rules, "+9990000000").unwrap_err();
    assert!(nowhere.sentence.contains("guard.default_time_zone"), "{}", nowhere.sentence);
    assert_eq!(judge(&rules, "client:web"), Ok(()));
    rules.default_time_zone = Some(Tz::America__Denver);
    for customer in ["+15550100123", "+9990000000", "client:web"] {
        assert_eq!(judge(&rules, customer), Ok(()), "{customer}");
    }
    // A Russian number is not in Denver, whatever the setting says: at its noon it is night in Russia.
    assert!(judge(&rules, "+79161234567").unwrap_err().sentence.contains("time zones"));
}

#[test]
fn attempts_begin_again_on_the_customers_next_day_that_has_hours() {
    let saturday = at("2026-11-22T01:00:00Z"); // 18:00 on Saturday the 21st in Denver
    let known = Known { attempts: 3, ..Known::default() };
    let refused = check(&rules(), &asked("+13035550123"), &known, saturday).unwrap_err();
    assert_eq!((refused.code(), refused.code.entry().1), ("too_many_attempts", 429));
    assert_eq!(refused.next_allowed_at, Some(at("2026-11-23T15:00:00Z")));
    let (start, end) = rules().whereabouts(&"+13035550123".parse().unwrap()).day(saturday);
    assert_eq!((start, end), (at("2026-11-21T07:00:00Z"), at("2026-11-22T07:00:00Z")));
}

#[test]
fn every_reason_is_given_with_those_that_stay_first() {
    let everything = Known {
        do_not_call: Some(Listed { until: Some(at("2026-12-01T00:00:00Z")) }),
        attempts: 7,
        calls_of_agent: 1,
        calls_of_key: 1000,
    };
    let asked = Asked {
        agent: Some("+493023125123".parse().unwrap()),
        foreign_caller_id: Some("+15550100100".parse().unwrap()),
        ..asked("+13035550123")
    };
    let found = refusals(&rules(), &Case::new(&rules(), asked), &everything, at(LATE_IN_DENVER));
    let expected = [
        "destination_not_allowed",
        "caller_id_not_owned",
        "do_not_call",
        "outside_calling_hours",
        "too_many_attempts",
        "agent_busy",
        "too_many_calls",
    ];
    assert_eq!(codes(&found), expected);
    let fields: Vec<_> = found.iter().map(|refusal| refusal.field.unwrap_or("-")).collect();
    assert_eq!(fields, ["agent", "caller_id", "customer", "customer", "customer", "agent", "-"]);
    assert_eq!(
        found[2].sentence,
        "The customer's number is on the do-not-call list until 2026-12-01 00:00 UTC."
    );
    for refusal in &found {
        assert!(refusal.sentence.ends_with('.') && !refusal.sentence.contains("30901820"), "{refusal:?}");
    }
}

#[test]
fn a_cap_of_nothing_is_none() {
    let rules = Rules { attempts_per_day: 0, calls_per_agent: 0, calls_per_key: 0, ..rules() };
    let many = Known { attempts: 99, calls_of_agent: 99, calls_of_key: 9999, ..Known::default() };
    assert_eq!(check(&rules, &asked("+13035550123"), &many, at(MONDAY_NOON_IN_DENVER)), Ok(()));
}

#[test]
fn by_default_nobody_is_called() {
    let refused = check(&Rules::default(), &asked("+13035550123"), &Known::default(), at(LATE_IN_DENVER));
    let refused = refused.unwrap_err();
    assert_eq!(refused.code(), "no_destination_allowed");
    assert!(refused.sentence.contains("guard.allowed_prefixes"), "{}", refused.sentence);
}
