//! The erasure of users, and what they download of theirs.

use madang_domain::{Timestamp, UserId, event::Event};
use madang_proto::store::v1 as wire;

use super::{change::Changed, profiles::RememberedProfile, rooms::RoomView};
use crate::wire::{Result, Wire, field, message};

/// Asks for the next step of a user's erasure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EraseUser {
    /// The user.
    pub user: UserId,
}

/// How far an erasure is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Erased {
    /// Whether nothing is left to be done.
    pub done: bool,
    /// What is shown of the user from now on, and in which rooms it is seen, where that is new.
    pub told: Option<RememberedProfile>,
}

/// Asks to let a user download what is theirs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BeginExport {
    /// The user.
    pub user: UserId,
}

/// What a user may download.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Export {
    /// What names it.
    pub id: Box<str>,
    /// Until when it can be downloaded.
    pub expires_at: Timestamp,
}

/// Asks for a page of what a user downloads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadExport {
    /// The user.
    pub user: UserId,
    /// What names it.
    pub id: Box<str>,
    /// The `next` of the page before; none for the first one.
    pub cursor: Option<String>,
}

/// A page of what a user downloads.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ExportPage {
    /// The rooms that the user is a member of.
    pub rooms: Vec<RoomView>,
    /// The user's own messages, room by room.
    pub messages: Vec<Event>,
    /// What is in the user's inbox.
    pub notices: Vec<Event>,
    /// What to ask for next; none at the end.
    pub next: Option<String>,
}

message!(EraseUser => wire::EraseUserRequest { user });
message!(BeginExport => wire::BeginExportRequest { user });
message!(Export => wire::BeginExportResponse { id, expires_at as expires_at_micros });
message!(ReadExport => wire::ReadExportRequest { user, id, cursor });
message!(ExportPage => wire::ReadExportResponse { rooms, messages, notices, next as next_cursor });

impl Wire<wire::EraseUserResponse> for Changed<Erased> {
    fn encode(&self) -> wire::EraseUserResponse {
        let Erased { done, told } = &self.value;
        wire::EraseUserResponse { events: self.events.encode(), done: *done, told: told.encode() }
    }

    fn decode(message: wire::EraseUserResponse) -> Result<Self> {
        let wire::EraseUserResponse { events, done, told } = message;
        let value = Erased { done, told: field("told", told)? };
        Ok(Self { value, events: field("events", events)? })
    }
}
