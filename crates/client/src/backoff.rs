//! How long to wait before another try.

use std::time::Duration;

use rand::{RngExt, rngs::StdRng};

/// Exponential back-off with full jitter: a delay drawn evenly from zero to a bound that doubles with each
/// failure, so that a crowd that lost its server together does not come back together
/// (<https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/>).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// The bound of the first delay.
    pub first: Duration,
    /// The bound that no delay exceeds.
    pub most: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self { first: Duration::from_millis(200), most: Duration::from_secs(10) }
    }
}

impl Backoff {
    /// The bound of the delay after that many failures in a row, counted from zero.
    #[must_use]
    pub fn bound(&self, failures: u32) -> Duration {
        // 2^20 times any sensible first bound is past any sensible last one.
        self.first.saturating_mul(1 << failures.min(20)).min(self.most)
    }

    /// Draws the delay after that many failures in a row.
    #[must_use]
    pub fn delay(&self, failures: u32, random: &mut StdRng) -> Duration {
        self.bound(failures).mul_f64(random.random::<f64>())
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn the_bound_doubles_up_to_the_most() {
        let backoff = Backoff { first: Duration::from_millis(100), most: Duration::from_secs(1) };
        let bounds: Vec<_> = [0, 1, 2, 3, 4, 200].map(|n| backoff.bound(n).as_millis()).into();
        assert_eq!(bounds, [100, 200, 400, 800, 1_000, 1_000]);
    }

    #[test]
    fn the_jitter_is_full() {
        let backoff = Backoff { first: Duration::from_secs(1), most: Duration::from_secs(1) };
        let mut random = StdRng::seed_from_u64(1);
        let delays: Vec<_> = (0..200).map(|_| backoff.delay(0, &mut random)).collect();
        assert!(delays.iter().all(|delay| *delay <= Duration::from_secs(1)));
        assert!(delays.iter().any(|delay| *delay < Duration::from_millis(100)));
        assert!(delays.iter().any(|delay| *delay > Duration::from_millis(900)));
    }
}
