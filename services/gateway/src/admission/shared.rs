//! Budgets over all gateways. Each gateway grants a tenth of a budget by itself; beyond that it takes from one bucket that all
//! gateways share, in batches. Decision 0055 has the algorithm and how much more than a limit can pass.

use std::{
    fmt,
    net::IpAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use madang_bus::{BudgetError, SharedBudgets, TakeFromBudget, Taken};
use madang_domain::{Limit, RoomId, UserId};
use madang_flow_control::{LruMap, RateBucket, RateLimit, lru_map};
use tokio::{
    sync::Semaphore,
    time::{Instant, timeout},
};
use tracing::warn;

use crate::metrics::Counters;

/// The part of a budget that each gateway grants without asking: one in so many. Whoever stays below it at a gateway costs
/// Redis nothing. With n gateways at most n - 1 such parts pass beyond the limit.
const FREE_PART: u32 = 10;
/// A batch is one in so many of what a budget has at once. What a gateway took and has not used is lost to the others until
/// it is there again.
const BATCH_PART: u32 = 20;
/// How long a command waits for the shared bucket. Past it the limits of this gateway alone count.
const PATIENCE: Duration = Duration::from_millis(50);
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

/// From what something was paid, so that it can be given back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Paid {
    /// By the budgets of this gateway alone: nothing is shared, or the bus could not be asked.
    Here,
    /// From the part that this gateway grants by itself.
    Free,
    /// From what was taken from the shared bucket.
    Taken,
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
    kept: Mutex<LruMap<SharedKey, Arc<Kept>>>,
    asking: Semaphore,
    /// Until then the bus is not asked.
    silent_until_micros: AtomicU64,
}

/// What this gateway has of one budget.
#[derive(Debug, Default)]
struct Kept {
    free: RateBucket,
    pool: Mutex<Pool>,
    /// Held by the one who asks the bus; the others wait for what comes of it.
    turn: tokio::sync::Mutex<()>,
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
    /// Takes from what is left. None where the bus has to be asked; an error where it has refused as many not long ago.
    fn take(&mut self, count: u32, now_micros: u64) -> Result<Option<Paid>, Duration> {
        if now_micros >= self.until_micros {
            self.left = 0;
        }
        if let Some(left) = self.left.checked_sub(count) {
            self.left = left;
            return Ok(Some(Paid::Taken));
        }
        match self.refused {
            Some((least, until)) if count >= least && now_micros < until => {
                Err(Duration::from_micros(until - now_micros))
            }
            _ => Ok(None),
        }
    }
}

impl Kept {
    fn pool(&self) -> std::sync::MutexGuard<'_, Pool> {
        // No code that can panic runs under the lock.
        self.pool.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SharedLimits {
    pub(crate) fn new(budgets: Arc<dyn SharedBudgets>, counters: Arc<Counters>) -> Self {
        Self {
            budgets,
            counters,
            epoch: Instant::now(),
            kept: Mutex::new(lru_map(KEPT)),
            asking: Semaphore::new(ASKING_MAX),
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
        if price.count == 0 || !self.budgets.is_shared() {
            return Ok(Paid::Here);
        }
        let kept = self.kept(key);
        let now = self.now_micros();
        if kept.free.take_many(price.count, free_part(price.rate), now).is_ok() {
            return Ok(Paid::Free);
        }
        if let Some(paid) = kept.pool().take(price.count, now)? {
            return Ok(paid);
        }
        if now < self.silent_until_micros.load(Ordering::Relaxed) {
            return Ok(Paid::Here);
        }
        match timeout(PATIENCE, self.ask(&kept, key, price)).await {
            Ok(Ok(paid)) => paid,
            Ok(Err(error)) => Ok(self.alone(Some(&error))),
            Err(_) => Ok(self.alone(None)),
        }
    }

    /// Gives back what was taken and not used. What was refused elsewhere so takes nothing from the other gateways.
    pub(crate) fn give_back(&self, key: &SharedKey, price: Price, paid: Paid) {
        match paid {
            Paid::Here => {}
            Paid::Free => self.kept(key).free.give_back(price.count, free_part(price.rate)),
            Paid::Taken => self.kept(key).pool().left += price.count,
        }
    }

    /// Takes a batch from the shared bucket, unless another one has meanwhile.
    async fn ask(
        &self,
        kept: &Kept,
        key: &SharedKey,
        price: Price,
    ) -> Result<Result<Paid, Duration>, BudgetError> {
        let _turn = kept.turn.lock().await;
        match kept.pool().take(price.count, self.now_micros()) {
            Ok(None) => {}
            Ok(Some(paid)) => return Ok(Ok(paid)),
            Err(wait) => return Ok(Err(wait)),
        }
        // Whoever had the turn before may have waited in vain.
        if self.now_micros() < self.silent_until_micros.load(Ordering::Relaxed) {
            return Ok(Ok(Paid::Here));
        }
        // More calls than these are not under way while Redis is well.
        let Ok(_place) = self.asking.try_acquire() else { return Ok(Ok(Paid::Here)) };
        let rate = shared_part(price.rate);
        let batch = rate.burst / BATCH_PART;
        let take = TakeFromBudget {
            budget: &key.to_string(),
            rate,
            least: price.count,
            most: batch.max(price.count),
        };
        let taken = self.budgets.take(take).await?;
        let now = self.now_micros();
        let mut pool = kept.pool();
        Ok(match taken {
            Taken::Granted(taken) => {
                pool.refused = None;
                pool.left = pool.left.saturating_add(taken.saturating_sub(price.count));
                pool.until_micros = now.saturating_add(micros(rate.interval.saturating_mul(batch)));
                Ok(Paid::Taken)
            }
            Taken::Refused(wait) => {
                pool.refused = Some((price.count, now.saturating_add(micros(wait))));
                Err(wait)
            }
        })
    }

    /// The bus does not answer: for a moment the limits of this gateway alone count.
    fn alone(&self, error: Option<&BudgetError>) -> Paid {
        let now = self.now_micros();
        let silent_until = now.saturating_add(micros(SILENCE));
        if self.silent_until_micros.swap(silent_until, Ordering::Relaxed) < now {
            let error = error.map(|error| error as &dyn std::error::Error);
            warn!(error, "budgets are not shared for a moment: the bus did not answer in time");
        }
        self.counters.shared_budget_failures.add(1);
        Paid::Here
    }

    fn kept(&self, key: &SharedKey) -> Arc<Kept> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = kept.get(key) {
            return Arc::clone(known);
        }
        let new = Arc::<Kept>::default();
        kept.insert(key.clone(), Arc::clone(&new));
        new
    }

    fn now_micros(&self) -> u64 {
        u64::try_from(self.epoch.elapsed().as_micros()).unwrap_or(u64::MAX)
    }
}

impl fmt::Debug for SharedLimits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedLimits").finish_non_exhaustive()
    }
}

/// What each gateway grants by itself.
fn free_part(rate: RateLimit) -> RateLimit {
    RateLimit { interval: rate.interval.saturating_mul(FREE_PART), burst: rate.burst / FREE_PART }
}

/// What all gateways share: the rest, so that both parts are what one gateway alone grants.
fn shared_part(rate: RateLimit) -> RateLimit {
    RateLimit {
        interval: rate.interval.saturating_mul(FREE_PART) / (FREE_PART - 1),
        burst: rate.burst - rate.burst / FREE_PART,
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
