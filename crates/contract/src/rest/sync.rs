//! `/v1/sync`: what a client needs to start.

use madang_domain::{Epoch, Seq};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{BlockedUser, Room};
use crate::UserSettings;

/// A page of what a client needs to start. A subscription from a `cursor` of it gets all that came after, once.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Sync<'a> {
    /// The state of the inbox.
    pub inbox: InboxStanding,
    /// The user's settings.
    pub settings: UserSettings,
    /// The user's rooms, latest activity first. A room whose activity changes between two pages may come again: then the
    /// later entry counts.
    pub rooms: Vec<SyncedRoom<'a>>,
    /// The users whom the user has blocked, the latest block first. They follow after the last room.
    pub blocked: Vec<BlockedUser<'a>>,
    /// The value of `cursor` for the next page; null on the last page.
    pub next_cursor: Option<String>,
}

/// The state of the inbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct InboxStanding {
    /// The cursor of the inbox: `inbox_since` and `inbox_epoch` of `auth` or `subscribe`.
    pub cursor: SyncCursor,
    /// The read mark: the `seq` up to which the user has read the inbox.
    pub read: Seq,
    /// The number of notices after the read mark that are not dismissed.
    pub unread: u64,
}

/// A cursor for a subscription.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SyncCursor {
    /// The `seq` of the last event that is part of the answer.
    pub seq: Seq,
    /// The epoch of `seq`.
    pub epoch: Epoch,
}

/// A room of the user.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SyncedRoom<'a> {
    /// The room. In JSON its fields stand beside `cursor`.
    #[serde(flatten)]
    pub room: Room<'a>,
    /// The cursor of the room: `since` and `epoch` of `subscribe`.
    pub cursor: SyncCursor,
    /// The number of unread messages that mention the user, among the latest 1,000 notices of the inbox.
    pub mentions: u64,
}

/// The route of the start.
pub mod routes {
    use super::Sync;
    use crate::rest::{PageQuery, Route, route::table};

    table! {
        /// Answers what a client needs to start.
        GET = Route::get("sync", "/v1/sync", "Get all that a client needs to start, in pages: rooms with their cursors, the inbox, settings and blocked users")
            .query::<PageQuery>()
            .answers::<Sync<'_>>(200, "A page of it.");
    }
}
