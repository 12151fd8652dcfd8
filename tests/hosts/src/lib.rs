//! The test of a cluster on several hosts. Each process runs in a network namespace of its own, on a network that drops
//! packets between them, of one direction or of both: unlike a proxy that is cut, such a network tells nobody.
//!
//! ```text
//!  clients ── bridge ─┬─ gateway-1 ─┬─ message-store-1 ─┬─ auth ─┬─ redis
//!                     └─ gateway-2  └─ message-store-2  │        └─ postgres
//! ```
//!
//! - [`place`] starts the cluster on its hosts; [`fault`] is what happens to them.
//! - [`partitions`] is the scenario of faults, judged by the judge of `tests/chaos`; [`drain`] stops a gateway with
//!   thousands of sockets.
//! - [`report`] tells of a run, and [`cli`] is the command line.

pub mod cli;
pub mod drain;
pub mod fault;
pub mod partitions;
pub mod place;
pub mod report;

pub use cli::run;
