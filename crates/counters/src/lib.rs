//! Counters and gauges for hot paths, each declared in one line.
//!
//! Hot paths add to plain atomics: that costs a few nanoseconds, where an instrument with labels costs a hash and a lock.
//! [`instruments!`] declares a struct of such atomics together with the table by which an exporter reads them
//! (`madang_kit::metrics::Metrics::export`). This crate depends on no exporter.
//!
//! ```
//! madang_counters::instruments! {
//!     /// What the door counts.
//!     pub struct DoorCounters {
//!         opened: Counter = "door.opened", "{opening}", "Times that the door was opened.";
//!         guests: Gauge = "door.guests", "{guest}", "Guests who are inside.";
//!     }
//! }
//!
//! let door = DoorCounters::default();
//! door.opened.add(1);
//! door.guests.add(2);
//! door.guests.subtract(1);
//! assert_eq!((door.opened.get(), door.guests.get()), (1, 1));
//! ```

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

    /// The number now.
    #[must_use]
    pub fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

/// What an exporter has to know about one number of a set `T`.
#[derive(Debug, Clone, Copy)]
pub struct Instrument<T> {
    /// The name, in parts that dots separate.
    pub name: &'static str,
    /// The unit in UCUM. One in braces, such as `{entry}`, tells a reader what is counted and does not become a part of the
    /// exported name.
    pub unit: &'static str,
    /// A sentence for the reader of the metric.
    pub description: &'static str,
    /// Whether the number can shrink.
    pub is_gauge: bool,
    /// Reads the number.
    pub read: fn(&T) -> u64,
}

/// A set of numbers that an exporter can read.
pub trait Instruments: Send + Sync + Sized + 'static {
    /// One entry for each number.
    const INSTRUMENTS: &'static [Instrument<Self>];
}

/// Declares a struct of [`Counter`]s and [`Gauge`]s and implements [`Instruments`] for it: one line a metric, with
/// name, unit and description. The description is the field's documentation too.
#[macro_export]
macro_rules! instruments {
    (
        $(#[$attribute:meta])*
        $visibility:vis struct $set:ident {
            $($field:ident: $kind:ident = $name:literal, $unit:literal, $description:literal;)*
        }
    ) => {
        $(#[$attribute])*
        #[derive(Debug, Default)]
        $visibility struct $set {
            $(#[doc = $description] $visibility $field: $crate::$kind,)*
        }

        impl $crate::Instruments for $set {
            const INSTRUMENTS: &'static [$crate::Instrument<Self>] = &[
                $($crate::Instrument {
                    name: $name,
                    unit: $unit,
                    description: $description,
                    is_gauge: $crate::instruments!(@is_gauge $kind),
                    read: |set| set.$field.get(),
                },)*
            ];
        }
    };
    (@is_gauge Counter) => { false };
    (@is_gauge Gauge) => { true };
}

#[cfg(test)]
mod tests {
    use super::*;

    instruments! {
        /// A set.
        struct Set {
            calls: Counter = "test.calls", "{call}", "Calls made.";
            active: Gauge = "test.active", "{call}", "Calls in progress.";
        }
    }

    #[test]
    fn each_line_declares_a_number_and_how_it_is_read() {
        let set = Set::default();
        set.calls.add(2);
        set.calls.add_len(3);
        assert_eq!(set.active.add(4), 0);
        set.active.subtract(1);
        set.active.subtract_len(1);
        let read: Vec<_> = Set::INSTRUMENTS
            .iter()
            .map(|instrument| (instrument.name, instrument.is_gauge, (instrument.read)(&set)))
            .collect();
        assert_eq!(read, [("test.calls", false, 5), ("test.active", true, 2)]);
        assert_eq!(Set::INSTRUMENTS[1].unit, "{call}");
        assert_eq!(Set::INSTRUMENTS[1].description, "Calls in progress.");
    }
}
