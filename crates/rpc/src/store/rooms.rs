//! Rooms.

use std::sync::Arc;

pub use madang_domain::RoomKind;
use madang_domain::{
    ExternalId, IdempotencyKey, Profile, Role, RoomDetailChanges, RoomDetails, RoomFlagChanges, RoomFlags,
    RoomHistory, RoomId, RoomName, RoomRef, SearchText, Seq, Slug, Timestamp, UserId, event::Event,
};
use madang_proto::store::v1 as wire;

use super::{
    change::{Authority, Changed, of_nothing},
    page::{Page, PageQuery},
    settings::RoomSettings,
};
use crate::wire::{DecodeError, Result, Wire, field, message, required_message};

/// A room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Room {
    /// Its id.
    pub id: RoomId,
    /// How it is found and joined.
    pub kind: RoomKind,
    /// Its name.
    pub name: RoomName,
    /// Its name in addresses.
    pub slug: Option<Slug>,
    /// What the embedding site calls it.
    pub external_id: Option<ExternalId>,
    /// When it was made.
    pub created_at: Timestamp,
    /// The last place of its log.
    pub head: Seq,
    /// How many members it has.
    pub member_count: u64,
    /// Who may send there, how often, and what newcomers see.
    pub flags: RoomFlags,
    /// What it shows besides its name.
    pub details: RoomDetails,
}

/// A user's place in a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Membership {
    /// What the user may do.
    pub role: Role,
    /// The read mark.
    pub read: Seq,
    /// The messages of others after the read mark.
    pub unread: u64,
    /// What the user has set for the room.
    pub settings: RoomSettings,
}

/// A room as a user sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoomView {
    /// The room.
    pub room: Room,
    /// The user's place in it; none when not a member.
    pub membership: Option<Membership>,
    /// The last message, for a member.
    pub last_message: Option<Event>,
}

/// Asks for a room to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreateRoom {
    /// The user who makes it, and owns it.
    pub actor: Arc<Profile>,
    /// By what right.
    pub authority: Authority,
    /// The room.
    pub room: NewRoom,
}

impl CreateRoom {
    /// A key, a name of the site's, or being the one room of its two members, makes the second try answer with the
    /// first.
    #[must_use]
    pub fn is_idempotent(&self) -> bool {
        self.room.key.is_some() || self.room.external_id.is_some() || self.room.kind == RoomKind::Direct
    }
}

/// A room to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRoom {
    /// How it is found and joined.
    pub kind: RoomKind,
    /// Its name, or a placeholder.
    pub name: RoomName,
    /// It has no name of its own, and is shown by the names of its members. Not for public rooms.
    pub unnamed: bool,
    /// Its name in addresses.
    pub slug: Option<Slug>,
    /// What the embedding site calls it. The room that has it already is the answer, whoever made it.
    pub external_id: Option<ExternalId>,
    /// The first members besides the creator.
    pub members: Vec<Arc<Profile>>,
    /// Repeats of the request with this key by this creator answer with the first room.
    pub key: Option<IdempotencyKey>,
}

/// Asks for a room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GetRoom {
    /// The user who sees it. None: the embedding site.
    pub user: Option<UserId>,
    /// The room.
    pub room: RoomRef,
}

/// Asks for a page of rooms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListRooms {
    /// The user who sees them. None: the embedding site, which sees all.
    pub user: Option<UserId>,
    /// The public ones that the user may join, instead of the user's own.
    pub joinable: bool,
    /// Of the public ones only those whose name or slug has this text, whatever its letters' case.
    pub text: Option<SearchText>,
    /// The page.
    pub page: PageQuery,
}

/// Asks for a room's properties to be changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpdateRoom {
    /// The user who changes it. None: the embedding site, as the first of the members.
    pub actor: Option<Arc<Profile>>,
    /// By what right, where there is an actor.
    pub authority: Authority,
    /// The room.
    pub room: RoomRef,
    /// The new name. None leaves it as it is.
    pub name: Option<RoomName>,
    /// The new slug; `Some(None)` removes it. None leaves it as it is.
    pub slug: Option<Option<Slug>>,
    /// What is to be changed of the flags.
    pub flags: RoomFlagChanges,
    /// What is to be changed of what it shows besides its name.
    pub details: RoomDetailChanges,
}

