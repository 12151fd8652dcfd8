//! The clients against real servers on the loopback interface, with a scripted service behind them.
#![expect(clippy::unwrap_used, reason = "a helper of a test that fails fails the test")]

mod ages;
mod around;
mod batches;
mod callers;
mod faults;
mod repeats;
mod same_as_local;
mod scripted;
mod served;
