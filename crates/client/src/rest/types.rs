//! What the routes take and answer. Fields that a client does not know are ignored.

use std::fmt;

use madang_domain::{Epoch, RoomId, Seq, SessionId, Timestamp, UserId};
use serde::{Deserialize, Serialize};

use crate::socket::InboxNotice;

/// Tokens for a session.
#[derive(Clone, PartialEq, Eq, Deserialize)]
pub struct Grant {
    /// A signed token for the routes and the WebSocket; minutes long.
    pub access_token: String,
    /// An opaque token for one refresh.
    pub refresh_token: String,
    /// `Bearer`.
    pub token_type: String,
    /// How many seconds the access token is good.
    pub expires_in: u64,
    /// Whose they are.
    pub user: Profile,
}

impl fmt::Debug for Grant {
    /// Tokens are not for logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Grant").field("user", &self.user.id).finish_non_exhaustive()
    }
}

/// A one-time WebSocket ticket.
#[derive(Clone, PartialEq, Eq, Deserialize)]
pub struct Ticket {
    /// The opaque ticket.
    pub ticket: String,
    /// How many seconds it is good.
    pub expires_in: u64,
}

impl fmt::Debug for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ticket").field("expires_in", &self.expires_in).finish_non_exhaustive()
    }
}

/// A signed-in device.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct SessionInfo {
    /// The session.
    pub id: SessionId,
    /// When it signed in.
    pub created_at: Timestamp,
    /// It is the one that asks.
    pub current: bool,
}

/// A user.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Profile {
    /// The account.
    pub id: UserId,
    /// The name to sign in with.
    pub username: String,
    /// The name to show.
    pub name: String,
    /// The picture.
    pub avatar_url: Option<String>,
}

/// A page of a list.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Page<T> {
    /// The items.
    pub items: Vec<T>,
    /// What to ask for next; none at the end.
    pub next_cursor: Option<String>,
}

/// A message of a room's history.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct PastMessage {
    /// Where.
    pub room: RoomId,
    /// Its place.
    pub seq: Seq,
    /// When it was committed.
    pub at: Timestamp,
    /// Its id in the room.
    pub id: String,
    /// Who said it.
    pub sender: PublicProfile,
    /// What.
    pub text: String,
    /// The sender's key.
    pub key: String,
    /// The id of the message that it answers.
    pub reply_to: Option<String>,
}

/// A user as messages show one.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct PublicProfile {
    /// The account.
    pub id: UserId,
    /// The name to show.
    pub name: String,
    /// The picture.
    pub avatar_url: Option<String>,
}

/// A room to make.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NewRoom {
    /// Its name.
    pub name: String,
    /// `public`, `private` or `direct`.
    pub kind: String,
    /// Its name in addresses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slug: Option<String>,
    /// The first members besides the maker.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub members: Vec<UserId>,
}

impl NewRoom {
    /// A room that anybody finds and may join.
    pub fn public(name: impl Into<String>) -> Self {
        Self { name: name.into(), kind: "public".to_owned(), slug: None, members: Vec::new() }
    }

    /// A room that its members add members to.
    pub fn private(name: impl Into<String>, members: Vec<UserId>) -> Self {
        Self { name: name.into(), kind: "private".to_owned(), slug: None, members }
    }

    /// The same room with a slug.
    #[must_use]
    pub fn slug(mut self, slug: impl Into<String>) -> Self {
        self.slug = Some(slug.into());
        self
    }
}

/// A room, as the user who asks sees it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Room {
    /// The id.
    pub id: RoomId,
    /// The name.
    pub name: String,
    /// `public`, `private` or `direct`.
    pub kind: String,
    /// The name in addresses.
    #[serde(default)]
    pub slug: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// The last place of its log.
    pub head: Seq,
    /// How many members it has.
    pub members: u64,
    /// What the user may do; none when not a member.
    #[serde(default)]
    pub role: Option<String>,
    /// The user's read mark.
    #[serde(default)]
    pub read: Option<Seq>,
    /// The messages of others after it.
    #[serde(default)]
    pub unread: Option<u64>,
    /// The last message.
    #[serde(default)]
    pub last_message: Option<PastMessage>,
}

/// A member of a room.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Member {
    /// Who.
    pub user: Profile,
    /// `member`, `moderator` or `owner`.
    pub role: String,
    /// Since when.
    pub joined_at: Timestamp,
    /// The read mark.
    pub read: Seq,
}

/// A message that is committed.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct SentMessage {
    /// The message's id in its room.
    pub id: String,
    /// Its place.
    pub seq: Seq,
    /// When it was committed.
    pub at: Timestamp,
    /// It had been before, under the same key.
    pub duplicate: bool,
}

/// A read mark.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ReadMark {
    /// Up to where.
    pub read: Seq,
    /// The messages of others after it.
    pub unread: u64,
}

/// A page of the user's inbox.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct InboxPage {
    /// The notices.
    pub items: Vec<InboxNotice>,
    /// The history that places belong to.
    pub epoch: Epoch,
    /// The last place.
    pub head: Seq,
    /// The read mark.
    pub read: Seq,
    /// The notices after it.
    pub unread: u64,
}
