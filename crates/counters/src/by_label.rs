//! Counters that a label tells apart.

use std::{fmt, marker::PhantomData, sync::atomic::AtomicU64, sync::atomic::Ordering::Relaxed};

/// A label whose values are few and known from the code: an enum of reasons, kinds or limits.
pub trait Label: Copy + Send + Sync + 'static {
    /// The label's name.
    const NAME: &'static str;

    /// Its values, as they are shown.
    const VALUES: &'static [&'static str];

    /// The position of this one among the values.
    fn index(self) -> usize;
}

/// One counter for each value of a label. All of them are shown from the start, with 0: a rate has no gap at the first
/// time that something happens.
pub struct CounterBy<L> {
    counts: Box<[AtomicU64]>,
    label: PhantomData<fn(L)>,
}

impl<L: Label> Default for CounterBy<L> {
    fn default() -> Self {
        Self { counts: L::VALUES.iter().map(|_| AtomicU64::new(0)).collect(), label: PhantomData }
    }
}

impl<L: Label> CounterBy<L> {
    /// Adds to the number of one value. An index beyond the values, which would be a defect, counts nothing.
    pub fn add(&self, value: L, amount: u64) {
        if let Some(count) = self.counts.get(value.index()) {
            count.fetch_add(amount, Relaxed);
        }
    }

    /// The number of one value now.
    #[must_use]
    pub fn get(&self, value: L) -> u64 {
        self.counts.get(value.index()).map_or(0, |count| count.load(Relaxed))
    }

    /// The numbers of all values, in their order.
    #[must_use]
    pub fn all(&self) -> Vec<u64> {
        self.counts.iter().map(|count| count.load(Relaxed)).collect()
    }
}

impl<L: Label> fmt::Debug for CounterBy<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(L::VALUES.iter().zip(self.all())).finish()
    }
}
