//! People and events, as the services speak of them.

use std::sync::Arc;

use madang_domain::{
    AvatarUrl, DisplayName, ExternalId, IdempotencyKey, RoomId, RoomName, Seq, Slug, Timestamp, TopicId,
    UserId, Username,
};
use serde::{Deserialize, Serialize};

/// A user as others see one. Shared, since every event of a busy sender holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    /// The account.
    pub id: UserId,
    /// The name to sign in with and to be mentioned by.
    pub username: Username,
    /// The name to show.
    pub name: DisplayName,
    /// The picture.
    pub avatar_url: Option<AvatarUrl>,
    /// What the embedding site calls the user.
    pub external_id: Option<ExternalId>,
    /// When the account last changed: a profile with a later version replaces an earlier one.
    pub version: Timestamp,
}

/// What a member may do in a room. Later variants include the rights of earlier ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Reads and writes.
    Member,
    /// Adds and removes members, too.
    Moderator,
    /// Changes roles and the room itself, too.
    Owner,
}

/// One durable thing that happened in a topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Where.
    pub topic: TopicId,
    /// Its place in the topic's log.
    pub seq: Seq,
    /// When it was committed.
    pub at: Timestamp,
    /// Who did it, as the profile is now.
    pub actor: Arc<Profile>,
    /// What.
    pub body: EventBody,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EventBody {
    /// Somebody said something.
    Message(Message),
    /// A user became a member.
    Joined {
        /// Who.
        user: Arc<Profile>,
        /// As what.
        role: Role,
    },
    /// A user is no longer a member; the actor is another one when the user was removed.
    Left {
        /// Who.
        user: UserId,
    },
    /// A member's role changed.
    RoleChanged {
        /// Whose.
        user: UserId,
        /// To what.
        role: Role,
    },
    /// The room's own properties changed.
    RoomChanged {
        /// The name now.
        name: RoomName,
        /// The slug now.
        slug: Option<Slug>,
        /// The room was deleted; nothing follows.
        deleted: bool,
    },
    /// Something that concerns the one user whose inbox it is in.
    Notice(Notice),
}

/// What an inbox tells its user. The event's actor is who mentioned or invited; of a custom notice, the user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// A message names the user.
    Mention {
        /// Where.
        room: RoomId,
        /// The message.
        seq: Seq,
    },
    /// The user was made a member of a room by another.
    Invite {
        /// Of which.
        room: RoomId,
        /// Its name then.
        name: RoomName,
    },
    /// The embedding site has something to say.
    Custom {
        /// A JSON object of at most 16 KiB.
        data: Box<str>,
        /// Repeats of the notice with this key are the same notice.
        key: Option<IdempotencyKey>,
    },
}

/// A message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// What was said. Valid by [`madang_domain::MessageText`] when it was appended.
    pub text: String,
    /// The sender's key for it.
    pub key: IdempotencyKey,
    /// The message that it answers.
    pub reply_to: Option<Seq>,
    /// The files that it points to.
    pub attachments: Vec<Attachment>,
    /// The members whom it names. The store finds them; what a sender says here is not heard.
    pub mentions: Vec<UserId>,
}

/// A file that a message points to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attachment {
    /// Where it is.
    pub url: AvatarUrl,
    /// Its name.
    pub name: DisplayName,
    /// Its media type, such as `image/png`.
    pub content_type: DisplayName,
    /// Its size in bytes.
    pub size_bytes: u64,
}
