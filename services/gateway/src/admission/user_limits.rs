//! What one user may spend at this gateway: of each budget so much a second, and sockets at a time; over all of the user's
//! sockets and requests here.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use madang_domain::{Error, Limit, Profile, Result, Timestamp, UserId};
use madang_flow_control::{RateBucket, RateLimit};

use super::{
    blocked::{BeforeBlocked, KnownBlocked},
    departures::Departures,
    hides::{Hides, KnownHides},
};

/// How many subscriptions of a user may be refused: as many at once as two full `subscribe` frames hold, since the rooms
/// of a client that was away long may all be gone.
pub(super) const REFUSED_SUBSCRIPTIONS: RateLimit =
    RateLimit { interval: Duration::from_millis(500), burst: 200 };

/// What one user has spent, and who the user is now.
#[derive(Debug, Default)]
pub(crate) struct UserUsage {
    pub(super) sends: RateBucket,
    pub(super) reads: RateBucket,
    pub(super) profile_changes: RateBucket,
    pub(super) room_creations: RateBucket,
    pub(super) member_additions: RateBucket,
    pub(super) refused_subscriptions: RateBucket,
    openings: RateBucket,
    sockets: AtomicU32,
    uploads: AtomicU32,
    /// The last change of the profile of which this gateway was told.
    profile: Mutex<Option<Arc<Profile>>>,
    hides: KnownHides,
    blocked: KnownBlocked,
}

impl UserUsage {
    /// What the user does not show to others, as far as this gateway knows.
    pub(crate) fn hides(&self) -> Hides {
        self.hides.now()
    }

    /// Notes what was read. A later change of which this gateway was told counts more.
    pub(crate) fn note_hides(&self, hides: Hides) {
        self.hides.note(hides);
    }

    /// Whom the user has blocked, as far as this gateway knows.
    pub(crate) fn blocked(&self) -> Arc<[UserId]> {
        self.blocked.now()
    }

    /// To be called before it is read whom the user has blocked.
    pub(crate) fn before_blocked_are_read(&self) -> BeforeBlocked {
        self.blocked.before_read()
    }

    /// Notes what was read.
    pub(crate) fn note_read_blocked(&self, before: BeforeBlocked, blocked: Vec<UserId>, version: Timestamp) {
        self.blocked.read(before, blocked, version);
    }

    /// The user's sockets here.
    pub(super) fn sockets(&self) -> u32 {
        self.sockets.load(Ordering::Relaxed)
    }

    /// The user's uploads that are under way here.
    pub(super) fn uploads(&self) -> u32 {
        self.uploads.load(Ordering::Relaxed)
    }

    /// The user's profile as it is now: the given one, or a later one of which this gateway was told.
    pub(crate) fn present(&self, given: &Arc<Profile>) -> Arc<Profile> {
        let told = self.profile.lock().unwrap_or_else(PoisonError::into_inner);
        later(told.as_ref(), given)
    }

    /// Notes a profile, and answers the latest one.
    fn note(&self, profile: &Arc<Profile>) -> Arc<Profile> {
        let mut told = self.profile.lock().unwrap_or_else(PoisonError::into_inner);
        let latest = later(told.as_ref(), profile);
        *told = Some(Arc::clone(&latest));
        latest
    }

    /// Whether forgetting it changes no budget. The sockets are counted elsewhere; a forgotten profile comes again with the
    /// next token.
    fn is_full(&self, now_micros: u64) -> bool {
        [
            &self.sends,
            &self.reads,
            &self.profile_changes,
            &self.room_creations,
            &self.member_additions,
            &self.refused_subscriptions,
            &self.openings,
        ]
        .into_iter()
        .all(|bucket| bucket.is_full(now_micros))
    }
}

/// The later one of two profiles of a user.
fn later(told: Option<&Arc<Profile>>, given: &Arc<Profile>) -> Arc<Profile> {
    Arc::clone(told.filter(|told| told.version > given.version).unwrap_or(given))
}

