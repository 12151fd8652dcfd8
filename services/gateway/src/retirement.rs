//! How old a socket may become. A socket outlives every change of the fleet: a gateway that is added holds none until clients
//! reconnect for another reason. With a bound on the age they do, a few at a time, and the load balancer spreads them anew.

use std::{fmt, sync::Arc, time::Duration};

use madang_flow_control::{RateBucket, RateLimit};
use madang_kit::clock::{Random, jitter};
use tokio::time::Instant;

/// The part of the age by which it may be shorter or longer: sockets that came together do not go together.
const JITTER_DIVISOR: u32 = 10;

/// The bound on the age of sockets, and on how many reach it at once.
pub(crate) struct Retirement {
    age: Duration,
    limit: RateLimit,
    random: Arc<dyn Random>,
    epoch: Instant,
    bucket: RateBucket,
}

impl Retirement {
    /// Sockets go at about this age, at most so many a second.
    pub(crate) fn new(age: Duration, per_second: u32, random: Arc<dyn Random>) -> Self {
        let limit = RateLimit { interval: Duration::from_secs(1) / per_second.max(1), burst: 1 };
        Self { age, limit, random, epoch: Instant::now(), bucket: RateBucket::new() }
    }

    /// When a socket that opens now is old.
    pub(crate) fn due(&self) -> Instant {
        let part = self.age / JITTER_DIVISOR;
        Instant::now() + self.age - part + jitter(&*self.random, 2 * part)
    }

    /// Waits until one more socket may go.
    pub(crate) async fn turn(&self) {
        while let Err(after) = self.bucket.take(self.limit, self.epoch.elapsed().as_micros() as u64) {
            tokio::time::sleep(after).await;
        }
    }
}

impl fmt::Debug for Retirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Retirement")
            .field("age", &self.age)
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use madang_kit::clock::SeededRandom;

    use super::*;

    const AGE: Duration = Duration::from_secs(3_600);

    #[tokio::test(start_paused = true)]
    async fn sockets_that_come_together_are_old_over_a_fifth_of_the_age() {
        let retirement = Retirement::new(AGE, 100, Arc::new(SeededRandom::new(1)));
        let now = Instant::now();
        let mut ages: Vec<Duration> = (0..1_000).map(|_| retirement.due() - now).collect();
        ages.sort_unstable();
        assert!(ages[0] >= AGE * 9 / 10 && ages[999] <= AGE * 11 / 10, "{:?} to {:?}", ages[0], ages[999]);
        // Evenly: each tenth of them within a tenth of that time, twice as long at most.
        let longest = ages.chunks(100).map(|tenth| tenth[99] - tenth[0]).max();
        assert!(longest <= Some(AGE / 5 / 10 * 2), "{longest:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_go_in_a_second_than_may() {
        let retirement = Retirement::new(AGE, 50, Arc::new(SeededRandom::new(1)));
        let began = Instant::now();
        for _ in 0..200 {
            retirement.turn().await;
        }
        // The first goes at once, and tokio's clock has milliseconds.
        let took = began.elapsed();
        assert!(took >= Duration::from_millis(3_980) && took < Duration::from_millis(4_300), "{took:?}");
    }
}
