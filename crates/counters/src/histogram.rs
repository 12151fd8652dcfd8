//! Distributions of durations and sizes.

use std::{
    fmt,
    marker::PhantomData,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use crate::striped::{Padded, STRIPES, stripe};

/// The most bounds of a scale. With the values beyond the last bound and the sum, a stripe fills its cache lines.
const BOUNDS_MAX: usize = 22;

/// The bounds of a histogram, and what its values are counted in.
pub trait Scale: 'static {
    /// The upper bounds, ascending, inclusive, in what values are counted in.
    const BOUNDS: &'static [u64];

    /// How many of what values are counted in make one of the exported unit.
    const PER_UNIT: u64;
}

/// Durations, counted in nanoseconds and exported in seconds: fine where a budget lies (1 to 100 ms, and the 250 and 500 ms
/// of the objectives), coarse elsewhere.
#[derive(Debug)]
pub struct Durations;

impl Scale for Durations {
    const BOUNDS: &'static [u64] = &[
        500_000,
        1_000_000,
        2_500_000,
        5_000_000,
        10_000_000,
        20_000_000,
        35_000_000,
        50_000_000,
        75_000_000,
        100_000_000,
        250_000_000,
        500_000_000,
        1_000_000_000,
        2_500_000_000,
        10_000_000_000,
    ];
    const PER_UNIT: u64 = 1_000_000_000;
}

/// Numbers of things that belong together, such as the requests of a batch.
#[derive(Debug)]
pub struct Sizes;

impl Scale for Sizes {
    const BOUNDS: &'static [u64] = &[1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1_024];
    const PER_UNIT: u64 = 1;
}

/// A distribution of values. Threads add to cells of their own, as with [`StripedCounter`](crate::StripedCounter), so that
/// it may stand on the path of each delivery. It takes 4 KiB.
pub struct Histogram<S> {
    stripes: Box<[Padded<Stripe>; STRIPES]>,
    scale: PhantomData<fn(S)>,
}

#[derive(Debug, Default)]
struct Stripe {
    /// The values up to each bound and above the bound before; those above the last bound follow.
    counts: [AtomicU64; BOUNDS_MAX + 1],
    sum: AtomicU64,
}

impl<S: Scale> Default for Histogram<S> {
    fn default() -> Self {
        const { assert!(S::BOUNDS.len() <= BOUNDS_MAX) };
        Self { stripes: Box::default(), scale: PhantomData }
    }
}

impl<S: Scale> Histogram<S> {
    /// Adds a value.
    pub fn observe(&self, value: u64) {
        self.observe_many(value, 1);
    }

    /// Adds the same value so many times.
    pub fn observe_many(&self, value: u64, times: u64) {
        let Padded(stripe) = &self.stripes[stripe()];
        let bucket = S::BOUNDS.partition_point(|bound| *bound < value);
        stripe.counts[bucket].fetch_add(times, Relaxed);
        stripe.sum.fetch_add(value.saturating_mul(times), Relaxed);
    }

    /// The distribution now.
    #[must_use]
    pub fn get(&self) -> Distribution {
        let total = |bucket: usize| -> u64 {
            self.stripes.iter().map(|Padded(stripe)| stripe.counts[bucket].load(Relaxed)).sum()
        };
        let sum: u64 = self.stripes.iter().map(|Padded(stripe)| stripe.sum.load(Relaxed)).sum();
        let mut up_to = 0;
        let buckets = S::BOUNDS.iter().enumerate().map(|(bucket, bound)| {
            up_to += total(bucket);
            (*bound as f64 / S::PER_UNIT as f64, up_to)
        });
        let buckets: Vec<_> = buckets.collect();
        let count = up_to + total(S::BOUNDS.len());
        Distribution { buckets, count, sum: sum as f64 / S::PER_UNIT as f64 }
    }
}

impl Histogram<Durations> {
    /// Adds a duration.
    pub fn observe_duration(&self, duration: Duration) {
        self.observe(nanos(duration));
    }

    /// Adds the same duration so many times.
    pub fn observe_durations(&self, duration: Duration, times: u64) {
        self.observe_many(nanos(duration), times);
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

impl<S: Scale> fmt::Debug for Histogram<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.get().fmt(f)
    }
}

/// A distribution as it is exported.
#[derive(Debug, Clone, PartialEq)]
pub struct Distribution {
    /// Each upper bound, with the number of values up to it.
    pub buckets: Vec<(f64, u64)>,
    /// The number of all values.
    pub count: u64,
    /// Their sum.
    pub sum: f64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_at_a_bound_is_within_it() {
        let sizes = Histogram::<Sizes>::default();
        for value in [0, 1, 2, 3, 1_024, 5_000] {
            sizes.observe(value);
        }
        let Distribution { buckets, count, sum } = sizes.get();
        assert_eq!(buckets[..4], [(1.0, 2), (2.0, 3), (4.0, 4), (8.0, 4)]);
        assert_eq!(buckets.last(), Some(&(1_024.0, 5)));
        assert_eq!((count, sum), (6, 6_030.0));
    }

    #[test]
    fn durations_are_in_seconds() {
        let durations = Histogram::<Durations>::default();
        durations.observe_duration(Duration::from_millis(250));
        durations.observe_durations(Duration::from_millis(251), 3);
        durations.observe_duration(Duration::from_secs(60));
        let Distribution { buckets, count, sum } = durations.get();
        let up_to = |seconds: f64| buckets.iter().find(|(bound, _)| *bound == seconds).unwrap().1;
        assert_eq!((up_to(0.1), up_to(0.25), up_to(0.5), up_to(10.0), count), (0, 1, 4, 4, 5));
        assert!((sum - 61.003).abs() < 1e-9, "{sum}");
    }

    #[test]
    fn no_two_stripes_share_a_cache_line() {
        assert_eq!(size_of::<Padded<Stripe>>(), 256);
    }
}
