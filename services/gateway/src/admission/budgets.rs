//! The budgets from which a user's commands are paid: the user's own, the address's and the room's.
//!
//! A budget is a rate with a burst (`madang_flow_control::RateLimit`). Most are counted in messages: what a command costs
//! is told as the number of messages that would burden the others as much. They are kept for each gateway by itself.

use std::{net::IpAddr, sync::Arc, time::Duration};

use madang_domain::{Error, Limit, Profile, Result, RoomId};
use madang_flow_control::{KeyedRateLimiter, RateBucket, RateLimit, subscriber_network};

use super::user_limits::{UserLimits, UserUsage};

/// What costs are counted in: parts of a message.
pub(crate) const PARTS_OF_A_MESSAGE: u32 = 4;
/// The addresses and the rooms whose budgets are kept; past it the one that was used least recently is full again. A user
/// has a budget besides, so that many addresses or rooms give one user no more.
const KEPT_KEYS: usize = 100_000;
/// How much of a budget of an address or a room is there at once.
const BURST: Duration = Duration::from_secs(2);
/// How much of a budget that is told by the minute is there at once.
const BURST_OF_MINUTES: u32 = 4;

/// Who does something: a user, and the address from which the request or the socket came.
#[derive(Debug, Clone)]
pub(crate) struct Actor {
    pub(crate) profile: Arc<Profile>,
    /// What the user has used, where it is at hand; otherwise it is looked up.
    pub(crate) usage: Option<Arc<UserUsage>>,
    /// None where it is not known; then the budget of the user alone counts.
    pub(crate) address: Option<IpAddr>,
}

/// What a command costs of each budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cost {
    /// Of what the user does, and of what comes from the address, in parts of a message.
    pub(crate) sends: u32,
    /// Of what is said in the room, in parts of a message.
    pub(crate) room: u32,
    /// Of the rooms that the user creates.
    pub(crate) room_creations: u32,
    /// Of the users whom the user adds.
    pub(crate) member_additions: u32,
}

/// How large the budgets are.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BudgetSettings {
    /// The messages of one user.
    pub(crate) user_sends: RateLimit,
    /// The messages from one address in a second; 0 for no such limit.
    pub(crate) address_sends_per_second: u32,
    /// The messages in one room in a second.
    pub(crate) room_sends_per_second: u32,
    /// The rooms that one user creates in a minute.
    pub(crate) room_creations_per_minute: u32,
    /// The users whom one user adds in a minute.
    pub(crate) member_additions_per_minute: u32,
}

/// The budgets of this gateway.
#[derive(Debug)]
pub(crate) struct Budgets {
    users: Arc<UserLimits>,
    user_sends: RateLimit,
    room_creations: RateLimit,
    member_additions: RateLimit,
    address_sends: Option<RateLimit>,
    room_sends: RateLimit,
    addresses: KeyedRateLimiter<IpAddr>,
    rooms: KeyedRateLimiter<RoomId>,
}

/// A command has been paid for. Changes are made with one of these alone, so that no command is forgotten.
///
/// Where it is dropped, nothing was said in the room, and what was taken of the room's budget is there again: nobody uses
/// up the budget of a room in which they may say nothing. The user and the address have paid for the attempt.
#[derive(Debug)]
#[must_use]
pub(crate) struct Spent {
    /// What was taken of the budget of a room.
    room: Option<(Arc<Budgets>, RoomId, u32)>,
}

impl Spent {
    /// What the site's backend does, whose API key has a budget of its own; and what the server does by itself.
    pub(crate) const fn by_site() -> Self {
        Self { room: None }
    }

    /// It was done: what was taken stays taken.
    pub(crate) fn keep(mut self) {
        self.room = None;
    }
}

impl Drop for Spent {
    fn drop(&mut self) {
        if let Some((budgets, room, count)) = self.room.take() {
            budgets.rooms.give_back_many(&room, count, budgets.room_sends);
        }
    }
}

