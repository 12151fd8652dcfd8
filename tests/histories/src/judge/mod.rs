//! What must hold of what was heard.
//!
//! - [`log`]: the log itself is contiguous, and each event was allowed at its place.
//! - [`socket`]: each subscription got what follows its cursor, once and in order, until the membership ended.
//! - [`facts`]: acknowledgements are the log's, refusals had a reason, read marks never go back.
//! - `play/fresh.rs`: what a replay from the beginning comes to is what REST and history say.

pub(crate) mod facts;
pub(crate) mod log;
pub(crate) mod socket;

pub(crate) use facts::{Fact, What};
pub(crate) use log::Log;
pub(crate) use socket::Standing;
