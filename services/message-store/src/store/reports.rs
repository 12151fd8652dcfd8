//! Reports of messages, the record of what moderators do, and words that are not accepted.

use async_trait::async_trait;
use madang_database::DatabaseResult;
use madang_domain::{AuditAction, Authority, Reason, ReportStatus, Role, RoomId, Seq, Timestamp, UserId};
use madang_rpc::store::{AuditEntry, Report, WordList};
use uuid::Uuid;

/// A report that is made.
#[derive(Debug, Clone)]
pub(crate) struct NewReport {
    pub(crate) room: RoomId,
    pub(crate) message: Seq,
    /// None: a word list.
    pub(crate) reporter: Option<UserId>,
    pub(crate) id: Uuid,
    pub(crate) reason: Option<Reason>,
    pub(crate) at: Timestamp,
}

/// Of which reports a page is.
#[derive(Debug, Clone, Copy)]
pub(crate) enum ReportsOf {
    /// Of the rooms that a user moderates.
    Moderator(UserId),
    /// Of one room.
    Room(RoomId),
    /// Of all rooms.
    All,
}

/// What somebody did.
#[derive(Debug, Clone)]
pub(crate) struct AuditRecord {
    pub(crate) action: AuditAction,
    pub(crate) actor: UserId,
    pub(crate) authority: Authority,
    pub(crate) subject: Option<UserId>,
    pub(crate) message: Option<Seq>,
    pub(crate) role: Option<Role>,
    pub(crate) until: Option<Timestamp>,
    pub(crate) reason: Option<Reason>,
}

impl AuditRecord {
    pub(crate) const fn new(action: AuditAction, actor: UserId, authority: Authority) -> Self {
        let (subject, message, role, until, reason) = (None, None, None, None, None);
        Self { action, actor, authority, subject, message, role, until, reason }
    }

    /// The same, done to a user.
    pub(crate) fn to(self, user: UserId) -> Self {
        Self { subject: Some(user), ..self }
    }

    /// The same, about a message.
    pub(crate) fn of_message(self, message: Seq) -> Self {
        Self { message: Some(message), ..self }
    }
}

/// Statements on reports, records and word lists.
#[async_trait]
pub(crate) trait Reports {
    /// Notes a report. False where its reporter has reported the message already.
    async fn insert_report(&mut self, report: &NewReport) -> DatabaseResult<bool>;

    /// The report of a message by a user.
    async fn report_of(
        &mut self,
        room: RoomId,
        message: Seq,
        reporter: UserId,
    ) -> DatabaseResult<Option<Report>>;

    /// A report.
    async fn report(&mut self, id: Uuid) -> DatabaseResult<Option<Report>>;

    /// Reports of a status, the oldest first.
    async fn reports(
        &mut self,
        of: ReportsOf,
        status: ReportStatus,
        after: Option<Uuid>,
        limit: u32,
    ) -> DatabaseResult<Vec<Report>>;

    /// Notes what became of a report.
    async fn settle_report(
        &mut self,
        id: Uuid,
        status: ReportStatus,
        by: Option<UserId>,
        at: Option<Timestamp>,
    ) -> DatabaseResult<()>;

    /// Records what somebody did. Needs the room's lock.
    async fn insert_audit(&mut self, room: RoomId, at: Timestamp, record: &AuditRecord)
    -> DatabaseResult<()>;

    /// What was done in a room before a place, the latest first.
    async fn audit(&mut self, room: RoomId, beyond: Seq, limit: u32) -> DatabaseResult<Vec<AuditEntry>>;

    /// The words that are not accepted in a room, or anywhere.
    async fn word_list(&mut self, room: Option<RoomId>) -> DatabaseResult<WordList>;

    /// Sets the words that are not accepted in a room, or anywhere.
    async fn put_word_list(
        &mut self,
        room: Option<RoomId>,
        list: &WordList,
        at: Timestamp,
    ) -> DatabaseResult<()>;

    /// The word lists that were changed at a time or later, the oldest change first; after the one of a place.
    async fn word_lists_since(
        &mut self,
        since: Timestamp,
        beyond: Option<(Timestamp, Option<RoomId>)>,
        limit: u32,
    ) -> DatabaseResult<Vec<ChangedWordList>>;
}

/// A word list that was changed, without its words.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ChangedWordList {
    /// None is the list of the whole site.
    pub(crate) room: Option<RoomId>,
    pub(crate) at: Timestamp,
    pub(crate) is_empty: bool,
}
