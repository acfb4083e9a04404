//! Owns chance: one seed, the same throws.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use uuid::Uuid;

/// Dice of one seed.
#[derive(Debug)]
pub(super) struct Dice(StdRng);

impl Dice {
    /// Dice for one purpose: what is thrown for another does not change what these show.
    pub(super) fn new(seed: u64, purpose: u64) -> Self {
        // Any odd number will do: purposes must not meet among neighbouring seeds.
        Self(StdRng::seed_from_u64(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(purpose)))
    }

    /// A number from `low` to `high`, both included.
    pub(super) fn between(&mut self, low: u64, high: u64) -> u64 {
        self.0.random_range(low..=high.max(low))
    }

    /// True so many times in a thousand. Nothing is thrown for what never happens.
    pub(super) fn per_mille(&mut self, chance: u64) -> bool {
        chance > 0 && self.between(1, 1000) <= chance
    }

    /// True every other time.
    pub(super) fn coin(&mut self) -> bool {
        self.0.random()
    }

    /// One of these; `None` of none.
    pub(super) fn one_of<T: Copy>(&mut self, choices: &[T]) -> Option<T> {
        let last = u64::try_from(choices.len()).ok()?.checked_sub(1)?;
        let at = usize::try_from(self.between(0, last)).ok()?;
        choices.get(at).copied()
    }

    /// One of these by weight; the last if the weights are all zero.
    pub(super) fn weighted<T: Copy>(&mut self, first: T, choices: &[(u64, T)]) -> T {
        let sum: u64 = choices.iter().map(|(weight, _)| weight).sum();
        let mut left = self.between(1, sum.max(1));
        for (weight, choice) in choices {
            if left <= *weight {
                return *choice;
            }
            left -= weight;
        }
        first
    }

    /// An id.
    pub(super) fn id(&mut self) -> Uuid {
        uuid::Builder::from_random_bytes(self.0.random()).into_uuid()
    }

    /// A seed for somebody else's dice.
    pub(super) fn seed(&mut self) -> u64 {
        self.0.random()
    }
}
