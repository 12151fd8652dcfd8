//! The budgets from which a user's commands are paid: the user's own, the address's and the room's.
//!
//! A budget is a rate with a burst (`madang_flow_control::RateLimit`). Most are counted in messages: what a command costs
//! is told as the number of messages that would burden the others as much. Each gateway keeps its own, and then asks for the
//! part that all gateways share ([`super::shared`]).

use std::{net::IpAddr, sync::Arc, time::Duration};

use madang_domain::{Authority, Error, Limit, Profile, Result, RoomId, UserId};
use madang_flow_control::{KeyedRateLimiter, RateBucket, RateLimit, subscriber_network};
use madang_rpc::store::PROFILE_ROOMS_MAX;

use super::{
    shared::{Paid, Price, SharedKey, SharedLimits, Whose},
    user_limits::{UploadPermit, UserLimits, UserUsage},
};

/// What costs are counted in: parts of a message.
pub(crate) const PARTS_OF_A_MESSAGE: u32 = 4;
/// The addresses and the rooms whose budgets are kept; past it the one that was used least recently is full again. A user
/// has a budget besides, so that many addresses or rooms give one user no more.
pub(super) const KEPT_KEYS: usize = 100_000;
/// How much of a budget of an address or a room is there at once.
const BURST: Duration = Duration::from_secs(2);
/// The topics in which one changed profile is told, at most: the user's inbox, and the rooms.
pub(crate) const PROFILE_TOPICS_MAX: u32 = PROFILE_ROOMS_MAX + 1;
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
    /// By what right: the user's own, or the user's by the hand of the site's backend, whose API key has paid for it.
    pub(crate) authority: Authority,
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
    /// Of the topics in which a profile of the user's is told, the most that there can be. What is not told is given back.
    pub(crate) profile_topics: u32,
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
    /// The uploads of one user that may be under way.
    pub(crate) user_uploads: u32,
}

/// The budgets of this gateway.
#[derive(Debug)]
pub(crate) struct Budgets {
    pub(super) users: Arc<UserLimits>,
    pub(super) user_sends: RateLimit,
    pub(super) profile_changes: RateLimit,
    pub(super) room_creations: RateLimit,
    pub(super) member_additions: RateLimit,
    pub(super) address_sends: Option<RateLimit>,
    pub(super) room_sends: RateLimit,
    pub(super) user_uploads: u32,
    pub(super) addresses: KeyedRateLimiter<IpAddr>,
    rooms: KeyedRateLimiter<RoomId>,
    shared: Arc<SharedLimits>,
}

/// A command has been paid for. Changes are made with one of these alone, so that no command is forgotten.
///
/// Where it is dropped, nothing was said in the room, and what was taken of the room's budget is there again: nobody uses
/// up the budget of a room in which they may say nothing. The user and the address have paid for the attempt.
#[derive(Debug)]
#[must_use]
pub(crate) struct Spent {
    /// What was taken of the budget of a room.
    room: Option<SpentInRoom>,
    /// What was taken for a profile that is to be told.
    profile: Option<Box<ProfileToTell>>,
}

/// What was taken of the budget of a room.
#[derive(Debug)]
struct SpentInRoom {
    budgets: Arc<Budgets>,
    room: RoomId,
    count: u32,
    paid: Paid,
}

/// What was taken for a profile that is to be told in the user's rooms, before it is known how many these are.
#[derive(Debug)]
struct ProfileToTell {
    budgets: Arc<Budgets>,
    usage: Arc<UserUsage>,
    address: Option<IpAddr>,
    topics: u32,
}

impl Spent {
    /// What the site's backend does, whose API key has a budget of its own; and what the server does by itself.
    pub(crate) const fn by_site() -> Self {
        Self { room: None, profile: None }
    }

    /// It was done: what was taken stays taken.
    pub(crate) fn keep(self) {
        self.keep_told(0);
    }

    /// It was done, and told in so many topics: what was taken stays taken, but for what was taken for more topics than
    /// these.
    pub(crate) fn keep_told(mut self, topics: usize) {
        self.room = None;
        if let Some(profile) = self.profile.take() {
            profile.told(u32::try_from(topics).unwrap_or(u32::MAX));
        }
    }
}

impl ProfileToTell {
    /// It was told in so many topics, each of which is a message from the address.
    fn told(self, topics: u32) {
        let Self { budgets, usage, address, topics: taken } = self;
        usage.profile_changes.give_back(taken.saturating_sub(topics), budgets.profile_changes);
        if let Some((rate, address)) = budgets.address_sends.zip(address.map(subscriber_network)) {
            let count = topics.saturating_mul(PARTS_OF_A_MESSAGE);
            budgets.addresses.charge_many(address, count, rate, budgets.users.now_micros());
        }
    }
}

