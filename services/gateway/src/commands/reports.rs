//! Reports, the audit log, and word lists.

use madang_domain::{Authority, MessageId, Reason, ReportStatus, Result, RoomRef};
use madang_rpc::store::{
    AuditEntry, GetWords, ListAudit, ListReports, Page, PageQuery, PutWords, Report, ReportMessage,
    SettleReport, WordList,
};

use super::{Action, Commands};
use crate::admission::Actor;

/// Of which reports a page is.
#[derive(Debug, Clone)]
pub(crate) struct ReportsAsked {
    pub(crate) room: Option<RoomRef>,
    pub(crate) status: ReportStatus,
    pub(crate) page: PageQuery,
}

impl Commands {
    /// Reports a message to the moderators.
    pub(crate) async fn report_message(
        &self,
        actor: &Actor,
        room: &RoomRef,
        message: MessageId,
        reason: Option<Reason>,
    ) -> Result<Report> {
        let room = self.room_id(actor, room).await?;
        // Nobody in the room hears of it.
        self.spend(actor, Action::Report, None).await?.keep();
        let actor = self.budgets.present_profile(actor);
        let report = ReportMessage { actor, room: room.into(), message: message.seq(), reason };
        self.store.report_message(report).await
    }

    /// Reports of the rooms that the user moderates.
    pub(crate) async fn reports(&self, actor: &Actor, asked: ReportsAsked) -> Result<Page<Report>> {
        self.pay_read(actor)?;
        let ReportsAsked { room, status, page } = asked;
        self.store.list_reports(ListReports { user: Some(actor.profile.id), room, status, page }).await
    }

    /// Reports of all rooms, for the site.
    pub(crate) async fn reports_as_site(&self, asked: ReportsAsked) -> Result<Page<Report>> {
        let ReportsAsked { room, status, page } = asked;
        self.store.list_reports(ListReports { user: None, room, status, page }).await
    }

    /// Settles a report, or opens it again.
    pub(crate) async fn settle_report(
        &self,
        actor: &Actor,
        id: &str,
        status: ReportStatus,
    ) -> Result<Report> {
        self.spend(actor, Action::SettleReport, None).await?.keep();
        let (authority, actor) = (actor.authority, Some(self.budgets.present_profile(actor)));
        self.store.settle_report(SettleReport { actor, authority, id: id.into(), status }).await
    }

    /// The same, on behalf of the site.
    pub(crate) async fn settle_report_as_site(&self, id: &str, status: ReportStatus) -> Result<Report> {
        let (actor, authority) = (None, Authority::Site);
        self.store.settle_report(SettleReport { actor, authority, id: id.into(), status }).await
    }

    /// What was done in a room.
    pub(crate) async fn audit(
        &self,
        actor: &Actor,
        room: RoomRef,
        page: PageQuery,
    ) -> Result<Page<AuditEntry>> {
        self.pay_read(actor)?;
        self.store.list_audit(ListAudit { user: actor.profile.id, room, page }).await
    }

    /// The words that are not accepted in a room.
    pub(crate) async fn words(&self, actor: &Actor, room: RoomRef) -> Result<WordList> {
        self.pay_read(actor)?;
        self.store.get_words(GetWords { user: Some(actor.profile.id), room: Some(room) }).await
    }

    /// Sets the words that are not accepted in a room.
    pub(crate) async fn put_words(&self, actor: &Actor, room: &RoomRef, list: WordList) -> Result<WordList> {
        let room = self.room_id(actor, room).await?;
        self.spend(actor, Action::PutWords, None).await?.keep();
        let (authority, actor) = (actor.authority, Some(self.budgets.present_profile(actor)));
        self.store.put_words(PutWords { actor, authority, room: Some(room.into()), list }).await
    }

    /// The words that are not accepted anywhere.
    pub(crate) async fn words_of_site(&self) -> Result<WordList> {
        self.store.get_words(GetWords { user: None, room: None }).await
    }

    /// Sets the words that are not accepted anywhere.
    pub(crate) async fn put_words_of_site(&self, list: WordList) -> Result<WordList> {
        let (actor, authority) = (None, Authority::Site);
        self.store.put_words(PutWords { actor, authority, room: None, list }).await
    }
}
