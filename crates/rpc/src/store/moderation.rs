//! Bans and mutes.

use std::sync::Arc;

use madang_domain::{Profile, Reason, Restriction, RoomRef, Timestamp, UserId};
use madang_proto::store::v1 as wire;

use super::{
    change::{Authority, Changed, of_nothing},
    page::{Page, PageQuery, page_of_room},
};
use crate::wire::{DecodeError, Result, Wire, message};

/// Asks for something to be imposed on a user of a room, or for its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restrict {
    /// The user who asks.
    pub actor: Arc<Profile>,
    /// By what right.
    pub authority: Authority,
    /// The room.
    pub room: RoomRef,
    /// The user concerned.
    pub user: Arc<Profile>,
    /// What.
    pub kind: Restriction,
    /// Whether it is to be imposed; else it ends.
    pub on: bool,
    /// When it ends by itself; none: never.
    pub until: Option<Timestamp>,
    /// Why.
    pub reason: Option<Reason>,
}

/// Asks for a page of the users who are banned from a room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListBans {
    /// The user who sees them.
    pub user: UserId,
    /// The room.
    pub room: RoomRef,
    /// The page.
    pub page: PageQuery,
}

/// A user who is banned from a room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BannedUser {
    /// The user.
    pub user: Arc<Profile>,
    /// Who banned the user; the user, where the embedding site did.
    pub by: UserId,
    /// Since when.
    pub at: Timestamp,
    /// When the ban ends by itself; none: never.
    pub until: Option<Timestamp>,
    /// Why.
    pub reason: Option<Reason>,
}

message!(Restrict => wire::RestrictRequest {
    actor, authority, room, user, kind, on, until as until_micros, reason
});
of_nothing!(wire::RestrictResponse);
page_of_room!(ListBans => wire::ListBansRequest);
message!(BannedUser => wire::BannedUser { user, by, at as at_micros, until as until_micros, reason });
message!(Page<BannedUser> => wire::ListBansResponse { items as banned, next as next_cursor });

impl Wire<i32> for Restriction {
    fn encode(&self) -> i32 {
        match self {
            Self::Ban => wire::Restriction::Ban,
            Self::Mute => wire::Restriction::Mute,
        }
        .into()
    }

    fn decode(kind: i32) -> Result<Self> {
        match wire::Restriction::try_from(kind) {
            Ok(wire::Restriction::Ban) => Ok(Self::Ban),
            Ok(wire::Restriction::Mute) => Ok(Self::Mute),
            Ok(wire::Restriction::Unspecified) => Err(DecodeError::of_value("is missing")),
            Err(unknown) => Err(DecodeError::of_value(format!("{unknown}; none of the known ones"))),
        }
    }
}