/// Asks for a room to be deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeleteRoom {
    /// The user who deletes it. None: the embedding site, as the first of the members.
    pub actor: Option<Arc<Profile>>,
    /// By what right, where there is an actor.
    pub authority: Authority,
    /// The room.
    pub room: RoomRef,
}

/// Asks what references name, and where the user is a member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolve {
    /// The user.
    pub user: UserId,
    /// The references.
    pub rooms: Vec<RoomRef>,
    /// All rooms of the user, too.
    pub memberships: bool,
}

impl Resolve {
    /// An answer has as many rooms as its request has references.
    pub(super) fn check(&self, resolved: &Resolved) -> Result<()> {
        if resolved.rooms.len() == self.rooms.len() {
            Ok(())
        } else {
            Err(DecodeError::new("rooms", "not as many resolved rooms as references"))
        }
    }
}

/// What references name, and where the user is a member.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Resolved {
    /// At the place of each reference.
    pub rooms: Vec<Option<RoomId>>,
    /// The user's rooms, where asked for: latest activity first, at most 10,000.
    pub memberships: Vec<RoomId>,
    /// How many rooms the user has, where asked for.
    pub memberships_total: u64,
}

message!(Room => wire::Room {
    id, kind, name, slug, external_id, created_at as created_at_micros, head, member_count, flags, details
});
message!(Membership => wire::Membership { role with guest, read, unread, settings });
message!(RoomView => wire::RoomView { room, membership, last_message });
required_message!(Room => wire::Room, RoomView => wire::RoomView, RoomRef => wire::RoomRef);

message!(GetRoom => wire::GetRoomRequest { user, room });
message!(RoomView => wire::GetRoomResponse[room]);
message!(Page<RoomView> => wire::ListRoomsResponse { items as rooms, next as next_cursor });
message!(UpdateRoom => wire::UpdateRoomRequest { actor, authority, room, name, slug, flags, details });
message!(DeleteRoom => wire::DeleteRoomRequest { actor, authority, room });
of_nothing!(wire::DeleteRoomResponse);
message!(Changed<RoomView> => wire::CreateRoomResponse | wire::UpdateRoomResponse | wire::JoinResponse {
    value as room, events
});
message!(Resolve => wire::ResolveRequest { user, rooms, memberships });
message!(Resolved => wire::ResolveResponse { rooms, memberships, memberships_total });

message!(RoomFlags => wire::RoomFlags { announcement, archived, slow_mode_s, history, receipts, guests_send, members_add, members_pin, members_mention_all, edit_window_s });
message!(RoomFlagChanges => wire::RoomFlagChanges {
    announcement, archived, slow_mode_s, history, receipts, guests_send, members_add, members_pin, members_mention_all, edit_window_s
});
message!(RoomDetails => wire::RoomDetails { topic, avatar_url, unnamed });
message!(RoomDetailChanges => wire::RoomDetailChanges { topic, avatar_url, unnamed });

/// Makes types [`Wire`] of an optional message, where its absence is their default: a peer of before it sends none.
macro_rules! or_default {
    ($($Type:ty => $Message:ty),* $(,)?) => {$(
        impl Wire<Option<$Message>> for $Type {
            fn encode(&self) -> Option<$Message> {
                Some(Wire::encode(self))
            }

            fn decode(message: Option<$Message>) -> Result<Self> {
                message.map_or_else(|| Ok(Self::default()), Wire::decode)
            }
        }
    )*};
}

or_default!(
    RoomFlags => wire::RoomFlags,
    RoomFlagChanges => wire::RoomFlagChanges,
    RoomDetails => wire::RoomDetails,
    RoomDetailChanges => wire::RoomDetailChanges,
);

impl Wire<i32> for RoomHistory {
    fn encode(&self) -> i32 {
        match self {
            Self::All => wire::RoomHistory::All,
            Self::Joined => wire::RoomHistory::Joined,
        }
        .into()
    }

