//! Reports of messages, the record of what moderators do, and words that are not accepted.

use std::sync::Arc;

use madang_domain::{
    ListedWord, Profile, Reason, ReportStatus, Role, RoomId, RoomRef, Seq, Timestamp, UserId, WordAction,
};
use madang_proto::store::v1 as wire;

use super::{
    change::Authority,
    page::{Page, PageQuery, page_of_room},
};
use crate::wire::{DecodeError, Result, Wire, field, message, required_message};

/// Asks for a message to be reported to the moderators.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportMessage {
    /// The user who reports it.
    pub actor: Arc<Profile>,
    /// The room.
    pub room: RoomRef,
    /// The message's place.
    pub message: Seq,
    /// Why.
    pub reason: Option<Reason>,
}

/// Asks for a page of reports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListReports {
    /// The user, of whose rooms they are. None: the embedding site, of all rooms.
    pub user: Option<UserId>,
    /// Of this room alone.
    pub room: Option<RoomRef>,
    /// Those of which this became.
    pub status: ReportStatus,
    /// The page.
    pub page: PageQuery,
}

/// Asks for a report to be settled, or opened again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettleReport {
    /// The user who asks. None: the embedding site.
    pub actor: Option<Arc<Profile>>,
    /// By what right, where there is an actor.
    pub authority: Authority,
    /// The report.
    pub id: Box<str>,
    /// What became of it.
    pub status: ReportStatus,
}

/// A message that was reported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// What names it.
    pub id: Box<str>,
    /// The room.
    pub room: RoomId,
    /// The message's place.
    pub message: Seq,
    /// Who sent the message.
    pub sender: Arc<Profile>,
    /// Who reported it. None: a word list.
    pub reporter: Option<Arc<Profile>>,
    /// Why.
    pub reason: Option<Reason>,
    /// When.
    pub at: Timestamp,
    /// What became of it.
    pub status: ReportStatus,
    /// Who settled it. None: nobody, or the embedding site.
    pub settled_by: Option<UserId>,
    /// When it was settled.
    pub settled_at: Option<Timestamp>,
}

/// Asks for a page of what moderators, owners and the embedding site did in a room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListAudit {
    /// The user who asks.
    pub user: UserId,
    /// The room.
    pub room: RoomRef,
    /// The page.
    pub page: PageQuery,
}

/// What somebody did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    /// Its place among those of the room.
    pub seq: Seq,
    /// When.
    pub at: Timestamp,
    /// What: a name of [`AuditAction`](madang_domain::AuditAction), or of a later version.
    pub action: Box<str>,
    /// Who did it; where the embedding site did, whom it acted for or against.
    pub actor: Arc<Profile>,
    /// Whether the embedding site did it.
    pub by_site: bool,
    /// Whom it was done to.
    pub subject: Option<Arc<Profile>>,
    /// The message's place; the start where it is about none.
    pub message: Seq,
    /// The role that was given.
    pub role: Option<Role>,
    /// When it ends.
    pub until: Option<Timestamp>,
    /// Why.
    pub reason: Option<Reason>,
}

/// Asks for the words that are not accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GetWords {
    /// The user who asks. None: the embedding site.
    pub user: Option<UserId>,
    /// In this room. None: everywhere.
    pub room: Option<RoomRef>,
}

/// Asks for the words that are not accepted to be set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PutWords {
    /// The user who asks. None: the embedding site.
    pub actor: Option<Arc<Profile>>,
    /// By what right, where there is an actor.
    pub authority: Authority,
    /// In this room. None: everywhere.
    pub room: Option<RoomRef>,
    /// The words.
    pub list: WordList,
}

/// Words that are not accepted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct WordList {
    /// The words; none where all are accepted.
    pub words: Vec<ListedWord>,
    /// What becomes of a message with one.
    pub action: WordAction,
}

