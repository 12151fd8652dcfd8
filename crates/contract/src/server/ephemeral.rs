//! Ephemeral frames: they are in no log and are not replayed.

use std::borrow::Cow;

use madang_domain::{DisplayName, RoomId, Seq, UserId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Account, User};

/// The user moved a read mark on another socket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Read {
    /// The id of the room.
    pub room: RoomId,
    /// The id of the user.
    pub user: UserId,
    /// The read mark: the `seq` up to which the user has read.
    pub seq: Seq,
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
