//! Reports of messages, and the record of what moderators, owners and the embedding site did.

use madang_domain::{AuditAction, Authority, ReportStatus, Role, RoomAction, RoomRef, Seq, UserId};
use madang_kit::clock::new_id;
use madang_rpc::store::{AuditEntry, ListAudit, ListReports, Page, Report, ReportMessage, SettleReport};
use uuid::Uuid;

use super::{
    engine::Engine,
    members::as_member,
    page::{self, Place},
    room_change::{RoomChange, permit},
};
use crate::{
    error::{OperationError, OperationResult},
    store::{AuditRecord, NewReport, ReportsOf},
    transaction::{finish, in_transaction},
};

/// A place among reports: the oldest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ByReport(Uuid);

impl Place for ByReport {
    const LIST: &'static str = "q";

    fn parts(&self) -> String {
        self.0.simple().to_string()
    }

    fn read(text: &str) -> Option<Self> {
        page::uuid(text).map(Self)
    }
}

/// A place among what was done in a room: the latest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ByAct(Seq);

impl Place for ByAct {
    const LIST: &'static str = "u";

    fn parts(&self) -> String {
        self.0.to_string()
    }

    fn read(text: &str) -> Option<Self> {
        text.parse().ok().map(|seq| Self(Seq::new(seq)))
    }
}

impl Engine {
    pub(crate) async fn report_message(&self, request: ReportMessage) -> OperationResult<Report> {
        let ReportMessage { actor, room, message, reason } = request;
        self.remember([&actor]).await?;
        let (id, at, user) = (new_id(&*self.clock, &*self.random), self.clock.now(), actor.id);
        in_transaction!(self, "report_message", |transaction| {
            let mut change = RoomChange::begin(transaction, user, &room, at).await?;
            change.permit(RoomAction::Report).await?;
            change.see(user, message).await?;
            let reported = change.message(message).await?;
            let room = change.room.id;
            if reported.sender == user {
                return Err(OperationError::ReportOwn);
            }
            // What was deleted is settled, but a repeat is answered as the first time.
            if !reported.detail.deleted {
                let reporter = Some(user);
                let report = NewReport { room, message, reporter, id, reason: reason.clone(), at };
                change.transaction.insert_report(&report).await?;
            }
            change.transaction.report_of(room, message, user).await?.ok_or(OperationError::MessageNotFound)
        })
    }

    pub(crate) async fn reports(&self, request: ListReports) -> OperationResult<Page<Report>> {
        let ListReports { user, room, status, page } = request;
        let (limit, after) = page::check::<ByReport>(&page)?;
        let mut connection = self.database.reader().await?;
        let outcome = async {
            let of = match (user, room) {
                (Some(user), None) => ReportsOf::Moderator(user),
                (None, None) => ReportsOf::All,
                (Some(user), Some(room)) => {
                    let view = as_member(connection.view(user, &room).await?)?;
                    let role = view.place.map_or(Role::Member, |place| place.role);
                    permit(RoomAction::SettleReports, Authority::User, role, view.room.flags)?;
                    ReportsOf::Room(view.room.id)
                }
                (None, Some(room)) => {
                    let nobody = UserId::new(Uuid::nil());
                    let view = connection.view(nobody, &room).await?.ok_or(OperationError::RoomNotFound)?;
                    ReportsOf::Room(view.room.id)
                }
            };
            let after = after.map(|ByReport(id)| id);
            Ok(connection.reports(of, status, after, limit + 1).await?)
        };
        let outcome = outcome.await;
        let reports = finish(connection, outcome).await?;
        let place = |report: &Report| ByReport(Uuid::try_parse(&report.id).unwrap_or(Uuid::nil()));
        let (items, next) = page::cut(reports, limit, false, place);
        Ok(Page { items, next })
    }

    pub(crate) async fn settle_report(&self, request: SettleReport) -> OperationResult<Report> {
        let SettleReport { actor, authority, id, status } = request;
        let id = Uuid::try_parse(&id).map_err(|_| OperationError::ReportNotFound)?;
        self.remember(&actor).await?;
        let (by, now) = (actor.as_ref().map(|actor| actor.id), self.clock.now());
        in_transaction!(self, "settle_report", |transaction| {
            // First without a lock, to learn of the room, which is locked before.
            let report = transaction.report(id).await?.ok_or(OperationError::ReportNotFound)?;
            let room = RoomRef::Id(report.room);
            let of = by.unwrap_or(report.sender.id);
            let mut change = RoomChange::begin(transaction, of, &room, now).await?;
            let authority = if by.is_some() { authority } else { Authority::Site };
            if by.is_some() {
                // Of reports of other rooms nobody learns that they are.
                match change.permit(RoomAction::SettleReports).await {
                    Err(OperationError::NotMember) => return Err(OperationError::ReportNotFound),
                    permitted => drop(permitted?),
                }
            }
            let report = change.transaction.report(id).await?.ok_or(OperationError::ReportNotFound)?;
            if report.status == status {
                return Ok(report);
            }
            let at = (status != ReportStatus::Open).then_some(now);
            change.transaction.settle_report(id, status, by.filter(|_| at.is_some()), at).await?;
            let record = AuditRecord::new(AuditAction::ReportSettled, of, authority);
            change.record(record.to(report.sender.id).of_message(report.message)).await?;
            change.transaction.report(id).await?.ok_or(OperationError::ReportNotFound)
        })
    }

    pub(crate) async fn audit(&self, request: ListAudit) -> OperationResult<Page<AuditEntry>> {
        let ListAudit { user, room, page } = request;
        let (limit, after) = page::check::<ByAct>(&page)?;
        let beyond = after.map_or(Seq::new(u64::MAX), |ByAct(seq)| seq);
        let mut connection = self.database.reader().await?;
        let outcome = async {
            let view = as_member(connection.view(user, &room).await?)?;
            let role = view.place.map_or(Role::Member, |place| place.role);
            permit(RoomAction::ReadAudit, Authority::User, role, view.room.flags)?;
            Ok(connection.audit(view.room.id, beyond, limit + 1).await?)
        };
        let outcome = outcome.await;
        let entries = finish(connection, outcome).await?;
        let (items, next) = page::cut(entries, limit, false, |entry| ByAct(entry.seq));
        Ok(Page { items, next })
    }
}

impl RoomChange<'_> {
    /// Records what somebody did in the room, in the same transaction.
    pub(super) async fn record(&mut self, record: AuditRecord) -> OperationResult<()> {
        let (room, at) = (self.room.id, self.room.active_at);
        Ok(self.transaction.insert_audit(room, at, &record).await?)
    }
}