impl Drop for Spent {
    fn drop(&mut self) {
        if let Some(SpentInRoom { budgets, room, count, paid }) = self.room.take() {
            let rate = budgets.room_sends;
            budgets.rooms.give_back_many(&room, count, rate);
            budgets.shared.give_back(&in_room(room), rate, paid);
        }
        if let Some(profile) = self.profile.take() {
            profile.told(0);
        }
    }
}

impl Budgets {
    pub(crate) fn new(settings: BudgetSettings, users: Arc<UserLimits>, shared: Arc<SharedLimits>) -> Self {
        let BudgetSettings { user_sends, room_creations_per_minute, member_additions_per_minute, .. } =
            settings;
        let address_sends_per_second = settings.address_sends_per_second;
        Self {
            users,
            user_sends: in_parts(user_sends),
            profile_changes: RateLimit {
                burst: user_sends.burst.saturating_add(PROFILE_TOPICS_MAX),
                ..user_sends
            },
            room_creations: per_minute(room_creations_per_minute),
            member_additions: per_minute(member_additions_per_minute),
            address_sends: (address_sends_per_second > 0).then(|| per_second(address_sends_per_second)),
            room_sends: per_second(settings.room_sends_per_second),
            user_uploads: settings.user_uploads,
            addresses: KeyedRateLimiter::new(KEPT_KEYS),
            rooms: KeyedRateLimiter::new(KEPT_KEYS),
            shared,
        }
    }

    /// The actor's profile as it is now, which may be later than the one of the actor's token.
    pub(crate) fn present_profile(&self, actor: &Actor) -> Arc<Profile> {
        match &actor.usage {
            Some(usage) => usage.present(&actor.profile),
            None => self.users.of(actor.profile.id).present(&actor.profile),
        }
    }

    /// What the actor has used.
    pub(super) fn usage(&self, actor: &Actor) -> Arc<UserUsage> {
        actor.usage.clone().unwrap_or_else(|| self.users.of(actor.profile.id))
    }

    /// Takes a place for one more upload of a user's; none when as many are under way as may be.
    pub(crate) fn take_upload(&self, actor: &Actor) -> Option<UploadPermit> {
        if actor.authority.is_by_site() {
            // The places of the gateway bound what the site uploads.
            return UserLimits::take_upload(&Arc::default(), 1);
        }
        UserLimits::take_upload(&self.usage(actor), self.user_uploads)
    }

    /// Takes what a command costs, all of it or nothing. `rate_limited`, with the name of the limit: a budget has less, at
    /// this gateway or over all.
    pub(crate) async fn take(
        self: &Arc<Self>,
        actor: &Actor,
        cost: Cost,
        room: Option<RoomId>,
    ) -> Result<Spent> {
        if actor.authority.is_by_site() {
            return Ok(Spent::by_site());
        }
        let looked_up;
        let usage = match &actor.usage {
            Some(usage) => usage,
            None => {
                looked_up = self.users.of(actor.profile.id);
                &looked_up
            }
        };
        let address = actor.address.map(subscriber_network);
        let room = room.filter(|_| cost.room > 0);
        self.take_here(usage, address, cost, room)?;
        let profile = (cost.profile_topics > 0).then(|| {
            let (budgets, usage) = (Arc::clone(self), Arc::clone(usage));
            Box::new(ProfileToTell { budgets, usage, address: actor.address, topics: cost.profile_topics })
        });
        // Before anything is awaited: whoever hangs up meanwhile gives back what was taken of the room's budget.
        let (budgets, count) = (Arc::clone(self), cost.room);
        let room = room.map(|room| SpentInRoom { budgets, room, count, paid: Paid::HERE });
        let mut spent = Spent { room, profile };
        let in_room = spent.room.as_ref().map(|spent| spent.room);
        let paid = self.take_shared(actor.profile.id, address, cost, in_room).await.inspect_err(|_| {
            self.give_back_here(usage, address, cost);
        })?;
        if let Some(spent) = &mut spent.room {
            spent.paid = paid;
        }
        Ok(spent)
    }

    /// The same of the budgets of this gateway.
    fn take_here(
        &self,
        usage: &UserUsage,
        address: Option<IpAddr>,
        cost: Cost,
        room: Option<RoomId>,
    ) -> Result<()> {
        let now = self.users.now_micros();
        let of_user = self.of_user(usage, cost);
        take_all(&of_user, now)?;
        let give_back = |refused: Error| {
            for (_, bucket, rate, count) in of_user {
                bucket.give_back(count, rate);
            }
            refused
        };
        let address = self.address_sends.zip(address);
        if let Some((rate, address)) = address {
            self.addresses
                .take_many(address, cost.sends, rate, now)
                .map_err(|wait| give_back(Error::rate_limited(Limit::AddressSends, wait)))?;
        }
        if let Some(room) = room {
            self.rooms.take_many(room, cost.room, self.room_sends, now).map_err(|wait| {
                if let Some((rate, address)) = address {
                    self.addresses.give_back_many(&address, cost.sends, rate);
                }
                give_back(Error::rate_limited(Limit::RoomSends, wait))
            })?;
        }
        Ok(())
    }

