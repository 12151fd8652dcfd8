//! What happens in a room.

use std::borrow::Cow;

use madang_domain::{MessageId, Role, RoomId, RoomName, Seq, Slug, Timestamp, UserId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    Message, User,
    samples::{at, message, mina, room_id, user},
};

/// Something happened in a room.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Event<'a> {
    /// The room.
    pub room: RoomId,
    /// Its place in the room's log.
    pub seq: Seq,
    /// When it was committed.
    pub at: Timestamp,
    /// What happened; in JSON its fields stand beside the room.
    #[serde(flatten)]
    pub body: EventBody<'a>,
}

impl Event<'static> {
    /// Examples for the documents: an event of each kind.
    pub(crate) fn examples() -> Vec<Self> {
        let by = mina();
        let properties = Properties {
            name: "Courtyard at noon".into(),
            slug: Some("courtyard".into()),
            deleted: false,
            by,
        };
        let bodies = vec![
            EventBody::Joined { joined: Joined { user: user(), role: Role::Owner, by } },
            EventBody::Room { properties },
            EventBody::Message { message: message() },
            EventBody::Role { role: RoleChange { user: by, role: Role::Moderator, by } },
            EventBody::Left { left: Left { user: by, by } },
            EventBody::Pinned { pinned: Pinned { message: MessageId::new(Seq::new(3)), on: true, by } },
            EventBody::Unknown,
        ];
        let mut seq = Seq::START;
        let placed = bodies.into_iter().map(|body| {
            seq = seq.next();
            Self { room: room_id(), seq, at: at(), body }
        });
        placed.collect()
    }
}

/// What happened: the `kind`, and the kind's own object.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum EventBody<'a> {
    /// A user sent a message.
    Message {
        /// The message.
        message: Message<'a>,
    },
    /// A user became a member.
    Joined {
        /// The user, and with which role.
        joined: Joined<'a>,
    },
    /// A user is no longer a member.
    Left {
        /// The user.
        left: Left,
    },
    /// A member's role changed.
    Role {
        /// The member, and the new role.
        role: RoleChange,
    },
    /// The room's own properties changed.
    Room {
        /// The properties after the change. They are not called `room`, which names the room in every event.
        properties: Properties<'a>,
    },
    /// A message was pinned in the room, or unpinned.
    Pinned {
        /// The message.
        pinned: Pinned,
    },
    /// Of a kind that this gateway does not know, since a newer one wrote it. The event has its place, so that a log
    /// without gaps arrives, and no content: a client that knows the kind must not be shown half of it. A client
    /// reads it as any kind that the client does not know.
    #[serde(skip_deserializing)]
    Unknown,
}

impl EventBody<'_> {
    /// The `kind` on the wire.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Message { .. } => "message",
            Self::Joined { .. } => "joined",
            Self::Left { .. } => "left",
            Self::Role { .. } => "role",
            Self::Room { .. } => "room",
            Self::Pinned { .. } => "pinned",
            Self::Unknown => "unknown",
        }
    }
}

/// A user became a member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Joined<'a> {
    /// The new member.
    pub user: User<'a>,
    /// The new member's role.
    pub role: Role,
    /// The user who added the member: the same user, where the user joined a public room.
    pub by: UserId,
}

/// A user is no longer a member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Left {
    /// The former member.
    pub user: UserId,
    /// The user who removed the member: the same user, where the member left.
    pub by: UserId,
}

/// A member's role changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RoleChange {
    /// The member.
    pub user: UserId,
    /// The role now.
    pub role: Role,
    /// The user who changed it.
    pub by: UserId,
}

/// A room's own properties.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Properties<'a> {
    /// The name now.
    #[schemars(with = "RoomName")]
    pub name: Cow<'a, str>,
    /// The slug now.
    #[schemars(with = "Option<Slug>")]
    pub slug: Option<Cow<'a, str>>,
    /// Whether the room was deleted; then nothing follows.
    pub deleted: bool,
    /// The user who changed them.
    pub by: UserId,
}

/// A message was pinned in the room, or unpinned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Pinned {
    /// The id of the message.
    pub message: MessageId,
    /// Whether it is pinned now.
    pub on: bool,
    /// The user who pinned or unpinned it.
    pub by: UserId,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_kind_is_written_and_is_unknown_to_the_reader() {
        let text = serde_json::to_string(&EventBody::Unknown).unwrap();
        assert_eq!(text, r#"{"kind":"unknown"}"#);
        assert!(serde_json::from_str::<EventBody<'_>>(&text).is_err());
    }
}