    fn decode(history: i32) -> Result<Self> {
        match wire::RoomHistory::try_from(history) {
            Ok(wire::RoomHistory::Unspecified | wire::RoomHistory::All) => Ok(Self::All),
            Ok(wire::RoomHistory::Joined) => Ok(Self::Joined),
            Err(unknown) => Err(DecodeError::of_value(format!("{unknown}; none of the known ones"))),
        }
    }
}

impl Wire<wire::CreateRoomRequest> for CreateRoom {
    fn encode(&self) -> wire::CreateRoomRequest {
        let NewRoom { kind, name, unnamed, slug, external_id, members, key } = &self.room;
        wire::CreateRoomRequest {
            actor: self.actor.encode(),
            authority: self.authority.encode(),
            kind: kind.encode(),
            name: name.encode(),
            unnamed: *unnamed,
            slug: slug.encode(),
            members: members.encode(),
            key: key.encode(),
            external_id: external_id.encode(),
        }
    }

    fn decode(message: wire::CreateRoomRequest) -> Result<Self> {
        let wire::CreateRoomRequest {
            actor,
            kind,
            name,
            slug,
            members,
            key,
            external_id,
            authority,
            unnamed,
        } = message;
        let (actor, authority) = (field("actor", actor)?, field("authority", authority)?);
        let room = NewRoom {
            kind: field("kind", kind)?,
            name: field("name", name)?,
            unnamed,
            slug: field("slug", slug)?,
            external_id: field("external_id", external_id)?,
            members: field("members", members)?,
            key: field("key", key)?,
        };
        Ok(Self { actor, authority, room })
    }
}

impl Wire<wire::ListRoomsRequest> for ListRooms {
    fn encode(&self) -> wire::ListRoomsRequest {
        let Self { user, joinable, text, page: PageQuery { limit, cursor } } = self;
        wire::ListRoomsRequest {
            user: user.encode(),
            joinable: *joinable,
            q: text.encode(),
            limit: *limit,
            cursor: cursor.encode(),
        }
    }

    fn decode(message: wire::ListRoomsRequest) -> Result<Self> {
        let wire::ListRoomsRequest { user, joinable, limit, cursor, q } = message;
        let page = PageQuery { limit, cursor: field("cursor", cursor)? };
        Ok(Self { user: field("user", user)?, joinable, text: field("q", q)?, page })
    }
}

impl Wire<i32> for RoomKind {
    fn encode(&self) -> i32 {
        match self {
            Self::Public => wire::RoomKind::Public,
            Self::Private => wire::RoomKind::Private,
            Self::Direct => wire::RoomKind::Direct,
        }
        .into()
    }

    fn decode(kind: i32) -> Result<Self> {
        match wire::RoomKind::try_from(kind) {
            Ok(wire::RoomKind::Public) => Ok(Self::Public),
            Ok(wire::RoomKind::Private) => Ok(Self::Private),
            Ok(wire::RoomKind::Direct) => Ok(Self::Direct),
            Ok(wire::RoomKind::Unspecified) => Err(DecodeError::of_value("is missing")),
            Err(unknown) => Err(DecodeError::of_value(format!("{unknown}; none of the known kinds"))),
        }
    }
}

impl Wire<wire::RoomRef> for RoomRef {
    fn encode(&self) -> wire::RoomRef {
        let reference = match self {
            Self::Id(id) => wire::room_ref::Ref::Id(id.encode()),
            Self::Slug(slug) => wire::room_ref::Ref::Slug(slug.encode()),
            Self::External(id) => wire::room_ref::Ref::External(id.encode()),
        };
        wire::RoomRef { r#ref: Some(reference) }
    }

    fn decode(room: wire::RoomRef) -> Result<Self> {
        match crate::wire::required("ref", room.r#ref)? {
            wire::room_ref::Ref::Id(id) => field("id", id).map(Self::Id),
            wire::room_ref::Ref::Slug(slug) => field("slug", slug).map(Self::Slug),
            wire::room_ref::Ref::External(id) => field("external", id).map(Self::External),
        }
    }
}
