//! Rate limits by the generic cell rate algorithm (GCRA; ITU-T I.371, annex A).
//!
//! It is a token bucket that needs one number for each bucket and no timer. The number is the *theoretical arrival time*:
//! when the bucket will be full again. Taking moves it on by the interval; a taking that would move it more than a
//! burst past now is refused.
//!
//! Callers tell the time in microseconds after an epoch that they choose. Buckets keep nanoseconds. In microseconds the
//! interval of a rate above a million a second would be zero, and so would the time of a burst: of two callers, the one
//! that read the clock first would be refused.

use std::{
    hash::Hash,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use crate::lru::SharedLruMap;

/// How often something may happen, and how often at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimit {
    /// The time after which one more is allowed.
    pub interval: Duration,
    /// How many are allowed at once, after a pause that is long enough.
    pub burst: u32,
}

impl RateLimit {
    /// Takes `count` from a bucket that is full again at `full_at`, where the caller is willing to wait up to `patience`
    /// for it. Returns when the bucket is full again after that, and how long to wait. Where the wait would be longer,
    /// returns for how much longer the caller should try again. More than a burst is there when the bucket is full.
    fn reserve(
        self,
        count: u32,
        full_at: u64,
        patience: Duration,
        now_micros: u64,
    ) -> Result<(u64, Duration), Duration> {
        let now = to_nanos(now_micros);
        let full_at = full_at.max(now).saturating_add(self.nanos_of(count));
        let most = if self.burst == 0 { 0 } else { self.burst.max(count) };
        let burst = self.nanos_of(most);
        let wait = full_at.saturating_sub(now.saturating_add(burst));
        match wait.checked_sub(nanos(patience)) {
            None | Some(0) => Ok((full_at, Duration::from_nanos(wait))),
            Some(excess) => Err(Duration::from_nanos(excess)),
        }
    }

    /// When a bucket that is full again at `full_at` will be full again once `count` were taken from it, even where there are
    /// fewer: it owes a burst at most.
    fn charge(self, count: u32, full_at: u64, now_micros: u64) -> u64 {
        let now = to_nanos(now_micros);
        let most = now.saturating_add(self.nanos_of(self.burst.saturating_mul(2)));
        full_at.max(now).saturating_add(self.nanos_of(count)).min(most.max(full_at))
    }

    /// How many a bucket has that is full again at `full_at`.
    fn there_are(self, full_at: u64, now_micros: u64) -> u32 {
        let now = to_nanos(now_micros);
        let missing = full_at.saturating_sub(now).div_ceil(nanos(self.interval).max(1));
        self.burst.saturating_sub(u32::try_from(missing).unwrap_or(u32::MAX))
    }

    /// The time after which `count` more are allowed.
    fn nanos_of(self, count: u32) -> u64 {
        nanos(self.interval).saturating_mul(u64::from(count))
    }
}

/// One bucket, which threads share without a lock. It takes eight bytes.
#[derive(Debug, Default)]
pub struct RateBucket {
    full_at_nanos: AtomicU64,
}

impl RateBucket {
    /// A full bucket.
    #[must_use]
    pub const fn new() -> Self {
        Self { full_at_nanos: AtomicU64::new(0) }
    }

    /// Takes one.
    ///
    /// # Errors
    ///
    /// When the bucket is empty: the time after which it has one.
    pub fn take(&self, limit: RateLimit, now_micros: u64) -> Result<(), Duration> {
        self.take_many(1, limit, now_micros)
    }

    /// Takes `count` at once, or nothing. More than a burst can be taken from a full bucket, which then owes the rest.
    ///
    /// # Errors
    ///
    /// When the bucket has fewer: the time after which it has so many.
    pub fn take_many(&self, count: u32, limit: RateLimit, now_micros: u64) -> Result<(), Duration> {
        self.reserve_many(count, limit, Duration::ZERO, now_micros).map(|_no_wait| ())
    }

