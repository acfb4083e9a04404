//! Owns a record of limited length that counts what it ever held, so that a reader can say how far it has come.

use std::collections::VecDeque;

/// The newest entries of a record; older ones are forgotten, not uncounted.
#[derive(Debug)]
pub(crate) struct Log<T> {
    entries: VecDeque<T>,
    forgotten: u64,
    kept: usize,
}

impl<T> Log<T> {
    /// An empty record of the newest `kept` entries.
    pub(crate) fn new(kept: usize) -> Self {
        Self { entries: VecDeque::new(), forgotten: 0, kept }
    }

    pub(crate) fn push(&mut self, entry: T) {
        if self.entries.len() >= self.kept {
            self.entries.pop_front();
            self.forgotten += 1;
        }
        self.entries.push_back(entry);
    }

    /// What is kept, oldest first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.entries.iter()
    }

    /// How many there were before the oldest that is kept.
    pub(crate) fn forgotten(&self) -> u64 {
        self.forgotten
    }

    /// How many there ever were.
    pub(crate) fn total(&self) -> u64 {
        self.forgotten.saturating_add(u64::try_from(self.entries.len()).unwrap_or(u64::MAX))
    }

    /// The one that came after the first `before` ever, while it is kept.
    pub(crate) fn get(&self, before: u64) -> Option<&T> {
        self.entries.get(usize::try_from(before.checked_sub(self.forgotten)?).ok()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_forgotten_still_counts() {
        let mut log = Log::new(2);
        for entry in ["a", "b", "c"] {
            log.push(entry);
        }
        assert_eq!((log.forgotten(), log.total()), (1, 3));
        assert_eq!([0, 1, 2, 3].map(|n| log.get(n).copied()), [None, Some("b"), Some("c"), None]);
    }
}
