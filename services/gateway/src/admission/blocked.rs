//! Whom a user has blocked, as far as a gateway at which the user is knows: what passes of the user does not reach them.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use madang_domain::{Timestamp, UserId, limits::BLOCKED_USERS_MAX};

/// What is known here of whom a user has blocked: the latest of what was told and of what was read, in whatever order they came.
#[derive(Debug, Default)]
pub(super) struct KnownBlocked(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    users: Arc<[UserId]>,
    /// The version of what was read last.
    read: Timestamp,
    /// What was told of later versions: of each other user the last one. Of more than [`BLOCKED_USERS_MAX`] the earliest are
    /// forgotten: what was changed even before them and comes late then counts as new.
    told: BTreeMap<UserId, Told>,
    /// How many changes were told without a version, by a gateway of before there were any.
    changes: u64,
}

/// A change that was told.
#[derive(Debug, Clone, Copy)]
struct Told {
    version: Timestamp,
    on: bool,
}

/// How many changes were told without a version before something was read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BeforeBlocked(u64);

/// Of whoever says no version.
const NO_VERSION: Timestamp = Timestamp::from_micros(0);

impl KnownBlocked {
    pub(super) fn now(&self) -> Arc<[UserId]> {
        Arc::clone(&self.known().users)
    }

    /// Notes a block that was told, or its end, unless something later is known.
    pub(super) fn told(&self, other: UserId, on: bool, version: Timestamp) {
        let mut known = self.known();
        if version == NO_VERSION {
            known.changes += 1;
            return known.apply(other, on);
        }
        let before = known.told.get(&other).map_or(known.read, |told| told.version.max(known.read));
        if version <= before {
            return;
        }
        known.told.insert(other, Told { version, on });
        if known.told.len() > BLOCKED_USERS_MAX as usize
            && let Some(earliest) = known.told.iter().min_by_key(|(_, told)| told.version).map(|(of, _)| *of)
        {
            known.told.remove(&earliest);
        }
        known.apply(other, on);
    }

    pub(super) fn before_read(&self) -> BeforeBlocked {
        BeforeBlocked(self.known().changes)
    }

    /// Notes what was read, unless something later was; what was told of later versions stays. Where a change was told
    /// meanwhile without a version, both count until it is read again: rather one too many than one too few.
    pub(super) fn read(&self, before: BeforeBlocked, mut blocked: Vec<UserId>, version: Timestamp) {
        let mut known = self.known();
        if known.changes != before.0 {
            let read = blocked.clone();
            blocked.extend(known.users.iter().filter(|user| !read.contains(user)));
        }
        known.take(blocked, version);
    }

    /// Notes what was read once more. Without a version it says nothing.
    pub(super) fn reread(&self, blocked: Vec<UserId>, version: Timestamp) {
        if version != NO_VERSION {
            self.known().take(blocked, version);
        }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        // No code that can panic runs under the lock.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    fn apply(&mut self, other: UserId, on: bool) {
        let others = self.users.iter().copied().filter(|user| *user != other);
        self.users = others.chain(on.then_some(other)).collect();
    }

    fn take(&mut self, blocked: Vec<UserId>, version: Timestamp) {
        if version < self.read {
            return;
        }
        (self.users, self.read) = (blocked.into(), version);
        self.told.retain(|_, told| told.version > version);
        for (other, told) in self.told.clone() {
            self.apply(other, told.on);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(number: u128) -> UserId {
        UserId::new(uuid::Uuid::from_u128(number))
    }

    fn version(number: i64) -> Timestamp {
        Timestamp::from_micros(number)
    }

    #[test]
    fn what_was_told_without_a_version_while_it_was_read_counts_too() {
        let known = KnownBlocked::default();
        let before = known.before_read();
        known.read(before, vec![user(1), user(2)], NO_VERSION);
        assert_eq!(*known.now(), [user(1), user(2)]);
        known.told(user(2), false, NO_VERSION);
        known.told(user(3), true, NO_VERSION);
        known.told(user(3), true, NO_VERSION);
        assert_eq!(*known.now(), [user(1), user(3)]);
        let before = known.before_read();
        known.told(user(4), true, NO_VERSION);
        known.read(before, vec![user(3)], NO_VERSION);
        assert_eq!(*known.now(), [user(3), user(1), user(4)]);
        let before = known.before_read();
        known.read(before, vec![user(4)], NO_VERSION);
        assert_eq!(*known.now(), [user(4)]);
    }

    #[test]
    fn the_latest_counts_in_whatever_order_it_comes() {
        // A block at 1, its end at 2 and a block once more at 3; another one at 4. Read are the states after each.
        let changes = [(1, true, 1), (1, false, 2), (1, true, 3), (2, true, 4)];
        let states = [vec![], vec![user(1)], vec![], vec![user(1)], vec![user(1), user(2)]];
        let known_after = |steps: &[usize], read_first: bool| {
            let known = KnownBlocked::default();
            for step in steps {
                let (other, on, at) = changes[*step];
                let tell = || known.told(user(other), on, version(at));
                let read = || known.read(known.before_read(), states[*step].clone(), version(at - 1));
                if read_first {
                    read();
                    tell();
                } else {
                    tell();
                    read();
                }
            }
            let mut users = known.now().to_vec();
            users.sort_unstable();
            users
        };
        for first in 0..4 {
            for second in (0..4).filter(|step| *step != first) {
                for third in (0..4).filter(|step| ![first, second].contains(step)) {
                    let fourth = 6 - first - second - third;
                    let steps = [first, second, third, fourth];
                    for read_first in [true, false] {
                        assert_eq!(known_after(&steps, read_first), [user(1), user(2)], "{steps:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn what_is_read_once_more_mends_what_was_not_told_and_says_nothing_without_a_version() {
        let known = KnownBlocked::default();
        known.told(user(1), true, version(1));
        known.reread(vec![], NO_VERSION);
        assert_eq!(*known.now(), [user(1)]);
        known.told(user(3), true, version(9));
        known.reread(vec![user(2)], version(5));
        assert_eq!(*known.now(), [user(2), user(3)]);
        known.reread(vec![user(1)], version(1));
        assert_eq!(*known.now(), [user(2), user(3)]);
    }

    #[test]
    fn so_many_changes_are_remembered() {
        let known = KnownBlocked::default();
        for number in 1..=i64::from(BLOCKED_USERS_MAX) + 10 {
            known.told(user(u128::try_from(number).unwrap()), false, version(number));
        }
        assert_eq!(known.known().told.len(), BLOCKED_USERS_MAX as usize);
    }
}