impl Budgets {
    pub(crate) fn new(settings: BudgetSettings, users: Arc<UserLimits>) -> Self {
        let BudgetSettings { user_sends, room_creations_per_minute, member_additions_per_minute, .. } =
            settings;
        let address_sends_per_second = settings.address_sends_per_second;
        Self {
            users,
            user_sends: in_parts(user_sends),
            room_creations: per_minute(room_creations_per_minute),
            member_additions: per_minute(member_additions_per_minute),
            address_sends: (address_sends_per_second > 0).then(|| per_second(address_sends_per_second)),
            room_sends: per_second(settings.room_sends_per_second),
            addresses: KeyedRateLimiter::new(KEPT_KEYS),
            rooms: KeyedRateLimiter::new(KEPT_KEYS),
        }
    }

    /// Takes what a command costs, all of it or nothing. `rate_limited`, with the name of the limit: a budget has less.
    pub(crate) fn take(self: &Arc<Self>, actor: &Actor, cost: Cost, room: Option<RoomId>) -> Result<Spent> {
        let looked_up;
        let usage = match &actor.usage {
            Some(usage) => usage,
            None => {
                looked_up = self.users.of(actor.profile.id);
                &looked_up
            }
        };
        let now = self.users.now_micros();
        let of_user = [
            (Limit::RoomCreations, &usage.room_creations, self.room_creations, cost.room_creations),
            (Limit::MemberAdditions, &usage.member_additions, self.member_additions, cost.member_additions),
            (Limit::UserSends, &usage.sends, self.user_sends, cost.sends),
        ];
        take_all(&of_user, now)?;
        let give_back = |refused: Error| {
            for (_, bucket, rate, count) in of_user {
                bucket.give_back(count, rate);
            }
            refused
        };
        let address = self.address_sends.zip(actor.address.map(subscriber_network));
        if let Some((rate, address)) = address {
            self.addresses
                .take_many(address, cost.sends, rate, now)
                .map_err(|wait| give_back(Error::rate_limited(Limit::AddressSends, wait)))?;
        }
        let room = room.map(|room| (room, cost.room)).filter(|(_, count)| *count > 0);
        if let Some((room, count)) = room {
            self.rooms.take_many(room, count, self.room_sends, now).map_err(|wait| {
                if let Some((rate, address)) = address {
                    self.addresses.give_back_many(&address, cost.sends, rate);
                }
                give_back(Error::rate_limited(Limit::RoomSends, wait))
            })?;
        }
        Ok(Spent { room: room.map(|(room, count)| (Arc::clone(self), room, count)) })
    }
}

/// Takes so many of each bucket, or nothing of any.
fn take_all(buckets: &[(Limit, &RateBucket, RateLimit, u32)], now: u64) -> Result<()> {
    for (at, (limit, bucket, rate, count)) in buckets.iter().enumerate() {
        if *count == 0 {
            continue;
        }
        if let Err(wait) = bucket.take_many(*count, *rate, now) {
            for (_, bucket, rate, count) in &buckets[..at] {
                bucket.give_back(*count, *rate);
            }
            return Err(Error::rate_limited(*limit, wait));
        }
    }
    Ok(())
}

/// A rate of messages, in parts of them.
fn in_parts(messages: RateLimit) -> RateLimit {
    RateLimit {
        interval: messages.interval / PARTS_OF_A_MESSAGE,
        burst: messages.burst.saturating_mul(PARTS_OF_A_MESSAGE),
    }
}

fn per_second(messages: u32) -> RateLimit {
    let burst = messages.saturating_mul(BURST.as_secs() as u32);
    in_parts(RateLimit { interval: Duration::from_secs(1) / messages.max(1), burst })
}

fn per_minute(count: u32) -> RateLimit {
    RateLimit {
        interval: Duration::from_secs(60) / count.max(1),
        burst: count.saturating_mul(BURST_OF_MINUTES),
    }
}
