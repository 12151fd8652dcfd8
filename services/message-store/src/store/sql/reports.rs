//! Reports, records and word lists. Compiled once for each database: see [`crate::store`].

use async_trait::async_trait;
use madang_database::{DatabaseError, DatabaseResult, run};
use madang_domain::{ListedWord, Reason, ReportStatus, RoomId, Seq, Timestamp, UserId, WordAction};
use madang_rpc::store::{AuditEntry, Report, WordList};
use sqlx::{FromRow, query, query_as};
use uuid::Uuid;

use super::{
    connection::Connection,
    driver::Db,
    profiles::{ProfileColumns, Reader},
};
use crate::store::{
    columns::{guest_column, role_column, role_of},
    reports::{AuditRecord, ChangedWordList, NewReport, Reports, ReportsOf},
    values::{role_from_number, role_number, seq, signed},
};

/// What a list has found anew is open again, whatever was decided of it before: `$7` is the nil id. What a user has reported
/// stays as it was settled.
const INSERT_REPORT: &str = "\
    INSERT INTO reports (room, message, reporter, id, reason, at, status) VALUES ($1, $2, $3, $4, $5, $6, 1) \
    ON CONFLICT (room, message, reporter) DO UPDATE \
    SET at = excluded.at, status = 1, settled_by = NULL, settled_at = NULL \
    WHERE reports.reporter = $7 AND reports.status <> 1";
const SETTLE: &str = "UPDATE reports SET status = $2, settled_by = $3, settled_at = $4 WHERE id = $1";

macro_rules! reports {
    ($from:literal, $condition:literal) => {
        concat!(
            "SELECT x.id, x.room, x.message, x.reporter, x.reason, x.at, x.status, x.settled_by, x.settled_at, \
             e.actor AS sender, p.username, p.name, p.avatar_url, p.external_id, p.version, \
             q.username AS reporter_username, q.name AS reporter_name, q.avatar_url AS reporter_avatar_url, \
             q.external_id AS reporter_external_id, q.version AS reporter_version FROM ",
            $from,
            " JOIN events e ON e.topic = x.room AND e.seq = x.message \
             LEFT JOIN profiles p ON p.user_id = e.actor LEFT JOIN profiles q ON q.user_id = x.reporter ",
            $condition
        )
    };
}

const REPORT: &str = reports!("reports x", "WHERE x.id = $1");
const REPORT_OF: &str = reports!("reports x", "WHERE x.room = $1 AND x.message = $2 AND x.reporter = $3");
const OF_MODERATOR: &str = reports!(
    "members m JOIN reports x ON x.room = m.room AND x.status = $2 AND x.id > $3",
    "WHERE m.user_id = $1 AND m.role >= 2 ORDER BY x.id LIMIT $4"
);
const OF_ROOM: &str =
    reports!("reports x", "WHERE x.room = $1 AND x.status = $2 AND x.id > $3 ORDER BY x.id LIMIT $4");
/// By an index of its own: the rooms' reports of a status lie apart from one another.
const OF_ALL: &str = reports!("reports x", "WHERE x.status = $1 AND x.id > $2 ORDER BY x.id LIMIT $3");

const INSERT_AUDIT: &str = concat!(
    "INSERT INTO audit (room, seq, at, action, actor, by_site, subject, message, role, guest, until, reason) \
     SELECT $1, coalesce(max(a.seq), 0) + 1, $2, $3, $4, $5, $6, $7, ",
    role_column!("$8"),
    ", ",
    guest_column!("$8"),
    ", $9, $10 FROM audit a WHERE a.room = $1"
);
const AUDIT: &str = concat!(
    "SELECT a.seq, a.at, a.action, a.actor, a.by_site, a.subject, a.message, ",
    role_of!("a"),
    " AS role, a.until, a.reason, \
        p.username, p.name, p.avatar_url, p.external_id, p.version, \
        q.username AS subject_username, q.name AS subject_name, q.avatar_url AS subject_avatar_url, \
        q.external_id AS subject_external_id, q.version AS subject_version \
    FROM audit a LEFT JOIN profiles p ON p.user_id = a.actor LEFT JOIN profiles q ON q.user_id = a.subject \
    WHERE a.room = $1 AND a.seq < $2 ORDER BY a.seq DESC LIMIT $3"
);

const WORD_LIST: &str = "SELECT action, words FROM word_lists WHERE room = $1";
/// The time only grows, over all lists and whatever the clocks of replicas show: no replica takes a changed list for the one
/// that it knows, and each hears of one that was set after the last that it knows.
const PUT_WORD_LIST: &str = "\
    INSERT INTO word_lists (room, action, words, at) \
    SELECT $1, $2, $3, CASE WHEN l.at < $4 THEN $4 ELSE l.at + 1 END \
    FROM (SELECT coalesce(max(w.at), 0) AS at FROM word_lists w) AS l WHERE TRUE \
    ON CONFLICT (room) DO UPDATE SET action = excluded.action, words = excluded.words, \
    at = CASE WHEN excluded.at > word_lists.at THEN excluded.at ELSE word_lists.at + 1 END";
