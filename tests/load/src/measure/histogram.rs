//! Latencies in a log-linear histogram, after the idea of HdrHistogram (<https://hdrhistogram.org>).
//!
//! Each power of two is cut into 128 equal buckets, so a quantile is at most 1/128 (0.8 %) above the exact one, a
//! record is two shifts and an add, and the memory does not depend on what is recorded.

use std::time::Duration;

/// Sub-buckets of a power of two, as a power of two.
const PRECISION_BITS: u32 = 7;
const SUB_BUCKETS: usize = 1 << PRECISION_BITS;
/// Longer than any run: 2^36 µs are 19 hours. What is above counts as this.
const VALUE_BITS: u32 = 36;
const VALUE_MAX: u64 = (1 << VALUE_BITS) - 1;
const BUCKETS: usize = (VALUE_BITS - PRECISION_BITS + 1) as usize * SUB_BUCKETS;

/// Counts of durations in microseconds.
#[derive(Debug, Clone)]
pub struct Histogram {
    counts: Vec<u64>,
    count: u64,
    sum_us: u64,
    max_us: u64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self { counts: vec![0; BUCKETS], count: 0, sum_us: 0, max_us: 0 }
    }
}

impl Histogram {
    /// Counts one duration.
    pub fn record_us(&mut self, value_us: u64) {
        let value_us = value_us.min(VALUE_MAX);
        self.counts[bucket_of(value_us)] += 1;
        self.count += 1;
        self.sum_us += value_us;
        self.max_us = self.max_us.max(value_us);
    }

    /// How many were counted.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// The longest, exactly; none where nothing was counted.
    #[must_use]
    pub fn max(&self) -> Option<Duration> {
        (self.count > 0).then(|| Duration::from_micros(self.max_us))
    }

    /// The mean, exactly; none where nothing was counted.
    #[must_use]
    pub fn mean(&self) -> Option<Duration> {
        self.sum_us.checked_div(self.count).map(Duration::from_micros)
    }

    /// The smallest duration that at least the fraction `q` of all do not exceed, rounded up within its bucket.
    /// None where nothing was counted: what never came was not fast.
    #[must_use]
    pub fn quantile(&self, q: f64) -> Option<Duration> {
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "counts are far below 2^52 and q is a fraction"
        )]
        let rank = ((q.clamp(0.0, 1.0) * self.count as f64).ceil() as u64).max(1);
        let mut seen = 0;
        for (bucket, count) in self.counts.iter().enumerate() {
            seen += count;
            if seen >= rank {
                return Some(Duration::from_micros(highest_of(bucket).min(self.max_us)));
            }
        }
        None
    }
}

/// The values below 256 have a bucket each; above, the top eight bits of a value choose it.
const fn bucket_of(value: u64) -> usize {
    let top_bit = 63 - (value | (SUB_BUCKETS as u64 - 1)).leading_zeros();
    let shift = (top_bit + 1).saturating_sub(PRECISION_BITS + 1);
    (shift as usize * SUB_BUCKETS) + (value >> shift) as usize
}

/// The largest value that falls in a bucket.
const fn highest_of(bucket: usize) -> u64 {
    if bucket < 2 * SUB_BUCKETS {
        return bucket as u64;
    }
    let shift = bucket / SUB_BUCKETS - 1;
    let mantissa = (bucket - shift * SUB_BUCKETS) as u64;
    ((mantissa + 1) << shift) - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The exact quantile of sorted values, by the same definition.
    fn exact(sorted: &[u64], q: f64) -> u64 {
        let rank = ((q * sorted.len() as f64).ceil() as usize).max(1);
        sorted[rank - 1]
    }

    #[test]
    fn quantiles_are_within_a_bucket_of_the_exact_ones_at_every_scale() {
        // A fixed multiplicative sequence: spread over nine decades, the same at every run.
        let mut state = 0x2545_f491_4f6c_dd1d_u64;
        let mut values: Vec<u64> = (0..20_000)
            .map(|_| {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                (state >> 32) >> (state % 32)
            })
            .collect();
        let mut histogram = Histogram::default();
        values.iter().for_each(|value| histogram.record_us(*value));
        values.sort_unstable();
        for q in [0.0, 0.001, 0.25, 0.5, 0.9, 0.99, 0.999, 0.9999, 1.0] {
            let exact = exact(&values, q);
            let estimate = u64::try_from(histogram.quantile(q).unwrap().as_micros()).unwrap();
            assert!(estimate >= exact, "{q}: {estimate} < {exact}");
            assert!(estimate - exact <= exact / 128, "{q}: {estimate} is too far above {exact}");
        }
        assert_eq!(histogram.count(), 20_000);
        assert_eq!(histogram.max(), Some(Duration::from_micros(values[values.len() - 1])));
        assert_eq!(histogram.mean(), Some(Duration::from_micros(values.iter().sum::<u64>() / 20_000)));
    }

    #[test]
    fn buckets_cover_all_values_in_order_without_a_gap() {
        let mut next = 0;
        for bucket in 0..BUCKETS {
            assert_eq!(bucket_of(next), bucket, "lowest of {bucket}");
            assert_eq!(bucket_of(highest_of(bucket)), bucket, "highest of {bucket}");
            next = highest_of(bucket) + 1;
        }
        assert_eq!(next - 1, VALUE_MAX, "the last bucket ends at the largest value");
    }

    #[test]
    fn nothing_recorded_has_no_quantile_and_the_endless_is_the_largest() {
        let mut histogram = Histogram::default();
        assert_eq!((histogram.quantile(0.99), histogram.mean(), histogram.max()), (None, None, None));
        histogram.record_us(u64::MAX);
        assert_eq!(histogram.max(), Some(Duration::from_micros(VALUE_MAX)));
    }
}
