//! Time, randomness and identifiers, injected.
//!
//! This module is the only one of the workspace that asks the machine for the time of day or for
//! randomness; `clippy.toml` bans the calls elsewhere. What depends on them takes a [`Clock`] or a
//! [`Random`], so that a test can say what time it is and repeat what was random.
//! `Instant::now` stays free: it measures, it does not tell the time.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use madang_domain::Timestamp;
use rand::{Rng, SeedableRng, rngs::StdRng};
use uuid::Uuid;

/// Tells the time of day.
pub trait Clock: Send + Sync {
    /// The time now.
    fn now(&self) -> Timestamp;
}

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that asks the machine for the time")]
    fn now(&self) -> Timestamp {
        let micros = match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(since) => i64::try_from(since.as_micros()).unwrap_or(i64::MAX),
            // A machine that believes it is before 1970: say so, rather than fail.
            Err(before) => i64::try_from(before.duration().as_micros()).map_or(i64::MIN, |micros| -micros),
        };
        Timestamp::from_micros(micros)
    }
}

/// A clock that a test sets by hand.
#[derive(Debug)]
pub struct ManualClock(AtomicI64);

impl ManualClock {
    /// A clock that stands at `now`.
    #[must_use]
    pub const fn new(now: Timestamp) -> Self {
        Self(AtomicI64::new(now.as_micros()))
    }

    /// Sets it, forwards or backwards.
    pub fn set(&self, now: Timestamp) {
        self.0.store(now.as_micros(), Ordering::SeqCst);
    }

    /// Moves it on.
    pub fn advance(&self, by: Duration) {
        let micros = i64::try_from(by.as_micros()).unwrap_or(i64::MAX);
        self.0.fetch_add(micros, Ordering::SeqCst);
    }
}

impl Default for ManualClock {
    /// Noon of the first of January 2026, UTC.
    fn default() -> Self {
        Self::new(Timestamp::from_micros(1_767_268_800_000_000))
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(Ordering::SeqCst))
    }
}

/// A source of random bytes.
pub trait Random: Send + Sync {
    /// Overwrites all of `bytes`.
    fn fill(&self, bytes: &mut [u8]);
}

/// Randomness fit for keys and tokens: seeded by the operating system and again after every 64 KiB,
/// stretched by ChaCha12 (`rand`'s generator of the thread), so that an identifier costs no system call.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemRandom;

impl Random for SystemRandom {
    #[expect(clippy::disallowed_methods, reason = "the one place that takes the thread's generator")]
    fn fill(&self, bytes: &mut [u8]) {
        rand::rng().fill_bytes(bytes);
    }
}

/// The same bytes for the same seed, for tests alone.
#[derive(Debug)]
pub struct SeededRandom(Mutex<StdRng>);

impl SeededRandom {
    /// A generator that starts at `seed`.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(Mutex::new(StdRng::seed_from_u64(seed)))
    }
}

impl Random for SeededRandom {
    fn fill(&self, bytes: &mut [u8]) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).fill_bytes(bytes);
    }
}

/// A new identifier: version 7 (RFC 9562), so that identifiers sort by the time of their making.
#[must_use]
pub fn new_id(clock: &dyn Clock, random: &dyn Random) -> Uuid {
    let millis = u64::try_from(clock.now().as_micros().div_euclid(1_000)).unwrap_or(0);
    let mut bytes = [0; 10];
    random.fill(&mut bytes);
    uuid::Builder::from_unix_timestamp_millis(millis, &bytes).into_uuid()
}

/// A number drawn evenly from 0 to 1, both included; the pauses of `madang_flow_control` take one.
#[must_use]
pub fn fraction(random: &dyn Random) -> f64 {
    let mut bytes = [0; 4];
    random.fill(&mut bytes);
    // 32 bits are fine enough for a delay, and a fraction of them is exact in an f64.
    f64::from(u32::from_le_bytes(bytes)) / f64::from(u32::MAX)
}

/// A duration drawn evenly from zero to `bound`.
#[must_use]
pub fn jitter(random: &dyn Random, bound: Duration) -> Duration {
    bound.mul_f64(fraction(random))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manual_clock_moves_only_by_hand() {
        let clock = ManualClock::new(Timestamp::from_micros(5));
        assert_eq!(clock.now().as_micros(), 5);
        clock.advance(Duration::from_micros(7));
        assert_eq!(clock.now().as_micros(), 12);
        clock.set(Timestamp::from_micros(3));
        assert_eq!(clock.now().as_micros(), 3);
    }

    #[test]
    fn the_system_clock_is_past_2025() {
        assert!(SystemClock.now() > Timestamp::from_micros(1_735_689_600_000_000));
    }

    #[test]
    fn a_seed_repeats_and_another_differs() {
        let draw = |seed| {
            let mut bytes = [0; 32];
            SeededRandom::new(seed).fill(&mut bytes);
            bytes
        };
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
    }

    #[test]
    fn identifiers_are_of_version_7_and_sort_by_time() {
        let clock = ManualClock::default();
        let earlier = new_id(&clock, &SystemRandom);
        clock.advance(Duration::from_millis(1));
        let later = new_id(&clock, &SystemRandom);
        assert_eq!(earlier.get_version_num(), 7);
        assert!(earlier < later);
        assert_ne!(new_id(&clock, &SystemRandom), later);
    }

    #[test]
    fn jitter_stays_within_its_bound_and_varies() {
        let random = SeededRandom::new(7);
        let bound = Duration::from_secs(1);
        let draws: Vec<_> = (0..100).map(|_| jitter(&random, bound)).collect();
        assert!(draws.iter().all(|draw| *draw <= bound));
        assert!(draws.iter().any(|draw| *draw < bound / 4) && draws.iter().any(|draw| *draw > bound / 4 * 3));
    }
}
