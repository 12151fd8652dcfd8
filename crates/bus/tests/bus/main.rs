//! The tests of the bus: one crate, so that it is linked once.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "an expectation that fails fails its test")]

mod cluster;
mod faults;
mod suite;
mod support;
