//! Of which changed profiles one socket has been told.

use std::collections::VecDeque;

use madang_domain::{Timestamp, UserId};

/// The users whose last change is remembered, in 24 bytes each. A change comes by every room that the socket shares with
/// the user, all within a moment; only where more users than these change at once may a socket be told twice.
const USERS_MAX: usize = 64;

/// The versions of profiles that one socket has been told of.
pub(super) type ProfilesTold = VersionsTold<UserId>;

/// The versions of things that one socket has been told of, the one that was told last at the end.
#[derive(Debug)]
pub(super) struct VersionsTold<K>(VecDeque<(K, Timestamp)>);

impl<K> Default for VersionsTold<K> {
    fn default() -> Self {
        Self(VecDeque::new())
    }
}

impl<K: PartialEq> VersionsTold<K> {
    /// Notes a version of something. Answers whether it is news: no such version, and no later one, was told.
    pub(super) fn note(&mut self, of: K, version: Timestamp) -> bool {
        if let Some(at) = self.0.iter().position(|(told, _)| *told == of) {
            if self.0[at].1 >= version {
                return false;
            }
            self.0.remove(at);
        } else if self.0.len() == USERS_MAX {
            self.0.pop_front();
        } else if self.0.is_empty() {
            // Most sockets are told of their own user alone.
            self.0.reserve_exact(1);
        }
        self.0.push_back((of, version));
        true
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn note(told: &mut ProfilesTold, user: u128, version: i64) -> bool {
        told.note(UserId::new(Uuid::from_u128(user)), Timestamp::from_micros(version))
    }

    #[test]
    fn a_version_is_news_once_and_an_older_one_never() {
        let mut told = ProfilesTold::default();
        assert!(note(&mut told, 1, 5));
        assert!(!note(&mut told, 1, 5));
        assert!(note(&mut told, 2, 5), "of another user");
        assert!(note(&mut told, 1, 6));
        assert!(!note(&mut told, 1, 5));
    }

    #[test]
    fn it_is_bounded_and_forgets_who_was_told_first() {
        let mut told = ProfilesTold::default();
        let users = USERS_MAX as u128;
        assert!((0..users).all(|user| note(&mut told, user, 1)));
        assert!(note(&mut told, 0, 2), "told last now");
        assert!(note(&mut told, users, 1));
        assert_eq!(told.0.len(), USERS_MAX);
        assert!(!note(&mut told, 0, 2));
        assert!(note(&mut told, 1, 1), "forgotten");
    }
}
