//! What a user does not show to others.

use std::sync::atomic::{AtomicU64, Ordering};

/// What a user does not show to others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Hides {
    /// That the user is present.
    pub(crate) presence: bool,
    /// That the user types.
    pub(crate) typing: bool,
}

const PRESENCE: u64 = 1;
const TYPING: u64 = 2;
/// The bits above it count the changes of which this gateway was told.
const CHANGE: u64 = 4;

/// What is known here of what a user hides. A change that was told is later than what was read while it came.
#[derive(Debug, Default)]
pub(super) struct KnownHides(AtomicU64);

/// How many changes were told before something was read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BeforeRead(u64);

impl KnownHides {
    pub(super) fn now(&self) -> Hides {
        let known = self.0.load(Ordering::Acquire);
        Hides { presence: known & PRESENCE != 0, typing: known & TYPING != 0 }
    }

    /// Notes a change that was told.
    pub(super) fn told(&self, hides: Hides) {
        let next = |known: u64| Some((known & !(CHANGE - 1)).wrapping_add(CHANGE) | bits(hides));
        let _ = self.0.fetch_update(Ordering::AcqRel, Ordering::Acquire, next);
    }

    pub(super) fn before_read(&self) -> BeforeRead {
        BeforeRead(self.0.load(Ordering::Acquire) & !(CHANGE - 1))
    }

    /// Notes what was read, unless a change was told since.
    pub(super) fn read(&self, before: BeforeRead, hides: Hides) {
        let next = |known: u64| (known & !(CHANGE - 1) == before.0).then_some(before.0 | bits(hides));
        let _ = self.0.fetch_update(Ordering::AcqRel, Ordering::Acquire, next);
    }
}

const fn bits(hides: Hides) -> u64 {
    (if hides.presence { PRESENCE } else { 0 }) | (if hides.typing { TYPING } else { 0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_told_while_it_was_read_counts() {
        let (known, all) = (KnownHides::default(), Hides { presence: true, typing: true });
        let before = known.before_read();
        known.read(before, all);
        assert_eq!(known.now(), all);
        let before = known.before_read();
        known.told(Hides::default());
        known.read(before, all);
        assert_eq!(known.now(), Hides::default());
        known.told(Hides { typing: true, ..Hides::default() });
        assert_eq!(known.now(), Hides { presence: false, typing: true });
    }
}
