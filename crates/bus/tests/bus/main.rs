//! The tests of the bus: one crate, so that it is linked once.

mod faults;
mod suite;
mod support;
