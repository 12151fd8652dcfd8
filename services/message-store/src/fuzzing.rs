//! The functions of the message store that read what strangers send, for the fuzz targets of `tests/fuzz`.
//!
//! The store itself does not use this module, and it is no part of the crate's interface.

use std::ops::Range;

use madang_domain::{RoomId, UserId};

use crate::analysis::{Query, tokens};
pub use crate::operations::read_cursor;

/// The tokens by which the index finds a text, without those of its room and its sender.
#[must_use]
pub fn text_tokens(text: &str) -> Vec<String> {
    let nobody = uuid::Uuid::nil();
    let line = tokens(RoomId::new(nobody), UserId::new(nobody), text).unwrap_or_default();
    line.split(' ').skip(2).map(str::to_owned).collect()
}

/// Tokens, and where they stand in a text.
pub type Searched = (Vec<String>, Option<Vec<Range<u32>>>);

/// What is searched for: the tokens that the index is asked for, and where it stands in a text. None where it cannot be
/// searched for.
#[must_use]
pub fn searched(query: &str, text: &str) -> Option<Searched> {
    let query = Query::parse(query).ok()?;
    Some((query.tokens(None, None), query.ranges(text)))
}
