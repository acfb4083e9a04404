//! Owns the queue of outbound calls: so many leave it in a second, calls and participants each for themselves.
//! <https://www.twilio.com/docs/api/errors/22005>, <https://twilio.com/blog/high-volume-voice-considerations>

use super::{Engine, RestError};

/// A queue of more than a day takes no more.
const LONGEST_QUEUE_MS: u64 = 24 * 3600 * 1000;

/// Which of the two queues.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lane {
    Calls,
    Participants,
}

/// When each queue lets the next one go.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    /// The time between two calls; 0 without a limit.
    gap_ms: u64,
    free_ms: [u64; 2],
}

impl Pace {
    /// So many calls a second; none is no limit.
    pub(crate) fn new(per_second: Option<f64>) -> Self {
        let gap = per_second.filter(|p| p.is_finite() && *p > 0.0).map_or(0.0, |p| 1000.0 / p);
        // At most one an hour: what is slower than that is a mistake.
        Self { gap_ms: gap.round().min(3_600_000.0) as u64, free_ms: [0; 2] }
    }
}

impl Engine {
    /// How long a call made now would wait; 22005 when that is too long.
    pub(crate) fn queue_wait(&self, lane: Lane) -> Result<u64, RestError> {
        let wait = self.pace.free_ms[lane as usize].saturating_sub(self.now_ms);
        if wait > LONGEST_QUEUE_MS {
            return Err(RestError::bad(22005, "The queue of outbound calls is full"));
        }
        Ok(wait)
    }

    /// Takes a place in the queue; how long it takes to get to the front.
    pub(super) fn enqueue(&mut self, lane: Lane) -> u64 {
        let free = self.pace.free_ms[lane as usize].max(self.now_ms);
        self.pace.free_ms[lane as usize] = free + self.pace.gap_ms;
        free - self.now_ms
    }
}
