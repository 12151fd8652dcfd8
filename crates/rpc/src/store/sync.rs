//! What a client needs to start.

use madang_domain::{Epoch, Seq, UserId};
use madang_proto::store::v1 as wire;

use super::{blocks::BlockedUser, page::PageQuery, rooms::RoomView, settings::UserSettings};
use crate::wire::{Result, Wire, field, message, required_message};

/// Asks for a page of what a client needs to start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GetSync {
    /// The user.
    pub user: UserId,
    /// The page.
    pub page: PageQuery,
}

/// A page of what a client needs to start. What a page says of a topic is of one moment: a subscription from the head that
/// it says has what comes after that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Synced {
    /// Which history the positions belong to.
    pub epoch: Epoch,
    /// Where the inbox stands.
    pub inbox: InboxStanding,
    /// What the user has set.
    pub settings: UserSettings,
    /// Rooms of the user, latest activity first. One whose activity changes between two pages may come again.
    pub rooms: Vec<SyncedRoom>,
    /// Users whom the user has blocked, the latest block first; after the rooms.
    pub blocked: Vec<BlockedUser>,
    /// What to ask for next; none at the end.
    pub next: Option<String>,
}

/// Where an inbox stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InboxStanding {
    /// The last place.
    pub head: Seq,
    /// The read mark.
    pub read: Seq,
    /// The notices after it.
    pub unread: u64,
}

/// A room of a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyncedRoom {
    /// The room, as the user sees it.
    pub view: RoomView,
    /// The unread messages that mention the user, as far as notices say so.
    pub mentions: u64,
}

message!(Synced => wire::GetSyncResponse { epoch, inbox, settings, rooms, blocked, next as next_cursor });
message!(InboxStanding => wire::InboxStanding { head, read, unread });
message!(SyncedRoom => wire::SyncedRoom { view as room, mentions });
required_message!(
    InboxStanding => wire::InboxStanding,
    UserSettings => wire::GetUserSettingsResponse,
);

impl Wire<wire::GetSyncRequest> for GetSync {
    fn encode(&self) -> wire::GetSyncRequest {
        let Self { user, page: PageQuery { limit, cursor } } = self;
        wire::GetSyncRequest { user: user.encode(), limit: *limit, cursor: cursor.encode() }
    }

    fn decode(message: wire::GetSyncRequest) -> Result<Self> {
        let wire::GetSyncRequest { user, limit, cursor } = message;
        let page = PageQuery { limit, cursor: field("cursor", cursor)? };
        Ok(Self { user: field("user", user)?, page })
    }
}
