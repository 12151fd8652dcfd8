//! The task that fills the index of search behind the commits.

mod hints;
mod indexer;

pub(crate) use hints::Hints;
pub(crate) use indexer::Indexer;
