//! Owns when a message that was not taken is sent again; pure.

use chrono::TimeDelta;

/// Pauses after the first attempt, the second, and so on, in seconds: a little more than a day in all.
pub const PAUSES: [i64; 10] = [5, 30, 120, 600, 1800, 3600, 7200, 14_400, 28_800, 32_400];
/// So much of a pause is added at the most, so that many messages do not come back together.
const JITTER: f64 = 0.2;
/// The longest that a receiver can ask us to wait by `Retry-After`.
const LONGEST_ASKED: TimeDelta = TimeDelta::hours(12);

/// When messages are sent again.
#[derive(Debug, Clone, Copy)]
pub struct Schedule {
    /// What part of the jitter is added, from 0 to 1.
    pub jitter: fn() -> f64,
}

impl Schedule {
    /// How long to wait after so many attempts that failed; nothing when the message is given up. `asked` is the receiver's
    /// `Retry-After`, which can only make it longer.
    pub fn pause(&self, attempts: i32, asked: Option<TimeDelta>) -> Option<TimeDelta> {
        let index = usize::try_from(attempts.saturating_sub(1)).ok()?;
        let pause = TimeDelta::seconds(*PAUSES.get(index)?);
        let asked = asked.map_or(TimeDelta::zero(), |asked| asked.min(LONGEST_ASKED));
        Some(stretched(pause.max(asked), (self.jitter)()))
    }
}

#[expect(clippy::cast_possible_truncation, reason = "at most 20 % of half a day, in milliseconds")]
#[expect(clippy::cast_precision_loss, reason = "a pause is far below 2^52 milliseconds")]
fn stretched(pause: TimeDelta, part: f64) -> TimeDelta {
    let more = pause.num_milliseconds() as f64 * JITTER * part.clamp(0.0, 1.0);
    pause + TimeDelta::milliseconds(more as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_tried_for_at_least_a_day_and_for_no_more_than_thirty_hours() {
        for (jitter, least, most) in [((|| 0.0) as fn() -> f64, 24.0, 25.0), (|| 1.0, 28.0, 30.0)] {
            let schedule = Schedule { jitter };
            let pauses: Vec<TimeDelta> = (1..).map_while(|attempts| schedule.pause(attempts, None)).collect();
            assert_eq!(pauses.len(), PAUSES.len());
            assert!(pauses.is_sorted());
            let hours = pauses.iter().sum::<TimeDelta>().as_seconds_f64() / 3600.0;
            assert!((least..=most).contains(&hours), "{hours}");
        }
        assert_eq!(Schedule { jitter: || 0.0 }.pause(0, None), None);
    }

    #[test]
    fn what_the_receiver_asks_for_makes_the_pause_longer_within_bounds() {
        let schedule = Schedule { jitter: || 0.0 };
        let asked = |secs| schedule.pause(2, Some(TimeDelta::seconds(secs))).unwrap().num_seconds();
        assert_eq!((asked(0), asked(29), asked(90)), (30, 30, 90));
        assert_eq!(asked(1_000_000_000), 12 * 3600);
        assert_eq!(schedule.pause(11, Some(TimeDelta::seconds(90))), None, "it is given up all the same");
    }
}
