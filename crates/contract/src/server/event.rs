//! The events of rooms.

use std::borrow::Cow;

use madang_domain::{
    AvatarUrl, Emoji, MentionAll, MessageId, Receipts, Role, RoomHistory, RoomId, RoomName, RoomTopic, Seq,
    Slug, Timestamp, UserId,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    Message, Thread, User,
    samples::{at, message, mina, room_id, thread, user},
};

/// An event in a room.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Event<'a> {
    /// The id of the room.
    pub room: RoomId,
    /// The sequence number of the event in its room.
    pub seq: Seq,
    /// The time of the commit.
    pub at: Timestamp,
    /// The kind of the event and its details. In JSON these fields stand beside `room`.
    #[serde(flatten)]
    pub body: EventBody<'a>,
}

impl Event<'static> {
    /// Examples for the documents: an event of each kind.
    pub(crate) fn examples() -> Vec<Self> {
        let by = mina();
        let properties = Properties {
            name: "Courtyard at noon".into(),
            unnamed: false,
            slug: Some("courtyard".into()),
            topic: Some("What to cook at noon".into()),
            avatar_url: None,
            flags: Flags::default(),
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
            EventBody::Edited {
                edited: Edited {
                    message: MessageId::new(Seq::new(3)),
                    text: Some("안녕하세요!".into()),
                    mentions: Vec::new(),
                    mentions_all: Some(MentionAll::All),
                    edited_at: at(),
                },
            },
            EventBody::Deleted {
                deleted: Deleted {
                    message: MessageId::new(Seq::new(3)),
                    by,
                    thread: Some(Thread { root: Some(MessageId::new(Seq::new(2))), ..thread() }),
                },
            },
            EventBody::Reaction {
                reaction: Reaction {
                    message: MessageId::new(Seq::new(3)),
                    user: by,
                    emoji: "👍".into(),
                    on: true,
                    count: 2,
                },
            },
            EventBody::Banned { banned: Restricted { user: by, on: true, until: Some(at()), by } },
            EventBody::Muted { muted: Restricted { user: by, on: true, until: None, by } },
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

/// The `kind` of an event, and the object with its details.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[expect(
    clippy::large_enum_variant,
    reason = "a value is written at once, and a message is the usual one: no allocation for it"
)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum EventBody<'a> {
    /// A user sent a message.
    Message {
        /// The message.
        message: Message<'a>,
    },
    /// A user became a member of the room.
    Joined {
        /// The new member and the role.
        joined: Joined<'a>,
    },
    /// A member left the room or was removed.
    Left {
        /// The former member, and the user who removed the member.
        left: Left,
    },
    /// The role of a member changed.
    Role {
        /// The member and the new role.
        role: RoleChange,
    },
    /// The name, slug, topic, picture or flags of the room changed, or the room was deleted.
    Room {
        /// The properties after the change. The field is not called `room`, since `room` is the id of the room in every
        /// event.
        properties: Properties<'a>,
    },
    /// A message was pinned or unpinned.
    Pinned {
        /// The message, and whether it is pinned.
        pinned: Pinned,
    },
    /// The text of a message was changed.
    Edited {
        /// The message and its text.
        edited: Edited<'a>,
    },
    /// A message was deleted.
    Deleted {
        /// The message, and the user who deleted it.
        deleted: Deleted,
    },
    /// A user reacted to a message, or took the reaction back.
    Reaction {
        /// The message, the user and the emoji.
        reaction: Reaction<'a>,
    },
    /// A user was banned from the room, or the ban ended. The event `left` of a banned member comes before it.
    Banned {
        /// The user, and the end of the ban.
        banned: Restricted,
    },
    /// A member was muted, or the mute was ended.
    Muted {
        /// The member, and the end of the mute.
        muted: Restricted,
    },
    /// An event of a kind that this gateway does not know, because a newer gateway wrote it. The event keeps its
    /// `seq`, so that the log arrives without gaps. It has no content, so that no client sees half of an event.
    #[serde(skip_deserializing)]
    Unknown,
}

impl EventBody<'_> {
    /// The value of `kind` in JSON.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Message { .. } => "message",
            Self::Joined { .. } => "joined",
            Self::Left { .. } => "left",
            Self::Role { .. } => "role",
            Self::Room { .. } => "room",
            Self::Pinned { .. } => "pinned",
            Self::Edited { .. } => "edited",
            Self::Deleted { .. } => "deleted",
            Self::Reaction { .. } => "reaction",
            Self::Banned { .. } => "banned",
            Self::Muted { .. } => "muted",
            Self::Unknown => "unknown",
        }
    }
}

