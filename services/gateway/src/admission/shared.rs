//! Budgets over all gateways. Each gateway grants a part of a budget by itself; beyond that it takes from one bucket that all
//! gateways share, in batches. Decision 0055 has the algorithm and how much more than a limit can pass.

use std::{
    fmt,
    net::IpAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU32, AtomicU64, Ordering},
    },
    time::Duration,
};

use madang_bus::{BudgetError, SharedBudgets, TakeFromBudget, Taken};
use madang_domain::{Limit, RoomId, UserId};
use madang_flow_control::{RateBucket, RateLimit, SharedLruMap};
use madang_kit::lifecycle::Tasks;
use tokio::{
    sync::Semaphore,
    time::{Instant, timeout},
};
use tracing::warn;

use crate::metrics::Counters;

/// Of a budget may pass beyond the limit what all gateways but one grant without asking: one in so many, as long as each
/// grants more than the least part.
const EXCESS_PART: u32 = 4;
/// The least part of a budget that each gateway grants without asking: one in so many. Whoever stays below it at a gateway
/// costs Redis nothing, however many gateways there are.
const LEAST_FREE_PART: u32 = 10;
/// A batch is one in so many of what a budget has at once. What a gateway took and has not used is lost to the others until
/// it is there again.
const BATCH_PART: u32 = 20;
/// How long a command waits for the bus. Past it the limits of this gateway alone count.
const PATIENCE: Duration = Duration::from_millis(50);
/// How long a command waits before that for what others ask of the same budget: two calls, the one that is under way and the
/// one that asks for all who wait. Past it this command passes, and nothing is thought of the bus.
const TURN_PATIENCE: Duration = Duration::from_millis(100);
/// For so long nobody is asked after that: a slow Redis delays one command of each second, not all.
const SILENCE: Duration = Duration::from_secs(1);
/// The calls to the bus that may be under way. Past it the limits of this gateway alone count.
const ASKING_MAX: usize = 256;
/// The budgets that are kept, at some 200 bytes each; past it the one that was used least recently has its free part again.
const KEPT: usize = 100_000;

/// A budget that gateways share. Its text is its name on the bus.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct SharedKey {
    pub(crate) limit: Limit,
    pub(crate) of: Whose,
}

/// Whose budget it is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Whose {
    User(UserId),
    /// A subscriber's network.
    Address(IpAddr),
    Room(RoomId),
    /// By its public part.
    ApiKey(Box<str>),
}

impl fmt::Display for SharedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let limit = self.limit.as_str();
        match &self.of {
            Whose::User(user) => write!(f, "{limit}:{user}"),
            Whose::Address(address) => write!(f, "{limit}:{address}"),
            Whose::Room(room) => write!(f, "{limit}:{room}"),
            Whose::ApiKey(key) => write!(f, "{limit}:{key}"),
        }
    }
}

/// From what something was paid, so that it can be given back. What is missing was granted by the budgets of this gateway
/// alone: nothing is shared, or the bus could not be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Paid {
    /// From the part that this gateway grants by itself.
    free: u32,
    /// From what was taken from the shared bucket.
    taken: u32,
}

impl Paid {
    /// By the budgets of this gateway alone.
    pub(crate) const HERE: Self = Self { free: 0, taken: 0 };
}

/// What is paid: so many of a budget that has so much.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Price {
    pub(crate) count: u32,
    pub(crate) rate: RateLimit,
}

/// The budgets that this gateway shares with others.
pub(crate) struct SharedLimits {
    budgets: Arc<dyn SharedBudgets>,
    counters: Arc<Counters>,
    epoch: Instant,
    kept: SharedLruMap<SharedKey, Arc<Kept>>,
    asking: Arc<Semaphore>,
    tasks: Tasks,
    /// Until then the bus is not asked.
    silent_until_micros: AtomicU64,
}

/// What this gateway has of one budget.
#[derive(Debug, Default)]
struct Kept {
    free: RateBucket,
    pool: Mutex<Pool>,
    /// Held by the one who asks the bus; the others wait for what comes of it.
    turn: Arc<tokio::sync::Mutex<()>>,
    /// How much they want who wait for the turn, or have it.
    wanted: AtomicU32,
}

/// Wants so much of the shared bucket, until it is dropped.
struct Wanting<'a> {
    wanted: &'a AtomicU32,
    count: u32,
}

impl<'a> Wanting<'a> {
    fn new(wanted: &'a AtomicU32, count: u32) -> Self {
        wanted.fetch_add(count, Ordering::Relaxed);
        Self { wanted, count }
    }
}

impl Drop for Wanting<'_> {
    fn drop(&mut self) {
        self.wanted.fetch_sub(self.count, Ordering::Relaxed);
    }
}

/// What one command has of a batch. There again for others where it is dropped.
struct Share {
    kept: Arc<Kept>,
    count: u32,
}

impl Share {
    fn keep(mut self) -> u32 {
        std::mem::take(&mut self.count)
    }