message!(ReportMessage => wire::ReportMessageRequest { actor, room, message, reason });
message!(SettleReport => wire::SettleReportRequest { actor, authority, id, status });
message!(Report => wire::Report {
    id, room, message, sender, reporter, reason, at as at_micros, status, settled_by,
    settled_at as settled_at_micros
});
required_message!(Report => wire::Report, WordList => wire::WordList);
message!(Report => wire::ReportMessageResponse | wire::SettleReportResponse[report]);
message!(Page<Report> => wire::ListReportsResponse { items as reports, next as next_cursor });
page_of_room!(ListAudit => wire::ListAuditRequest);
message!(AuditEntry => wire::AuditEntry {
    seq, at as at_micros, action, actor, by_site, subject, message, role with guest, until as until_micros, reason
});
message!(Page<AuditEntry> => wire::ListAuditResponse { items as entries, next as next_cursor });
message!(WordList => wire::WordList { words, action });
message!(WordList => wire::GetWordsResponse | wire::PutWordsResponse[list]);

impl Wire<wire::ListReportsRequest> for ListReports {
    fn encode(&self) -> wire::ListReportsRequest {
        let Self { user, room, status, page: PageQuery { limit, cursor } } = self;
        wire::ListReportsRequest {
            user: user.encode(),
            room: room.as_ref().map(Wire::encode),
            status: status.encode(),
            limit: *limit,
            cursor: cursor.encode(),
        }
    }

    fn decode(message: wire::ListReportsRequest) -> Result<Self> {
        let wire::ListReportsRequest { user, room, status, limit, cursor } = message;
        let page = PageQuery { limit, cursor: field("cursor", cursor)? };
        Ok(Self {
            user: field("user", user)?,
            room: room.map(|room| field("room", room)).transpose()?,
            status: field("status", status)?,
            page,
        })
    }
}

impl Wire<wire::GetWordsRequest> for GetWords {
    fn encode(&self) -> wire::GetWordsRequest {
        wire::GetWordsRequest { user: self.user.encode(), room: self.room.as_ref().map(Wire::encode) }
    }

    fn decode(message: wire::GetWordsRequest) -> Result<Self> {
        let room = message.room.map(|room| field("room", room)).transpose()?;
        Ok(Self { user: field("user", message.user)?, room })
    }
}

impl Wire<wire::PutWordsRequest> for PutWords {
    fn encode(&self) -> wire::PutWordsRequest {
        wire::PutWordsRequest {
            actor: self.actor.encode(),
            authority: self.authority.encode(),
            room: self.room.as_ref().map(Wire::encode),
            list: self.list.encode(),
        }
    }

    fn decode(message: wire::PutWordsRequest) -> Result<Self> {
        let room = message.room.map(|room| field("room", room)).transpose()?;
        Ok(Self {
            actor: field("actor", message.actor)?,
            authority: field("authority", message.authority)?,
            room,
            list: field("list", message.list)?,
        })
    }
}

impl Wire<i32> for ReportStatus {
    fn encode(&self) -> i32 {
        match self {
            Self::Open => wire::ReportStatus::Open,
            Self::Resolved => wire::ReportStatus::Resolved,
            Self::Dismissed => wire::ReportStatus::Dismissed,
        }
        .into()
    }

    fn decode(status: i32) -> Result<Self> {
        match wire::ReportStatus::try_from(status) {
            Ok(wire::ReportStatus::Open) => Ok(Self::Open),
            Ok(wire::ReportStatus::Resolved) => Ok(Self::Resolved),
            Ok(wire::ReportStatus::Dismissed) => Ok(Self::Dismissed),
            Ok(wire::ReportStatus::Unspecified) => Err(DecodeError::of_value("is missing")),
            Err(unknown) => Err(DecodeError::of_value(format!("{unknown}; none of the known ones"))),
        }
    }
}

impl Wire<i32> for WordAction {
    fn encode(&self) -> i32 {
        match self {
            Self::Refuse => wire::WordAction::Refuse,
            Self::Flag => wire::WordAction::Flag,
        }
        .into()
    }

    fn decode(action: i32) -> Result<Self> {
        match wire::WordAction::try_from(action) {
            Ok(wire::WordAction::Refuse) => Ok(Self::Refuse),
            Ok(wire::WordAction::Flag) => Ok(Self::Flag),
            Ok(wire::WordAction::Unspecified) => Err(DecodeError::of_value("is missing")),
            Err(unknown) => Err(DecodeError::of_value(format!("{unknown}; none of the known ones"))),
        }
    }
}
