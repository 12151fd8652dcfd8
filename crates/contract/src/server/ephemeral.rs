//! Ephemeral frames: they are in no log and are not replayed.

use std::borrow::Cow;

use madang_domain::{DisplayName, MessageId, RoomId, Seq, UserId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Account, RoomSettings, Status, User, UserSettings};

/// Read marks have moved: with `user` and `seq` the user's own, on another socket; with `marks` those of the room's
/// members.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Read {
    /// The id of the room.
    pub room: RoomId,
    /// The id of the user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<UserId>,
    /// The read mark: the `seq` up to which the user has read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seq: Option<Seq>,
    /// The number of members; present with `marks`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub members: Option<u64>,
    /// The marks are complete for messages after this `seq`; present with `marks`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Seq>,
    /// All marks of the room as they are now, in order, as `GET /v1/rooms/{room}/reads` answers them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub marks: Option<Vec<Mark>>,
}

impl Read {
    /// The user's own mark.
    #[must_use]
    pub const fn own(room: RoomId, user: UserId, seq: Seq) -> Self {
        Self { room, user: Some(user), seq: Some(seq), members: None, from: None, marks: None }
    }

    /// The marks of a room's members.
    #[must_use]
    pub const fn of_members(room: RoomId, members: u64, from: Seq, marks: Vec<Mark>) -> Self {
        Self { room, user: None, seq: None, members: Some(members), from: Some(from), marks: Some(marks) }
    }
}

/// What the devices of a room's members have received, where that is more than they have read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Delivered {
    /// The id of the room.
    pub room: RoomId,
    /// All marks of the room as they are now, in order. As many members have not received a message as stand at marks
    /// below its `seq`.
    pub marks: Vec<Mark>,
}

/// The user changed settings, on any device: with `user` the user's own, with `room` and `settings` those for a room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Settings {
    /// The user's settings after the change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<UserSettings>,
    /// The id of the room.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub room: Option<RoomId>,
    /// The user's settings for the room after the change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settings: Option<RoomSettings>,
}

/// A place in a room, and the members who stand there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Mark {
    /// The `seq`.
    pub seq: Seq,
    /// The number of members who stand there.
    pub members: u64,
    /// The ids of these members; absent where the room shows no names, and in a room of more than 100 members.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub users: Vec<UserId>,
}

/// A user is typing or has stopped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Typing<'a> {
    /// The id of the room.
    pub room: RoomId,
    /// The id of the user.
    pub user: UserId,
    /// The display name of the user.
    #[schemars(with = "DisplayName")]
    pub name: Cow<'a, str>,
    /// True if the user is typing; false if the user has stopped.
    pub on: bool,
    /// With `on: true`: the number of milliseconds after which the user counts as stopped, unless another frame
    /// arrives.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_ms: Option<u64>,
    /// The id of the root of the thread in which the user is typing; absent if the user types among the messages of the
    /// room. A user types in one place of a room at a time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread: Option<MessageId>,
}

/// The users who are present in a room have changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Presence<'a> {
    /// The id of the room.
    pub room: RoomId,
    /// The users who entered or left; absent if more users are present than the operator's limit (200 by default).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changes: Option<Vec<PresenceChange<'a>>>,
    /// The number of users who are present now.
    pub count: u64,
}

/// A user has entered a room or has left it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PresenceChange<'a> {
    /// The profile of the user.
    pub user: User<'a>,
    /// True if the user entered, with a first socket at any gateway; false if the user left, with the last one.
    pub on: bool,
}

/// A user's profile has changed. A socket gets this frame once for a change, however many rooms it shares with the
/// user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Profile<'a> {
    /// The profile after the change.
    pub user: Account<'a>,
}

/// A user has set a status, or ended it. A socket gets this frame once for a change, however many rooms it shares with
/// the user. The end of a status that has one by itself is not sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StatusChanged {
    /// The id of the user.
    pub user: UserId,
    /// The status after the change; null if there is none.
    pub status: Option<Status>,
}

/// A message mentions the members who are here, by `@here`. It is no notice: whoever has no connected device is not told
/// later.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MentionedHere<'a> {
    /// The id of the message's room.
    pub room: RoomId,
    /// The id of the message in the room.
    pub message: MessageId,
    /// The sequence number of the message in its room.
    pub seq: Seq,
    /// The profile of the message's sender.
    pub sender: User<'a>,
}

/// The user moved the read mark of a thread, or follows a thread now or no more, on any device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ThreadRead {
    /// The id of the room.
    pub room: RoomId,
    /// The id of the root of the thread.
    pub thread: MessageId,
    /// Whether the user follows the thread.
    pub following: bool,
    /// The read mark: the `seq` up to which the user has read the thread.
    pub read: Seq,
    /// The number of messages of other users in the thread after the read mark.
    pub unread: u64,
}
