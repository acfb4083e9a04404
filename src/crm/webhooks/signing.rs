//! Owns secrets and signatures as Standard Webhooks has them: `v1,` and the base64 of HMAC-SHA256 of `id.timestamp.body`, one
//! for each secret that is valid; pure.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::clock::IdSource;

const PREFIX: &str = "whsec_";
/// Secrets that are valid at once at the most: each is a signature on every message.
const MOST: usize = 4;

/// `whsec_` and the base64 of 32 random bytes. It does not print.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl Secret {
    /// A new one, of 244 random bits.
    pub fn new(ids: &dyn IdSource) -> Self {
        let random = Sha256::digest(ids.unguessable() + &ids.unguessable());
        Self(format!("{PREFIX}{}", STANDARD.encode(random)))
    }

    /// For whoever is to verify with it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    fn sign(&self, message_id: &str, timestamp: i64, body: &str) -> Option<String> {
        let key = STANDARD.decode(self.0.strip_prefix(PREFIX)?).ok()?;
        let mut mac = Hmac::<Sha256>::new_from_slice(&key).ok()?;
        mac.update(format!("{message_id}.{timestamp}.{body}").as_bytes());
        Some(format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())))
    }
}

/// An endpoint's secrets, the newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secrets(Vec<Kept>);

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Kept {
    secret: Secret,
    /// Absent for the newest.
    #[serde(skip_serializing_if = "Option::is_none")]
    valid_until: Option<DateTime<Utc>>,
}

impl Secrets {
    /// With the first.
    pub fn new(secret: Secret) -> Self {
        Self(vec![Kept { secret, valid_until: None }])
    }

    /// Puts a new one first; those before stay valid until then at the latest.
    #[must_use]
    pub fn rotated(mut self, secret: Secret, now: DateTime<Utc>, old_until: DateTime<Utc>) -> Self {
        for kept in &mut self.0 {
            kept.valid_until = Some(kept.valid_until.map_or(old_until, |until| until.min(old_until)));
        }
        self.0.retain(|kept| kept.valid_until.is_some_and(|until| until > now));
        self.0.insert(0, Kept { secret, valid_until: None });
        self.0.truncate(MOST);
        self
    }

    /// Until when an older secret than the newest is valid, if any is now.
    pub fn overlap_until(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.0.iter().filter_map(|kept| kept.valid_until).filter(|until| *until > now).max()
    }

    /// `webhook-signature`: one for each valid secret, separated by spaces.
    pub fn sign(&self, now: DateTime<Utc>, message_id: &str, body: &str) -> String {
        let valid = self.0.iter().filter(|kept| kept.valid_until.is_none_or(|until| until > now));
        let signed = valid.filter_map(|kept| kept.secret.sign(message_id, now.timestamp(), body));
        signed.collect::<Vec<_>>().join(" ")
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;
    use crate::clock::RandomIds;

    /// The example of the official libraries' own tests.
    #[test]
    fn the_signature_is_the_specifications() {
        let secrets = Secrets::new(Secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".into()));
        let at = DateTime::from_timestamp(1_614_265_330, 0).unwrap();
        let signed = secrets.sign(at, "msg_p5jXN8AQM9LWM0D4loKWxJek", r#"{"test": 2432232314}"#);
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn rotated_secrets_overlap_and_then_are_gone() {
        let begin = DateTime::from_timestamp(1_614_265_330, 0).unwrap();
        let hours = |hours| begin + TimeDelta::hours(hours);
        let secrets = Secrets::new(Secret::new(&RandomIds));
        let old = secrets.sign(begin, "m", "{}");
        let rotated = secrets.rotated(Secret::new(&RandomIds), begin, hours(2));
        let both = rotated.sign(begin, "m", "{}");
        assert_eq!(both.split(' ').nth(1), Some(old.as_str()));
        assert_eq!(rotated.overlap_until(begin), Some(hours(2)));
        assert_eq!(rotated.sign(hours(2), "m", "{}").split(' ').count(), 1);
        assert_eq!(rotated.overlap_until(hours(2)), None);
        // A later rotation does not prolong what was to end, and an overlap of nothing ends it.
        let again = rotated.clone().rotated(Secret::new(&RandomIds), hours(1), hours(9));
        assert_eq!(again.sign(hours(1), "m", "{}").split(' ').count(), 3);
        assert_eq!(again.sign(hours(3), "m", "{}").split(' ').count(), 2);
        let at_once = rotated.rotated(Secret::new(&RandomIds), hours(1), hours(1));
        assert_eq!(at_once.sign(hours(1), "m", "{}").split(' ').count(), 1);
    }

    #[test]
    fn there_are_never_more_secrets_than_a_receiver_can_be_asked_to_try() {
        let now = DateTime::from_timestamp(1_614_265_330, 0).unwrap();
        let mut secrets = Secrets::new(Secret::new(&RandomIds));
        for _ in 0..10 {
            secrets = secrets.rotated(Secret::new(&RandomIds), now, now + TimeDelta::days(7));
        }
        assert_eq!(secrets.sign(now, "m", "{}").split(' ').count(), MOST);
    }

    #[test]
    fn a_secret_has_32_bytes_and_does_not_print() {
        let secret = Secret::new(&RandomIds);
        assert_eq!(STANDARD.decode(secret.expose().strip_prefix(PREFIX).unwrap()).unwrap().len(), 32);
        assert_eq!(format!("{secret:?}"), "Secret(…)");
    }
}