    /// Takes as many as there are, up to `most`, and returns how many. The bucket lends nothing.
    pub fn take_up_to(&self, most: u32, limit: RateLimit, now_micros: u64) -> u32 {
        let mut taken = 0;
        let next = |full_at: u64| {
            taken = limit.there_are(full_at, now_micros).min(most);
            (taken > 0).then(|| full_at.max(to_nanos(now_micros)).saturating_add(limit.nanos_of(taken)))
        };
        // None: there is nothing, and nothing is taken.
        let _ = self.full_at_nanos.fetch_update(Relaxed, Relaxed, next);
        taken
    }

    /// Returns `count` that were taken and not used.
    pub fn give_back(&self, count: u32, limit: RateLimit) {
        let before = |full_at: u64| Some(full_at.saturating_sub(limit.nanos_of(count)));
        // Never refused: the closure always answers.
        let _ = self.full_at_nanos.fetch_update(Relaxed, Relaxed, before);
    }

    /// Takes one that will be there within `patience`, and returns how long the caller has to wait for it.
    ///
    /// # Errors
    ///
    /// When the caller would have to wait longer: the time after which to try again.
    pub fn reserve(
        &self,
        limit: RateLimit,
        patience: Duration,
        now_micros: u64,
    ) -> Result<Duration, Duration> {
        self.reserve_many(1, limit, patience, now_micros)
    }

    fn reserve_many(
        &self,
        count: u32,
        limit: RateLimit,
        patience: Duration,
        now_micros: u64,
    ) -> Result<Duration, Duration> {
        // No other memory depends on the number.
        let mut full_at = self.full_at_nanos.load(Relaxed);
        loop {
            let (next, wait) = limit.reserve(count, full_at, patience, now_micros)?;
            match self.full_at_nanos.compare_exchange_weak(full_at, next, Relaxed, Relaxed) {
                Ok(_) => return Ok(wait),
                Err(changed) => full_at = changed,
            }
        }
    }

    /// Whether one can be taken, without taking it.
    ///
    /// # Errors
    ///
    /// When the bucket is empty: the time after which it has one.
    pub fn check(&self, limit: RateLimit, now_micros: u64) -> Result<(), Duration> {
        limit.reserve(1, self.full_at_nanos.load(Relaxed), Duration::ZERO, now_micros).map(drop)
    }

    /// Takes one for what has happened already, even where there is none. The bucket owes a burst at most.
    pub fn charge(&self, limit: RateLimit, now_micros: u64) {
        let next = |full_at: u64| Some(limit.charge(1, full_at, now_micros));
        // Never refused: the closure always answers.
        let _ = self.full_at_nanos.fetch_update(Relaxed, Relaxed, next);
    }

    /// How many can be taken.
    #[must_use]
    pub fn there_are(&self, limit: RateLimit, now_micros: u64) -> u32 {
        limit.there_are(self.full_at_nanos.load(Relaxed), now_micros)
    }

    /// After how long the bucket is full.
    #[must_use]
    pub fn full_after(&self, now_micros: u64) -> Duration {
        Duration::from_nanos(self.full_at_nanos.load(Relaxed).saturating_sub(to_nanos(now_micros)))
    }

    /// Whether the bucket is full, so that forgetting it changes nothing.
    #[must_use]
    pub fn is_full(&self, now_micros: u64) -> bool {
        self.full_at_nanos.load(Relaxed) <= to_nanos(now_micros)
    }
}

/// A bucket for each key, and a bounded number of them.
///
/// Past its capacity it forgets the bucket that was used least recently. Forgetting fills a bucket up: a caller with more
/// keys than the capacity is not limited by key, and needs another bound.
#[derive(Debug)]
pub struct KeyedRateLimiter<K> {
    full_at_nanos: SharedLruMap<K, u64>,
}

