//! Checks of the structure that the compiler does not make.
//!
//! - **No circle between the modules of a crate.** Two modules that need each other can only be read together. The
//!   check parses each crate's sources (`read`, `mentions`), finds where each name is defined (`resolve`), and looks for
//!   circles (`circles`).
//! - **The arrows between crates.** Services do not import one another. Libraries do not import services. No
//!   deployed crate imports the tests' crates ([`arrows`]).
//!
//! # What counts as an import
//!
//! The unit is a file: an inline module belongs to its file. A file depends on the file that *defines* what it names.
//! So a re-export is seen through: `use crate::store::StoreError` counts towards `store/error.rs`, where `store` has
//! `pub use error::StoreError`. `use`, paths in code, in attributes and in the arguments of macros count.
//!
//! A parent does not depend on its child by `mod child;`, nor by `pub use child::Item` alone; it does when its own code
//! uses the child's items. A child depends on its parent when it uses what the parent's file defines.
//!
//! What is only compiled for tests (`#[cfg(test)]`) is left out.
//!
//! # What is a circle
//!
//! Files that need one another; and modules beside each other that do, each taken with all that is below it. So
//! `hub::topic → session::outbox` and `session::native → hub` is a circle of `hub` and `session`, though of no files.
//!
//! # What it does not see
//!
//! Calls of methods, whose module only the types tell; but one names a type before one calls its methods. Items that a
//! macro makes are taken to be defined in the module that the path names.

pub mod arrows;
mod attributes;
mod circles;
mod error;
mod mentions;
mod module;
mod read;
mod resolve;
mod workspace;

pub use circles::{Circle, Level, Tie, circles_of};
pub use error::Error;
pub use resolve::Place;
pub use workspace::{Dependency, Package, Target, Workspace};
