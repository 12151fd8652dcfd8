//! Members of rooms.

use std::sync::Arc;

use madang_domain::{Profile, Role, RoomRef, Seq, Timestamp, UserId};
use madang_proto::store::v1 as wire;

use super::{
    change::{Authority, Changed, of_nothing},
    page::{Page, PageQuery, page_of_room},
};
use crate::wire::{message, required_message};

/// A member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// The user.
    pub user: Arc<Profile>,
    /// What the user may do.
    pub role: Role,
    /// When the user became a member.
    pub joined_at: Timestamp,
    /// The read mark.
    pub read: Seq,
    /// Whether the user is no member yet, but invited to become one.
    pub invited: bool,
    /// Until when the member is muted; none: not at all.
    pub muted_until: Option<Timestamp>,
}

/// Asks to join a public room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Join {
    /// The user who joins.
    pub actor: Arc<Profile>,
    /// The room.
    pub room: RoomRef,
}

/// Asks to leave a room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leave {
    /// The user who leaves.
    pub actor: Arc<Profile>,
    /// The room.
    pub room: RoomRef,
}

/// Asks for a page of a room's members.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListMembers {
    /// The user who sees them. None: the embedding site.
    pub user: Option<UserId>,
    /// The room.
    pub room: RoomRef,
    /// The page.
    pub page: PageQuery,
}

/// Asks for a user to be a member in a role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PutMember {
    /// The user who asks.
    pub actor: Arc<Profile>,
    /// By what right.
    pub authority: Authority,
    /// The room.
    pub room: RoomRef,
    /// The user to become a member, or to have another role.
    pub user: Arc<Profile>,
    /// The role.
    pub role: Role,
}

/// Asks for a user not to be a member any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoveMember {
    /// The user who asks.
    pub actor: Arc<Profile>,
    /// By what right.
    pub authority: Authority,
    /// The room.
    pub room: RoomRef,
    /// The user to be removed.
    pub user: UserId,
}

message!(Member => wire::Member {
    user, role with guest, joined_at as joined_at_micros, read, invited, muted_until as muted_until_micros
});
required_message!(Member => wire::Member);

message!(Join => wire::JoinRequest { actor, room });
message!(Leave => wire::LeaveRequest { actor, room });
page_of_room!(ListMembers => wire::ListMembersRequest);
message!(Page<Member> => wire::ListMembersResponse { items as members, next as next_cursor });
message!(PutMember => wire::PutMemberRequest { actor, room, user, role, authority });
message!(Changed<Member> => wire::PutMemberResponse { value as member, events });
message!(RemoveMember => wire::RemoveMemberRequest { actor, room, user, authority });
of_nothing!(wire::LeaveResponse, wire::RemoveMemberResponse);
