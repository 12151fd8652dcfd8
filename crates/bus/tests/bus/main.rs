//! The tests of the bus: one crate, so that it is linked once.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "an expectation that fails fails its test")]

// The macro that runs a suite against each variant.
#[macro_use]
mod suite;

mod budgets;
mod cluster;
mod faults;
mod presence;
mod presence_faults;
mod support;
mod tls;
