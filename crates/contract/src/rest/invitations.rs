//! `/v1/rooms/{room}/invitations` and `/v1/invitations/{code}`: invitation links.

use madang_domain::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::User;

/// An invitation link to make.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewInvitation {
    /// The time at which the link expires: in 7 days by default, and within 366 days.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// The number of users who can join by the link: 1 to 10,000. Without it, the number is not limited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 10_000))]
    pub uses: Option<u32>,
}

/// An invitation link.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Invitation<'a> {
    /// The id, by which the link is revoked. No user can join by it.
    pub id: String,
    /// The code, by which users join. Only the answer that makes the link has it: the server keeps its digest alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The profile of the user who made the link.
    pub by: User<'a>,
    /// The time at which the link was made.
    pub created_at: Timestamp,
    /// The time at which the link expires.
    pub expires_at: Timestamp,
    /// The number of users who can join by the link in all; null if it is not limited.
    pub uses: Option<u32>,
    /// The number of users who have joined by the link.
    pub used: u32,
}

/// The routes of invitation links.
pub mod routes {
    use madang_domain::Code;

    use super::{Invitation, NewInvitation};
    use crate::rest::{Page, Room, Route, route::table};

    table! {
        /// Makes an invitation link.
        MAKE = Route::post("make_invitation", "/v1/rooms/{room}/invitations", "Make an invitation link (for moderators); a room has at most 50")
            .takes::<NewInvitation>()
            .answers::<Invitation<'_>>(201, "The link, with its code.")
            .refuses(&[Code::PermissionDenied, Code::NotFound, Code::FailedPrecondition]);
        /// Lists the invitation links of a room.
        LIST = Route::get("list_invitations", "/v1/rooms/{room}/invitations", "List the invitation links of a room that can be used, the newest first (for moderators)")
            .answers::<Page<Invitation<'_>>>(200, "All links, on one page, without their codes.")
            .refuses(&[Code::PermissionDenied, Code::NotFound]);
        /// Revokes an invitation link.
        REVOKE = Route::delete("revoke_invitation", "/v1/rooms/{room}/invitations/{code}", "Revoke an invitation link, named by its id or its code (for moderators)")
            .answers_empty(204, "The link is revoked.")
            .refuses(&[Code::PermissionDenied, Code::NotFound]);
        /// Joins a room by an invitation link.
        ACCEPT = Route::post("accept_invitation", "/v1/invitations/{code}", "Join a room by an invitation link")
            .answers::<Room<'_>>(200, "The room.")
            .refuses(&[Code::PermissionDenied, Code::NotFound]);
    }
}
