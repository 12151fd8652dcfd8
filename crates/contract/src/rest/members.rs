//! `/v1/rooms/{room}/members`: who is in a room, and with which role.

use madang_domain::{Role, Seq, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Account;

/// A member of a room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Member<'a> {
    /// The user.
    pub user: Account<'a>,
    /// The user's role.
    pub role: Role,
    /// When the user became a member.
    pub joined_at: Timestamp,
    /// The user's read mark.
    pub read: Seq,
    /// Whether the user is no member yet, but invited to become one; absent of members.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub invited: bool,
}

/// The role of a user who becomes or is a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PutMember {
    /// The role; absent means `member`.
    #[serde(default = "plain_member")]
    pub role: Role,
}

const fn plain_member() -> Role {
    Role::Member
}

/// The routes.
pub mod routes {
    use madang_domain::Code;

    use super::{Member, PutMember};
    use crate::rest::{Page, PageQuery, Route, route::table};

    table! {
        /// Lists the members.
        LIST = Route::get("list_members", "/v1/rooms/{room}/members", "List the members of a room, owners first")
            .query::<PageQuery>()
            .answers::<Page<Member<'_>>>(200, "The members.")
            .refuses(&[Code::PermissionDenied, Code::NotFound]);
        /// Adds a member, or changes the role.
        PUT = Route::put("put_member", "/v1/rooms/{room}/members/{user}", "Add a member, as a moderator, or change a role, as an owner")
            .takes::<PutMember>()
            .answers::<Member<'_>>(200, "The member.")
            .or_answers::<Member<'_>>(202, "The user does not let this user add members, and is invited.")
            .refuses(&[Code::PermissionDenied, Code::NotFound, Code::FailedPrecondition]);
        /// Removes a member.
        REMOVE = Route::delete("remove_member", "/v1/rooms/{room}/members/{user}", "Remove a member of a lesser role, as a moderator")
            .answers_empty(204, "The user is no longer a member.")
            .refuses(&[Code::PermissionDenied, Code::NotFound, Code::FailedPrecondition]);
    }
}