/// A user became a member of the room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Joined<'a> {
    /// The profile of the new member.
    pub user: User<'a>,
    /// The role of the new member.
    pub role: Role,
    /// The id of the user who added the member: the member's own id if the member joined.
    pub by: UserId,
}

/// A member left the room or was removed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Left {
    /// The id of the former member.
    pub user: UserId,
    /// The id of the user who removed the member: the member's own id if the member left.
    pub by: UserId,
}

/// The role of a member changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RoleChange {
    /// The id of the member.
    pub user: UserId,
    /// The new role.
    pub role: Role,
    /// The id of the user who changed the role.
    pub by: UserId,
}

/// The properties of a room after a change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Properties<'a> {
    /// The name of the room.
    #[schemars(with = "RoomName")]
    pub name: Cow<'a, str>,
    /// True if the room has no name of its own. Then `name` is a placeholder; get the room for the names of its members.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unnamed: bool,
    /// The slug of the room; null if it has none.
    #[schemars(with = "Option<Slug>")]
    pub slug: Option<Cow<'a, str>>,
    /// What the room is about; absent if nobody has said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<RoomTopic>")]
    pub topic: Option<Cow<'a, str>>,
    /// The address of the room's picture; absent if the room has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<AvatarUrl>")]
    pub avatar_url: Option<Cow<'a, str>>,
    /// The flags. In JSON these fields stand beside `name`.
    #[serde(flatten)]
    pub flags: Flags,
    /// Whether the room was deleted. Then this is its last event.
    pub deleted: bool,
    /// The id of the user who made the change.
    pub by: UserId,
}

/// The flags of a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Flags {
    /// Whether only moderators send.
    pub announcement: bool,
    /// Whether nobody sends.
    pub archived: bool,
    /// The seconds that a member must wait between two messages; 0 if there is no pause.
    pub slow_mode_s: u32,
    /// The messages that a newcomer can read: `all`, or `joined`.
    pub history: RoomHistory,
    /// What members are shown of how far the others have read: `none`, `count`, or `names`.
    pub receipts: Receipts,
    /// Whether guests send, react, and edit and delete what they have sent. Without it they only read.
    pub guests_send: bool,
    /// Whether members add others, and make invitation links.
    pub members_add: bool,
    /// Whether members pin messages.
    pub members_pin: bool,
    /// Whether members mention all.
    pub members_mention_all: bool,
    /// The seconds for which the sender can edit a message; 0 if the server's setting counts.
    pub edit_window_s: u32,
}

/// A ban or a mute was imposed on a user, or ended before its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Restricted {
    /// The id of the user.
    pub user: UserId,
    /// True if it is imposed; false if it was ended. An end by its time has no event.
    pub on: bool,
    /// The time at which it ends by itself; null if it has no end, or was ended.
    pub until: Option<Timestamp>,
    /// The id of the user who imposed or ended it; the user's own id if the embedding site's backend did.
    pub by: UserId,
}

/// A message was pinned or unpinned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Pinned {
    /// The id of the message.
    pub message: MessageId,
    /// True if the message was pinned; false if it was unpinned.
    pub on: bool,
    /// The id of the user who pinned or unpinned the message.
    pub by: UserId,
}

/// The text of a message was changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Edited<'a> {
    /// The id of the message.
    pub message: MessageId,
    /// The text from then on. Null if a later edit has replaced it or the message was deleted: the log keeps no former
    /// text, and the event that says so follows.
    pub text: Option<Cow<'a, str>>,
    /// The ids of the members whom the text mentions.
    pub mentions: Vec<UserId>,
    /// Whom the text mentions besides them; absent if nobody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mentions_all: Option<MentionAll>,
    /// The time of the edit.
    pub edited_at: Timestamp,
}

/// A message was deleted, with its text, attachments, mentions, reactions, former texts and pin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Deleted {
    /// The id of the message.
    pub message: MessageId,
    /// The id of the user who deleted it.
    pub by: UserId,
    /// The thread in which it stood, without it; absent if it stood in none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread: Option<Thread>,
}

/// A user reacted to a message with an emoji, or took the reaction back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Reaction<'a> {
    /// The id of the message.
    pub message: MessageId,
    /// The id of the user.
    pub user: UserId,
    /// The emoji.
    #[schemars(with = "Emoji")]
    pub emoji: Cow<'a, str>,
    /// True if the user reacts with the emoji now; false if the user no longer does.
    pub on: bool,
    /// The number of users who react with the emoji after this event.
    pub count: u64,
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