/// The usage of the users who are here.
#[derive(Debug)]
pub(crate) struct UserLimits {
    epoch: Instant,
    pub(super) sockets_max: u32,
    users: Mutex<Users>,
    /// The users whose last socket here has closed.
    departures: Arc<Departures>,
}

/// The users whose usage is kept.
#[derive(Debug)]
struct Users {
    usage: HashMap<UserId, Arc<UserUsage>>,
    /// At so many entries those that nobody holds are looked for.
    sweep_at: usize,
}

/// A permit for one of a user's sockets; dropping it releases the permit.
#[derive(Debug)]
pub(crate) struct SocketPermit {
    user: UserId,
    usage: Arc<UserUsage>,
    departures: Arc<Departures>,
}

/// A permit for one of a user's uploads; dropping it releases the permit.
#[derive(Debug)]
pub(crate) struct UploadPermit(Arc<UserUsage>);

/// The time after which a user who has opened as many sockets as one may hold at once may open one more. Whoever opens and
/// closes them all the time does not use up the admissions of others.
const OPENING_INTERVAL: Duration = Duration::from_millis(100);
/// The users whose usage is kept before that of those whom nobody holds is looked for and forgotten.
const KEPT_USERS: usize = 100_000;

impl UserLimits {
    pub(crate) fn new(sockets_max: u32) -> Self {
        let users = Users { usage: HashMap::new(), sweep_at: KEPT_USERS };
        Self { epoch: Instant::now(), sockets_max, users: Mutex::new(users), departures: Arc::default() }
    }

    /// The users whose last socket here has closed.
    pub(crate) const fn departures(&self) -> &Arc<Departures> {
        &self.departures
    }

    /// The usage of a user.
    pub(crate) fn of(&self, user: UserId) -> Arc<UserUsage> {
        let now = self.now_micros();
        let mut users = self.users.lock().unwrap_or_else(PoisonError::into_inner);
        let Users { usage, sweep_at } = &mut *users;
        if usage.len() >= *sweep_at {
            usage.retain(|_, usage| Arc::strong_count(usage) > 1 || !usage.is_full(now));
            // What is left is in use. Only when as many more have come is it looked through again, so that one call of
            // many pays for it.
            *sweep_at = KEPT_USERS.max(2 * usage.len());
        }
        Arc::clone(usage.entry(user).or_default())
    }

    /// Notes the changed profile of a user who is here, so that the user's sockets act under it whatever their tokens say.
    /// Answers the latest that is known.
    pub(crate) fn note_profile(&self, profile: Arc<Profile>) -> Arc<Profile> {
        let users = self.users.lock().unwrap_or_else(PoisonError::into_inner);
        let usage = users.usage.get(&profile.id).cloned();
        drop(users);
        match usage {
            Some(usage) => usage.note(&profile),
            None => profile,
        }
    }

    /// Notes that a user who is here shows other things from now on. Answers the latest that is known.
    pub(crate) fn note_hides(&self, user: UserId, hides: Hides) -> Hides {
        let users = self.users.lock().unwrap_or_else(PoisonError::into_inner);
        users.usage.get(&user).map_or(hides, |usage| usage.hides.note(hides))
    }

    /// The users who have a socket here.
    pub(crate) fn with_sockets(&self) -> Vec<UserId> {
        let users = self.users.lock().unwrap_or_else(PoisonError::into_inner);
        let has_socket = |usage: &UserUsage| usage.sockets.load(Ordering::Relaxed) > 0;
        users.usage.iter().filter(|(_, usage)| has_socket(usage)).map(|(user, _)| *user).collect()
    }

    /// Notes that a user who is here has blocked another, or has ended that.
    pub(crate) fn note_blocked(&self, user: UserId, other: UserId, on: bool, version: Timestamp) {
        let users = self.users.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(usage) = users.usage.get(&user) {
            usage.blocked.told(other, on, version);
        }
    }

    /// Notes whom a user who is here has blocked, as it was read once more.
    pub(crate) fn note_reread_blocked(&self, user: UserId, blocked: Vec<UserId>, version: Timestamp) {
        let users = self.users.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(usage) = users.usage.get(&user) {
            usage.blocked.reread(blocked, version);
        }
    }

