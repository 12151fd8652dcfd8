//! `/v1/rooms`: rooms.

use std::borrow::Cow;

use madang_domain::{
    AvatarUrl, Receipts, Role, RoomHistory, RoomId, RoomKind, RoomName, RoomTopic, SearchText, Seq, Slug,
    Timestamp, UserId,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::present::present;
use crate::{Flags, RoomMessage, RoomSettings};

/// A room as the caller sees it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Room<'a> {
    /// The id of the room.
    pub id: RoomId,
    /// The name of the room.
    #[schemars(with = "RoomName")]
    pub name: Cow<'a, str>,
    /// True if the room has no name of its own. Then `name` has the names of up to five members, without the caller's.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unnamed: bool,
    /// The kind of the room, which says who can find and join it.
    pub kind: RoomKind,
    /// The slug: the name of the room in URLs; null if it has none.
    #[schemars(with = "Option<Slug>")]
    pub slug: Option<Cow<'a, str>>,
    /// The time of the room's creation.
    pub created_at: Timestamp,
    /// The `seq` of the last event in the room.
    pub head: Seq,
    /// The number of members.
    pub members: u64,
    /// What the room is about; absent if nobody has said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<RoomTopic>")]
    pub topic: Option<Cow<'a, str>>,
    /// The address of the room's picture; absent if the room has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<AvatarUrl>")]
    pub avatar_url: Option<Cow<'a, str>>,
    /// The flags. In JSON these fields stand beside `members`.
    #[serde(flatten)]
    pub flags: Flags,
    /// The caller's role; absent if the caller is not a member.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    /// The caller's read mark; absent if the caller is not a member.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read: Option<Seq>,
    /// The number of messages of other users after the read mark; absent if the caller is not a member.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unread: Option<u64>,
    /// The caller's settings for the room; absent if the caller is not a member.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settings: Option<RoomSettings>,
    /// The last message; absent if there is none, or if the caller is not a member.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_message: Option<RoomMessage<'a>>,
}

/// A room to create.
// A client that leaves validation to the server substitutes `String` for the parameters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "NewRoom")]
pub struct NewRoom<N = RoomName, S = Slug> {
    /// The name of the room. A private or direct room may have none: it is shown by the names of its members.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<N>,
    /// The kind of the room, which says who can find and join it.
    pub kind: RoomKind,
    /// The slug: the name of the room in URLs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slug: Option<S>,
    /// The ids of the first members besides the creator, at most 100.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub members: Vec<UserId>,
}

impl<N, S> NewRoom<N, S> {
    /// A public room without other members: every user can find and join it.
    pub fn public(name: impl Into<N>) -> Self {
        Self { name: Some(name.into()), kind: RoomKind::Public, slug: None, members: Vec::new() }
    }

    /// A private room: moderators add its members.
    pub fn private(name: impl Into<N>, members: Vec<UserId>) -> Self {
        Self { name: Some(name.into()), kind: RoomKind::Private, slug: None, members }
    }

    /// Sets the slug.
    #[must_use]
    pub fn slug(mut self, slug: impl Into<S>) -> Self {
        self.slug = Some(slug.into());
        self
    }
}

/// The changes to a room.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RoomChanges {
    /// The new name. If it is absent, the name stays; null removes it, of a private room.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub name: Option<Option<RoomName>>,
    /// The new slug. If it is absent, the slug stays; null removes it.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub slug: Option<Option<Slug>>,
    /// What the room is about. If it is absent, it stays; null removes it. Direct rooms have none.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub topic: Option<Option<RoomTopic>>,
    /// The address of the room's picture. If it is absent, it stays; null removes it. Direct rooms have none.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub avatar_url: Option<Option<AvatarUrl>>,
    /// Whether only moderators send. If it is absent, it stays; as for all flags.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub announcement: Option<bool>,
    /// Whether nobody sends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub archived: Option<bool>,
    /// The seconds that a member must wait between two messages: 0 (no pause) to 21,600. Moderators may set it, too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(max = 21_600))]
    pub slow_mode_s: Option<u32>,
    /// The messages that a newcomer can read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub history: Option<RoomHistory>,
    /// What members are shown of how far the others have read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receipts: Option<Receipts>,
    /// Whether guests send, react, and edit and delete what they have sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guests_send: Option<bool>,
    /// Whether members add others, and make invitation links.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub members_add: Option<bool>,
    /// Whether members pin messages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub members_pin: Option<bool>,
    /// Whether members mention all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub members_mention_all: Option<bool>,
    /// The seconds for which the sender can edit a message, up to a year; 0: as the server's setting says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(max = 31_536_000))]
    pub edit_window_s: Option<u32>,
}

