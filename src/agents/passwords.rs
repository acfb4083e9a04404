//! Passwords: argon2id, computed off the async threads and few at a time, and no faster for a name that nobody has.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version};
use tokio::sync::Semaphore;

use super::services::AccountError;
use crate::clock::IdSource;
use crate::db::DbError;

/// Memory that one computation takes, in KiB; this and the next two after OWASP's Password Storage Cheat Sheet.
const MEMORY_KIB: u32 = 19 * 1024;
const ITERATIONS: u32 = 2;
const LANES: u32 = 1;
/// How many are computed at once; more wait, so that their memory is bounded.
const AT_ONCE: usize = 2;
/// Characters of a password, at the least.
pub const SHORTEST: usize = 10;
/// And at the most.
pub const LONGEST: usize = 256;

/// A password that may be one: 10 to 256 characters. Whatever is made of it is not printed.
#[derive(Clone)]
pub struct Password(String);

impl Password {
    /// If it is long enough to be one.
    ///
    /// # Errors
    /// [`AccountError::InvalidPassword`].
    pub fn parse(text: impl Into<String>) -> Result<Self, AccountError> {
        let text = text.into();
        let is_fit = (SHORTEST..=LONGEST).contains(&text.chars().count());
        if is_fit { Ok(Self(text)) } else { Err(AccountError::InvalidPassword) }
    }

    /// One that nobody could guess, to be told to its owner.
    pub fn generated(ids: &dyn IdSource) -> Self {
        // 80 bits, in an alphabet that is read out easily.
        const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
        let secret = ids.secret();
        let letter = |pair: &[u8]| {
            let number = std::str::from_utf8(pair).ok().and_then(|hex| usize::from_str_radix(hex, 16).ok());
            char::from(ALPHABET[number.unwrap_or_default() % ALPHABET.len()])
        };
        let letters: Vec<char> = secret.as_bytes().chunks(2).take(16).map(letter).collect();
        let groups: Vec<String> = letters.chunks(4).map(|group| group.iter().collect()).collect();
        Self(groups.join("-"))
    }

    /// For whoever is to be told.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// As it is kept: argon2id in the PHC format, with a salt of its own. Takes tens of milliseconds.
    ///
    /// # Errors
    /// Hardly: the parameters are constant.
    pub fn hash(&self, ids: &dyn IdSource) -> Result<String, DbError> {
        let salt = &ids.secret().into_bytes()[..32];
        let hash: Result<PasswordHash, _> = argon2().hash_password_with_salt(self.0.as_bytes(), salt);
        hash.map(|hash| hash.to_string()).map_err(|error| DbError::Unavailable(format!("argon2: {error}")))
    }
}

impl std::fmt::Debug for Password {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Password")
    }
}

fn argon2() -> Argon2<'static> {
    let params = Params::new(MEMORY_KIB, ITERATIONS, LANES, None).unwrap_or_default();
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

/// Compares what is presented with what is kept.
pub struct Passwords {
    turns: Arc<Semaphore>,
    computed: AtomicU64,
}

impl Default for Passwords {
    fn default() -> Self {
        Self { turns: Arc::new(Semaphore::new(AT_ONCE)), computed: AtomicU64::new(0) }
    }
}

impl Passwords {
    /// Whether it is the one that was kept. Where nothing was kept it is not, and that takes as long.
    pub async fn is_right(&self, presented: String, kept: Option<String>) -> bool {
        // The turn ends with the computation, even if nobody waits for it any more.
        let Ok(turn) = self.turns.clone().acquire_owned().await else { return false };
        self.computed.fetch_add(1, Ordering::Relaxed);
        let compare = move || {
            let is_right = is_right(&presented, kept.as_deref());
            drop(turn);
            is_right
        };
        tokio::task::spawn_blocking(compare).await.unwrap_or(false)
    }

    /// How many were computed since the start.
    pub fn computed(&self) -> u64 {
        self.computed.load(Ordering::Relaxed)
    }
}

fn is_right(presented: &str, kept: Option<&str>) -> bool {
    let Some(kept) = kept.and_then(|kept| PasswordHash::new(kept).ok()) else {
        let mut nowhere = [0; Params::DEFAULT_OUTPUT_LEN];
        let computed = argon2().hash_password_into(presented.as_bytes(), b"the salt of nobody", &mut nowhere);
        // What comes of it is nobody's.
        std::hint::black_box((computed.is_ok(), nowhere));
        return false;
    };
    argon2().verify_password(presented.as_bytes(), &kept).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::RandomIds;

    #[tokio::test]
    async fn a_password_is_known_again_and_no_other_is() {
        let (passwords, password) = (Passwords::default(), Password::parse("correct horse").unwrap());
        let (kept, again) = (password.hash(&RandomIds).unwrap(), password.hash(&RandomIds).unwrap());
        assert!(kept.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{kept}");
        assert_ne!(kept, again, "each has a salt of its own");
        assert!(passwords.is_right("correct horse".into(), Some(kept.clone())).await);
        assert!(!passwords.is_right("Correct horse".into(), Some(kept.clone())).await);
        assert!(!passwords.is_right(String::new(), Some(kept)).await);
        assert!(!passwords.is_right("correct horse".into(), None).await);
        assert!(!passwords.is_right("correct horse".into(), Some("no hash".into())).await);
        assert_eq!(
            passwords.computed(),
            5,
            "as many as were asked, whether there was anything to compare with or not"
        );
    }

    #[test]
    fn a_password_has_10_to_256_characters() {
        for (text, is_one) in [("", false), ("123456789", false), ("1234567890", true), ("ääääääääää", true)]
        {
            assert_eq!(Password::parse(text).is_ok(), is_one, "{text}");
        }
        assert!(Password::parse("x".repeat(256)).is_ok() && Password::parse("x".repeat(257)).is_err());
        let generated = Password::generated(&RandomIds);
        assert_eq!(generated.reveal().len(), 19, "{}", generated.reveal());
        assert!(Password::parse(generated.reveal()).is_ok());
        assert_ne!(generated.reveal(), Password::generated(&RandomIds).reveal());
        assert_eq!(format!("{generated:?}"), "Password");
    }
}