const WORD_LISTS_SINCE: &str = "SELECT room, at, words = '' FROM word_lists WHERE at >= $1 AND (at, room) > ($2, $3) ORDER BY at, room LIMIT $4";

const fn status_number(status: ReportStatus) -> i16 {
    match status {
        ReportStatus::Open => 1,
        ReportStatus::Resolved => 2,
        ReportStatus::Dismissed => 3,
    }
}

fn status_from_number(number: i16) -> DatabaseResult<ReportStatus> {
    match number {
        1 => Ok(ReportStatus::Open),
        2 => Ok(ReportStatus::Resolved),
        3 => Ok(ReportStatus::Dismissed),
        other => Err(DatabaseError::corrupt("status of a report", format!("{other} is none"))),
    }
}

fn reason(text: Option<String>) -> DatabaseResult<Option<Reason>> {
    text.map(Reason::new).transpose().map_err(|error| DatabaseError::corrupt("reason", error))
}

#[derive(Debug, FromRow)]
struct ReportRow {
    id: Uuid,
    room: Uuid,
    message: i64,
    reporter: Uuid,
    reason: Option<String>,
    at: i64,
    status: i16,
    settled_by: Option<Uuid>,
    settled_at: Option<i64>,
    sender: Uuid,
    #[sqlx(flatten)]
    profile: ProfileColumns,
    reporter_username: Option<String>,
    reporter_name: Option<String>,
    reporter_avatar_url: Option<String>,
    reporter_external_id: Option<String>,
    reporter_version: Option<i64>,
}

#[derive(Debug, FromRow)]
struct AuditRow {
    seq: i64,
    at: i64,
    action: String,
    actor: Uuid,
    by_site: bool,
    subject: Option<Uuid>,
    message: Option<i64>,
    role: Option<i16>,
    until: Option<i64>,
    reason: Option<String>,
    #[sqlx(flatten)]
    profile: ProfileColumns,
    subject_username: Option<String>,
    subject_name: Option<String>,
    subject_avatar_url: Option<String>,
    subject_external_id: Option<String>,
    subject_version: Option<i64>,
}

#[derive(Debug, FromRow)]
struct WordListRow {
    action: i16,
    words: String,
}

impl Reader {
    fn report(&mut self, row: ReportRow) -> DatabaseResult<Report> {
        let reporter = ProfileColumns {
            username: row.reporter_username,
            name: row.reporter_name,
            avatar_url: row.reporter_avatar_url,
            external_id: row.reporter_external_id,
            version: row.reporter_version,
        };
        let reporter = if row.reporter.is_nil() { None } else { Some(self.profile(row.reporter, reporter)?) };
        Ok(Report {
            id: row.id.simple().to_string().into(),
            room: RoomId::new(row.room),
            message: seq(row.message)?,
            sender: self.profile(row.sender, row.profile)?,
            reporter,
            reason: reason(row.reason)?,
            at: Timestamp::from_micros(row.at),
            status: status_from_number(row.status)?,
            settled_by: row.settled_by.map(UserId::new),
            settled_at: row.settled_at.map(Timestamp::from_micros),
        })
    }

    fn audit_entry(&mut self, row: AuditRow) -> DatabaseResult<AuditEntry> {
        let columns = ProfileColumns {
            username: row.subject_username,
            name: row.subject_name,
            avatar_url: row.subject_avatar_url,
            external_id: row.subject_external_id,
            version: row.subject_version,
        };
        let subject = row.subject.map(|subject| self.profile(subject, columns)).transpose()?;
        Ok(AuditEntry {
            seq: seq(row.seq)?,
            at: Timestamp::from_micros(row.at),
            action: row.action.into(),
            actor: self.profile(row.actor, row.profile)?,
            by_site: row.by_site,
            subject,
            message: seq(row.message.unwrap_or(0))?,
            role: row.role.map(role_from_number).transpose()?,
            until: row.until.map(Timestamp::from_micros),
            reason: reason(row.reason)?,
        })
    }
}

impl WordListRow {
    fn read(self) -> DatabaseResult<WordList> {
        let action = match self.action {
            1 => WordAction::Refuse,
            2 => WordAction::Flag,
            other => return Err(DatabaseError::corrupt("action of words", format!("{other} is none"))),
        };
        // A word that a later version would not accept is passed over.
        let words = self.words.lines().filter_map(|word| ListedWord::new(word).ok()).collect();
        Ok(WordList { words, action })
    }
}

#[async_trait]
impl Reports for Connection {
    async fn insert_report(&mut self, report: &NewReport) -> DatabaseResult<bool> {
        let query = query::<Db>(INSERT_REPORT)
            .bind(report.room.uuid())
            .bind(signed(report.message.get()))
            .bind(report.reporter.map_or(Uuid::nil(), UserId::uuid))
            .bind(report.id)
            .bind(report.reason.as_deref())
            .bind(report.at.as_micros())
            .bind(Uuid::nil());
        Ok(run!(self, query, execute)?.rows_affected() == 1)
    }

