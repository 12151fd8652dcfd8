//! Soft, then hard shutdown, and the tasks that live in between.
//!
//! - **Soft**: take no new work, finish what runs. Begun by a signal, by [`Lifecycle::stop`], or by a
//!   task that failed.
//! - **Hard**: every tracked task is dropped at its next await. Begun by a second signal, by the drain
//!   deadline, or by [`Lifecycle::kill`].
//!
//! A [`Lifecycle`] is a value, not a static: a process has one, each service in it a [child](Lifecycle::child)
//! of it, each test its own. Stopping a child stops that service alone; stopping the parent stops all.
//! A failure travels the other way: a task that panics stops the whole process, for what it kept true
//! no longer holds.

mod handle;
mod outcome;
mod running;
mod shared;
mod tasks;

pub use handle::{DEFAULT_DRAIN, Lifecycle};
pub use outcome::{Outcome, TaskFailure};
pub use running::{Running, StartError};
pub use tasks::{CarryThrough, Tasks, with_causes};
