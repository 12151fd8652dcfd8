//! The test of an upgrade: a cluster of real processes rolls from the previous release to this tree and back, one process
//! after another, under the load of the chaos harness, whose judge decides.
//!
//! ```text
//!  previous release          mixed: each step under load, then everybody has everything          this tree
//!  auth, auth, store, store, gateway, gateway  ──▶  … one at a time …  ──▶  all new  ──▶  … back, gateways first …
//! ```
//!
//! - [`roll`] is the scenario; in each of its steps a [`newcomer`] comes. [`report`] tells of it, and [`cli`] is the command line.

pub mod cli;
pub mod newcomer;
pub mod report;
pub mod roll;

pub use cli::run;
