//! The faults: what they are, in which order they come, how they are made.

mod inject;
mod kind;
mod plan;

pub use inject::{Injected, inject};
pub use kind::Kind;
pub use plan::{Fault, Plan, Scope};
