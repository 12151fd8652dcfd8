//! `/v1/limits`: the caller's limits, and what is left of them.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The limits that apply to the caller.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CallerLimits<'a> {
    /// The limits that a refusal may name.
    pub limits: Vec<CallerLimit<'a>>,
    /// The fixed bounds of requests and answers.
    pub bounds: Bounds,
}

/// A limit of rates, or of a number at once.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CallerLimit<'a> {
    /// The name of the limit, as a refusal has it in `limit`.
    pub limit: Cow<'a, str>,
    /// Of what there is one such limit.
    pub of: LimitOf,
    /// What is counted.
    pub unit: LimitUnit,
    /// How fast there is more; absent where things under way are counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<LimitRate>,
    /// The number that is allowed at once, after a pause.
    pub burst: u32,
    /// The number that is left now at this gateway. Others may have less. Absent where this gateway does not count it for
    /// the caller.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left: Option<f64>,
}

/// So many in so many seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LimitRate {
    /// How many.
    pub count: u32,
    /// In how many seconds.
    pub seconds: u32,
}

/// Of what there is one limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LimitOf {
    /// The user, over all devices.
    User,
    /// The address from which the request came, whoever its users are. An address of IPv6 is a /64.
    Address,
    /// Each room, for all users together.
    Room,
}

/// What a limit counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LimitUnit {
    /// Messages, or other requests by what they cost in messages.
    Messages,
    /// Reads, or other requests by what they cost in reads.
    Reads,
    /// Rooms that are created.
    Rooms,
    /// Users who are added, and roles that are given.
    Members,
    /// Rooms and inboxes in which a changed profile is told.
    Topics,
    /// Exports.
    Exports,
    /// Subscriptions that are refused.
    Subscriptions,
    /// Uploads under way.
    Uploads,
    /// Open sockets.
    Sockets,
    /// Open connections.
    Connections,
    /// Handshakes without a valid credential.
    Handshakes,
}

/// Fixed bounds, which nothing uses up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Bounds {
    /// The maximum size of a frame, in bytes.
    pub frame_bytes: usize,
    /// The maximum length of a message's text, in characters.
    pub text_chars: usize,
    /// The maximum number of attachments of a message.
    pub attachments: usize,
    /// The maximum size of an uploaded file, in bytes; null if no files are kept.
    pub file_bytes: Option<u64>,
    /// The maximum number of rooms that one `subscribe` may name.
    pub subscribe_rooms: usize,
    /// The maximum number of rooms to which one socket subscribes.
    pub socket_rooms: usize,
    /// The maximum number of events that are replayed to one subscription.
    pub replay_events: u32,
    /// The maximum number of bytes that wait for one socket.
    pub queued_bytes: usize,
    /// The maximum number of items of a page.
    pub page_items: u32,
    /// The maximum number of members who are named when a room is created.
    pub new_room_members: usize,
    /// The maximum number of users whom the user has blocked.
    pub blocked_users: u32,
}

/// The route of the limits.
pub mod routes {
    use super::CallerLimits;
    use crate::rest::{Route, route::table};

    table! {
        /// Answers the caller's limits.
        GET = Route::get("get_limits", "/v1/limits", "Get the caller's limits, and what is left of them")
            .answers::<CallerLimits<'_>>(200, "The limits. To ask for them costs one read.");
    }
}
