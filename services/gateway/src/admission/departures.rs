//! Users whose last socket here has closed, until the store has noted it.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use madang_domain::{Timestamp, UserId};
use madang_rpc::store::Seen;
use tokio::sync::Notify;

/// The users who wait, in some 6 MB. Of who leaves beyond them it is not noted: while the store does not answer, a crowd that
/// comes and goes must not fill the memory.
const WAITING_MAX: usize = 100_000;

/// Users whose last socket here has closed.
#[derive(Debug, Default)]
pub(crate) struct Departures {
    /// With the time, where it was tried to note it before.
    waiting: Mutex<HashMap<UserId, Option<Timestamp>>>,
    news: Notify,
}

impl Departures {
    /// Notes that a user has left.
    pub(super) fn add(&self, user: UserId) {
        let mut waiting = self.waiting();
        if waiting.len() < WAITING_MAX || waiting.contains_key(&user) {
            waiting.insert(user, None);
        }
        let is_first = waiting.len() == 1;
        drop(waiting);
        if is_first {
            self.news.notify_one();
        }
    }

    /// Waits until somebody has left.
    pub(crate) async fn any(&self) {
        while self.waiting().is_empty() {
            self.news.notified().await;
        }
    }

    /// Takes at most so many.
    pub(crate) fn take(&self, most: usize, now: Timestamp) -> Vec<Seen> {
        let mut waiting = self.waiting();
        let users: Vec<UserId> = waiting.keys().take(most).copied().collect();
        let seen = users.into_iter().filter_map(|user| {
            let at = waiting.remove(&user)?.unwrap_or(now);
            Some(Seen { user, at })
        });
        seen.collect()
    }

    /// Puts back what could not be noted. Who has left again since has the later time.
    pub(crate) fn put_back(&self, seen: Vec<Seen>) {
        let mut waiting = self.waiting();
        for Seen { user, at } in seen {
            if waiting.len() < WAITING_MAX {
                waiting.entry(user).or_insert(Some(at));
            }
        }
    }

    fn waiting(&self) -> MutexGuard<'_, HashMap<UserId, Option<Timestamp>>> {
        // Each change is one insertion: a panic elsewhere cannot leave half of one.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn departures_are_bounded_and_keep_their_time_when_they_are_put_back() {
        let departures = Departures::default();
        let user = |number: usize| UserId::new(Uuid::from_u128(number as u128));
        let at = Timestamp::from_micros;
        departures.add(user(1));
        departures.add(user(1));
        let taken = departures.take(10, at(5));
        assert_eq!(taken, [Seen { user: user(1), at: at(5) }]);
        assert!(departures.take(10, at(6)).is_empty());
        departures.put_back(taken.clone());
        assert_eq!(departures.take(10, at(7)), taken);
        departures.add(user(1));
        departures.put_back(taken);
        assert_eq!(departures.take(10, at(8)), [Seen { user: user(1), at: at(8) }], "left again");
        for number in 0..WAITING_MAX + 10 {
            departures.add(user(number));
        }
        assert_eq!(departures.take(usize::MAX, at(9)).len(), WAITING_MAX);
    }
}
