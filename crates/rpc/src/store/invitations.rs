//! Invitation links to rooms.

use std::sync::Arc;

use madang_domain::{Profile, RoomRef, Timestamp, UserId};
use madang_proto::store::v1 as wire;

use super::{
    change::{Authority, Changed},
    rooms::RoomView,
};
use crate::wire::{message, nothing, required_message};

/// Asks for an invitation link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MakeInvitation {
    /// The user who asks.
    pub actor: Arc<Profile>,
    /// By what right.
    pub authority: Authority,
    /// The room.
    pub room: RoomRef,
    /// When it expires; none: after the usual time.
    pub expires_at: Option<Timestamp>,
    /// How often it can be used; none: any number.
    pub uses: Option<u32>,
}

/// An invitation link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invitation {
    /// By which it is named; nobody joins by it.
    pub id: String,
    /// Who made it.
    pub by: Arc<Profile>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it expires.
    pub expires_at: Timestamp,
    /// How often it can be used in all; none: any number.
    pub uses: Option<u32>,
    /// How often it was used.
    pub used: u32,
}

/// A new invitation link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MadeInvitation {
    /// What lists show of it.
    pub invitation: Invitation,
    /// The code by which users join. The store keeps its digest, and says it this once.
    pub code: String,
}

/// Asks for a room's invitation links.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListInvitations {
    /// The user who sees them.
    pub user: UserId,
    /// The room.
    pub room: RoomRef,
}

/// Asks for an invitation link not to be one any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RevokeInvitation {
    /// The user who asks.
    pub actor: UserId,
    /// By what right.
    pub authority: Authority,
    /// The room.
    pub room: RoomRef,
    /// Its id, or its code.
    pub invitation: String,
}

/// Asks to join a room by an invitation link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AcceptInvitation {
    /// The user who joins.
    pub actor: Arc<Profile>,
    /// The code.
    pub code: String,
}

message!(MakeInvitation => wire::MakeInvitationRequest {
    actor, authority, room, expires_at as expires_at_micros, uses
});
message!(Invitation => wire::Invitation {
    id, by, created_at as created_at_micros, expires_at as expires_at_micros, uses, used
});
required_message!(Invitation => wire::Invitation);
message!(MadeInvitation => wire::MakeInvitationResponse { invitation, code });
message!(ListInvitations => wire::ListInvitationsRequest { user, room });
message!(Vec<Invitation> => wire::ListInvitationsResponse[invitations]);
message!(RevokeInvitation => wire::RevokeInvitationRequest { actor, authority, room, invitation });
nothing!(wire::RevokeInvitationResponse);
message!(AcceptInvitation => wire::AcceptInvitationRequest { actor, code });
message!(Changed<RoomView> => wire::AcceptInvitationResponse { value as room, events });
