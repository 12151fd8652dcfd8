//! What one user may spend: sends a second, and sockets at a time; over all of the user's sockets here.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use madang_domain::{Code, Error, Result, UserId};
use madang_flow_control::{RateBucket, RateLimit};

/// What one user has spent.
#[derive(Debug)]
pub(crate) struct UserUsage {
    sends: RateBucket,
    openings: RateBucket,
    sockets: AtomicU32,
}

/// The budgets of the users who are here.
#[derive(Debug)]
pub(crate) struct UserLimits {
    epoch: Instant,
    sends: RateLimit,
    sockets_max: u32,
    users: Mutex<HashMap<UserId, Arc<UserUsage>>>,
}

/// One of a user's sockets; dropping it gives the place up.
#[derive(Debug)]
pub(crate) struct SocketPermit(Arc<UserUsage>);

/// The time after which a user who has opened as many sockets as one may hold at once may open one more. Whoever opens and
/// closes them all the time does not use up the admissions of others.
const OPENING_INTERVAL: Duration = Duration::from_millis(100);
/// The users whose budgets are kept before those that nobody holds are forgotten.
const KEPT_USERS: usize = 100_000;

impl UserLimits {
    pub(crate) fn new(sends: RateLimit, sockets_max: u32) -> Self {
        Self { epoch: Instant::now(), sends, sockets_max, users: Mutex::default() }
    }

    /// The budget of a user.
    pub(crate) fn of(&self, user: UserId) -> Arc<UserUsage> {
        let now = self.now_micros();
        let mut users = self.users.lock().unwrap_or_else(PoisonError::into_inner);
        if users.len() >= KEPT_USERS {
            users.retain(|_, budget| {
                Arc::strong_count(budget) > 1 || !budget.sends.is_full(now) || !budget.openings.is_full(now)
            });
        }
        Arc::clone(users.entry(user).or_insert_with(|| {
            Arc::new(UserUsage {
                sends: RateBucket::new(),
                openings: RateBucket::new(),
                sockets: AtomicU32::new(0),
            })
        }))
    }

    /// Takes one send of a user's.
    pub(crate) fn take_send(&self, budget: &UserUsage) -> Result<()> {
        budget
            .sends
            .take(self.sends, self.now_micros())
            .map_err(|wait| Error::new(Code::RateLimited, "too many messages: slow down").retry_after(wait))
    }

    /// Takes a place for one more socket of a user's; none when all are taken, or when the user opens them too fast.
    pub(crate) fn take_socket(&self, budget: &Arc<UserUsage>) -> Option<SocketPermit> {
        let openings = RateLimit { interval: OPENING_INTERVAL, burst: self.sockets_max };
        let permit = SocketPermit(Arc::clone(budget));
        let has_place = budget.sockets.fetch_add(1, Ordering::Relaxed) < self.sockets_max;
        (has_place && budget.openings.take(openings, self.now_micros()).is_ok()).then_some(permit)
    }

    /// Microseconds since the process began: what rates are measured in.
    pub(crate) fn now_micros(&self) -> u64 {
        self.epoch.elapsed().as_micros() as u64
    }
}

impl Drop for SocketPermit {
    fn drop(&mut self) {
        self.0.sockets.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_who_opens_sockets_again_and_again_is_slowed_down_and_another_is_not() {
        const SOCKETS: u32 = 50;
        let sends = RateLimit { interval: Duration::from_secs(1), burst: 1 };
        let limits = UserLimits::new(sends, SOCKETS);
        let [mina, joon] = [1, 2].map(|number| limits.of(UserId::new(uuid::Uuid::from_u128(number))));
        let opened = (0..2 * SOCKETS).filter(|_| limits.take_socket(&mina).is_some()).count();
        assert!((SOCKETS..2 * SOCKETS).contains(&(opened as u32)), "{opened} were opened and closed");
        assert!(limits.take_socket(&mina).is_none());
        assert!(limits.take_socket(&joon).is_some());
    }
}
