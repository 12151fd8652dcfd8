//! The works that are measured, and the run through them.

mod appends;
mod bench;
mod connections;
mod fan_out;
mod hostile;
mod idle;
mod kind;
mod presence;
mod run;
mod search;
mod side;

pub use bench::{Bench, Settings};
pub use kind::{SOCKETS_MAX, Scenario};
