//! What is told in passing: it has no place in a log, and nobody hears it later.

use std::borrow::Cow;

use madang_domain::{DisplayName, RoomId, Seq, UserId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::User;

/// The user has moved a read mark on another device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Read {
    /// The room.
    pub room: RoomId,
    /// The user whose read mark it is.
    pub user: UserId,
    /// The last place that the user has read.
    pub seq: Seq,
}

/// A user types, or has stopped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Typing<'a> {
    /// The room.
    pub room: RoomId,
    /// The user.
    pub user: UserId,
    /// The user's name to show.
    #[schemars(with = "DisplayName")]
    pub name: Cow<'a, str>,
    /// Whether the user types now.
    pub on: bool,
    /// After how many milliseconds the user does not type any more, unless it is said again; with `on` alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_ms: Option<u64>,
}

/// Users came to a room or have gone from it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Presence<'a> {
    /// The room.
    pub room: RoomId,
    /// The users who came or have gone; absent where too many are there to be named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changes: Option<Vec<PresenceChange<'a>>>,
    /// How many users are there now.
    pub count: u64,
}

/// A user came to a room or has gone from it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PresenceChange<'a> {
    /// The user.
    pub user: User<'a>,
    /// True: the user came, with the first socket anywhere. False: the user has gone, with the last one.
    pub on: bool,
}
