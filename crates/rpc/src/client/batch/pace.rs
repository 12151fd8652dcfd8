//! How far apart calls begin, by how busy what answers them is.
//!
//! A call costs each process several wake-ups, whether it carries one request or ten. While what answers is idle, that
//! buys a short wait and costs nobody anything. When it is busy, calls take longer than they can. Then the next call begins
//! later than at the end of the last one, by as much as that took too long, and requests gather meanwhile.
//!
//! The delay in a queue as the sign of load, with the least time seen as what a path takes without a queue, is how TCP
//! Vegas (Brakmo and Peterson, 1995) and BBR (Cardwell and others, 2016) tell the one from the other.

use std::time::Duration;

use tokio::time::Instant;

/// A call counts for so much of the average: of the last eight, about.
const WEIGHT: f64 = 1.0 / 8.0;
/// The least time is that of the last two windows, so that it is forgotten when what answers has become slower for good.
const WINDOW: Duration = Duration::from_secs(10);
/// A call at rest takes the least time so many times: the disk's writes, which commits wait for, differ by as much.
const AT_REST: f64 = 2.0;

/// The pace of one kind of call.
#[derive(Debug)]
pub(super) struct Pace {
    max: Duration,
    average_s: f64,
    /// The least time in the window before and in the present one.
    least_s: [f64; 2],
    window_until: Instant,
}

impl Pace {
    pub(super) fn new(max: Duration) -> Self {
        Self { max, average_s: 0.0, least_s: [f64::INFINITY; 2], window_until: Instant::now() + WINDOW }
    }

    /// Notes what a call took.
    pub(super) fn note(&mut self, took: Duration) {
        let (took, now) = (took.as_secs_f64(), Instant::now());
        if now >= self.window_until {
            self.least_s = [self.least_s[1], f64::INFINITY];
            self.window_until = now + WINDOW;
        }
        self.least_s[1] = self.least_s[1].min(took);
        self.average_s =
            if self.average_s == 0.0 { took } else { self.average_s + (took - self.average_s) * WEIGHT };
    }

    /// How far apart two calls begin now: as long as one takes, and what that is longer than at rest.
    pub(super) fn now(&self) -> Duration {
        let at_rest = AT_REST * self.least_s[0].min(self.least_s[1]);
        if self.average_s <= at_rest {
            return Duration::ZERO;
        }
        Duration::try_from_secs_f64(self.average_s + self.average_s - at_rest)
            .unwrap_or_default()
            .min(self.max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAX: Duration = Duration::from_millis(5);

    fn after(pace: &mut Pace, calls: usize, took: Duration) -> Duration {
        (0..calls).for_each(|_| pace.note(took));
        pace.now()
    }

    #[tokio::test(start_paused = true)]
    async fn calls_at_rest_have_no_pace_and_slow_ones_have_one_up_to_the_bound() {
        let mut pace = Pace::new(MAX);
        let [quick, busy, slow] = [1, 4, 40].map(Duration::from_millis);
        assert_eq!(pace.now(), Duration::ZERO);
        assert_eq!(after(&mut pace, 100, quick), Duration::ZERO);
        // Four milliseconds, which are two more than at rest, are at most so far apart.
        assert_eq!(after(&mut pace, 100, busy), MAX);
        let little = after(&mut pace, 100, Duration::from_micros(2_250));
        assert!(little > Duration::from_micros(2_400) && little < Duration::from_micros(2_600), "{little:?}");
        assert_eq!(after(&mut pace, 100, slow), MAX);
        assert_eq!(after(&mut pace, 100, quick), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn what_has_become_slower_for_good_is_at_rest_again_after_two_windows() {
        let mut pace = Pace::new(MAX);
        after(&mut pace, 100, Duration::from_millis(1));
        for _ in 0..2 {
            assert!(after(&mut pace, 100, Duration::from_millis(4)) > Duration::ZERO);
            tokio::time::advance(WINDOW).await;
        }
        after(&mut pace, 1, Duration::from_millis(4));
        tokio::time::advance(WINDOW).await;
        assert_eq!(after(&mut pace, 100, Duration::from_millis(4)), Duration::ZERO);
    }
}