    /// Nothing, where subscriptions of a user may still be refused. `rate_limited`: too many were, and the store is not to
    /// be asked about more.
    pub(crate) fn check_subscriptions(&self, usage: &UserUsage) -> Result<()> {
        usage
            .refused_subscriptions
            .check(REFUSED_SUBSCRIPTIONS, self.now_micros())
            .map_err(|wait| Error::rate_limited(Limit::RefusedSubscriptions, wait))
    }

    /// Notes that a subscription of a user was refused.
    pub(crate) fn note_refused_subscription(&self, usage: &UserUsage) {
        usage.refused_subscriptions.charge(REFUSED_SUBSCRIPTIONS, self.now_micros());
    }

    /// Takes a place for one more socket of a user's; none when all are taken, or when the user opens them too fast.
    pub(crate) fn take_socket(&self, user: UserId, usage: &Arc<UserUsage>) -> Option<SocketPermit> {
        let openings = RateLimit { interval: OPENING_INTERVAL, burst: self.sockets_max };
        let (usage, departures) = (Arc::clone(usage), Arc::clone(&self.departures));
        let permit = SocketPermit { user, usage, departures };
        let usage = &permit.usage;
        let has_place = usage.sockets.fetch_add(1, Ordering::Relaxed) < self.sockets_max;
        (has_place && usage.openings.take(openings, self.now_micros()).is_ok()).then_some(permit)
    }

    /// Takes a place for one more upload of a user's; none when so many are under way.
    pub(super) fn take_upload(usage: &Arc<UserUsage>, most: u32) -> Option<UploadPermit> {
        let permit = UploadPermit(Arc::clone(usage));
        (usage.uploads.fetch_add(1, Ordering::Relaxed) < most).then_some(permit)
    }

    /// Microseconds since the process started, the unit of the rate limiter.
    pub(crate) fn now_micros(&self) -> u64 {
        self.epoch.elapsed().as_micros() as u64
    }
}

impl Drop for UploadPermit {
    fn drop(&mut self) {
        self.0.uploads.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Drop for SocketPermit {
    fn drop(&mut self) {
        if self.usage.sockets.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.departures.add(self.user);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_who_opens_sockets_again_and_again_is_slowed_down_and_another_is_not() {
        const SOCKETS: u32 = 50;
        let limits = UserLimits::new(SOCKETS);
        let user = |number| UserId::new(uuid::Uuid::from_u128(number));
        let take = |number| limits.take_socket(user(number), &limits.of(user(number)));
        let opened = (0..2 * SOCKETS).filter(|_| take(1).is_some()).count();
        assert!((SOCKETS..2 * SOCKETS).contains(&(opened as u32)), "{opened} were opened and closed");
        assert!(take(1).is_none());
        assert!(take(2).is_some());
    }

    #[test]
    fn a_user_has_left_with_the_last_socket() {
        let (limits, user) = (UserLimits::new(5), UserId::new(uuid::Uuid::from_u128(1)));
        let now = madang_domain::Timestamp::from_micros(7);
        let usage = limits.of(user);
        let (phone, laptop) = (limits.take_socket(user, &usage), limits.take_socket(user, &usage));
        drop(phone);
        assert!(limits.departures().take(10, now).is_empty());
        drop(laptop);
        assert_eq!(limits.departures().take(10, now).len(), 1);
    }

    #[test]
    fn users_who_are_here_are_looked_through_seldom_and_others_are_forgotten() {
        let limits = UserLimits::new(1);
        let user = |number: usize| limits.of(UserId::new(uuid::Uuid::from_u128(number as u128)));
        let held: Vec<_> = (0..KEPT_USERS).map(user).collect();
        user(KEPT_USERS);
        assert_eq!(limits.users.lock().unwrap().sweep_at, 2 * KEPT_USERS, "not at the next call again");
        drop(held);
        (KEPT_USERS..=2 * KEPT_USERS).for_each(|number| drop(user(number)));
        let users = limits.users.lock().unwrap();
        assert_eq!((users.usage.len(), users.sweep_at), (1, KEPT_USERS));
    }
}
