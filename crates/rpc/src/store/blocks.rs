//! Whom users have blocked.

use std::sync::Arc;

use madang_domain::{Profile, Timestamp, UserId};
use madang_proto::store::v1 as wire;

use super::page::{Page, PageQuery};
use crate::wire::{Result, Wire, field, message};

/// Asks for a user to be blocked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// The user who blocks.
    pub actor: Arc<Profile>,
    /// The user to be blocked.
    pub user: Arc<Profile>,
}

/// Asks for the end of a block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unblock {
    /// The user who has blocked.
    pub actor: UserId,
    /// The user to be blocked no more.
    pub user: UserId,
}

/// That a block has begun, or ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChangedBlocks {
    /// Later than that of each change of the user's blocks before.
    pub version: Timestamp,
}

/// Asks for the users whom a user has blocked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListBlocked {
    /// The user who has blocked.
    pub user: UserId,
    /// The page.
    pub page: PageQuery,
}

/// A user whom another has blocked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockedUser {
    /// The user.
    pub user: Arc<Profile>,
    /// Since when.
    pub at: Timestamp,
}

message!(Block => wire::BlockRequest { actor, user });
message!(Unblock => wire::UnblockRequest { actor, user });
message!(BlockedUser => wire::BlockedUser { user, at as at_micros });
message!(Page<BlockedUser> => wire::ListBlockedResponse { items as blocked, next as next_cursor });
message!(ChangedBlocks => wire::BlockResponse | wire::UnblockResponse { version as version_micros });

impl Wire<wire::ListBlockedRequest> for ListBlocked {
    fn encode(&self) -> wire::ListBlockedRequest {
        let Self { user, page: PageQuery { limit, cursor } } = self;
        wire::ListBlockedRequest { user: user.encode(), limit: *limit, cursor: cursor.encode() }
    }

    fn decode(message: wire::ListBlockedRequest) -> Result<Self> {
        let wire::ListBlockedRequest { user, limit, cursor } = message;
        let page = PageQuery { limit, cursor: field("cursor", cursor)? };
        Ok(Self { user: field("user", user)?, page })
    }
}
