//! `/v1/users/me`: the user's own account: its password, its end, and what the user may download.

use std::fmt;

use madang_domain::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Room;
use crate::{Notice, Person, RoomMessage};

/// A change of the user's password.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PasswordChange {
    /// The present password.
    pub current_password: String,
    /// The new password: 8 to 256 characters. Common passwords are refused.
    #[schemars(length(min = 8, max = 256))]
    pub new_password: String,
}

impl fmt::Debug for PasswordChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PasswordChange").finish_non_exhaustive()
    }
}

/// An export of what is the user's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Export {
    /// The id of the export, by which it is downloaded.
    pub id: String,
    /// The time until which it can be downloaded.
    pub expires_at: Timestamp,
}

/// A line of an export.
#[expect(clippy::large_enum_variant, reason = "a line is made, written and dropped")]
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ExportLine<'a> {
    /// The user's profile: the first line.
    Profile {
        /// The profile.
        profile: Person<'a>,
    },
    /// A room of which the user is a member.
    Room {
        /// The room as the user sees it.
        room: Room<'a>,
    },
    /// A message of the user, in a room of which the user is or was a member.
    Message {
        /// The message.
        message: RoomMessage<'a>,
    },
    /// A notice in the user's inbox.
    Notice {
        /// The notice.
        notice: Notice<'a>,
    },
    /// The last line: nothing is missing.
    End {},
}

/// The routes of the user's own account.
pub mod routes {
    use madang_domain::Code;

    use super::{Export, ExportLine, PasswordChange};
    use crate::rest::{Access, Route, route::table};

    table! {
        /// Changes the password.
        CHANGE_PASSWORD = Route::put("change_password", "/v1/users/me/password", "Change the user's password, and end the user's other sessions; their sockets close with 4401")
            .access(Access::OwnSession)
            .takes::<PasswordChange>()
            .answers_empty(204, "The password is changed.")
            .refuses(&[Code::PermissionDenied, Code::FailedPrecondition]);
        /// Erases the user.
        ERASE = Route::delete("erase_me", "/v1/users/me", "Erase the user for good: the account, all sessions, messages, reactions and notices; what is left is shown as of a deleted user")
            .answers_empty(202, "The account is gone. What the user said is removed within moments, by events of the rooms.")
            .refuses(&[Code::NotFound]);
        /// Begins an export.
        BEGIN_EXPORT = Route::post("begin_export", "/v1/users/me/export", "Begin an export of what is the user's; once an hour")
            .answers::<Export>(201, "The export, which can be downloaded for an hour.");
        /// Downloads an export.
        READ_EXPORT = Route::get("read_export", "/v1/users/me/export/{export}", "Download an export: JSON, one value a line")
            .answers_as::<ExportLine<'_>>(200, "The lines: the profile, the user's rooms, messages and notices, and an end. An export without its end is not whole.", "application/x-ndjson")
            .refuses(&[Code::NotFound]);
    }
}
