//! Admission: the rate at which new sockets are accepted.
//!
//! When a gateway dies or a network comes back, everybody returns at once, and each of them costs
//! subscriptions. Turns are for those who have shown a good credential: a crowd of others has limits of its own
//! (`super::addresses`) and cannot use the turns up. Admission spreads them: up to a burst come in at once, then one an
//! interval, in order of arrival. Those for whom that is soon wait in place; the others are told when to come
//! back, each at a time of its own at the same pace, so that what was one storm arrives as a queue would.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use madang_flow_control::{RateBucket, RateLimit};

/// The longest wait on the connection. Together with the rate it bounds the number of waiting sockets.
const PATIENCE: Duration = Duration::from_secs(1);
/// The fraction of a second's admissions that forms the burst. The rest is spread, so that burst and rate
/// together stay within the setting in any second.
const BURST_DIVISOR: u32 = 10;
/// The fraction of a second's admissions that is held back. On a busy machine turns come some milliseconds
/// late, so that turns of one second fall into the next.
const SLACK_DIVISOR: u32 = 20;
/// The longest time after which a socket is told to reconnect. Later turns are capped to it, so that these
/// clients may be told again.
const RETURN_MAX: Duration = Duration::from_secs(30);

/// The decision about a new socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Admission {
    /// Admit the socket after this wait, which is mostly zero.
    In(Duration),
    /// There are too many. The client should reconnect after this time.
    Later(Duration),
}

/// The queue of admissions. It holds no sockets, only two times: that of the next turn, and that of the next
/// deferred reconnect.
#[derive(Debug)]
pub(crate) struct AdmissionQueue {
    pace: RateLimit,
    turns: RateBucket,
    /// The time of the next deferred reconnect, in microseconds after the epoch of the process.
    return_at: AtomicU64,
}

impl AdmissionQueue {
    /// Creates a queue that admits at most `per_second` sockets in any second, a tenth of them at once.
    pub(crate) fn new(per_second: u32) -> Self {
        let burst = (per_second / BURST_DIVISOR).max(1);
        let slack = per_second / SLACK_DIVISOR;
        let interval = Duration::from_secs(1) / per_second.saturating_sub(burst + slack).max(1);
        let pace = RateLimit { interval, burst };
        Self { pace, turns: RateBucket::new(), return_at: AtomicU64::new(0) }
    }

    /// Takes the next turn if it is soon enough.
    pub(crate) fn take_turn(&self, now_micros: u64) -> Admission {
        if let Ok(wait) = self.turns.reserve(self.pace, PATIENCE, now_micros) {
            return Admission::In(wait);
        }
        // Sockets that wait on their connection own the turns until then.
        let (earliest, latest) = (now_micros + micros(PATIENCE), now_micros + micros(RETURN_MAX));
        let turn =
            |return_at: u64| return_at.saturating_add(micros(self.pace.interval)).clamp(earliest, latest);
        let next = |return_at| Some(turn(return_at));
        let return_at = match self.return_at.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next) {
            Ok(before) | Err(before) => turn(before),
        };
        Admission::Later(Duration::from_micros(return_at - now_micros))
    }
}

/// Waits for the turn of a socket, or returns the time after which its client should reconnect.
pub(crate) async fn admit(queue: &AdmissionQueue, now_micros: u64) -> Result<(), Duration> {
    match queue.take_turn(now_micros) {
        Admission::In(Duration::ZERO) => {}
        Admission::In(wait) => tokio::time::sleep(wait).await,
        Admission::Later(wait) => return Err(wait),
    }
    Ok(())
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::collections::BinaryHeap;

    use super::*;

    const SECOND: u64 = 1_000_000;

    #[test]
    fn a_burst_comes_in_at_once_and_the_next_wait_their_turn() {
        let queue = AdmissionQueue::new(100);
        let entered: Vec<_> = (0..13).map(|_| queue.take_turn(0)).collect();
        assert!(entered[..10].iter().all(|admission| *admission == Admission::In(Duration::ZERO)));
        let turns = [1, 2, 3].map(|turn| Admission::In(Duration::from_secs(1) / 85 * turn));
        assert_eq!(entered[10..], turns);
    }

    #[test]
    fn who_would_wait_too_long_is_told_a_time_of_its_own() {
        let queue = AdmissionQueue::new(100);
        let waiting = (0..200).filter(|_| matches!(queue.take_turn(0), Admission::In(_))).count();
        assert_eq!(waiting, 95, "a burst of ten and what comes in within the patience");
        // Earlier sockets already have their answer.
        let told: Vec<_> = (105..108).map(|_| queue.take_turn(0)).collect();
        let turn = Duration::from_micros(1_000_000 / 85);
        assert_eq!(told, [105, 106, 107].map(|before| Admission::Later(PATIENCE + turn * before)));
        assert_eq!(
            queue.take_turn(60 * SECOND),
            Admission::In(Duration::ZERO),
            "a minute later all is forgotten"
        );
    }

    /// A mass reconnect in which every client obeys. All are admitted in little more than the time that the
    /// rate needs, no second exceeds the rate, and no client is deferred many times.
    #[test]
    fn a_storm_becomes_a_queue() {
        const CLIENTS: u64 = 5_000;
        const RATE: u64 = 500;
        let queue = AdmissionQueue::new(RATE as u32);
        // The arrivals, earliest first.
        let mut arrivals: BinaryHeap<_> = (0..CLIENTS).map(|n| std::cmp::Reverse(n * 20)).collect();
        let (mut admitted, mut tries) = (Vec::new(), 0);
        while let Some(std::cmp::Reverse(now)) = arrivals.pop() {
            tries += 1;
            match queue.take_turn(now) {
                Admission::In(wait) => admitted.push(now + wait.as_micros() as u64),
                Admission::Later(wait) => arrivals.push(std::cmp::Reverse(now + wait.as_micros() as u64)),
            }
        }
        admitted.sort_unstable();
        let busiest = (0..admitted.len())
            .map(|from| admitted[from..].iter().take_while(|at| **at < admitted[from] + SECOND).count())
            .max();
        assert!(busiest.is_some_and(|most| most as u64 <= RATE), "{busiest:?} in a second");
        let last = admitted.last().copied().unwrap_or_default();
        assert!(last <= (CLIENTS / RATE + 4) * SECOND, "the last one came in after {last} us");
        assert!(tries < CLIENTS * 2 + CLIENTS / 5, "{tries} tries");
    }
}
