//! Rate limits for sign-in and registration.
//!
//! Three buckets limit failed sign-ins. The bucket of the address limits one attacker who tries many
//! accounts. The bucket of the account at that address limits one attacker who tries one account. The bucket
//! of the account from everywhere limits a botnet that tries one account. With the last one, a botnet could
//! lock out the account's owner. So it does not count for addresses from which the account has a live
//! session. A successful sign-in costs nothing. Buckets refill within minutes; no lockout is permanent.

use std::net::IpAddr;

use madang_domain::{Timestamp, Username};
use madang_flow_control::{KeyedRateLimiter, RateLimit, subscriber_network};

use crate::{
    error::{AuthError, Result},
    store::Store,
};

/// The most buckets of all kinds; each takes some 150 bytes. An attacker who rotates through more keys evades
/// the limit by key, but not the bound on hashing. Each process has its own buckets: with n replicas a
/// patient attacker has n times the attempts, and the limits allow for that.
const BUCKETS_MAX: usize = 100_000;

/// The rate limits.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AttemptPolicy {
    /// Failed sign-ins of one account from one address.
    pub(crate) device: RateLimit,
    /// Failed sign-ins of one account from all addresses without a live session of it.
    pub(crate) account: RateLimit,
    /// Failed sign-ins from one address.
    pub(crate) address: RateLimit,
    /// Registrations from one address.
    pub(crate) registration: RateLimit,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Bucket {
    Device(Username, Option<IpAddr>),
    Account(Username),
    Address(IpAddr),
    Registration(IpAddr),
}

/// Counts attempts.
#[derive(Debug)]
pub(crate) struct Attempts {
    policy: AttemptPolicy,
    limiter: KeyedRateLimiter<Bucket>,
}

/// A sign-in in progress. It counts as failed until it is reported as successful. Otherwise many concurrent
/// attempts would all pass before the first one fails.
#[derive(Debug)]
#[must_use]
pub(crate) struct Attempt<'a> {
    attempts: &'a Attempts,
    taken: Vec<(Bucket, RateLimit)>,
}

impl Attempts {
    pub(crate) fn new(policy: AttemptPolicy) -> Self {
        Self { policy, limiter: KeyedRateLimiter::new(BUCKETS_MAX) }
    }

    /// Starts a sign-in.
    pub(crate) async fn sign_in(
        &self,
        store: &dyn Store,
        username: &Username,
        ip: Option<IpAddr>,
        now: Timestamp,
    ) -> Result<Attempt<'_>> {
        let network = ip.map(subscriber_network);
        let mut attempt = Attempt { attempts: self, taken: Vec::with_capacity(3) };
        if let Some(network) = network {
            attempt.take(Bucket::Address(network), self.policy.address, now)?;
        }
        attempt.take(Bucket::Device(username.clone(), network), self.policy.device, now)?;
        if let Err(refusal) = attempt.take(Bucket::Account(username.clone()), self.policy.account, now) {
            let is_known = match ip {
                Some(ip) => store.is_known_address(username, &ip.to_string(), now).await?,
                None => false,
            };
            if !is_known {
                return Err(refusal);
            }
        }
        Ok(attempt)
    }

    /// Counts a registration. Without a client address from a trusted proxy there is no bucket to count in.
    pub(crate) fn register(&self, ip: Option<IpAddr>, now: Timestamp) -> Result<()> {
        match ip {
            Some(ip) => self
                .limiter
                .take(Bucket::Registration(subscriber_network(ip)), self.policy.registration, micros(now))
                .map_err(AuthError::Throttled),
            None => Ok(()),
        }
    }
}

impl Attempt<'_> {
    fn take(&mut self, bucket: Bucket, limit: RateLimit, now: Timestamp) -> Result<()> {
        self.attempts.limiter.take(bucket.clone(), limit, micros(now)).map_err(AuthError::Throttled)?;
        self.taken.push((bucket, limit));
        Ok(())
    }

    /// Returns the tokens to the buckets: the sign-in succeeded, or failed for another reason than the
    /// password.
    pub(crate) fn refund(self) {
        for (bucket, limit) in self.taken {
            self.attempts.limiter.give_back(&bucket, limit);
        }
    }
}

/// The time in the form that the limiter takes.
fn micros(now: Timestamp) -> u64 {
    u64::try_from(now.as_micros()).unwrap_or(0)
}
