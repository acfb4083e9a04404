//! A clock that a test sets forward.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use warm_transfer::clock::{Clock, SystemClock};

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
