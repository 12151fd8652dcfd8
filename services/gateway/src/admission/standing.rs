//! How a caller stands to each limit: what there is, and what is left of it. To ask takes nothing of any budget.

use std::time::Duration;

use madang_contract::rest::{CallerLimit, LimitOf, LimitRate, LimitUnit};
use madang_domain::{Limit, limits::EXPORT_INTERVAL_S};
use madang_flow_control::{RateBucket, RateLimit, subscriber_network};

use super::{
    addresses::Handshakes,
    budgets::{Actor, Budgets, PARTS_OF_A_MESSAGE},
    reads::{PARTS_OF_A_READ, ReadBudgets},
    user_limits::REFUSED_SUBSCRIPTIONS,
};

const SECOND: Duration = Duration::from_secs(1);

/// What counts the limits of users and addresses at this gateway.
pub(crate) struct Limits<'a> {
    pub(crate) budgets: &'a Budgets,
    pub(crate) reads: &'a ReadBudgets,
    pub(crate) handshakes: &'a Handshakes,
    /// The connections that one address may have.
    pub(crate) address_connections: u32,
}

/// How many are allowed, and how many are left.
struct Standing {
    rate: Option<LimitRate>,
    burst: u32,
    left: Option<f64>,
}

impl Standing {
    /// Of a budget that is counted in parts of what it is told in.
    fn of_budget(rate: RateLimit, parts: u32, left: Option<u32>) -> Self {
        Self {
            rate: Some(told_rate(rate.interval.saturating_mul(parts))),
            burst: rate.burst / parts,
            left: left.map(|left| f64::from(left) / f64::from(parts)),
        }
    }

    /// Of things under way.
    fn of_number(most: u32, under_way: Option<u32>) -> Self {
        let left = under_way.map(|under_way| f64::from(most.saturating_sub(under_way)));
        Self { rate: None, burst: most, left }
    }
}

impl Limits<'_> {
    /// How a caller stands to a limit; none where the limit is off, or is not told here.
    pub(crate) fn told(&self, limit: Limit, actor: &Actor) -> Option<CallerLimit<'static>> {
        let Self { budgets, reads, handshakes, address_connections } = self;
        let users = &budgets.users;
        let (usage, now) = (budgets.usage(actor), users.now_micros());
        let network = actor.address.map(subscriber_network);
        let of_user = |bucket: &RateBucket, rate, parts| {
            Standing::of_budget(rate, parts, Some(bucket.there_are(rate, now)))
        };
        let (of, unit, standing) = match limit {
            Limit::UserSends => {
                let standing = of_user(&usage.sends, budgets.user_sends, PARTS_OF_A_MESSAGE);
                (LimitOf::User, LimitUnit::Messages, standing)
            }
            Limit::AddressSends => {
                let rate = budgets.address_sends?;
                let left = network.map(|network| budgets.addresses.there_are(&network, rate, now));
                let standing = Standing::of_budget(rate, PARTS_OF_A_MESSAGE, left);
                (LimitOf::Address, LimitUnit::Messages, standing)
            }
            Limit::RoomSends => {
                // What is left is each room's, for all who are in it.
                let standing = Standing::of_budget(budgets.room_sends, PARTS_OF_A_MESSAGE, None);
                (LimitOf::Room, LimitUnit::Messages, standing)
            }
            Limit::UserReads => {
                (LimitOf::User, LimitUnit::Reads, of_user(&usage.reads, reads.user, PARTS_OF_A_READ))
            }
            Limit::AddressReads => {
                let rate = reads.address?;
                let left = network.map(|network| reads.addresses.there_are(&network, rate, now));
                (LimitOf::Address, LimitUnit::Reads, Standing::of_budget(rate, PARTS_OF_A_READ, left))
            }
            Limit::ProfileChanges => {
                let standing = of_user(&usage.profile_changes, budgets.profile_changes, 1);
                (LimitOf::User, LimitUnit::Topics, standing)
            }
            Limit::RoomCreations => {
                let standing = of_user(&usage.room_creations, budgets.room_creations, 1);
                (LimitOf::User, LimitUnit::Rooms, standing)
            }
            Limit::MemberAdditions => {
                let standing = of_user(&usage.member_additions, budgets.member_additions, 1);
                (LimitOf::User, LimitUnit::Members, standing)
            }
            Limit::RefusedSubscriptions => {
                let standing = of_user(&usage.refused_subscriptions, REFUSED_SUBSCRIPTIONS, 1);
                (LimitOf::User, LimitUnit::Subscriptions, standing)
            }
            Limit::UserUploads => {
                let standing = Standing::of_number(budgets.user_uploads, Some(usage.uploads()));
                (LimitOf::User, LimitUnit::Uploads, standing)
            }
            Limit::UserSockets => {
                let standing = Standing::of_number(users.sockets_max, Some(usage.sockets()));
                (LimitOf::User, LimitUnit::Sockets, standing)
            }
            Limit::AddressConnections => {
                // They are counted where connections are accepted, of which a request knows nothing.
                let standing = Standing::of_number(*address_connections, None);
                (LimitOf::Address, LimitUnit::Connections, standing)
            }
            Limit::AddressHandshakes => {
                let left = network.map(|network| handshakes.left(network));
                let standing = Standing::of_budget(handshakes.limit, 1, left);
                (LimitOf::Address, LimitUnit::Handshakes, standing)
            }
            Limit::Exports => {
                // The store counts them.
                let rate = Some(LimitRate { count: 1, seconds: EXPORT_INTERVAL_S });
                (LimitOf::User, LimitUnit::Exports, Standing { rate, burst: 1, left: None })
            }
            // Each room says its own pause, `slow_mode_s`.
            Limit::SlowMode => return None,
            // Of an API key, or of everybody together.
            Limit::ServerCalls | Limit::UnknownApiKeys | Limit::WaitingPasswords => return None,
            // Of somebody who has not signed in yet. The auth service has their settings.
            Limit::AddressSignIns
            | Limit::AccountSignIns
            | Limit::AddressRegistrations
            | Limit::AddressUnknownCredentials => return None,
            // Auth counts them, of a session.
            Limit::SessionRefreshes => return None,
        };
        let Standing { rate, burst, left } = standing;
        Some(CallerLimit { limit: limit.as_str().into(), of, unit, rate, burst, left })
    }
}

/// How often something is allowed after each of which so much time must pass: in a second, or in a minute where it is less
/// than once a second.
fn told_rate(every: Duration) -> LimitRate {
    let seconds = if every <= SECOND { 1 } else { 60 };
    let count = f64::from(seconds) / every.as_secs_f64();
    // A conversion of floats saturates.
    LimitRate { count: count.round() as u32, seconds }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_told_as_it_was_set() {
        for a_second in [1, 3, 7, 20, 1_000, 1_000_000] {
            let every = SECOND / a_second;
            assert_eq!(told_rate(every), LimitRate { count: a_second, seconds: 1 });
        }
        for a_minute in [1, 6, 7, 30] {
            let every = Duration::from_secs(60) / a_minute;
            assert_eq!(told_rate(every), LimitRate { count: a_minute, seconds: 60 });
        }
    }
}