    /// Keeps it where it is all that was wanted.
    fn keep_all(self, wanted: u32) -> bool {
        self.count == wanted && self.keep() == wanted
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        if self.count > 0 {
            let mut pool = self.kept.pool();
            pool.left = pool.left.saturating_add(self.count);
        }
    }
}

/// What was taken from the free part for a dear command, which the rest may be refused. Given back where it is dropped.
struct FreeShare<'a> {
    free: &'a RateBucket,
    part: RateLimit,
    count: u32,
}

impl FreeShare<'_> {
    fn keep(mut self) -> u32 {
        std::mem::take(&mut self.count)
    }
}

impl Drop for FreeShare<'_> {
    fn drop(&mut self) {
        self.free.give_back(self.count, self.part);
    }
}

/// What was taken from the shared bucket and is not used yet.
#[derive(Debug, Default)]
struct Pool {
    left: u32,
    /// By then as many are there again: who comes later finds them in the bucket.
    until_micros: u64,
    /// So many were refused, and until when.
    refused: Option<(u32, u64)>,
}

impl Pool {
    /// Takes from what is left as much as there is of a count. The bus has to be asked for the rest; an error where it has
    /// refused as many not long ago.
    fn take(&mut self, count: u32, now_micros: u64) -> Result<u32, Duration> {
        if now_micros >= self.until_micros {
            self.left = 0;
        }
        let has = self.left.min(count);
        match self.refused {
            Some((least, until)) if has < count && count - has >= least && now_micros < until => {
                Err(Duration::from_micros(until - now_micros))
            }
            _ => {
                self.left -= has;
                Ok(has)
            }
        }
    }
}

impl Kept {
    /// What there is of a count in what is left of a batch.
    fn take(self: &Arc<Self>, count: u32, now_micros: u64) -> Result<Share, Duration> {
        let count = self.pool().take(count, now_micros)?;
        Ok(Share { kept: Arc::clone(self), count })
    }

    /// Notes what was taken, which is void after a time, and answers the share of the command that asked.
    fn note(
        self: Arc<Self>,
        taken: Taken,
        count: u32,
        void_after: Duration,
        epoch: Instant,
    ) -> Result<Share, Duration> {
        let mut pool = self.pool();
        match taken {
            Taken::Granted(taken) => {
                pool.refused = None;
                pool.left = pool.left.saturating_add(taken.saturating_sub(count));
                pool.until_micros = micros(epoch.elapsed()).saturating_add(micros(void_after));
                drop(pool);
                Ok(Share { kept: self, count })
            }
            Taken::Refused(wait) => {
                pool.refused = Some((count, micros(epoch.elapsed()).saturating_add(micros(wait))));
                Err(wait)
            }
        }
    }

