//! How often somebody may try to sign in or to register.
//!
//! Three buckets bound failed sign-ins: one of the address (somebody tries many accounts), one of the
//! account at that address (somebody tries one account), one of the account from everywhere (a botnet
//! tries one account). The last one alone would let a botnet lock its owner out; so it does not count
//! for addresses from which the account has a live session. A sign-in that succeeds costs nothing of these.
//!
//! Two more bound what right passwords cost. One counts all sign-ins of an address, since each has a password
//! hashed. One counts the sign-ins of an account that succeeded, since each makes a session; only who knows the
//! password can use it up. Buckets fill again by themselves within minutes; nothing here is forever.

use std::net::IpAddr;

use madang_domain::{Timestamp, Username};
use madang_flow_control::{KeyedRateLimiter, RateLimit, subscriber_network};

use crate::{
    error::{AuthError, Result},
    store::Store,
};

/// Buckets remembered, of all kinds; some 150 bytes each. Whoever tries from more keys in turn is not limited by key; the bound
/// on hashing still holds then. The buckets are of this process: behind n replicas a patient attacker has n times the
/// attempts, and the limits are chosen with that in mind.
const BUCKETS_MAX: usize = 100_000;

/// How many attempts.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AttemptPolicy {
    /// Failed sign-ins of one account from one address.
    pub(crate) device: RateLimit,
    /// Failed sign-ins of one account from anywhere unknown.
    pub(crate) account: RateLimit,
    /// Failed sign-ins from one address.
    pub(crate) address: RateLimit,
    /// Sign-ins from one address, right or wrong.
    pub(crate) all_of_address: RateLimit,
    /// Sign-ins of one account that succeeded.
    pub(crate) successes: RateLimit,
    /// Registrations from one address.
    pub(crate) registration: RateLimit,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Bucket {
    Device(Username, Option<IpAddr>),
    Account(Username),
    Address(IpAddr),
    AllOfAddress(IpAddr),
    Successes(Username),
    Registration(IpAddr),
}

/// Counts attempts.
#[derive(Debug)]
pub(crate) struct Attempts {
    policy: AttemptPolicy,
    limiter: KeyedRateLimiter<Bucket>,
}

/// A sign-in under way. It counts as failed until it is said to have succeeded: many at once would
/// otherwise all pass before the first has failed.
#[derive(Debug)]
#[must_use]
pub(crate) struct Attempt<'a> {
    attempts: &'a Attempts,
    username: Username,
    /// Given back where the password was right.
    failures: Vec<(Bucket, RateLimit)>,
    /// Given back only where no password was hashed.
    work: Option<(Bucket, RateLimit)>,
}

impl Attempts {
    pub(crate) fn new(policy: AttemptPolicy) -> Self {
        Self { policy, limiter: KeyedRateLimiter::new(BUCKETS_MAX) }
    }

    /// Begins a sign-in.
    pub(crate) async fn sign_in(
        &self,
        store: &dyn Store,
        username: &Username,
        ip: Option<IpAddr>,
        now: Timestamp,
    ) -> Result<Attempt<'_>> {
        let mut attempt = Attempt {
            attempts: self,
            username: username.clone(),
            failures: Vec::with_capacity(3),
            work: None,
        };
        if let Err(refusal) = attempt.begin(store, ip, now).await {
            // What is refused has no password hashed, and takes nothing from others at the same address.
            attempt.refund();
            return Err(refusal);
        }
        Ok(attempt)
    }

    /// Counts a registration. Where the edge vouches for no address there is none to count by.
    pub(crate) fn register(&self, ip: Option<IpAddr>, now: Timestamp) -> Result<()> {
        match ip {
            Some(ip) => {
                self.take(&Bucket::Registration(subscriber_network(ip)), self.policy.registration, now)
            }
            None => Ok(()),
        }
    }

    fn take(&self, bucket: &Bucket, limit: RateLimit, now: Timestamp) -> Result<()> {
        self.limiter.take(bucket.clone(), limit, micros(now)).map_err(AuthError::Throttled)
    }
}

impl Attempt<'_> {
    async fn begin(&mut self, store: &dyn Store, ip: Option<IpAddr>, now: Timestamp) -> Result<()> {
        let AttemptPolicy { all_of_address, address, device, account, .. } = self.attempts.policy;
        let network = ip.map(subscriber_network);
        if let Some(network) = network {
            let bucket = Bucket::AllOfAddress(network);
            self.attempts.take(&bucket, all_of_address, now)?;
            self.work = Some((bucket, all_of_address));
            self.take(Bucket::Address(network), address, now)?;
        }
        self.take(Bucket::Device(self.username.clone(), network), device, now)?;
        if let Err(refusal) = self.take(Bucket::Account(self.username.clone()), account, now) {
            let is_known = match ip {
                Some(ip) => store.is_known_address(&self.username, &ip.to_string(), now).await?,
                None => false,
            };
            if !is_known {
                return Err(refusal);
            }
        }
        Ok(())
    }

    fn take(&mut self, bucket: Bucket, limit: RateLimit, now: Timestamp) -> Result<()> {
        self.attempts.take(&bucket, limit, now)?;
        self.failures.push((bucket, limit));
        Ok(())
    }

    /// The password was right: it was no failure. Refused where the account has been signed in to too often.
    pub(crate) fn succeed(self, now: Timestamp) -> Result<()> {
        self.give_back(&self.failures);
        self.attempts.take(&Bucket::Successes(self.username), self.attempts.policy.successes, now)
    }

    /// No password was hashed: it costs nothing at all.
    pub(crate) fn refund(self) {
        self.give_back(&self.failures);
        self.give_back(self.work.as_slice());
    }

    fn give_back(&self, taken: &[(Bucket, RateLimit)]) {
        for (bucket, limit) in taken {
            self.attempts.limiter.give_back(bucket, *limit);
        }
    }
}

/// The time as the limiter takes it.
fn micros(now: Timestamp) -> u64 {
    u64::try_from(now.as_micros()).unwrap_or(0)
}
