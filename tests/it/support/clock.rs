//! Clocks that a test moves: one that stands still otherwise, and one that goes on.

use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, Ordering};
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

    /// What it shows, as JSON has it.
    pub fn now_is(&self) -> serde_json::Value {
        serde_json::to_value(self.now()).unwrap()
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

/// The machine's time, and what was added to it.
#[derive(Default)]
pub struct SetForward {
    system: SystemClock,
    millis: AtomicI64,
}

impl SetForward {
    /// So much time passes at once.
    pub fn pass(&self, time: TimeDelta) {
        self.millis.fetch_add(time.num_milliseconds(), Ordering::SeqCst);
    }
}

impl Clock for SetForward {
    fn now(&self) -> DateTime<Utc> {
        self.system.now() + TimeDelta::milliseconds(self.millis.load(Ordering::SeqCst))
    }

    fn until(&self, when: DateTime<Utc>) -> Duration {
        (when - self.now()).to_std().unwrap_or_default()
    }
}
