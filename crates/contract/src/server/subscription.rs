//! The answer to `subscribe`.

use std::borrow::Cow;

use madang_domain::{Code, Epoch, Role, RoomId, Seq, Slug};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::RequestId;

/// The answer to `subscribe`. The missed events of each room follow, in order, then its `caught_up`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Subscribed<'a> {
    /// The id of the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub re: Option<RequestId>,
    /// One entry for each room, in the order of the request; those of `all` after them, latest activity first.
    pub rooms: Vec<SubscribedRoom<'a>>,
    /// With `all`, of more rooms than a socket subscribes to: how many of the user's rooms, those with the least
    /// activity, it does not hear. Absent where it hears all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left_out: Option<u64>,
}

/// One room of a subscription.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum SubscribedRoom<'a> {
    /// The room is open.
    Open {
        /// The id of the room.
        room: RoomId,
        /// The slug, where the request named the room by it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(with = "Option<Slug>")]
        slug: Option<Cow<'a, str>>,
        /// The history that places in this room belong to.
        epoch: Epoch,
        /// The last place.
        head: Seq,
        /// The place after which events follow.
        from: Seq,
        /// Whether all that was missed follows; when false, nothing of it does, and the client pages history.
        complete: bool,
        /// How many members the room has.
        members: u64,
        /// The user's role.
        role: Role,
        /// The user's read mark.
        read: Seq,
    },
    /// The room cannot be opened.
    Failed {
        /// The room, as the request named it.
        room: Cow<'a, str>,
        /// The reason.
        error: RoomError<'a>,
    },
}

/// Why a room of a subscription is not open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RoomError<'a> {
    /// The reason.
    pub code: Code,
    /// What to do next, for a developer.
    pub message: Cow<'a, str>,
}

/// All missed events of a room have been sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CaughtUp {
    /// The room.
    pub room: RoomId,
    /// The last place that was sent.
    pub seq: Seq,
}
