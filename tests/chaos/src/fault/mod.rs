//! The faults: what they are, in which order they come, what came of them.

mod injection;
mod kind;
mod plan;

pub use injection::{End, Injection};
pub use kind::Kind;
pub use plan::{Fault, Plan, Scope};
