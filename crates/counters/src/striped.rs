//! Counters for paths on which all threads count all the time.
//!
//! One atomic that all threads add to moves from core to core with each addition, about as slow as a miss of the cache.
//! So each thread adds to a cell of its own cache line; whoever reads adds the cells up.

use std::{
    fmt,
    sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
};

/// The cells. Threads beyond them share: a gateway has a thread a core, and gateways of more cores than this are rare.
pub(crate) const STRIPES: usize = 16;

/// Something on cache lines of its own. Two lines, since the prefetcher of common processors takes them in pairs.
#[derive(Debug, Default)]
#[repr(align(128))]
pub(crate) struct Padded<T>(pub(crate) T);

/// The cell of this thread.
pub(crate) fn stripe() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local!(static MINE: usize = NEXT.fetch_add(1, Relaxed) % STRIPES);
    MINE.with(|mine| *mine)
}

/// A number that only grows, on a path where all threads add to it all the time. It takes 2 KiB.
#[derive(Default)]
pub struct StripedCounter([Padded<AtomicU64>; STRIPES]);

impl StripedCounter {
    /// Adds to the number.
    pub fn add(&self, amount: u64) {
        self.0[stripe()].0.fetch_add(amount, Relaxed);
    }

    /// The number now.
    #[must_use]
    pub fn get(&self) -> u64 {
        self.0.iter().map(|cell| cell.0.load(Relaxed)).sum()
    }
}

impl fmt::Debug for StripedCounter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("StripedCounter").field(&self.get()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_all_threads_add_is_counted_once_each() {
        let counter = StripedCounter::default();
        std::thread::scope(|scope| {
            for _ in 0..2 * STRIPES {
                scope.spawn(|| (0..1_000).for_each(|_| counter.add(2)));
            }
        });
        assert_eq!(counter.get(), 2 * STRIPES as u64 * 2_000);
    }

    #[test]
    fn no_two_cells_share_a_cache_line() {
        assert_eq!(size_of::<StripedCounter>(), STRIPES * 128);
    }
}
