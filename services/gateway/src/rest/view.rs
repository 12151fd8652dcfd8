//! What REST shows.

use madang_contract as frames;
use madang_domain::{Profile, RoomId, Timestamp, UserId};
use madang_rpc::store::{Member, Page, RoomKind, RoomView};
use serde::Serialize;

use crate::formats::native;

/// A page of a list.
#[derive(Serialize)]
pub(crate) struct List<T> {
    pub(crate) items: Vec<T>,
    pub(crate) next_cursor: Option<String>,
}

impl<T> List<T> {
    pub(crate) fn of<S>(page: Page<S>, show: impl Fn(S) -> T) -> Self {
        Self { items: page.items.into_iter().map(show).collect(), next_cursor: page.next }
    }
}

/// A user.
#[derive(Serialize)]
pub(crate) struct User {
    id: UserId,
    username: String,
    name: String,
    avatar_url: Option<String>,
}

impl From<&Profile> for User {
    fn from(profile: &Profile) -> Self {
        Self {
            id: profile.id,
            username: profile.username.to_string(),
            name: profile.name.to_string(),
            avatar_url: profile.avatar_url.as_ref().map(ToString::to_string),
        }
    }
}

/// A room, with one's own place in it where one is a member.
#[derive(Serialize)]
pub(crate) struct Room {
    id: RoomId,
    name: String,
    kind: RoomKind,
    slug: Option<String>,
    created_at: Timestamp,
    head: u64,
    members: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    read: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unread: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_message: Option<serde_json::Value>,
}

impl From<RoomView> for Room {
    fn from(view: RoomView) -> Self {
        let RoomView { room, membership, last_message } = view;
        Self {
            id: room.id,
            name: room.name.into_string(),
            kind: room.kind,
            slug: room.slug.map(madang_domain::Slug::into_string),
            created_at: room.created_at,
            head: room.head.get(),
            members: room.member_count,
            role: membership.map(|membership| native::role_name(membership.role)),
            read: membership.map(|membership| membership.read.get()),
            unread: membership.map(|membership| membership.unread),
            last_message: last_message.as_ref().and_then(native::event).and_then(|event| message(&event)),
        }
    }
}

/// A member.
#[derive(Serialize)]
pub(crate) struct MemberView {
    user: User,
    role: &'static str,
    joined_at: Timestamp,
    read: u64,
}

impl From<Member> for MemberView {
    fn from(member: Member) -> Self {
        Self {
            user: User::from(&*member.user),
            role: native::role_name(member.role),
            joined_at: member.joined_at,
            read: member.read.get(),
        }
    }
}

/// A message with its place and time: what the `message` of an event holds, in one object.
pub(crate) fn message(event: &frames::Event<'_>) -> Option<serde_json::Value> {
    #[derive(Serialize)]
    struct Placed<'a> {
        room: RoomId,
        seq: u64,
        at: Timestamp,
        #[serde(flatten)]
        message: &'a frames::Message<'a>,
    }
    let frames::EventBody::Message { message } = &event.body else { return None };
    serde_json::to_value(Placed { room: event.room, seq: event.seq.get(), at: event.at, message }).ok()
}