    async fn report_of(
        &mut self,
        room: RoomId,
        message: Seq,
        reporter: UserId,
    ) -> DatabaseResult<Option<Report>> {
        let query = query_as::<Db, ReportRow>(REPORT_OF)
            .bind(room.uuid())
            .bind(signed(message.get()))
            .bind(reporter.uuid());
        run!(self, query, fetch_optional)?.map(|row| Reader::default().report(row)).transpose()
    }

    async fn report(&mut self, id: Uuid) -> DatabaseResult<Option<Report>> {
        let query = query_as::<Db, ReportRow>(REPORT).bind(id);
        run!(self, query, fetch_optional)?.map(|row| Reader::default().report(row)).transpose()
    }

    async fn reports(
        &mut self,
        of: ReportsOf,
        status: ReportStatus,
        after: Option<Uuid>,
        limit: u32,
    ) -> DatabaseResult<Vec<Report>> {
        let (text, whose) = match of {
            ReportsOf::Moderator(user) => (OF_MODERATOR, Some(user.uuid())),
            ReportsOf::Room(room) => (OF_ROOM, Some(room.uuid())),
            ReportsOf::All => (OF_ALL, None),
        };
        let query = query_as::<Db, ReportRow>(text);
        let query = match whose {
            Some(whose) => query.bind(whose),
            None => query,
        };
        let query =
            query.bind(status_number(status)).bind(after.unwrap_or(Uuid::nil())).bind(i64::from(limit));
        let mut reader = Reader::default();
        run!(self, query, fetch_all)?.into_iter().map(|row| reader.report(row)).collect()
    }

    async fn settle_report(
        &mut self,
        id: Uuid,
        status: ReportStatus,
        by: Option<UserId>,
        at: Option<Timestamp>,
    ) -> DatabaseResult<()> {
        let query = query::<Db>(SETTLE)
            .bind(id)
            .bind(status_number(status))
            .bind(by.map(UserId::uuid))
            .bind(at.map(Timestamp::as_micros));
        run!(self, query, execute).map(drop)
    }

    async fn insert_audit(
        &mut self,
        room: RoomId,
        at: Timestamp,
        record: &AuditRecord,
    ) -> DatabaseResult<()> {
        let query = query::<Db>(INSERT_AUDIT)
            .bind(room.uuid())
            .bind(at.as_micros())
            .bind(record.action.as_str())
            .bind(record.actor.uuid())
            .bind(record.authority.is_by_site())
            .bind(record.subject.map(UserId::uuid))
            .bind(record.message.map(|message| signed(message.get())))
            .bind(record.role.map(role_number))
            .bind(record.until.map(Timestamp::as_micros))
            .bind(record.reason.as_deref());
        run!(self, query, execute).map(drop)
    }

    async fn audit(&mut self, room: RoomId, beyond: Seq, limit: u32) -> DatabaseResult<Vec<AuditEntry>> {
        let query = query_as::<Db, AuditRow>(AUDIT)
            .bind(room.uuid())
            .bind(signed(beyond.get()))
            .bind(i64::from(limit));
        let mut reader = Reader::default();
        run!(self, query, fetch_all)?.into_iter().map(|row| reader.audit_entry(row)).collect()
    }

    async fn word_list(&mut self, room: Option<RoomId>) -> DatabaseResult<WordList> {
        let query = query_as::<Db, WordListRow>(WORD_LIST).bind(room.map_or(Uuid::nil(), RoomId::uuid));
        let row = run!(self, query, fetch_optional)?;
        Ok(row.map(WordListRow::read).transpose()?.unwrap_or_default())
    }

    async fn put_word_list(
        &mut self,
        room: Option<RoomId>,
        list: &WordList,
        at: Timestamp,
    ) -> DatabaseResult<()> {
        let words: Vec<&str> = list.words.iter().map(ListedWord::as_str).collect();
        let action: i16 = match list.action {
            WordAction::Refuse => 1,
            WordAction::Flag => 2,
        };
        let query = query::<Db>(PUT_WORD_LIST)
            .bind(room.map_or(Uuid::nil(), RoomId::uuid))
            .bind(action)
            .bind(words.join("\n"))
            .bind(at.as_micros());
        run!(self, query, execute).map(drop)
    }

    async fn word_lists_since(
        &mut self,
        since: Timestamp,
        beyond: Option<(Timestamp, Option<RoomId>)>,
        limit: u32,
    ) -> DatabaseResult<Vec<ChangedWordList>> {
        // Without a place, one before all of that time.
        let (after, room) = beyond.map_or((since.as_micros() - 1, Uuid::max()), |(at, room)| {
            (at.as_micros(), room.map_or(Uuid::nil(), RoomId::uuid))
        });
        let query = query_as::<Db, (Uuid, i64, bool)>(WORD_LISTS_SINCE)
            .bind(since.as_micros())
            .bind(after)
            .bind(room)
            .bind(i64::from(limit));
        let changed = |(room, at, is_empty): (Uuid, i64, bool)| ChangedWordList {
            room: (!room.is_nil()).then(|| RoomId::new(room)),
            at: Timestamp::from_micros(at),
            is_empty,
        };
        Ok(run!(self, query, fetch_all)?.into_iter().map(changed).collect())
    }
}
