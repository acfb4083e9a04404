//! Owns when a REST request is repeated and how long to wait first. Only what cannot dial anybody twice is repeated.

use std::fmt;
use std::time::Duration;

use super::errors::TwilioError;

/// How often and how patiently a request is repeated. Tests use a `base` of zero, and nothing waits.
#[derive(Clone, Copy)]
pub struct RetryPolicy {
    /// How many times a request is sent at most, the first included.
    pub max_attempts: u32,
    /// The upper end of the first wait; it doubles with every attempt.
    pub base: Duration,
    /// The longest wait, and the longest `Retry-After` that is obeyed. When Twilio asks for more, the caller is told at once.
    pub longest: Duration,
    /// What part of a wait is really waited, from 0 to 1, so that many clients do not come back together.
    pub jitter: fn() -> f64,
}

impl Default for RetryPolicy {
    /// Three attempts within about a second: somebody is waiting for the transfer.
    fn default() -> Self {
        Self {
            max_attempts: 3,
            base: Duration::from_millis(200),
            longest: Duration::from_secs(2),
            jitter: rand::random::<f64>,
        }
    }
}

impl RetryPolicy {
    /// Never repeats anything.
    pub fn never() -> Self {
        Self { max_attempts: 1, ..Self::default() }
    }

    /// How long to wait before the next attempt after `attempts` that ended with this error; nothing when there must not
    /// be another. `read` says that the request changes nothing at Twilio.
    pub fn wait(&self, attempts: u32, read: bool, error: &TwilioError) -> Option<Duration> {
        if attempts >= self.max_attempts {
            return None;
        }
        match error {
            TwilioError::RateLimited { retry_after: Some(asked) } => {
                (*asked <= self.longest).then(|| (*asked).max(self.backoff(attempts)))
            }
            TwilioError::RateLimited { retry_after: None } => Some(self.backoff(attempts)),
            TwilioError::Uncertain(_) | TwilioError::NotSent(_) if read => Some(self.backoff(attempts)),
            _ => None,
        }
    }

    fn backoff(&self, attempts: u32) -> Duration {
        let doubled = self.base.saturating_mul(1 << attempts.saturating_sub(1).min(16));
        doubled.min(self.longest).mul_f64((self.jitter)().clamp(0.0, 1.0))
    }
}

impl fmt::Debug for RetryPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RetryPolicy")
            .field("max_attempts", &self.max_attempts)
            .field("base", &self.base)
            .field("longest", &self.longest)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: RetryPolicy = RetryPolicy {
        max_attempts: 4,
        base: Duration::from_millis(100),
        longest: Duration::from_millis(300),
        jitter: || 0.5,
    };

    fn limited(seconds: Option<u64>) -> TwilioError {
        TwilioError::RateLimited { retry_after: seconds.map(Duration::from_secs) }
    }

    #[test]
    fn waits_double_up_to_the_longest_and_end_with_the_attempts() {
        let waits: Vec<_> = (1..=4).map(|attempts| POLICY.wait(attempts, false, &limited(None))).collect();
        let ms = |ms| Some(Duration::from_millis(ms));
        assert_eq!(waits, [ms(50), ms(100), ms(150), None]);
    }

    #[test]
    fn a_small_retry_after_is_obeyed_and_a_large_one_is_the_callers_business() {
        let patient = RetryPolicy { longest: Duration::from_secs(2), ..POLICY };
        assert_eq!(patient.wait(1, false, &limited(Some(2))), Some(Duration::from_secs(2)));
        assert_eq!(patient.wait(1, false, &limited(Some(0))), Some(Duration::from_millis(50)));
        assert_eq!(patient.wait(1, false, &limited(Some(3))), None);
    }

    #[test]
    fn only_reads_are_repeated_when_the_outcome_is_unknown() {
        let refused = TwilioError::Refused { http_status: 400, code: None, message: String::new() };
        for error in [TwilioError::Uncertain(String::new()), TwilioError::NotSent(String::new())] {
            assert!(POLICY.wait(1, true, &error).is_some());
            assert_eq!(POLICY.wait(1, false, &error), None);
        }
        assert_eq!(POLICY.wait(1, true, &refused), None);
        assert_eq!(RetryPolicy::never().wait(1, true, &limited(None)), None);
    }
}
