//! `/v1/rooms/{room}/members`: the members of a room and their roles.

use madang_domain::{Role, Seq, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Account, Status};

/// A member of a room, or a user who is invited to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Member<'a> {
    /// The profile of the user.
    pub user: Account<'a>,
    /// The role of the user in the room.
    pub role: Role,
    /// The time at which the user became a member or, for an invited user, was invited.
    pub joined_at: Timestamp,
    /// The read mark: the `seq` up to which the user has read the room.
    pub read: Seq,
    /// True if the user is only invited; absent for members.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub invited: bool,
    /// The time until which the member is muted: the year 9999 if the mute has no end. Absent if the member
    /// is not muted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub muted_until: Option<Timestamp>,
    /// In a list of members: the status of the user, if there is one and the caller sees it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<Status>,
    /// In a list of members: the time at which the user's last socket closed, if it is known and the caller sees it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_seen: Option<Timestamp>,
}

/// The role to give to a user, who becomes a member if necessary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PutMember {
    /// The role; if it is absent, `member`.
    #[serde(default = "plain_member")]
    pub role: Role,
}

const fn plain_member() -> Role {
    Role::Member
}

/// The routes of members.
pub mod routes {
    use madang_domain::Code;

    use super::{Member, PutMember};
    use crate::rest::{Page, PageQuery, Route, route::table};

    table! {
        /// Lists the members of a room.
        LIST = Route::get("list_members", "/v1/rooms/{room}/members", "List the members of a room, owners first")
            .query::<PageQuery>()
            .answers::<Page<Member<'_>>>(200, "A page of members.")
            .refuses(&[Code::PermissionDenied, Code::NotFound]);
        /// Adds a member, or changes a member's role.
        PUT = Route::put("put_member", "/v1/rooms/{room}/members/{user}", "Add a member (for moderators), or change the role of a member (for owners)")
            .takes::<PutMember>()
            .answers::<Member<'_>>(200, "The member.")
            .or_answers::<Member<'_>>(202, "The user's setting `added_by` does not let the caller add the user. The user is invited instead.")
            .refuses(&[Code::PermissionDenied, Code::NotFound, Code::FailedPrecondition]);
        /// Removes a member.
        REMOVE = Route::delete("remove_member", "/v1/rooms/{room}/members/{user}", "Remove a member whose role is below the caller's, or withdraw an invitation (for moderators)")
            .answers_empty(204, "The user is no longer a member.")
            .refuses(&[Code::PermissionDenied, Code::NotFound, Code::FailedPrecondition]);
    }
}
