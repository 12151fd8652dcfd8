//! Counters, gauges and histograms for hot paths, each declared in one line.
//!
//! Hot paths add to plain atomics: that costs a few nanoseconds, where an instrument with labels costs a hash and a lock.
//! [`instruments!`] declares a struct of such atomics together with the table by which an exporter reads them
//! (`madang_kit::metrics::Metrics::export`). This crate depends on no exporter.
//!
//! | kind | for |
//! | --- | --- |
//! | [`Counter`] | what happens now and then, or on one task |
//! | [`Gauge`] | what grows and shrinks |
//! | [`CounterBy`] | a counter with a label whose values are known from the code |
//! | [`StripedCounter`] | what many threads count all the time, such as each frame that is sent |
//! | [`Histogram`] | durations and sizes; it is striped too |
//!
//! ```
//! use madang_counters::{Label, Sizes};
//!
//! /// By which way a guest left.
//! #[derive(Clone, Copy)]
//! enum Way {
//!     Door,
//!     Window,
//! }
//!
//! impl Label for Way {
//!     const NAME: &'static str = "way";
//!     const VALUES: &'static [&'static str] = &["door", "window"];
//!
//!     fn index(self) -> usize {
//!         self as usize
//!     }
//! }
//!
//! madang_counters::instruments! {
//!     /// What the door counts.
//!     pub struct DoorCounters {
//!         opened: Counter = "door.opened", "{opening}", "Times that the door was opened.";
//!         guests: Gauge = "door.guests", "{guest}", "Guests who are inside.";
//!         left: CounterBy<Way> = "door.left", "{guest}", "Guests who left, by their way.";
//!         parties: Histogram<Sizes> = "door.party", "{guest}", "Guests who came together.";
//!     }
//! }
//!
//! let door = DoorCounters::default();
//! door.opened.add(1);
//! door.guests.add(2);
//! door.parties.observe(2);
//! door.guests.subtract(1);
//! door.left.add(Way::Window, 1);
//! assert_eq!((door.opened.get(), door.guests.get()), (1, 1));
//! assert_eq!((door.left.get(Way::Door), door.left.get(Way::Window)), (0, 1));
//! ```

mod by_label;
mod histogram;
mod instrument;
mod number;
mod striped;

pub use by_label::{CounterBy, Label};
pub use histogram::{Distribution, Durations, Histogram, Scale, Sizes};
pub use instrument::{Instrument, Instruments, Kind, Readable, Reading};
pub use number::{Counter, Gauge};
pub use striped::StripedCounter;
