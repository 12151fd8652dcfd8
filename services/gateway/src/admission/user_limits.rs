//! The limits of one user at this gateway: sends per second and concurrent sockets, over all of the user's
//! sockets.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    time::Instant,
};

use madang_domain::{Code, Error, Result, UserId};
use madang_flow_control::{RateBucket, RateLimit};

/// The usage of one user.
#[derive(Debug)]
pub(crate) struct UserUsage {
    sends: RateBucket,
    sockets: AtomicU32,
}

/// The usage of all users with sockets at this gateway.
#[derive(Debug)]
pub(crate) struct UserLimits {
    epoch: Instant,
    sends: RateLimit,
    sockets_max: u32,
    users: Mutex<HashMap<UserId, Arc<UserUsage>>>,
}

/// A permit for one of a user's sockets; dropping it releases the permit.
#[derive(Debug)]
pub(crate) struct SocketPermit(Arc<UserUsage>);

/// The most users in the map before entries without a socket are removed.
const KEPT_USERS: usize = 100_000;

impl UserLimits {
    pub(crate) fn new(sends: RateLimit, sockets_max: u32) -> Self {
        Self { epoch: Instant::now(), sends, sockets_max, users: Mutex::default() }
    }

    /// The usage of a user.
    pub(crate) fn of(&self, user: UserId) -> Arc<UserUsage> {
        let now = self.now_micros();
        let mut users = self.users.lock().unwrap_or_else(PoisonError::into_inner);
        if users.len() >= KEPT_USERS {
            users.retain(|_, budget| Arc::strong_count(budget) > 1 || !budget.sends.is_full(now));
        }
        Arc::clone(
            users.entry(user).or_insert_with(|| {
                Arc::new(UserUsage { sends: RateBucket::new(), sockets: AtomicU32::new(0) })
            }),
        )
    }

    /// Counts one send of a user, or refuses it.
    pub(crate) fn take_send(&self, budget: &UserUsage) -> Result<()> {
        budget
            .sends
            .take(self.sends, self.now_micros())
            .map_err(|wait| Error::new(Code::RateLimited, "too many messages: slow down").retry_after(wait))
    }

    /// Takes a permit for one more socket of a user; `None` if the user has reached the limit.
    pub(crate) fn take_socket(&self, budget: &Arc<UserUsage>) -> Option<SocketPermit> {
        let permit = SocketPermit(Arc::clone(budget));
        (budget.sockets.fetch_add(1, Ordering::Relaxed) < self.sockets_max).then_some(permit)
    }

    /// Microseconds since the process started, the unit of the rate limiter.
    pub(crate) fn now_micros(&self) -> u64 {
        self.epoch.elapsed().as_micros() as u64
    }
}

impl Drop for SocketPermit {
    fn drop(&mut self) {
        self.0.sockets.fetch_sub(1, Ordering::Relaxed);
    }
}
