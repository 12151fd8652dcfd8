//! What one user may spend: sends a second, and sockets at a time; over all of the user's sockets here.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU32, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use madang_domain::{Code, Error, Result, UserId};

/// A bound on a rate: the generic cell rate algorithm (ITU-T I.371, annex A), which needs one number a
/// bucket and no timer.
#[derive(Debug)]
pub(crate) struct Rate {
    /// When the bucket is full again, in microseconds after the epoch of the process.
    full_at: AtomicU64,
}

/// How fast, and how much at once.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RateLimit {
    /// The time that one costs.
    pub(crate) interval: Duration,
    /// How many may come at once.
    pub(crate) burst: u32,
}

impl Rate {
    pub(crate) const fn new() -> Self {
        Self { full_at: AtomicU64::new(0) }
    }

    /// Takes one; or says when there will be one.
    pub(crate) fn take(&self, limit: RateLimit, now_micros: u64) -> Result<(), Duration> {
        let cost = limit.interval.as_micros() as u64;
        let room = cost * u64::from(limit.burst);
        let taken = self.full_at.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |full_at| {
            let full_at = full_at.max(now_micros) + cost;
            (full_at <= now_micros + room).then_some(full_at)
        });
        match taken {
            Ok(_) => Ok(()),
            Err(full_at) => Err(Duration::from_micros((full_at + cost).saturating_sub(now_micros + room))),
        }
    }
}

/// What one user has spent.
#[derive(Debug)]
pub(crate) struct UserUsage {
    sends: Rate,
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
                Arc::strong_count(budget) > 1 || budget.sends.full_at.load(Ordering::Relaxed) > now
            });
        }
        Arc::clone(
            users
                .entry(user)
                .or_insert_with(|| Arc::new(UserUsage { sends: Rate::new(), sockets: AtomicU32::new(0) })),
        )
    }

    /// Takes one send of a user's.
    pub(crate) fn take_send(&self, budget: &UserUsage) -> Result<()> {
        budget
            .sends
            .take(self.sends, self.now_micros())
            .map_err(|wait| Error::new(Code::RateLimited, "too many messages: slow down").retry_after(wait))
    }

    /// Takes a place for one more socket of a user's; none when all are taken.
    pub(crate) fn take_socket(&self, budget: &Arc<UserUsage>) -> Option<SocketPermit> {
        let permit = SocketPermit(Arc::clone(budget));
        (budget.sockets.fetch_add(1, Ordering::Relaxed) < self.sockets_max).then_some(permit)
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
    fn a_burst_passes_and_then_the_rate() {
        let limit = RateLimit { interval: Duration::from_millis(50), burst: 40 };
        let rate = Rate::new();
        assert_eq!((0..100).filter(|_| rate.take(limit, 0).is_ok()).count(), 40);
        assert_eq!(rate.take(limit, 0), Err(Duration::from_millis(50)));
        assert!(rate.take(limit, 50_000).is_ok());
        assert!(rate.take(limit, 50_000).is_err());
        assert_eq!((0..100).filter(|_| rate.take(limit, 60_000_000).is_ok()).count(), 40);
    }
}
