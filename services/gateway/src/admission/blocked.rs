//! Whom a user has blocked, as far as a gateway at which the user is knows: what passes of the user does not reach them.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use madang_domain::UserId;

/// What is known here of whom a user has blocked.
#[derive(Debug, Default)]
pub(super) struct KnownBlocked(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    users: Arc<[UserId]>,
    /// How many changes were told.
    changes: u64,
}

/// How many changes were told before something was read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BeforeBlocked(u64);

impl KnownBlocked {
    pub(super) fn now(&self) -> Arc<[UserId]> {
        Arc::clone(&self.known().users)
    }

    /// Notes a block that was told, or its end.
    pub(super) fn told(&self, other: UserId, on: bool) {
        let mut known = self.known();
        known.changes += 1;
        let others = known.users.iter().copied().filter(|user| *user != other);
        known.users = others.chain(on.then_some(other)).collect();
    }

    pub(super) fn before_read(&self) -> BeforeBlocked {
        BeforeBlocked(self.known().changes)
    }

    /// Notes what was read. Where a change was told meanwhile, both count until it is read again: rather one too many than
    /// one too few.
    pub(super) fn read(&self, before: BeforeBlocked, mut blocked: Vec<UserId>) {
        let mut known = self.known();
        if known.changes != before.0 {
            let read = blocked.clone();
            blocked.extend(known.users.iter().filter(|user| !read.contains(user)));
        }
        known.users = blocked.into();
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        // No code that can panic runs under the lock.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(number: u128) -> UserId {
        UserId::new(uuid::Uuid::from_u128(number))
    }

    #[test]
    fn what_was_told_while_it_was_read_counts_too() {
        let known = KnownBlocked::default();
        let before = known.before_read();
        known.read(before, vec![user(1), user(2)]);
        assert_eq!(*known.now(), [user(1), user(2)]);
        known.told(user(2), false);
        known.told(user(3), true);
        known.told(user(3), true);
        assert_eq!(*known.now(), [user(1), user(3)]);
        let before = known.before_read();
        known.told(user(4), true);
        known.read(before, vec![user(3)]);
        assert_eq!(*known.now(), [user(3), user(1), user(4)]);
        let before = known.before_read();
        known.read(before, vec![user(4)]);
        assert_eq!(*known.now(), [user(4)]);
    }
}
