//! How often something may be tried, by key: a token bucket each, in the form of GCRA (ITU-T I.371),
//! which needs one number a bucket: when the bucket will be full again.
//!
//! The buckets are of this process. Behind n replicas a patient attacker has n times the attempts; the
//! bounds are chosen with that in mind.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use madang_domain::Timestamp;

/// A bucket's shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rate {
    /// What a full bucket holds.
    pub(crate) burst: u32,
    /// How long one attempt takes to come back.
    pub(crate) interval: Duration,
}

/// Buckets by key, a bounded number of them.
///
/// Two generations bound the memory at a constant cost: new buckets and those in use live in the young
/// one; when it has grown to half of the bound, it becomes the old one, and what nobody asked for since
/// the last such change is forgotten. Forgetting fills a bucket up, so that who can try from
/// `capacity / 2` keys in turn is not throttled by key; the bound on hashing still holds then.
#[derive(Debug)]
pub(crate) struct Throttle<K> {
    capacity: usize,
    buckets: Mutex<Generations<K>>,
}

#[derive(Debug)]
struct Generations<K> {
    young: HashMap<K, Timestamp>,
    old: HashMap<K, Timestamp>,
}

impl<K: Eq + Hash> Throttle<K> {
    /// Room for `capacity` buckets.
    pub(crate) fn new(capacity: usize) -> Self {
        let generations = Generations { young: HashMap::new(), old: HashMap::new() };
        Self { capacity, buckets: Mutex::new(generations) }
    }

    /// Takes one attempt out of the bucket of `key`, or says after what time there will be one.
    pub(crate) fn take(&self, key: K, rate: Rate, now: Timestamp) -> Result<(), Duration> {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let full_at = buckets.full_at(&key).unwrap_or(now).max(now);
        let next = full_at.plus(rate.interval);
        let wait = next.since(now).saturating_sub(rate.interval * rate.burst);
        if wait.is_zero() {
            buckets.put(key, next, self.capacity / 2);
            return Ok(());
        }
        buckets.put(key, full_at, self.capacity / 2);
        Err(wait)
    }

    /// Puts an attempt back that turned out to be no failure.
    pub(crate) fn give_back(&self, key: K, rate: Rate) {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(full_at) = buckets.full_at(&key) {
            let interval = i64::try_from(rate.interval.as_micros()).unwrap_or(i64::MAX);
            let earlier = Timestamp::from_micros(full_at.as_micros().saturating_sub(interval));
            buckets.put(key, earlier, self.capacity / 2);
        }
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        let buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        buckets.young.len() + buckets.old.len()
    }
}

impl<K: Eq + Hash> Generations<K> {
    fn full_at(&self, key: &K) -> Option<Timestamp> {
        self.young.get(key).or_else(|| self.old.get(key)).copied()
    }

    fn put(&mut self, key: K, full_at: Timestamp, half: usize) {
        if self.young.len() >= half && !self.young.contains_key(&key) {
            self.old = std::mem::take(&mut self.young);
        }
        self.old.remove(&key);
        self.young.insert(key, full_at);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate { burst: 3, interval: Duration::from_secs(10) };

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(seconds * 1_000_000)
    }

    #[test]
    fn a_burst_then_one_at_a_time() {
        let throttle = Throttle::new(10);
        for _ in 0..3 {
            assert_eq!(throttle.take("a", RATE, at(0)), Ok(()));
        }
        assert_eq!(throttle.take("a", RATE, at(0)), Err(Duration::from_secs(10)));
        assert_eq!(throttle.take("a", RATE, at(4)), Err(Duration::from_secs(6)), "a refusal costs nothing");
        assert_eq!(throttle.take("b", RATE, at(4)), Ok(()), "keys are apart");
        assert_eq!(throttle.take("a", RATE, at(10)), Ok(()));
        assert!(throttle.take("a", RATE, at(10)).is_err());
    }

    #[test]
    fn what_is_given_back_can_be_taken_again() {
        let throttle = Throttle::new(10);
        for _ in 0..100 {
            assert_eq!(throttle.take("a", RATE, at(0)), Ok(()));
            throttle.give_back("a", RATE);
        }
    }

    #[test]
    fn the_number_of_buckets_is_bounded_and_those_in_use_stay() {
        let throttle = Throttle::new(100);
        for _ in 0..3 {
            throttle.take(u64::MAX, RATE, at(0)).unwrap();
        }
        for key in 0..10_000 {
            let _ = throttle.take(key, RATE, at(0));
            assert!(throttle.take(u64::MAX, RATE, at(0)).is_err(), "forgotten after {key}");
            assert!(throttle.len() <= 100);
        }
    }
}
