//! The chaos harness of Madang. It has a real cluster of processes whose every connection can be broken, and
//! a schedule of faults drawn from a seed. Clients record what they sent, what was acknowledged and what they
//! received. A judge checks these records.
//!
//! ```text
//!  crowd: 200 clients ──lines──▶ gateways ──lines──▶ auth, message-store ──lines──▶ PostgreSQL
//!    │  histories                   └───────lines──▶ Redis
//!    ▼
//!  check::judge(histories, log of the store) ──▶ verdict ──▶ report
//! ```
//!
//! - [`site`] starts and breaks the processes; each line of the picture is a breakable proxy.
//! - [`fault`] names the faults and draws their schedule; [`inject`] injects them into a site.
//! - [`crowd`] is the clients: an open loop of sends, and a memory of everything.
//! - [`complete`] measures how long after a fault everybody has everything again.
//! - [`check`] judges, as a pure function; each kind of defect is found in a hand-made history by its tests.
//! - [`drill`] is what all scenarios with faults do, whatever the cluster runs on; `tests/upgrade` and `tests/hosts` use it too.
//! - [`faults`], [`drops`], [`rolling`], [`drain`] and [`cutoff`] are the scenarios. [`screen`] shows a run while it lasts,
//!   [`report`] tells of it when it is over, and [`cli`] is the command line.

pub mod check;
pub mod cli;
pub mod complete;
pub mod crowd;
pub mod cutoff;
pub mod drain;
pub mod drill;
pub mod drops;
pub mod error;
pub mod fault;
pub mod faults;
pub mod files;
pub mod history;
pub mod inject;
pub mod listeners;
pub mod log;
pub mod program;
pub mod redis_shape;
pub mod report;
pub mod rolling;
pub mod screen;
pub mod settings;
pub mod site;
pub mod tally;
pub mod watch;

pub use error::{Error, Result};
pub use settings::{Length, Settings};
