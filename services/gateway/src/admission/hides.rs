//! What a user does not show to others.

use std::sync::atomic::{AtomicU64, Ordering};

use madang_domain::Timestamp;

/// What a user does not show to others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Hides {
    /// That the user is present.
    pub(crate) presence: bool,
    /// That the user types.
    pub(crate) typing: bool,
    /// When that was last changed: each change is later than the one before. The epoch's beginning: never, or whoever says it
    /// does not know.
    pub(crate) version: Timestamp,
}

const PRESENCE: u64 = 1;
const TYPING: u64 = 2;
/// The version stands above them: microseconds of ten thousand years.
const VERSION_SHIFT: u32 = 2;

/// What is known here of what a user hides: the latest of what was told and of what was read, in whatever order they came.
#[derive(Debug, Default)]
pub(super) struct KnownHides(AtomicU64);

impl KnownHides {
    pub(super) fn now(&self) -> Hides {
        unpacked(self.0.load(Ordering::Acquire))
    }

    /// Notes what was told or read, unless something later is known. Answers the latest.
    pub(super) fn note(&self, hides: Hides) -> Hides {
        let new = packed(hides);
        let next = |known: u64| {
            let (version, known_version) = (new >> VERSION_SHIFT, known >> VERSION_SHIFT);
            // Among those who say no version, the last one counts.
            (version > known_version || (version, known_version) == (0, 0)).then_some(new)
        };
        match self.0.fetch_update(Ordering::AcqRel, Ordering::Acquire, next) {
            Ok(_) => hides,
            Err(later) => unpacked(later),
        }
    }
}

fn packed(hides: Hides) -> u64 {
    let version = u64::try_from(hides.version.as_micros()).unwrap_or(0);
    version << VERSION_SHIFT
        | if hides.presence { PRESENCE } else { 0 }
        | if hides.typing { TYPING } else { 0 }
}

fn unpacked(known: u64) -> Hides {
    let version = i64::try_from(known >> VERSION_SHIFT).unwrap_or(0);
    Hides {
        presence: known & PRESENCE != 0,
        typing: known & TYPING != 0,
        version: Timestamp::from_micros(version),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hides(version: i64, presence: bool, typing: bool) -> Hides {
        Hides { presence, typing, version: Timestamp::from_micros(version) }
    }

    #[test]
    fn nothing_older_overrides_what_is_known() {
        let known = KnownHides::default();
        let (first, second) =
            (hides(1_800_000_000_000_000, false, true), hides(1_800_000_000_000_001, true, false));
        assert_eq!(known.note(second), second);
        assert_eq!(known.note(first), second, "told late, or read before it was told");
        assert_eq!(known.note(hides(0, false, false)), second);
        assert_eq!(known.now(), second);
        let third = hides(1_800_000_000_000_002, false, false);
        assert_eq!((known.note(third), known.now()), (third, third));
    }

    #[test]
    fn of_what_has_no_version_the_last_counts() {
        let known = KnownHides::default();
        for hides in
            [hides(0, true, true), hides(0, false, true), hides(0, false, false), hides(3, true, false)]
        {
            assert_eq!((known.note(hides), known.now()), (hides, hides));
        }
    }
}
