//! `/v1/rooms/{room}/members/{user}/ban` and `/mute`: what moderators impose on users.

use std::borrow::Cow;

use madang_domain::{Reason, Timestamp, UserId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Account;

/// A ban or a mute to impose.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Restriction {
    /// The reason, for the user concerned and for moderators.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// The time at which it ends by itself; without it, it has no end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

/// A user who is banned from a room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BannedUser<'a> {
    /// The profile of the user.
    pub user: Account<'a>,
    /// The id of the user who banned the user; the user's own id if the embedding site's backend did.
    pub by: UserId,
    /// The time of the ban.
    pub at: Timestamp,
    /// The time at which the ban ends by itself; null if it has no end.
    pub until: Option<Timestamp>,
    /// The reason; null if none was given.
    #[schemars(with = "Option<Reason>")]
    pub reason: Option<Cow<'a, str>>,
}

/// The routes of bans and mutes.
pub mod routes {
    use madang_domain::Code;

    use super::{BannedUser, Restriction};
    use crate::rest::{Page, PageQuery, Route, route::table};

    table! {
        /// Bans a user.
        BAN = Route::post("ban", "/v1/rooms/{room}/members/{user}/ban", "Ban a user whose role is below the caller's (for moderators): the user is removed, and cannot return until the ban ends")
            .takes::<Restriction>()
            .answers_empty(204, "The user is banned.")
            .refuses(&[Code::PermissionDenied, Code::NotFound, Code::FailedPrecondition]);
        /// Ends a ban.
        UNBAN = Route::delete("unban", "/v1/rooms/{room}/members/{user}/ban", "End the ban of a user (for moderators)")
            .answers_empty(204, "The user is not banned.")
            .refuses(&[Code::PermissionDenied, Code::NotFound, Code::FailedPrecondition]);
        /// Mutes a member.
        MUTE = Route::post("mute", "/v1/rooms/{room}/members/{user}/mute", "Mute a member whose role is below the caller's (for moderators): no sends, edits and reactions until the mute ends")
            .takes::<Restriction>()
            .answers_empty(204, "The member is muted.")
            .refuses(&[Code::PermissionDenied, Code::NotFound, Code::FailedPrecondition]);
        /// Ends a mute.
        UNMUTE = Route::delete("unmute", "/v1/rooms/{room}/members/{user}/mute", "End the mute of a user (for moderators)")
            .answers_empty(204, "The user is not muted.")
            .refuses(&[Code::PermissionDenied, Code::NotFound, Code::FailedPrecondition]);
        /// Lists the users who are banned from a room.
        BANS = Route::get("list_bans", "/v1/rooms/{room}/bans", "List the users who are banned from a room, the latest ban first (for moderators)")
            .query::<PageQuery>()
            .answers::<Page<BannedUser<'_>>>(200, "A page of banned users.")
            .refuses(&[Code::PermissionDenied, Code::NotFound]);
    }
}
