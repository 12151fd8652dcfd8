//! The functions of the message store that read what strangers send, for the fuzz targets of `tests/fuzz`.
//!
//! The store itself does not use this module, and it is no part of the crate's interface.

pub use crate::operations::read_cursor;
