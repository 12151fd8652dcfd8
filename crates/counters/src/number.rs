//! Single numbers.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// A number that only grows.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

/// A number that grows and shrinks.
#[derive(Debug, Default)]
pub struct Gauge(AtomicU64);

// No other memory depends on the order of the changes: `Relaxed` is enough.

impl Counter {
    /// Adds to the number.
    pub fn add(&self, amount: u64) {
        self.0.fetch_add(amount, Relaxed);
    }

    /// Adds the length of something.
    pub fn add_len(&self, amount: usize) {
        self.add(amount as u64);
    }

    /// The number now.
    #[must_use]
    pub fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

impl Gauge {
    /// Adds to the number and returns what it was before.
    pub fn add(&self, amount: u64) -> u64 {
        self.0.fetch_add(amount, Relaxed)
    }

    /// Subtracts from the number, at most what was added before.
    pub fn subtract(&self, amount: u64) {
        self.0.fetch_sub(amount, Relaxed);
    }

    /// Subtracts the length of something, at most what was added before.
    pub fn subtract_len(&self, amount: usize) {
        self.subtract(amount as u64);
    }

    /// Sets the number, where one owner alone knows it.
    pub fn set(&self, number: u64) {
        self.0.store(number, Relaxed);
    }

    /// The number now.
    #[must_use]
    pub fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }
}
