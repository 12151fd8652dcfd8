//! What is done to messages: edits, deletions and reactions.

use std::sync::Arc;

use madang_domain::{
    Emoji, Profile, RoomId, RoomRef, Seq, Timestamp, UserId,
    event::{Event, Excerpt},
};
use madang_proto::{store::v1 as wire, types::v1 as types};

use super::{
    change::{Authority, Changed, of_nothing},
    page::{Page, PageQuery},
};
use crate::wire::{Result, Wire, decode_excerpt, encode_excerpt, field, message};

/// Asks for a message's text to be changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EditMessage {
    /// The user who asks; none: the embedding site, for the sender.
    pub actor: Option<Arc<Profile>>,
    /// By what right, where there is an actor.
    pub authority: Authority,
    /// The room.
    pub room: RoomId,
    /// The message's place.
    pub message: Seq,
    /// The text from now on.
    pub text: String,
}

/// Asks for a message to be deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeleteMessage {
    /// The user who asks; none: the embedding site, for the sender.
    pub actor: Option<Arc<Profile>>,
    /// By what right, where there is an actor.
    pub authority: Authority,
    /// The room.
    pub room: RoomId,
    /// The message's place.
    pub message: Seq,
}

/// Asks for a page of a message's former texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListRevisions {
    /// The user who sees them.
    pub user: UserId,
    /// The room.
    pub room: RoomRef,
    /// The message's place.
    pub message: Seq,
    /// The page.
    pub page: PageQuery,
}

/// A former text of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revision {
    /// How many texts the message had before it.
    pub revision: u32,
    /// The text.
    pub text: String,
    /// When it was written.
    pub at: Timestamp,
}

/// Asks for a user's reaction to a message with an emoji, or for its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct React {
    /// The user who asks.
    pub actor: Arc<Profile>,
    /// The room.
    pub room: RoomRef,
    /// The message's place.
    pub message: Seq,
    /// The emoji.
    pub emoji: Emoji,
    /// Whether the user is to react with it.
    pub on: bool,
}

message!(EditMessage => wire::EditMessageRequest { actor, authority, room, message, text });
message!(Changed<Event> => wire::EditMessageResponse { value as message, events });
message!(DeleteMessage => wire::DeleteMessageRequest { actor, authority, room, message });
of_nothing!(wire::DeleteMessageResponse, wire::ReactResponse);
message!(Revision => wire::Revision { revision, text, at as at_micros });
message!(Page<Revision> => wire::ListRevisionsResponse { items as revisions, next as next_cursor });
message!(React => wire::ReactRequest { actor, room, message, emoji, on });

impl Wire<wire::ListRevisionsRequest> for ListRevisions {
    fn encode(&self) -> wire::ListRevisionsRequest {
        let Self { user, room, message, page: PageQuery { limit, cursor } } = self;
        wire::ListRevisionsRequest {
            user: user.encode(),
            room: room.encode(),
            message: message.encode(),
            limit: *limit,
            cursor: cursor.encode(),
        }
    }

    fn decode(message: wire::ListRevisionsRequest) -> Result<Self> {
        let wire::ListRevisionsRequest { user, room, message, limit, cursor } = message;
        let page = PageQuery { limit, cursor: field("cursor", cursor)? };
        Ok(Self {
            user: field("user", user)?,
            room: field("room", room)?,
            message: field("message", message)?,
            page,
        })
    }
}

impl Wire<types::Excerpt> for Excerpt {
    fn encode(&self) -> types::Excerpt {
        encode_excerpt(self)
    }

    fn decode(excerpt: types::Excerpt) -> Result<Self> {
        decode_excerpt(excerpt)
    }
}