    /// Gives back what the budgets of this gateway have granted, but for what [`Spent`] gives back.
    fn give_back_here(&self, usage: &UserUsage, address: Option<IpAddr>, cost: Cost) {
        for (_, bucket, rate, count) in self.of_user(usage, Cost { profile_topics: 0, ..cost }) {
            bucket.give_back(count, rate);
        }
        if let Some((rate, address)) = self.address_sends.zip(address) {
            self.addresses.give_back_many(&address, cost.sends, rate);
        }
    }

    /// Takes the same of the budgets that all gateways share. Answers how the room's part was paid.
    async fn take_shared(
        &self,
        user: UserId,
        address: Option<IpAddr>,
        cost: Cost,
        room: Option<RoomId>,
    ) -> Result<Paid> {
        let of_user = |limit| SharedKey { limit, of: Whose::User(user) };
        let price = |count, rate| Price { count, rate };
        let prices = [
            Some((of_user(Limit::RoomCreations), price(cost.room_creations, self.room_creations))),
            Some((of_user(Limit::MemberAdditions), price(cost.member_additions, self.member_additions))),
            Some((of_user(Limit::UserSends), price(cost.sends, self.user_sends))),
            self.address_sends.zip(address).map(|(rate, address)| {
                let key = SharedKey { limit: Limit::AddressSends, of: Whose::Address(address) };
                (key, price(cost.sends, rate))
            }),
            room.map(|room| (in_room(room), price(cost.room, self.room_sends))),
        ];
        let mut paid = [Paid::HERE; 5];
        for at in 0..prices.len() {
            let Some((key, price)) = &prices[at] else { continue };
            match self.shared.take(key, *price).await {
                Ok(how) => paid[at] = how,
                Err(wait) => {
                    for ((key, price), paid) in prices[..at]
                        .iter()
                        .zip(paid)
                        .filter_map(|(price, paid)| price.as_ref().map(|price| (price, paid)))
                    {
                        self.shared.give_back(key, price.rate, paid);
                    }
                    return Err(Error::rate_limited(key.limit, wait));
                }
            }
        }
        Ok(paid[4])
    }

    /// The budgets of a user, each with what a command costs of it.
    fn of_user<'a>(&self, usage: &'a UserUsage, cost: Cost) -> [(Limit, &'a RateBucket, RateLimit, u32); 4] {
        [
            (Limit::RoomCreations, &usage.room_creations, self.room_creations, cost.room_creations),
            (Limit::MemberAdditions, &usage.member_additions, self.member_additions, cost.member_additions),
            (Limit::ProfileChanges, &usage.profile_changes, self.profile_changes, cost.profile_topics),
            (Limit::UserSends, &usage.sends, self.user_sends, cost.sends),
        ]
    }
}

