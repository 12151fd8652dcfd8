//! Who may make whom a member, and the invitations of those who may not.

use async_trait::async_trait;
use madang_database::DatabaseResult;
use madang_domain::{AddedBy, Role, RoomId, Timestamp, UserId};

/// An invitation that was not answered yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Invitation {
    pub(crate) room: RoomId,
    pub(crate) user: UserId,
    pub(crate) inviter: UserId,
    /// The role to have.
    pub(crate) role: Role,
    pub(crate) at: Timestamp,
}

/// Statements on invitations, and on what users have set of being added.
#[async_trait]
pub(crate) trait Invitations {
    /// Who may make a user a member, where the user has said so.
    async fn added_by(&mut self, user: UserId) -> DatabaseResult<Option<AddedBy>>;

    /// Notes who may make a user a member.
    async fn set_added_by(&mut self, user: UserId, added_by: AddedBy) -> DatabaseResult<()>;

    /// Until when a user is not to be disturbed; the beginning of time where the user has not said so.
    async fn do_not_disturb_until(&mut self, user: UserId) -> DatabaseResult<Timestamp>;

    /// Notes until when a user is not to be disturbed.
    async fn set_do_not_disturb_until(&mut self, user: UserId, until: Timestamp) -> DatabaseResult<()>;

    /// Whether two users are in a room together.
    async fn share_a_room(&mut self, one: UserId, other: UserId) -> DatabaseResult<bool>;

    /// Notes an invitation. False where the user is invited to the room already.
    async fn insert_invitation(&mut self, invitation: &Invitation) -> DatabaseResult<bool>;

    /// Takes an invitation away, and says for which role it was.
    async fn take_invitation(&mut self, room: RoomId, user: UserId) -> DatabaseResult<Option<Role>>;

    /// Takes the invitations of a user by another away.
    async fn take_back_invitations(&mut self, inviter: UserId, user: UserId) -> DatabaseResult<()>;

    /// Takes the oldest invitations of a user away, but for `kept` others beside the one to this room.
    async fn drop_oldest_invitations(&mut self, user: UserId, room: RoomId, kept: u32) -> DatabaseResult<()>;

    /// How many invitations of a user are not answered yet, counted up to `most`.
    async fn invitations_of(&mut self, inviter: UserId, most: u32) -> DatabaseResult<u64>;
}
