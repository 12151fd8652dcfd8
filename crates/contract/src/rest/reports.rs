//! `/v1/reports`, `/v1/rooms/{room}/audit` and `/words`: what users report, what moderators do, and words that are not
//! accepted.

use std::borrow::Cow;

use madang_domain::{
    ListedWord, MessageId, Reason, ReportStatus, Role, RoomId, RoomRef, Seq, Timestamp, UserId, WordAction,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Account, User};

/// A report to make.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewReport {
    /// The reason, for the moderators.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
}

/// A message that was reported.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Report<'a> {
    /// The id of the report.
    pub id: Cow<'a, str>,
    /// The id of the room.
    pub room: RoomId,
    /// The id of the message.
    pub message: MessageId,
    /// The user who sent the message.
    pub sender: User<'a>,
    /// The user who reported it; null if a word list did.
    pub reporter: Option<User<'a>>,
    /// The reason; null if none was given.
    #[schemars(with = "Option<Reason>")]
    pub reason: Option<Cow<'a, str>>,
    /// The time of the report.
    pub at: Timestamp,
    /// What became of it.
    pub status: ReportStatus,
    /// The id of the user who settled it; null if nobody has, or the embedding site's backend did.
    pub settled_by: Option<UserId>,
    /// The time at which it was settled; null if it is open.
    pub settled_at: Option<Timestamp>,
}

/// A request for a page of reports.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReportsQuery {
    /// Reports of this room alone.
    pub room: Option<RoomRef>,
    /// Reports of this status; `open` without it.
    pub status: Option<ReportStatus>,
    /// The number of items in the page, at most 200; 50 without it.
    pub limit: Option<u32>,
    /// The cursor from `next_cursor` of the previous page.
    pub cursor: Option<String>,
}

/// A change of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReportChange {
    /// What became of it.
    pub status: ReportStatus,
}

/// What a moderator, an owner or the embedding site's backend did in a room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AuditEntry<'a> {
    /// The sequence number of the entry in the room's audit log: contiguous from 1.
    pub seq: Seq,
    /// The time of the act.
    pub at: Timestamp,
    /// What was done: `member_added` (by the site), `member_removed`, `banned`, `unbanned`, `muted`, `unmuted`, `role_given`,
    /// `room_changed`, `message_deleted` (another's), `message_edited` (by the site), `invitation_made`,
    /// `invitation_revoked`, `report_settled` or `words_set`. Clients ignore actions that they do not know.
    pub action: Cow<'a, str>,
    /// The user who did it; if the embedding site's backend did, the user for or against whom it acted.
    pub actor: Account<'a>,
    /// Whether the embedding site's backend did it.
    pub by_site: bool,
    /// The user to whom it was done; null if it was done to none.
    pub user: Option<Account<'a>>,
    /// The id of the message; null if it is about none.
    pub message: Option<MessageId>,
    /// The role that was given; null if none was.
    pub role: Option<Role>,
    /// The time at which a ban or mute ends by itself; null if it has no end.
    pub until: Option<Timestamp>,
    /// The reason; null if none was given, or the user was erased.
    #[schemars(with = "Option<Reason>")]
    pub reason: Option<Cow<'a, str>>,
}

/// Words that are not accepted in messages.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WordList {
    /// The words, at most 500, in no order; none if all words are accepted.
    #[schemars(length(max = 500))]
    pub words: Vec<ListedWord>,
    /// What becomes of a message with one of them.
    pub action: WordAction,
}

/// The routes of reports, the audit log and word lists.
pub mod routes {
    use madang_domain::Code;

    use super::{AuditEntry, NewReport, Report, ReportChange, ReportsQuery, WordList};
    use crate::rest::{Page, PageQuery, Route, route::table};

    table! {
        /// Reports a message.
        REPORT = Route::post("report_message", "/v1/rooms/{room}/messages/{id}/report", "Report another's message to the moderators, once")
            .takes::<NewReport>()
            .answers::<Report<'_>>(201, "The report, which may be an earlier one of the user.")
            .refuses(&[Code::PermissionDenied, Code::NotFound, Code::FailedPrecondition]);
        /// Lists reports.
        LIST = Route::get("list_reports", "/v1/reports", "List the reports of the rooms that the user moderates, the oldest first")
            .query::<ReportsQuery>()
            .answers::<Page<Report<'_>>>(200, "A page of reports.")
            .refuses(&[Code::PermissionDenied, Code::NotFound]);
        /// Settles a report.
        SETTLE = Route::patch("settle_report", "/v1/reports/{report}", "Settle a report, or open it again (for moderators of its room)")
            .takes::<ReportChange>()
            .answers::<Report<'_>>(200, "The report after the change.")
            .refuses(&[Code::PermissionDenied, Code::NotFound]);
        /// Reads the audit log.
        AUDIT = Route::get("list_audit", "/v1/rooms/{room}/audit", "List what moderators, owners and the site did in a room, the latest first (for moderators)")
            .query::<PageQuery>()
            .answers::<Page<AuditEntry<'_>>>(200, "A page of entries.")
            .refuses(&[Code::PermissionDenied, Code::NotFound]);
        /// Reads the word list of a room.
        WORDS = Route::get("get_words", "/v1/rooms/{room}/words", "Get the words that are not accepted in a room (for moderators)")
            .answers::<WordList>(200, "The list.")
            .refuses(&[Code::PermissionDenied, Code::NotFound]);
        /// Sets the word list of a room.
        PUT_WORDS = Route::put("put_words", "/v1/rooms/{room}/words", "Set the words that are not accepted in a room (for moderators)")
            .takes::<WordList>()
            .answers::<WordList>(200, "The list after the change. It holds everywhere within seconds.")
            .refuses(&[Code::PermissionDenied, Code::NotFound, Code::FailedPrecondition]);
    }
}
