//! Reading a shard's gateway stream, on a connection of its own.

mod progress;
mod task;

pub(super) use progress::{ReaderProgress, ReaderTarget};
pub(super) use task::Reader;