fn in_room(room: RoomId) -> SharedKey {
    SharedKey { limit: Limit::RoomSends, of: Whose::Room(room) }
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

#[cfg(test)]
mod tests {
    use madang_bus::InProcessExchange;
    use madang_domain::{DisplayName, GatewayId, Timestamp, Username};
    use madang_kit::Lifecycle;
    use tokio::sync::Semaphore;
    use uuid::Uuid;

    use super::*;

    /// So many messages at once, and then one in ten seconds.
    const SENDS: RateLimit = RateLimit { interval: Duration::from_secs(10), burst: 40 };
    const CHANGE: Cost = Cost {
        sends: 0,
        room: 0,
        room_creations: 0,
        member_additions: 0,
        profile_topics: PROFILE_TOPICS_MAX,
    };

    fn budgets(address_sends_per_second: u32) -> Arc<Budgets> {
        let settings = BudgetSettings {
            user_sends: SENDS,
            address_sends_per_second,
            room_sends_per_second: 1,
            room_creations_per_minute: 1,
            member_additions_per_minute: 1,
            user_uploads: 1,
        };
        let alone = InProcessExchange::new().connect(GatewayId::new(Uuid::from_u128(1))).budgets;
        let shared = Arc::new(SharedLimits::new(alone, Arc::default(), Lifecycle::default().tasks()));
        Arc::new(Budgets::new(settings, Arc::new(UserLimits::new(1)), shared))
    }

    fn actor(number: u128) -> Actor {
        let profile = Profile {
            id: UserId::new(Uuid::from_u128(number)),
            username: Username::new("mina").unwrap(),
            name: DisplayName::new("Mina").unwrap(),
            avatar_url: None,
            external_id: None,
            version: Timestamp::default(),
        };
        let address = Some(IpAddr::from([192, 0, 2, 1]));
        Actor { profile: Arc::new(profile), usage: None, address, authority: Authority::User }
    }

    #[tokio::test]
    async fn a_changed_profile_is_paid_by_the_topics_in_which_it_is_told() {
        let budgets = budgets(0);
        let take = async |actor| budgets.take(&actor, CHANGE, None).await;
        // A second change while the first one is under way finds nothing: nobody knows yet how far the first one reaches.
        let first = take(actor(1)).await.unwrap();
        assert_eq!(take(actor(1)).await.unwrap_err().limit, Some(Limit::ProfileChanges));
        first.keep_told(30);
        take(actor(1)).await.unwrap().keep_told(11);
        let refused = take(actor(1)).await.unwrap_err();
        assert!(refused.retry_after.unwrap() <= SENDS.interval, "one topic lacks: {refused:?}");
        take(actor(2)).await.unwrap().keep_told(PROFILE_TOPICS_MAX as usize);
        let refused = take(actor(2)).await.unwrap_err();
        let owed = SENDS.interval * (PROFILE_TOPICS_MAX - SENDS.burst);
        let wait = refused.retry_after.unwrap();
        assert!(wait <= owed && wait > owed - SENDS.interval, "{wait:?} for {owed:?}");
    }

    #[tokio::test]
    async fn a_change_that_was_not_made_costs_no_topics() {
        let budgets = budgets(1);
        for _ in 0..10 {
            drop(budgets.take(&actor(1), CHANGE, None).await.unwrap());
        }
    }

    #[tokio::test]
    async fn what_a_changed_profile_reaches_counts_as_messages_of_the_address() {
        let budgets = budgets(1);
        budgets.take(&actor(1), CHANGE, None).await.unwrap().keep_told(1_000);
        let message = Cost { sends: PARTS_OF_A_MESSAGE, profile_topics: 0, ..CHANGE };
        let refused = budgets.take(&actor(2), message, None).await.unwrap_err();
        // Of two at once and one a second it owes two, whatever the number.
        let wait = refused.retry_after.unwrap();
        assert_eq!(refused.limit, Some(Limit::AddressSends));
        assert!(wait <= Duration::from_secs(3) && wait > Duration::from_secs(2), "{wait:?}");
    }

    /// A bus that answers nothing, and notes that it was asked.
    struct SilentBus(Semaphore);

    #[async_trait::async_trait]
    impl madang_bus::SharedBudgets for SilentBus {
        fn gateways(&self) -> u32 {
            2
        }

        async fn take(
            &self,
            _take: madang_bus::TakeFromBudget<'_>,
        ) -> std::result::Result<madang_bus::Taken, madang_bus::BudgetError> {
            self.0.add_permits(1);
            std::future::pending().await
        }
    }

    #[tokio::test]
    async fn whoever_hangs_up_before_it_is_paid_keeps_nothing_of_the_rooms_budget() {
        let bus = Arc::new(SilentBus(Semaphore::new(0)));
        let shared = Arc::clone(&bus) as Arc<dyn madang_bus::SharedBudgets>;
        let shared = SharedLimits::new(shared, Arc::default(), Lifecycle::default().tasks());
        let settings = BudgetSettings {
            user_sends: SENDS,
            address_sends_per_second: 0,
            room_sends_per_second: 1,
            room_creations_per_minute: 1,
            member_additions_per_minute: 1,
            user_uploads: 1,
        };
        let limits = Arc::new(UserLimits::new(1));
        let budgets = Arc::new(Budgets::new(settings, limits, Arc::new(shared)));
        let room = RoomId::new(Uuid::from_u128(9));
        // All that the room has.
        let cost =
            Cost { sends: PARTS_OF_A_MESSAGE, room: 2 * PARTS_OF_A_MESSAGE, profile_topics: 0, ..CHANGE };
        for number in 1..4 {
            let actor = actor(number);
            tokio::select! {
                biased;
                taken = budgets.take(&actor, cost, Some(room)) => drop(taken.unwrap()),
                asked = bus.0.acquire() => asked.unwrap().forget(),
            }
            assert!(
                budgets.rooms.take_many(room, cost.room, budgets.room_sends, limits_now(&budgets)).is_ok()
            );
            budgets.rooms.give_back_many(&room, cost.room, budgets.room_sends);
        }
    }

    fn limits_now(budgets: &Budgets) -> u64 {
        budgets.users.now_micros()
    }
}