    fn pool(&self) -> std::sync::MutexGuard<'_, Pool> {
        // No code that can panic runs under the lock.
        self.pool.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SharedLimits {
    pub(crate) fn new(budgets: Arc<dyn SharedBudgets>, counters: Arc<Counters>, tasks: Tasks) -> Self {
        Self {
            budgets,
            counters,
            tasks,
            epoch: Instant::now(),
            kept: SharedLruMap::new(KEPT),
            asking: Arc::new(Semaphore::new(ASKING_MAX)),
            silent_until_micros: AtomicU64::new(0),
        }
    }

    /// Takes from a budget over all gateways what this gateway's own budget has granted already.
    ///
    /// # Errors
    /// The time after which there is so much.
    pub(crate) async fn take(&self, key: &SharedKey, price: Price) -> Result<Paid, Duration> {
        debug_assert!(
            key.limit.counted().is_shared(),
            "{:?} is documented as one of each gateway",
            key.limit
        );
        let gateways = self.budgets.gateways();
        if price.count == 0 || gateways <= 1 {
            return Ok(Paid::HERE);
        }
        let kept = self.kept(key);
        let (part, now) = (free_part(price.rate, gateways), self.now_micros());
        if price.count <= part.burst {
            if kept.free.take_many(price.count, part, now).is_ok() {
                return Ok(Paid { free: price.count, taken: 0 });
            }
            let taken = self.take_shared(&kept, key, price).await?;
            return Ok(Paid { free: 0, taken });
        }
        // A bucket lends what a burst lacks. Each gateway would, so a dear command has here what there is, and no more.
        let count = kept.free.take_up_to(price.count, part, now);
        let share = FreeShare { free: &kept.free, part, count };
        let taken = self.take_shared(&kept, key, Price { count: price.count - count, ..price }).await?;
        Ok(Paid { free: share.keep(), taken })
    }

    /// Gives back what was taken and not used. What was refused elsewhere so takes nothing from the other gateways.
    pub(crate) fn give_back(&self, key: &SharedKey, rate: RateLimit, paid: Paid) {
        if paid == Paid::HERE {
            return;
        }
        let kept = self.kept(key);
        kept.free.give_back(paid.free, free_part(rate, self.budgets.gateways()));
        let mut pool = kept.pool();
        pool.left = pool.left.saturating_add(paid.taken);
    }

    /// Takes from what is left of a batch, or a batch from the shared bucket unless another one has meanwhile. Answers how much
    /// was taken: nothing where the limits of this gateway alone count.
    async fn take_shared(&self, kept: &Arc<Kept>, key: &SharedKey, price: Price) -> Result<u32, Duration> {
        let Price { count, rate } = price;
        // All of it, or nothing: whoever waits for the turn holds nothing up.
        if kept.take(count, self.now_micros())?.keep_all(count) {
            return Ok(count);
        }
        if self.is_silent() {
            return Ok(0);
        }
        let _wanting = Wanting::new(&kept.wanted, count);
        let turn = timeout(TURN_PATIENCE, Arc::clone(&kept.turn).lock_owned()).await;
        let Ok(turn) = turn else { return Ok(0) };
        // What is left of a batch goes first: what one command could not use counts for the next.
        let has = kept.take(count, self.now_micros())?;
        let lacks = count - has.count;
        if lacks == 0 {
            return Ok(has.keep());
        }
        // Whoever had the turn before may have waited in vain.
        if self.is_silent() {
            return Ok(0);
        }
        // More calls than these are not under way while Redis is well.
        let Ok(place) = Arc::clone(&self.asking).try_acquire_owned() else { return Ok(0) };
        // For all who wait, so that they do not ask one after the other.
        let most = kept.wanted.load(Ordering::Relaxed).max(count);
        let (budgets, kept) = (Arc::clone(&self.budgets), Arc::clone(kept));
        let (budget, rate, epoch) = (key.to_string(), shared_part(rate, self.budgets.gateways()), self.epoch);
        // Done to its end: of a room's budget nothing is lost with a caller who hangs up.
        let asked = self.tasks.carry_through("take from a shared budget", async move {
            let batch = rate.burst / BATCH_PART;
            let take = TakeFromBudget { budget: &budget, rate, least: lacks, most: batch.max(most) };
            // Of a small budget a batch is nothing, and what was taken for those who wait must not be void at once.
            let void_after = rate.interval.saturating_mul(batch.max(1));
            let taken = match timeout(PATIENCE, budgets.take(take)).await {
                Ok(Ok(taken)) => Ok(kept.note(taken, lacks, void_after, epoch)),
                Ok(Err(error)) => Err(Some(error)),
                Err(_elapsed) => Err(None),
            };
            (taken, turn, place)
        });
        // The turn ends with this, when it is known whether the bus is silent.
        let Some((taken, _turn, _place)) = asked.await else { return Ok(0) };
        match taken {
            Ok(share) => share.map(|share| share.keep() + has.keep()),
            Err(error) => Ok(self.alone(error.as_ref())),
        }
    }

    fn is_silent(&self) -> bool {
        self.now_micros() < self.silent_until_micros.load(Ordering::Relaxed)
    }

    /// The bus does not answer: for a moment the limits of this gateway alone count, and nothing is taken.
    fn alone(&self, error: Option<&BudgetError>) -> u32 {
        let now = self.now_micros();
        let silent_until = now.saturating_add(micros(SILENCE));
        if self.silent_until_micros.swap(silent_until, Ordering::Relaxed) < now {
            let error = error.map(|error| error as &dyn std::error::Error);
            warn!(error, "budgets are not shared for a moment: the bus did not answer in time");
        }
        self.counters.shared_budget_failures.add(1);
        0
    }

    fn kept(&self, key: &SharedKey) -> Arc<Kept> {
        let mut kept = self.kept.part_of(key);
        if let Some(known) = kept.get(key) {
            return Arc::clone(known);
        }
        let new = Arc::<Kept>::default();
        kept.insert(key.clone(), Arc::clone(&new));
        new
    }

    fn now_micros(&self) -> u64 {
        micros(self.epoch.elapsed())
    }
}

impl fmt::Debug for SharedLimits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedLimits").finish_non_exhaustive()
    }
}

/// Each of so many gateways grants one in so many of a budget by itself.
fn one_in(gateways: u32) -> u32 {
    EXCESS_PART.saturating_mul(gateways.saturating_sub(1)).clamp(EXCESS_PART, LEAST_FREE_PART)
}

/// What each of so many gateways grants by itself.
fn free_part(rate: RateLimit, gateways: u32) -> RateLimit {
    let one_in = one_in(gateways);
    RateLimit { interval: rate.interval.saturating_mul(one_in), burst: rate.burst / one_in }
}

/// What all gateways share: the rest, so that both parts are what one gateway alone grants.
fn shared_part(rate: RateLimit, gateways: u32) -> RateLimit {
    let one_in = one_in(gateways);
    RateLimit {
        interval: rate.interval.saturating_mul(one_in) / (one_in - 1),
        burst: rate.burst - rate.burst / one_in,
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
