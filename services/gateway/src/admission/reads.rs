//! The budgets from which reads are paid: the user's own and the address's. Nothing of a message is read, so that the
//! path of messages does not meet them.

use std::{net::IpAddr, sync::Arc, time::Duration};

use madang_domain::{Error, Limit, Result};
use madang_flow_control::{KeyedRateLimiter, RateLimit, subscriber_network};

use super::{
    budgets::{Actor, KEPT_KEYS},
    user_limits::UserLimits,
};

/// What reads are counted in: parts of a read. A read is one call of a service, which answers at most a page.
pub(super) const PARTS_OF_A_READ: u32 = 10;
/// So much of an address's budget is there at once: a thousand connections, the most of one address by default, may come
/// back at the same moment with 20 reads each.
const ADDRESS_BURST: Duration = Duration::from_secs(10);

/// What is read at once.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Reads {
    parts: u32,
}

impl Reads {
    /// A page of a list or a log, a room, a user, who is present, what a name means.
    pub(crate) const ONE: Self = Self { parts: PARTS_OF_A_READ };

    /// A page of a search, for which the store looks through an index.
    pub(crate) const SEARCH: Self = Self { parts: 5 * PARTS_OF_A_READ };

    /// A page of what a client needs to start: a page of rooms, the inbox and the settings.
    pub(crate) const SYNC: Self = Self { parts: 3 * PARTS_OF_A_READ };

    /// So many rooms are opened. The store opens many in one query, so that one is a part of a read.
    pub(crate) fn rooms(count: usize) -> Self {
        Self { parts: u32::try_from(count).unwrap_or(u32::MAX) }
    }

    /// Both.
    pub(crate) const fn and(self, other: Self) -> Self {
        Self { parts: self.parts.saturating_add(other.parts) }
    }
}

/// How large the budgets are.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ReadSettings {
    /// The reads of one user.
    pub(crate) user: RateLimit,
    /// The reads from one address in a second; 0 for no such limit.
    pub(crate) address_per_second: u32,
}

/// The budgets of reads at this gateway.
#[derive(Debug)]
pub(crate) struct ReadBudgets {
    users: Arc<UserLimits>,
    pub(super) user: RateLimit,
    pub(super) address: Option<RateLimit>,
    pub(super) addresses: KeyedRateLimiter<IpAddr>,
}

impl ReadBudgets {
    pub(crate) fn new(settings: ReadSettings, users: Arc<UserLimits>) -> Self {
        let ReadSettings { user, address_per_second } = settings;
        let address = RateLimit {
            interval: Duration::from_secs(1) / address_per_second.max(1),
            burst: address_per_second.saturating_mul(ADDRESS_BURST.as_secs() as u32),
        };
        Self {
            users,
            user: in_parts(user),
            address: (address_per_second > 0).then(|| in_parts(address)),
            addresses: KeyedRateLimiter::new(KEPT_KEYS),
        }
    }

    /// Takes what a user is about to read, all of it or nothing. `rate_limited`, with the name of the limit: a budget has
    /// less.
    pub(crate) fn take(&self, actor: &Actor, reads: Reads) -> Result<()> {
        // A budget that owes has not even nothing. Where the site's backend acts as a user, its API key has paid.
        if reads == Reads::default() || actor.authority.is_by_site() {
            return Ok(());
        }
        let usage = actor.usage.clone().unwrap_or_else(|| self.users.of(actor.profile.id));
        let now = self.users.now_micros();
        let limited = |wait| Error::rate_limited(Limit::UserReads, wait);
        usage.reads.take_many(reads.parts, self.user, now).map_err(limited)?;
        self.take_of(actor.address, reads).inspect_err(|_| usage.reads.give_back(reads.parts, self.user))
    }

    /// Takes what somebody unknown is about to read of the budget of the address alone.
    pub(crate) fn take_of(&self, address: Option<IpAddr>, reads: Reads) -> Result<()> {
        let Some((rate, address)) = self.address.zip(address.map(subscriber_network)) else { return Ok(()) };
        let limited = |wait| Error::rate_limited(Limit::AddressReads, wait);
        self.addresses.take_many(address, reads.parts, rate, self.users.now_micros()).map_err(limited)
    }
}

/// A rate of reads, in parts of them.
fn in_parts(reads: RateLimit) -> RateLimit {
    RateLimit {
        interval: reads.interval / PARTS_OF_A_READ,
        burst: reads.burst.saturating_mul(PARTS_OF_A_READ),
    }
}
