//! Rate limits for sign-in, registration and refreshes.
//!
//! Three buckets limit failed sign-ins. The bucket of the address limits one attacker who tries many
//! accounts. The bucket of the account at that address limits one attacker who tries one account. The bucket
//! of the account from everywhere limits a botnet that tries one account. With the last one, a botnet could
//! lock out the account's owner. So it does not count for addresses from which the account has a live
//! session. A successful sign-in costs nothing of these three.
//!
//! Two more buckets limit the cost of right passwords. One counts all sign-ins from an address, since each
//! has a password hashed. One counts the successful sign-ins of an account, since each makes a session. Only
//! a client that knows the password can use it up. Buckets refill within minutes; no lockout is permanent.
//!
//! One bucket limits the refresh tokens from one address that were refused, since each costs a statement. One limits the
//! refreshes of a session, since each is a transaction: whoever has one good token could chain them without end.

use std::{net::IpAddr, time::Duration};

use madang_domain::{Limit, SessionId, Timestamp, Username};
use madang_flow_control::{KeyedRateLimiter, RateLimit, subscriber_network};

use crate::{
    error::{AuthError, Result},
    store::Store,
};

/// The most buckets of all kinds; each takes some 150 bytes. An attacker who rotates through more keys evades
/// the limit by key, but not the bound on hashing. Each process has its own buckets: with n replicas a
/// patient attacker has n times the attempts, and the limits allow for that.
const BUCKETS_MAX: usize = 100_000;

/// Refused refresh tokens from one address. The burst leaves room for all good ones that are in progress at once
/// behind one address.
const REFUSED_TOKENS: RateLimit = RateLimit { interval: Duration::from_millis(200), burst: 300 };

/// Refreshes of one session. A client needs one in the life of an access token; the burst is for one that reloads its page
/// again and again, and for its tabs that all begin at once.
const REFRESHES: RateLimit = RateLimit { interval: Duration::from_secs(5), burst: 60 };

/// The rate limits.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AttemptPolicy {
    /// Failed sign-ins of one account from one address.
    pub(crate) device: RateLimit,
    /// Failed sign-ins of one account from all addresses without a live session of it.
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
    RefusedTokens(IpAddr),
    Refreshes(SessionId),
}

impl Bucket {
    /// The limit that a refusal names.
    const fn limit(&self) -> Limit {
        match self {
            Self::Device(..) | Self::Account(_) | Self::Successes(_) => Limit::AccountSignIns,
            Self::Address(_) | Self::AllOfAddress(_) => Limit::AddressSignIns,
            Self::Registration(_) => Limit::AddressRegistrations,
            Self::RefusedTokens(_) => Limit::AddressUnknownCredentials,
            Self::Refreshes(_) => Limit::SessionRefreshes,
        }
    }
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
    username: Username,
    /// Given back where the password was right.
    failures: Vec<(Bucket, RateLimit)>,
    /// Given back only where no password was hashed.
    work: Option<(Bucket, RateLimit)>,
}

/// A refresh token that is being looked up. It counts as refused until it is reported as good.
#[derive(Debug)]
#[must_use]
pub(crate) struct Lookup<'a> {
    attempts: &'a Attempts,
    bucket: Option<Bucket>,
}

impl Lookup<'_> {
    /// Reports that the token was not refused.
    pub(crate) fn succeed(self) {
        if let Some(bucket) = &self.bucket {
            self.attempts.limiter.give_back(bucket, REFUSED_TOKENS);
        }
    }
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
        let mut attempt = Attempt {
            attempts: self,
            username: username.clone(),
            failures: Vec::with_capacity(3),
            work: None,
        };
        if let Err(refusal) = attempt.begin(store, ip, now).await {
            // A refused sign-in has no password hashed. It takes nothing from others at the same address.
            attempt.refund();
            return Err(refusal);
        }
        Ok(attempt)
    }

    /// Counts a registration. Without a client address from a trusted proxy there is no bucket to count in.
    pub(crate) fn register(&self, ip: Option<IpAddr>, now: Timestamp) -> Result<()> {
        match ip {
            Some(ip) => {
                self.take(&Bucket::Registration(subscriber_network(ip)), self.policy.registration, now)
            }
            None => Ok(()),
        }
    }

    /// Starts the lookup of a refresh token. Without a client address there is no bucket to count in.
    pub(crate) fn look_up(&self, ip: Option<IpAddr>, now: Timestamp) -> Result<Lookup<'_>> {
        let bucket = ip.map(|ip| Bucket::RefusedTokens(subscriber_network(ip)));
        if let Some(bucket) = &bucket {
            self.take(bucket, REFUSED_TOKENS, now)?;
        }
        Ok(Lookup { attempts: self, bucket })
    }

    /// Counts a refresh that would be answered with tokens.
    pub(crate) fn refresh(&self, session: SessionId, now: Timestamp) -> Result<()> {
        self.take(&Bucket::Refreshes(session), REFRESHES, now)
    }

    fn take(&self, bucket: &Bucket, limit: RateLimit, now: Timestamp) -> Result<()> {
        let taken = self.limiter.take(bucket.clone(), limit, micros(now));
        taken.map_err(|wait| AuthError::Throttled(bucket.limit(), wait))
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

    /// Reports a right password: the attempt does not count as a failure. The sign-in is refused if the
    /// account has been signed in to too often.
    pub(crate) fn succeed(self, now: Timestamp) -> Result<()> {
        self.give_back(&self.failures);
        self.attempts.take(&Bucket::Successes(self.username), self.attempts.policy.successes, now)
    }

    /// Returns all tokens to the buckets, since no password was hashed.
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

/// The time in the form that the limiter takes.
fn micros(now: Timestamp) -> u64 {
    u64::try_from(now.as_micros()).unwrap_or(0)
}
