//! Fuzz targets: functions that take any bytes, give them to the code that reads what strangers send, and panic where
//! something does not hold that must hold for all bytes.
//!
//! Two runners use the same functions, corpora and dictionaries. `tests/short_run.rs` is part of `make test`: it runs the
//! corpus, and a bounded number of mutations of it that follow from a seed. `make fuzz` runs libFuzzer (`src/main.rs`),
//! which follows the code that an input reaches.
//!
//! A new target is a file in `targets`, an entry in [`TARGETS`], a directory in `corpus`, a dictionary in `dictionaries`,
//! and a row in `tests/fuzz/README.md`. Not there yet: types of files by their first bytes.

pub mod corpus;
mod mutation;
pub mod short_run;
mod target;
mod targets;

pub use target::{TARGETS, Target};
