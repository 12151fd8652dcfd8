//! The answer to `subscribe`.

use std::borrow::Cow;

use madang_domain::{Code, Epoch, Role, RoomId, Seq, Slug};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::RequestId;

/// The answer to `subscribe`. For each room the missed events follow, in order, and then `caught_up`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Subscribed<'a> {
    /// The id of the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub re: Option<RequestId>,
    /// One entry per room: first the rooms that the request names, in its order, then those of `all`, latest activity
    /// first.
    pub rooms: Vec<SubscribedRoom<'a>>,
    /// With `all`: the number of the user's rooms that exceed the limit of a socket and were not subscribed to. Absent
    /// if there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left_out: Option<u64>,
}

/// The result of `subscribe` for one room.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum SubscribedRoom<'a> {
    /// The socket has subscribed to the room.
    Open {
        /// The id of the room.
        room: RoomId,
        /// The slug; present if the request named the room by it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(with = "Option<Slug>")]
        slug: Option<Cow<'a, str>>,
        /// The epoch of the room.
        epoch: Epoch,
        /// The `seq` of the last event in the room.
        head: Seq,
        /// The `seq` after which events follow.
        from: Seq,
        /// Whether all missed events follow. If it is false, none of them does: get them by `history`.
        complete: bool,
        /// The number of members of the room.
        members: u64,
        /// The role of the user in the room.
        role: Role,
        /// The read mark of the user in the room.
        read: Seq,
    },
    /// The socket could not subscribe to the room.
    Failed {
        /// The room as the request named it.
        room: Cow<'a, str>,
        /// The error.
        error: RoomError<'a>,
    },
}

/// The error of `subscribe` for one room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RoomError<'a> {
    /// The error code.
    pub code: Code,
    /// A sentence for developers, which says what is wrong or what to do next.
    pub message: Cow<'a, str>,
    /// The name of the limit that was reached; present with `rate_limited`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<Cow<'a, str>>,
    /// The number of milliseconds to wait before a retry; absent if a retry does not help.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
}

/// The server has sent all missed events of a room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CaughtUp {
    /// The id of the room.
    pub room: RoomId,
    /// The `seq` of the last event that was sent, or of the cursor if none was missed.
    pub seq: Seq,
}