impl<K: Eq + Hash> KeyedRateLimiter<K> {
    /// A limiter with room for `capacity` buckets.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self { full_at_nanos: SharedLruMap::new(capacity) }
    }

    /// Takes one from the bucket of `key`.
    ///
    /// # Errors
    ///
    /// When the bucket is empty: the time after which it has one. A refusal takes nothing.
    pub fn take(&self, key: K, limit: RateLimit, now_micros: u64) -> Result<(), Duration> {
        self.take_many(key, 1, limit, now_micros)
    }

    /// Takes `count` at once from the bucket of `key`, or nothing. More than a burst can be taken from a full bucket, which
    /// then owes the rest.
    ///
    /// # Errors
    ///
    /// When the bucket has fewer: the time after which it has so many. A refusal takes nothing.
    pub fn take_many(&self, key: K, count: u32, limit: RateLimit, now_micros: u64) -> Result<(), Duration> {
        let mut buckets = self.full_at_nanos.part_of(&key);
        // `get` marks the bucket as used: one that refuses must not be forgotten.
        let full_at = buckets.get(&key).copied().unwrap_or(0);
        let (next, _no_wait) = limit.reserve(count, full_at, Duration::ZERO, now_micros)?;
        buckets.insert(key, next);
        Ok(())
    }

    /// Takes at least `least` and up to `most` from the bucket of `key`, or nothing, and returns how many. More than a burst
    /// can be taken from a full bucket, which then owes the rest.
    ///
    /// # Errors
    ///
    /// When the bucket has fewer than `least`: the time after which it has so many.
    pub fn take_up_to(
        &self,
        key: K,
        least: u32,
        most: u32,
        limit: RateLimit,
        now_micros: u64,
    ) -> Result<u32, Duration> {
        let mut buckets = self.full_at_nanos.part_of(&key);
        let full_at = buckets.get(&key).copied().unwrap_or(0);
        let (_, _no_wait) = limit.reserve(least, full_at, Duration::ZERO, now_micros)?;
        let taken = limit.there_are(full_at, now_micros).clamp(least, most.max(least));
        buckets.insert(key, full_at.max(to_nanos(now_micros)).saturating_add(limit.nanos_of(taken)));
        Ok(taken)
    }

    /// Takes `count` from the bucket of `key` for what has happened already, even where there are fewer. The bucket owes a
    /// burst at most.
    pub fn charge_many(&self, key: K, count: u32, limit: RateLimit, now_micros: u64) {
        let mut buckets = self.full_at_nanos.part_of(&key);
        let full_at = buckets.get(&key).copied().unwrap_or(0);
        buckets.insert(key, limit.charge(count, full_at, now_micros));
    }

    /// How many can be taken from the bucket of `key`. To ask does not count as a use of it.
    pub fn there_are(&self, key: &K, limit: RateLimit, now_micros: u64) -> u32 {
        limit.there_are(self.full_at_nanos.part_of(key).peek(key).copied().unwrap_or(0), now_micros)
    }

    /// Returns one to the bucket of `key`.
    pub fn give_back(&self, key: &K, limit: RateLimit) {
        self.give_back_many(key, 1, limit);
    }

    /// Returns `count` that were taken and not used to the bucket of `key`.
    pub fn give_back_many(&self, key: &K, count: u32, limit: RateLimit) {
        if let Some(full_at) = self.full_at_nanos.part_of(key).get_mut(key) {
            *full_at = full_at.saturating_sub(limit.nanos_of(count));
        }
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// Microseconds as nanoseconds: 64 bits hold five hundred years of them.
fn to_nanos(micros: u64) -> u64 {
    micros.saturating_mul(1_000)
}

#[cfg(test)]
mod tests {
    use std::{sync::Barrier, thread};

    use super::*;

    const SECOND: u64 = 1_000_000;
    const LIMIT: RateLimit = RateLimit { interval: Duration::from_secs(10), burst: 3 };

    #[test]
    fn a_burst_passes_and_then_the_rate() {
        let limit = RateLimit { interval: Duration::from_millis(50), burst: 40 };
        let bucket = RateBucket::new();
        assert_eq!((0..100).filter(|_| bucket.take(limit, 0).is_ok()).count(), 40);
        assert_eq!(bucket.take(limit, 0), Err(Duration::from_millis(50)));
        assert_eq!(bucket.take(limit, 20_000), Err(Duration::from_millis(30)), "a refusal takes nothing");
        assert!(bucket.take(limit, 50_000).is_ok());
        assert!(bucket.take(limit, 50_000).is_err());
        assert!(!bucket.is_full(50_000));
        assert!(bucket.is_full(60 * SECOND));
        assert_eq!((0..100).filter(|_| bucket.take(limit, 60 * SECOND).is_ok()).count(), 40);
    }

    #[test]
    fn whoever_has_patience_reserves_the_next_ones_in_order() {
        let bucket = RateBucket::new();
        let patience = Duration::from_secs(20);
        let waits: Vec<_> = (0..7).map(|_| bucket.reserve(LIMIT, patience, 0)).collect();
        let seconds = Duration::from_secs;
        let expected = [0, 0, 0, 10, 20].map(|wait| Ok(seconds(wait)));
        assert_eq!(waits[..5], expected);
        assert_eq!(
            waits[5..],
            [Err(seconds(10)); 2],
            "after ten seconds the wait is within the patience again"
        );
    }

    #[test]
    fn many_are_taken_at_once_or_none_of_them() {
        let bucket = RateBucket::new();
        assert_eq!(bucket.take_many(2, LIMIT, 0), Ok(()));
        assert_eq!(bucket.take_many(2, LIMIT, 0), Err(Duration::from_secs(10)));
        assert_eq!(bucket.take(LIMIT, 0), Ok(()), "the refusal took nothing");
        bucket.give_back(3, LIMIT);
        assert_eq!(bucket.take_many(5, LIMIT, 0), Ok(()), "a full bucket lends what a burst lacks");
        assert_eq!(bucket.take(LIMIT, 0), Err(Duration::from_secs(30)));
        let keyed = KeyedRateLimiter::new(10);
        assert_eq!(keyed.take_many("a", 3, LIMIT, 0), Ok(()));
        assert_eq!(keyed.take("a", LIMIT, 0), Err(Duration::from_secs(10)));
        keyed.give_back_many(&"a", 2, LIMIT);
        assert_eq!(keyed.take_many("a", 2, LIMIT, 0), Ok(()));
        assert_eq!(["a", "b"].map(|key| keyed.there_are(&key, LIMIT, 0)), [0, 3], "and none is taken");
        assert_eq!(keyed.there_are(&"b", LIMIT, 0), 3);
    }

    #[test]
    fn as_many_are_taken_as_there_are_and_no_fewer_than_are_needed() {
        let keyed = KeyedRateLimiter::new(10);
        assert_eq!(keyed.take_up_to("a", 1, 2, LIMIT, 0), Ok(2));
        assert_eq!(keyed.take_up_to("a", 2, 9, LIMIT, 0), Err(Duration::from_secs(10)));
        assert_eq!(keyed.take_up_to("a", 1, 9, LIMIT, 0), Ok(1), "the refusal took nothing");
        assert_eq!(keyed.take_up_to("a", 1, 9, LIMIT, 10 * SECOND), Ok(1));
        assert_eq!(keyed.take_up_to("b", 5, 2, LIMIT, 0), Ok(5), "a full bucket lends what a burst lacks");
        assert_eq!(keyed.take_up_to("b", 1, 2, LIMIT, 0), Err(Duration::from_secs(30)));
        let bucket = RateBucket::new();
        let taken: Vec<u32> = [(2, 0), (9, 0), (9, 0), (9, 20)]
            .map(|(most, at)| bucket.take_up_to(most, LIMIT, at * SECOND))
            .into();
        assert_eq!(taken, [2, 1, 0, 2], "a bucket lends nothing here");
        let bucket = RateBucket::new();
        bucket.take_many(2, LIMIT, 0).unwrap();
        assert_eq!((bucket.there_are(LIMIT, 0), bucket.full_after(0)), (1, Duration::from_secs(20)));
        assert_eq!(bucket.there_are(LIMIT, 5 * SECOND), 1, "half of one is none");
        assert_eq!(
            (bucket.there_are(LIMIT, 60 * SECOND), bucket.full_after(60 * SECOND)),
            (3, Duration::ZERO)
        );
    }

    #[test]
    fn at_a_rate_above_the_clock_nobody_is_refused_for_reading_the_clock_before_another() {
        let limit = RateLimit { interval: Duration::from_nanos(250), burst: 8_000_000 };
        let (bucket, keyed) = (RateBucket::new(), KeyedRateLimiter::new(10));
        for now in [5_000, 2_000] {
            assert_eq!(bucket.take_many(4, limit, now), Ok(()));
            assert_eq!(keyed.take_many("a", 4, limit, now), Ok(()));
        }
        // The burst is two seconds of it.
        let all = limit.burst - 8;
        assert_eq!(bucket.take_many(all, limit, 5_000), Ok(()));
        assert!(bucket.take_many(4, limit, 5_000).is_err());
    }

    #[test]
    fn what_has_happened_is_charged_up_to_a_burst_of_debt() {
        let bucket = RateBucket::new();
        for _ in 0..3 {
            assert_eq!(bucket.check(LIMIT, 0), Ok(()));
            bucket.charge(LIMIT, 0);
        }
        assert_eq!(bucket.check(LIMIT, 0), Err(Duration::from_secs(10)));
        for _ in 0..100 {
            bucket.charge(LIMIT, 0);
        }
        assert_eq!(bucket.check(LIMIT, 0), Err(Duration::from_secs(40)));
        assert_eq!(bucket.check(LIMIT, 40 * SECOND), Ok(()));
        let keyed = KeyedRateLimiter::new(10);
        for (count, wait) in [(1, None), (2, Some(10)), (2, Some(30)), (100, Some(40)), (1, Some(40))] {
            keyed.charge_many("a", count, LIMIT, 0);
            let refused = keyed.take("a", LIMIT, 0).map(|()| keyed.give_back(&"a", LIMIT)).err();
            assert_eq!(refused, wait.map(Duration::from_secs), "after {count} more");
        }
    }

    #[test]
    fn threads_that_take_at_once_do_not_get_more_than_the_burst() {
        /// So many that the threads are sure to meet.
        const BURST: u32 = 200_000;
        let limit = RateLimit { interval: Duration::from_secs(1), burst: BURST };
        let (bucket, start) = (RateBucket::new(), Barrier::new(2));
        let take_all = || {
            start.wait();
            (0..BURST).filter(|_| bucket.take(limit, 0).is_ok()).count()
        };
        let taken = thread::scope(|scope| {
            let other = scope.spawn(take_all);
            take_all() + other.join().unwrap()
        });
        assert_eq!(taken, BURST as usize);
    }

    #[test]
    fn extreme_limits_neither_overflow_nor_panic() {
        let limit = RateLimit { interval: Duration::MAX, burst: u32::MAX };
        let bucket = RateBucket::new();
        assert!(bucket.take(limit, u64::MAX).is_ok());
        assert!(bucket.reserve(limit, Duration::MAX, 0).is_ok());
        let none = RateLimit { interval: Duration::from_secs(1), burst: 0 };
        assert_eq!(RateBucket::new().take(none, 0), Err(Duration::from_secs(1)));
    }

    #[test]
    fn keys_have_buckets_of_their_own() {
        let limiter = KeyedRateLimiter::new(10);
        for _ in 0..3 {
            assert_eq!(limiter.take("a", LIMIT, 0), Ok(()));
        }
        assert_eq!(limiter.take("a", LIMIT, 0), Err(Duration::from_secs(10)));
        assert_eq!(
            limiter.take("a", LIMIT, 4 * SECOND),
            Err(Duration::from_secs(6)),
            "a refusal takes nothing"
        );
        assert_eq!(limiter.take("b", LIMIT, 4 * SECOND), Ok(()));
        assert_eq!(limiter.take("a", LIMIT, 10 * SECOND), Ok(()));
        assert!(limiter.take("a", LIMIT, 10 * SECOND).is_err());
    }

    #[test]
    fn what_is_given_back_can_be_taken_again() {
        let limiter = KeyedRateLimiter::new(10);
        for _ in 0..100 {
            assert_eq!(limiter.take("a", LIMIT, 0), Ok(()));
            limiter.give_back(&"a", LIMIT);
        }
        limiter.give_back(&"unknown", LIMIT);
    }

    #[test]
    fn the_number_of_buckets_is_bounded_and_those_in_use_stay() {
        let limiter = KeyedRateLimiter::new(100);
        for _ in 0..3 {
            limiter.take(u64::MAX, LIMIT, 0).unwrap();
        }
        for key in 0..10_000 {
            let _ = limiter.take(key, LIMIT, 0);
            assert!(limiter.take(u64::MAX, LIMIT, 0).is_err(), "forgotten after {key}");
            assert!(limiter.full_at_nanos.count() <= 100);
        }
    }
}
