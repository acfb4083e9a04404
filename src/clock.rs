//! Where time, ids and randomness come from: values handed to whoever needs them, so that tests decide.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// Tells the time. Every timestamp is UTC, rounded down to microseconds (what PostgreSQL keeps).
pub trait Clock: Send + Sync + 'static {
    /// The time now.
    fn now(&self) -> DateTime<Utc>;

    /// How long a sleeper must really sleep until `when`; zero when it has passed.
    fn until(&self, when: DateTime<Utc>) -> Duration;

    /// How many of its seconds pass in a real one; 1 in production.
    fn speed(&self) -> f64 {
        1.0
    }
}

/// A clock that several owners share.
pub type SharedClock = Arc<dyn Clock>;

/// The machine's clock, optionally faster: `speed` seconds pass for each real one, so that a demo or a test
/// sees a 25 s ring end in a second. `speed` is 1 in production.
#[derive(Debug, Clone)]
pub struct SystemClock {
    started: DateTime<Utc>,
    started_instant: std::time::Instant,
    speed: f64,
}

impl SystemClock {
    /// The machine's own time.
    pub fn new() -> Self {
        Self::with_speed(1.0)
    }

    /// From now on, `speed` times as fast as the machine's. A speed that is not positive counts as 1.
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the machine's clock")]
    pub fn with_speed(speed: f64) -> Self {
        let speed = if speed.is_finite() && speed > 0.0 { speed } else { 1.0 };
        Self { started: Utc::now(), started_instant: std::time::Instant::now(), speed }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the machine's clock")]
    fn now(&self) -> DateTime<Utc> {
        let now = if self.speed == 1.0 {
            Utc::now()
        } else {
            let passed = self.started_instant.elapsed().mul_f64(self.speed);
            self.started + TimeDelta::from_std(passed).unwrap_or(TimeDelta::MAX)
        };
        now.duration_trunc(TimeDelta::microseconds(1)).unwrap_or(now)
    }

    fn until(&self, when: DateTime<Utc>) -> Duration {
        (when - self.now()).to_std().unwrap_or_default().div_f64(self.speed)
    }

    fn speed(&self) -> f64 {
        self.speed
    }
}

/// Hands out ids and unguessable names.
pub trait IdSource: Send + Sync + 'static {
    /// A UUIDv7: unique, and sorting by the time it was made.
    fn id(&self) -> Uuid;

    /// 122 random bits as 32 hexadecimal digits, for names that must not be guessed.
    fn unguessable(&self) -> String;

    /// 256 random bits as 64 hexadecimal digits, for secrets.
    fn secret(&self) -> String {
        // Each gives 122; together they are more than the hash can hold.
        let random = [self.unguessable(), self.unguessable(), self.unguessable()].concat();
        Sha256::digest(random).iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// Ids from the operating system's randomness.
#[derive(Debug, Default, Clone)]
pub struct RandomIds;

impl IdSource for RandomIds {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that makes ids")]
    fn id(&self) -> Uuid {
        Uuid::now_v7()
    }

    #[expect(clippy::disallowed_methods, reason = "this is the one place that makes ids")]
    fn unguessable(&self) -> String {
        Uuid::new_v4().simple().to_string()
    }
}

/// A clock that stands still until a test moves it; it begins at the epoch.
#[cfg(test)]
#[derive(Debug, Default)]
pub(crate) struct StoppedClock(std::sync::Mutex<DateTime<Utc>>);

#[cfg(test)]
impl StoppedClock {
    /// Moves it, back if the time is negative.
    pub(crate) fn advance(&self, by: TimeDelta) {
        *self.0.lock().unwrap() += by;
    }
}

#[cfg(test)]
impl Clock for StoppedClock {
    fn now(&self) -> DateTime<Utc> {
        *self.0.lock().unwrap()
    }

    fn until(&self, when: DateTime<Utc>) -> Duration {
        (when - self.now()).to_std().unwrap_or_default()
    }
}
