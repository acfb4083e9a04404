//! A clock that stands still until a test moves it.

use std::sync::Mutex;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use warm_transfer::clock::{Clock, SystemClock};

/// It begins at the time of its making.
pub struct HandClock(Mutex<DateTime<Utc>>);

impl HandClock {
    /// At the machine's time.
    pub fn new() -> Self {
        Self(Mutex::new(SystemClock::new().now()))
    }

    /// Moves it.
    pub fn advance(&self, by: TimeDelta) {
        *self.0.lock().unwrap() += by;
    }
}

impl Clock for HandClock {
    fn now(&self) -> DateTime<Utc> {
        *self.0.lock().unwrap()
    }

    fn until(&self, when: DateTime<Utc>) -> Duration {
        (when - self.now()).to_std().unwrap_or_default()
    }
}
