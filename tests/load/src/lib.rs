//! The load generator and benchmark runner of Madang.
//!
//! `madang-load` drives a cluster with thousands of WebSocket clients and measures what they receive and what
//! the services use. It compares both with budgets and with the limit of the machine: a bare broadcast server
//! under the same load in the same run.
//!
//! - The loop is open: sends follow a timetable, and latencies count from the scheduled time ([`fleet`]).
//! - Every delivery is accounted for: each socket checks its room's sequence ([`measure::sequence`]).
//! - CPU time and memory are the kernel's accounts of each process ([`measure::process`]).
//! - The generator is cheap, since it shares the machine: its own CPU time is part of the report.

pub mod bare;
pub mod cli;
pub mod error;
pub mod fleet;
pub mod hostile;
pub mod layout;
pub mod limits;
pub mod measure;
pub mod progress;
pub mod report;
pub mod rest_api;
pub mod scenario;
pub mod target;
pub mod wire;
pub mod workers;