/// The set of rooms to list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RoomScope {
    /// The rooms of which the caller is a member, latest activity first.
    #[default]
    Mine,
    /// The public rooms of which the caller is not a member.
    Public,
}

/// The query for a page of rooms.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, JsonSchema)]
pub struct RoomsQuery {
    /// The set of rooms to list: `mine` by default, or `public`.
    pub scope: Option<RoomScope>,
    /// With `scope=public`: only the rooms whose name or slug contains this text, of 1 to 200 characters.
    pub q: Option<SearchText>,
    /// The maximum number of items of the page: 1 to 200, 50 by default.
    #[schemars(range(min = 1, max = 200))]
    pub limit: Option<u32>,
    /// The `next_cursor` of the previous page; absent for the first page.
    pub cursor: Option<String>,
}

/// The routes of rooms.
pub mod routes {
    use madang_domain::Code;

    use super::{NewRoom, Room, RoomChanges, RoomsQuery};
    use crate::rest::{Page, Route, route::table};

    table! {
        /// Creates a room.
        CREATE = Route::post("create_room", "/v1/rooms", "Create a room; a repeat, or a second direct room of the same two users, answers with the existing room")
            .takes::<NewRoom>()
            .idempotency_key()
            .answers::<Room<'_>>(201, "The new room, or the existing one.")
            .refuses(&[Code::PermissionDenied, Code::NotFound, Code::AlreadyExists, Code::FailedPrecondition]);
        /// Lists rooms.
        LIST = Route::get("list_rooms", "/v1/rooms", "List the caller's rooms, or the public rooms that the caller may join")
            .query::<RoomsQuery>()
            .answers::<Page<Room<'_>>>(200, "A page of rooms.");
        /// Answers a room.
        GET = Route::get("get_room", "/v1/rooms/{room}", "Get a room; only members can get private and direct rooms")
            .answers::<Room<'_>>(200, "The room.")
            .refuses(&[Code::PermissionDenied, Code::NotFound]);
        /// Changes a room.
        UPDATE = Route::patch("update_room", "/v1/rooms/{room}", "Change the name, slug, topic, picture or flags of a room (for owners, and the name for both users of a direct room); moderators may set slow mode")
            .takes::<RoomChanges>()
            .answers::<Room<'_>>(200, "The room after the change.")
            .refuses(&[Code::PermissionDenied, Code::NotFound, Code::AlreadyExists, Code::FailedPrecondition]);
        /// Deletes a room.
        DELETE = Route::delete("delete_room", "/v1/rooms/{room}", "Delete a room and its messages (for owners); a direct room is only hidden from the caller")
            .answers_empty(204, "The room is deleted or, if it is direct, hidden.")
            .refuses(&[Code::PermissionDenied, Code::NotFound]);
        /// Joins a room.
        JOIN = Route::post("join_room", "/v1/rooms/{room}/join", "Join a public room, or accept an invitation to a room")
            .answers::<Room<'_>>(200, "The room.")
            .refuses(&[Code::PermissionDenied, Code::NotFound, Code::FailedPrecondition]);
        /// Leaves a room.
        LEAVE = Route::post("leave_room", "/v1/rooms/{room}/leave", "Leave a room, or decline an invitation; when the last owner leaves, the oldest moderator, else the oldest member, becomes an owner")
            .answers_empty(204, "The user is no longer a member.")
            .refuses(&[Code::PermissionDenied, Code::NotFound, Code::FailedPrecondition]);
    }
}
