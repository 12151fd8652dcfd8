//! Search.

use madang_domain::{RoomRef, SearchText, Timestamp, UserId, event::Event};
use madang_proto::store::v1 as wire;

use super::page::PageQuery;
use crate::wire::{Result, Wire, field, message};

/// Asks for the messages that say something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Search {
    /// The user, in whose rooms they are.
    pub user: UserId,
    /// What a message must say, all of it.
    pub text: SearchText,
    /// In this room alone.
    pub room: Option<RoomRef>,
    /// By this sender alone.
    pub from: Option<UserId>,
    /// Sent before this time.
    pub before: Option<Timestamp>,
    /// Sent after this time.
    pub after: Option<Timestamp>,
    /// The page.
    pub page: PageQuery,
}

/// A page of messages that were searched for, the newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchPage {
    /// The messages.
    pub items: Vec<FoundMessage>,
    /// What to ask for next; none at the end.
    pub next: Option<String>,
    /// Whether everything was looked at. It is not while something is not indexed yet, or where the user has too many
    /// rooms.
    pub complete: bool,
}

/// A message that was searched for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundMessage {
    /// The message.
    pub message: Event,
    /// Where it says what was searched for, in order and apart from each other.
    pub ranges: Vec<TextRange>,
}

/// A place in a text, in UTF-16 code units: those that browsers count by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TextRange {
    /// The first one.
    pub start: u32,
    /// Behind the last one.
    pub end: u32,
}

message!(SearchPage => wire::SearchResponse { items as messages, next as next_cursor, complete });
message!(FoundMessage => wire::FoundMessage { message, ranges });
message!(TextRange => wire::TextRange { start, end });

impl Wire<wire::SearchRequest> for Search {
    fn encode(&self) -> wire::SearchRequest {
        let Self { user, text, room, from, before, after, page: PageQuery { limit, cursor } } = self;
        wire::SearchRequest {
            user: user.encode(),
            text: text.encode(),
            room: room.encode(),
            from: from.encode(),
            before_micros: before.encode(),
            after_micros: after.encode(),
            limit: *limit,
            cursor: cursor.encode(),
        }
    }

    fn decode(message: wire::SearchRequest) -> Result<Self> {
        let wire::SearchRequest { user, text, room, from, before_micros, after_micros, limit, cursor } =
            message;
        let page = PageQuery { limit, cursor: field("cursor", cursor)? };
        Ok(Self {
            user: field("user", user)?,
            text: field("text", text)?,
            room: room.map(|room| field("room", room)).transpose()?,
            from: field("from", from)?,
            before: field("before_micros", before_micros)?,
            after: field("after_micros", after_micros)?,
            page,
        })
    }
}
