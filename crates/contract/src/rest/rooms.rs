//! `/v1/rooms`: rooms.

use std::borrow::Cow;

use madang_domain::{Role, RoomId, RoomKind, RoomName, Seq, Slug, Timestamp, UserId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::present::present;
use crate::RoomMessage;

/// A room, as the user who asks sees it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Room<'a> {
    /// The id.
    pub id: RoomId,
    /// The name.
    #[schemars(with = "RoomName")]
    pub name: Cow<'a, str>,
    /// How it can be found and joined.
    pub kind: RoomKind,
    /// The name in addresses.
    #[schemars(with = "Option<Slug>")]
    pub slug: Option<Cow<'a, str>>,
    /// When it was made.
    pub created_at: Timestamp,
    /// The last place of its log.
    pub head: Seq,
    /// How many members it has.
    pub members: u64,
    /// The user's role; absent where the user is not a member, as are the three after it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    /// The user's read mark.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read: Option<Seq>,
    /// The number of other users' messages after the read mark.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unread: Option<u64>,
    /// The last message; absent also where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_message: Option<RoomMessage<'a>>,
}

/// A room to make. A client that leaves the check of the texts to the server uses another type for them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "NewRoom")]
pub struct NewRoom<N = RoomName, S = Slug> {
    /// The name.
    pub name: N,
    /// How it can be found and joined.
    pub kind: RoomKind,
    /// The name in addresses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slug: Option<S>,
    /// The first members besides the user who makes it; at most 100.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub members: Vec<UserId>,
}

impl<N, S> NewRoom<N, S> {
    /// A room that anybody finds and may join.
    pub fn public(name: impl Into<N>) -> Self {
        Self { name: name.into(), kind: RoomKind::Public, slug: None, members: Vec::new() }
    }

    /// A room to which members add members.
    pub fn private(name: impl Into<N>, members: Vec<UserId>) -> Self {
        Self { name: name.into(), kind: RoomKind::Private, slug: None, members }
    }

    /// The same room with a slug.
    #[must_use]
    pub fn slug(mut self, slug: impl Into<S>) -> Self {
        self.slug = Some(slug.into());
        self
    }
}

/// Changes of a room.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RoomChanges {
    /// The new name; absent leaves it as it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<RoomName>,
    /// The new slug; absent leaves it as it is, null removes it.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub slug: Option<Option<Slug>>,
}

/// Which rooms to list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RoomScope {
    /// The rooms of which the user is a member, those with the latest activity first.
    #[default]
    Mine,
    /// The rooms that the user may join.
    Public,
}

/// Which rooms to list, and which page of them.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, JsonSchema)]
pub struct RoomsQuery {
    /// Which rooms; `mine` by default.
    pub scope: Option<RoomScope>,
    /// The most items to answer with.
    #[schemars(range(min = 1, max = 200))]
    pub limit: Option<u32>,
    /// The `next_cursor` of the page before.
    pub cursor: Option<String>,
}

/// The routes.
pub mod routes {
    use madang_domain::Code;

    use super::{NewRoom, Room, RoomChanges, RoomsQuery};
    use crate::rest::{Page, Route, route::table};

    table! {
        /// Makes a room.
        CREATE = Route::post("create_room", "/v1/rooms", "Make a room; a repeat, or a direct room of the same two users, answers with the first")
            .takes::<NewRoom>()
            .idempotency_key()
            .answers::<Room<'_>>(201, "The room.")
            .refuses(&[Code::NotFound, Code::AlreadyExists, Code::FailedPrecondition]);
        /// Lists rooms.
        LIST = Route::get("list_rooms", "/v1/rooms", "List rooms")
            .query::<RoomsQuery>()
            .answers::<Page<Room<'_>>>(200, "The rooms.");
        /// A room.
        GET = Route::get("get_room", "/v1/rooms/{room}", "Get a room; private and direct ones are for members only")
            .answers::<Room<'_>>(200, "The room.")
            .refuses(&[Code::PermissionDenied, Code::NotFound]);
        /// Changes a room.
        UPDATE = Route::patch("update_room", "/v1/rooms/{room}", "Change a room, as an owner")
            .takes::<RoomChanges>()
            .answers::<Room<'_>>(200, "The room after the change.")
            .refuses(&[Code::PermissionDenied, Code::NotFound, Code::AlreadyExists, Code::FailedPrecondition]);
        /// Deletes a room.
        DELETE = Route::delete("delete_room", "/v1/rooms/{room}", "Delete a room with everything that was said in it, as an owner")
            .answers_empty(204, "The room is deleted.")
            .refuses(&[Code::PermissionDenied, Code::NotFound]);
        /// Joins a room.
        JOIN = Route::post("join_room", "/v1/rooms/{room}/join", "Join a public room")
            .answers::<Room<'_>>(200, "The room.")
            .refuses(&[Code::PermissionDenied, Code::NotFound]);
        /// Leaves a room.
        LEAVE = Route::post("leave_room", "/v1/rooms/{room}/leave", "Leave a room; the last owner of a room with others names another owner first")
            .answers_empty(204, "The user is no longer a member.")
            .refuses(&[Code::PermissionDenied, Code::NotFound, Code::FailedPrecondition]);
    }
}
