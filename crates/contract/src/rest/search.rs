//! `/v1/search`: messages by what they say.

use std::ops::Deref;

use madang_domain::{RoomRef, SearchText, Timestamp, UserId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::RoomMessage;

/// The query for a page of a search.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
pub struct SearchQuery {
    /// What a message must say, all of it: words, and parts of words in Korean and other scripts without blanks between
    /// words. Case does not count. A search for single letters of such a script needs `room`.
    pub q: SearchText,
    /// Selects messages in this room; all rooms of the caller without it.
    pub room: Option<RoomRef>,
    /// Selects messages that this user has sent.
    pub from: Option<UserId>,
    /// Selects messages sent before this time.
    pub before: Option<Timestamp>,
    /// Selects messages sent after this time.
    pub after: Option<Timestamp>,
    /// The maximum number of items of the page: 1 to 200, 50 by default.
    #[schemars(range(min = 1, max = 200))]
    pub limit: Option<u32>,
    /// The `next_cursor` of the previous page; absent for the first page.
    pub cursor: Option<String>,
}

/// A page of messages that were searched for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "SearchPage")]
pub struct SearchPage<M> {
    /// The messages, newest first. A page has at most 64 KiB of texts, so it may have fewer items than `limit`, even none
    /// where more follow.
    pub items: Vec<M>,
    /// The value of `cursor` for the next page; null on the last page.
    pub next_cursor: Option<String>,
    /// Whether everything was searched that was sent before. It is false while messages are still being indexed, and if
    /// the caller is in more than 1,000 rooms: then those with the latest activity were searched.
    pub complete: bool,
}

/// A message that was searched for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FoundMessage<'a> {
    /// The message. In JSON its fields stand beside `ranges`.
    #[serde(flatten)]
    pub message: RoomMessage<'a>,
    /// The places in `text` that were searched for, in order and apart from each other; at most 100.
    pub ranges: Vec<TextRange>,
}

/// A place in a text, in UTF-16 code units, as the strings of browsers count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TextRange {
    /// The first code unit.
    pub start: u32,
    /// The code unit behind the last one.
    pub end: u32,
}

impl<'a> Deref for FoundMessage<'a> {
    type Target = RoomMessage<'a>;

    fn deref(&self) -> &RoomMessage<'a> {
        &self.message
    }
}

/// The route of search.
pub mod routes {
    use madang_domain::Code;

    use super::{FoundMessage, SearchPage, SearchQuery};
    use crate::rest::{Route, route::table};

    table! {
        /// Searches messages.
        SEARCH = Route::get("search", "/v1/search", "Search the messages of the caller's rooms, newest first")
            .query::<SearchQuery>()
            .answers::<SearchPage<FoundMessage<'_>>>(200, "A page of messages with the places that were searched for.")
            .refuses(&[Code::PermissionDenied, Code::NotFound]);
    }
}
