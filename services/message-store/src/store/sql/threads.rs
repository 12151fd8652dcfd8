//! Threads. Compiled once for each database: see [`crate::store`].

use async_trait::async_trait;
use madang_database::{DatabaseResult, run};
use madang_domain::{
    IdempotencyKey, RoomId, Seq, Timestamp, UserId,
    event::{Event, EventKind, MESSAGE_IN_THREAD, ThreadState},
    limits::{PAGE_MAX_BYTES, THREAD_BY_MAX},
};
use madang_rpc::store::ThreadPlace;
use sqlx::{FromRow, query, query_as, query_scalar};
use uuid::Uuid;

use super::{
    connection::Connection,
    driver::Db,
    events::{EventRow, PageRow},
    profiles::Reader,
};
use crate::{
    store::{
        columns::{
            event_columns, event_columns_without_texts, event_profiles, event_size, page, within_bytes,
        },
        events::{EventPage, Slice},
        rooms::RoomRecord,
        threads::{ByReply, FollowedPage, Tell, ThreadId, ThreadMessage, ThreadRecord, Threads},
        values::{seq, signed, unsigned},
    },
    unread::Counts,
};

/// How many of a thread's last messages are looked at for who wrote in it.
const AUTHORS_OF_LAST: i64 = 100;

const APPENDED_BEFORE: &str = "SELECT seq, at FROM events WHERE topic = $1 AND actor = $2 AND key = $3";
const SENT_AT: &str = "SELECT sent_at FROM members WHERE room = $1 AND user_id = $2";

const THREAD: &str = "SELECT messages, replies, last_seq, last_at FROM threads WHERE room = $1 AND root = $2";
const SAVE_THREAD: &str = "\
    INSERT INTO threads (room, root, messages, replies, last_seq, last_at) VALUES ($1, $2, $3, $4, $5, $6) \
    ON CONFLICT (room, root) DO UPDATE SET messages = excluded.messages, replies = excluded.replies, \
        last_seq = excluded.last_seq, last_at = excluded.last_at";
const LAST_PRESENT: &str = "\
    SELECT sender, at FROM thread_messages WHERE room = $1 AND root = $2 AND NOT deleted ORDER BY seq DESC LIMIT $3";
const INSERT_IN_THREAD: &str =
    "INSERT INTO thread_messages (room, root, seq, ordinal, sender, at) VALUES ($1, $2, $3, $4, $5, $6)";
const DELETE_IN_THREAD: &str =
    "UPDATE thread_messages SET deleted = true WHERE room = $1 AND root = $2 AND seq = $3";

const INSERT_MESSAGE: &str = "\
    INSERT INTO events (topic, seq, kind, actor, at, ordinal, key, text, detail) \
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
const GROW_ROOM: &str = "UPDATE rooms SET messages = $2, last_message_seq = $3 WHERE id = $1";
const COUNT_IN_ROOM: &str =
    "UPDATE members SET sent = sent + 1, sent_seq = $3, sent_at = $4 WHERE room = $1 AND user_id = $2";
/// A message in a thread alone is none of the room, and yet slow mode waits for it.
const COUNT_APART: &str = "UPDATE members SET sent_at = $3 WHERE room = $1 AND user_id = $2";

const FOLLOW: &str = "\
    INSERT INTO thread_follows (room, user_id, root, following, read_seq, read_ordinal) \
    SELECT m.room, m.user_id, $3, true, $4, $5 FROM members m WHERE m.room = $1 AND m.user_id = $2 \
    ON CONFLICT (room, user_id, root) DO UPDATE SET following = true";
const UNFOLLOW: &str =
    "UPDATE thread_follows SET following = false WHERE room = $1 AND user_id = $2 AND root = $3";
const COUNT_FOLLOWERS: &str = "\
    SELECT count(*) FROM (SELECT 1 FROM thread_follows WHERE room = $1 AND root = $2 AND following LIMIT $3) AS f";
const COUNT_FOLLOWED: &str =
    "SELECT count(*) FROM (SELECT 1 FROM thread_follows WHERE user_id = $1 AND following LIMIT $2) AS f";
// Mostly it is one row that is too many; without a limit SQLite knows no offset.
const FORGET_QUIETEST: &str = "\
    DELETE FROM thread_follows WHERE user_id = $1 AND (room, root) IN ( \
        SELECT f.room, f.root FROM thread_follows f JOIN threads t ON t.room = f.room AND t.root = f.root \
        WHERE f.user_id = $1 AND f.following AND NOT (f.room = $2 AND f.root = $3) \
        ORDER BY t.last_at DESC, t.room DESC, t.root DESC LIMIT 1000 OFFSET $4)";
const COUNT_OWN: &str = "\
    UPDATE thread_follows SET sent = sent + 1, sent_seq = $4 WHERE room = $1 AND user_id = $2 AND root = $3";

/// The numbers of unread in a thread: those of `src/unread.rs`, of the thread's messages.
macro_rules! place_columns {
    () => {
        "f.following, f.read_seq, t.messages, f.read_ordinal, f.sent, f.read_sent, \
         (SELECT count(*) FROM thread_messages d WHERE d.room = f.room AND d.root = f.root AND d.seq > f.read_seq \
          AND d.deleted AND d.sender <> f.user_id) AS gone"
    };
}

const PLACE: &str = concat!(
    "SELECT ",
    place_columns!(),
    " FROM thread_follows f JOIN threads t ON t.room = f.room AND t.root = f.root \
     WHERE f.room = $1 AND f.user_id = $2 AND f.root = $3"
);

/// As the read mark of a room is moved: without the room's lock, and so by what lies at or below the mark alone.
const MARK_READ: &str = "\
    UPDATE thread_follows SET read_seq = $4, \
        read_ordinal = coalesce((SELECT t.ordinal FROM thread_messages t \
            WHERE t.room = $1 AND t.root = $3 AND t.seq <= $4 ORDER BY t.seq DESC LIMIT 1), read_ordinal), \
        read_sent = CASE WHEN sent_seq <= $4 THEN sent ELSE read_sent + ( \
            SELECT count(*) FROM thread_messages t WHERE t.room = $1 AND t.root = $3 \
            AND t.seq > thread_follows.read_seq AND t.seq <= $4 AND t.sender = $2) END \
    WHERE room = $1 AND user_id = $2 AND root = $3 AND read_seq < $4";

macro_rules! of_thread {
    () => {
        concat!(
            "rooms r",
            then_join!(),
            "thread_messages t ON t.room = r.id",
            then_join!(),
            "events e ON e.topic = t.room AND e.seq = t.seq"
        )
    };
}

const THREAD_AFTER: &str =
    page!(after: of_thread!(), "r.id = $1 AND t.root = $6 AND t.seq > $5 AND t.seq > $2", "t.seq");
const THREAD_BEFORE: &str =
    page!(before: of_thread!(), "r.id = $1 AND t.root = $6 AND t.seq > $5 AND t.seq < $2", "t.seq");

macro_rules! followed {
    ($after:literal, $order:literal, $found_in_order:literal) => {
        within_bytes!(
            concat!(
                "SELECT t.last_at, t.room, t.root, ",
                place_columns!(),
                ", ",
                event_columns_without_texts!(),
                texts_looked_at!(),
                ", ",
                event_size!(),
                " FROM thread_follows f JOIN members m ON m.room = f.room AND m.user_id = f.user_id \
                 JOIN rooms r ON r.id = f.room \
                 JOIN threads t ON t.room = f.room AND t.root = f.root AND t.messages > 0 \
                 JOIN events e ON e.topic = t.room AND e.seq = t.root",
                event_profiles!(),
                "WHERE f.user_id = $1 AND f.following AND (r.history <> 2 OR t.root > m.visible_after) ",
                $after,
                "ORDER BY ",
                $order,
                " LIMIT $2"
            ),
            $found_in_order,
            "$3",
            texts_that_fit!()
        )
    };
}

macro_rules! followed_by_reply {
    ($after:literal) => {
        followed!(
            $after,
            "t.last_at DESC, t.room DESC, t.root DESC",
            "v.last_at DESC, v.room DESC, v.root DESC"
        )
    };
}

const FOLLOWED: &str = followed_by_reply!("");
const FOLLOWED_AFTER: &str = followed_by_reply!("AND (t.last_at, t.room, t.root) < ($4, $5, $6) ");
const FOLLOWED_SINCE: &str =
    followed!("AND t.last_at > $4 AND (t.room, t.root) > ($5, $6) ", "t.room, t.root", "v.room, v.root");

const INSERT_TELL: &str =
    "INSERT INTO thread_tells (room, message, root, since, by_site, told_to) VALUES ($1, $2, $3, $4, $5, $6)";
const LOCK_TELL: &str =
    concat!("SELECT root, by_site, told_to FROM thread_tells WHERE room = $1 AND message = $2", locking!());
const SAVE_TELL: &str = "UPDATE thread_tells SET told_to = $3 WHERE room = $1 AND message = $2";
const DELETE_TELL: &str = "DELETE FROM thread_tells WHERE room = $1 AND message = $2";
const OVERDUE_TELLS: &str =
    "SELECT room, message FROM thread_tells WHERE since < $1 ORDER BY since, room, message LIMIT $2";
const FOLLOWERS: &str = "\
    SELECT user_id FROM thread_follows WHERE room = $1 AND root = $2 AND user_id > $3 AND following \
    ORDER BY user_id LIMIT $4";

#[derive(Debug, FromRow)]
struct ThreadRow {
    messages: i64,
    replies: i64,
    last_seq: i64,
    last_at: i64,
}

#[derive(Debug, FromRow)]
struct PlaceRow {
    following: bool,
    read_seq: i64,
    messages: i64,
    read_ordinal: i64,
    sent: i64,
    read_sent: i64,
    gone: i64,
}

#[derive(Debug, FromRow)]
struct FollowedRow {
    last_at: i64,
    room: Uuid,
    root: i64,
    #[sqlx(flatten)]
    place: PlaceRow,
    #[sqlx(flatten)]
    event: EventRow,
    /// How many of the threads that were looked at lie behind it.
    behind: i64,
}

impl PlaceRow {
    /// Of who follows no more, nothing.
    fn place(self) -> DatabaseResult<ThreadPlace> {
        if !self.following {
            return Ok(ThreadPlace::default());
        }
        let Self { messages, read_ordinal, sent, read_sent, gone: deleted, .. } = self;
        let counts = Counts { messages, read_ordinal, sent, read_sent, deleted };
        Ok(ThreadPlace { following: true, read: seq(self.read_seq)?, unread: counts.unread() })
    }
}

/// The threads of a page.
fn followed(rows: Vec<FollowedRow>) -> DatabaseResult<FollowedPage> {
    let is_cut = rows.last().is_some_and(|last| last.behind > 0);
    let mut reader = Reader::default();
    let thread = |row: FollowedRow| {
        let (room, root) = (RoomId::new(row.room), seq(row.root)?);
        let place = ByReply { last_at: Timestamp::from_micros(row.last_at), room, root };
        Ok((place, reader.event(room.into(), row.event)?, row.place.place()?))
    };
    let threads: DatabaseResult<Vec<(ByReply, Event, ThreadPlace)>> = rows.into_iter().map(thread).collect();
    Ok(FollowedPage { threads: threads?, is_cut })
}

#[async_trait]
impl Threads for Connection {
    async fn appended_before(
        &mut self,
        room: RoomId,
        sender: UserId,
        key: &IdempotencyKey,
    ) -> DatabaseResult<Option<(Seq, Timestamp)>> {
        let query = query_as::<Db, (i64, i64)>(APPENDED_BEFORE)
            .bind(room.uuid())
            .bind(sender.uuid())
            .bind(key.as_str());
        let row = run!(self, query, fetch_optional)?;
        row.map(|(place, at)| Ok((seq(place)?, Timestamp::from_micros(at)))).transpose()
    }

    async fn sent_at(&mut self, room: RoomId, member: UserId) -> DatabaseResult<Timestamp> {
        let query = query_scalar::<Db, i64>(SENT_AT).bind(room.uuid()).bind(member.uuid());
        Ok(Timestamp::from_micros(run!(self, query, fetch_optional)?.unwrap_or(0)))
    }

    async fn thread(&mut self, room: RoomId, root: Seq) -> DatabaseResult<Option<ThreadRecord>> {
        let query = query_as::<Db, ThreadRow>(THREAD).bind(room.uuid()).bind(signed(root.get()));
        let record = |row: ThreadRow| {
            Ok(ThreadRecord {
                room,
                root,
                messages: unsigned(row.messages)?,
                replies: unsigned(row.replies)?,
                last_seq: seq(row.last_seq)?,
                last_at: Timestamp::from_micros(row.last_at),
            })
        };
        run!(self, query, fetch_optional)?.map(record).transpose()
    }

    async fn save_thread(&mut self, thread: &ThreadRecord) -> DatabaseResult<()> {
        let query = query::<Db>(SAVE_THREAD)
            .bind(thread.room.uuid())
            .bind(signed(thread.root.get()))
            .bind(signed(thread.messages))
            .bind(signed(thread.replies))
            .bind(signed(thread.last_seq.get()))
            .bind(thread.last_at.as_micros());
        run!(self, query, execute).map(drop)
    }

    async fn thread_state(&mut self, thread: &ThreadRecord) -> DatabaseResult<ThreadState> {
        let query = query_as::<Db, (Uuid, i64)>(LAST_PRESENT)
            .bind(thread.room.uuid())
            .bind(signed(thread.root.get()))
            .bind(AUTHORS_OF_LAST);
        let last = run!(self, query, fetch_all)?;
        let mut by: Vec<UserId> = Vec::new();
        for sender in last.iter().map(|(sender, _)| UserId::new(*sender)) {
            if by.len() < THREAD_BY_MAX && !by.contains(&sender) {
                by.push(sender);
            }
        }
        let last_at = last.first().map(|(_, at)| Timestamp::from_micros(*at));
        Ok(ThreadState { replies: thread.replies, last_at, by })
    }

    async fn insert_in_thread(&mut self, thread: &ThreadRecord, sender: UserId) -> DatabaseResult<()> {
        let query = query::<Db>(INSERT_IN_THREAD)
            .bind(thread.room.uuid())
            .bind(signed(thread.root.get()))
            .bind(signed(thread.last_seq.get()))
            .bind(signed(thread.messages))
            .bind(sender.uuid())
            .bind(thread.last_at.as_micros());
        run!(self, query, execute).map(drop)
    }

    async fn delete_in_thread(&mut self, thread: &ThreadRecord, message: Seq) -> DatabaseResult<()> {
        let query = query::<Db>(DELETE_IN_THREAD)
            .bind(thread.room.uuid())
            .bind(signed(thread.root.get()))
            .bind(signed(message.get()));
        run!(self, query, execute).map(drop)
    }

    async fn insert_thread_message(
        &mut self,
        room: &RoomRecord,
        message: &ThreadMessage<'_>,
    ) -> DatabaseResult<()> {
        let kind = if message.in_room { EventKind::Message.number() } else { MESSAGE_IN_THREAD };
        let (head, at) = (signed(room.head.get()), room.active_at.as_micros());
        let insert = query::<Db>(INSERT_MESSAGE)
            .bind(room.id.uuid())
            .bind(head)
            .bind(kind)
            .bind(message.sender.uuid())
            .bind(at)
            .bind(signed(room.messages))
            .bind(message.key.as_str())
            .bind(message.text)
            .bind(message.detail);
        run!(self, insert, execute)?;
        if !message.in_room {
            let count = query::<Db>(COUNT_APART).bind(room.id.uuid()).bind(message.sender.uuid()).bind(at);
            return run!(self, count, execute).map(drop);
        }
        let count =
            query::<Db>(COUNT_IN_ROOM).bind(room.id.uuid()).bind(message.sender.uuid()).bind(head).bind(at);
        run!(self, count, execute)?;
        let grow = query::<Db>(GROW_ROOM).bind(room.id.uuid()).bind(signed(room.messages)).bind(head);
        run!(self, grow, execute).map(drop)
    }

    async fn follow(&mut self, thread: &ThreadRecord, user: UserId) -> DatabaseResult<()> {
        let query = query::<Db>(FOLLOW)
            .bind(thread.room.uuid())
            .bind(user.uuid())
            .bind(signed(thread.root.get()))
            .bind(signed(thread.last_seq.get()))
            .bind(signed(thread.messages));
        run!(self, query, execute).map(drop)
    }

    async fn unfollow(&mut self, room: RoomId, root: Seq, user: UserId) -> DatabaseResult<()> {
        let query = query::<Db>(UNFOLLOW).bind(room.uuid()).bind(user.uuid()).bind(signed(root.get()));
        run!(self, query, execute).map(drop)
    }

    async fn count_followers(&mut self, room: RoomId, root: Seq, up_to: u32) -> DatabaseResult<u64> {
        let query = query_scalar::<Db, i64>(COUNT_FOLLOWERS)
            .bind(room.uuid())
            .bind(signed(root.get()))
            .bind(i64::from(up_to));
        unsigned(run!(self, query, fetch_one)?)
    }

    async fn count_followed(&mut self, user: UserId, up_to: u32) -> DatabaseResult<u64> {
        let query = query_scalar::<Db, i64>(COUNT_FOLLOWED).bind(user.uuid()).bind(i64::from(up_to));
        unsigned(run!(self, query, fetch_one)?)
    }

    async fn forget_quietest(&mut self, user: UserId, but: ThreadId, kept: u32) -> DatabaseResult<()> {
        let query = query::<Db>(FORGET_QUIETEST)
            .bind(user.uuid())
            .bind(but.room.uuid())
            .bind(signed(but.root.get()))
            .bind(i64::from(kept));
        run!(self, query, execute).map(drop)
    }

    async fn count_own(&mut self, thread: &ThreadRecord, user: UserId) -> DatabaseResult<()> {
        let query = query::<Db>(COUNT_OWN)
            .bind(thread.room.uuid())
            .bind(user.uuid())
            .bind(signed(thread.root.get()))
            .bind(signed(thread.last_seq.get()));
        run!(self, query, execute).map(drop)
    }

    async fn thread_place(&mut self, room: RoomId, root: Seq, user: UserId) -> DatabaseResult<ThreadPlace> {
        let query =
            query_as::<Db, PlaceRow>(PLACE).bind(room.uuid()).bind(user.uuid()).bind(signed(root.get()));
        let row = run!(self, query, fetch_optional)?;
        row.map_or_else(|| Ok(ThreadPlace::default()), PlaceRow::place)
    }

    async fn mark_thread_read(
        &mut self,
        room: RoomId,
        root: Seq,
        user: UserId,
        seq: Seq,
    ) -> DatabaseResult<()> {
        let query = query::<Db>(MARK_READ)
            .bind(room.uuid())
            .bind(user.uuid())
            .bind(signed(root.get()))
            .bind(signed(seq.get()));
        run!(self, query, execute).map(drop)
    }

    async fn thread_after(&mut self, room: RoomId, root: Seq, slice: Slice) -> DatabaseResult<EventPage> {
        self.thread_page(THREAD_AFTER, room, root, slice).await
    }

    async fn thread_before(&mut self, room: RoomId, root: Seq, slice: Slice) -> DatabaseResult<EventPage> {
        self.thread_page(THREAD_BEFORE, room, root, slice).await
    }

    async fn followed_threads(
        &mut self,
        user: UserId,
        after: Option<ByReply>,
        limit: u32,
    ) -> DatabaseResult<FollowedPage> {
        let text = if after.is_some() { FOLLOWED_AFTER } else { FOLLOWED };
        let query = query_as::<Db, FollowedRow>(text)
            .bind(user.uuid())
            .bind(i64::from(limit))
            .bind(PAGE_MAX_BYTES as i64);
        let query = match after {
            None => query,
            Some(ByReply { last_at, room, root }) => {
                query.bind(last_at.as_micros()).bind(room.uuid()).bind(signed(root.get()))
            }
        };
        followed(run!(self, query, fetch_all)?)
    }

    async fn threads_active_since(
        &mut self,
        user: UserId,
        since: Timestamp,
        beyond: ThreadId,
        limit: u32,
    ) -> DatabaseResult<FollowedPage> {
        let query = query_as::<Db, FollowedRow>(FOLLOWED_SINCE)
            .bind(user.uuid())
            .bind(i64::from(limit))
            .bind(PAGE_MAX_BYTES as i64)
            .bind(since.as_micros())
            .bind(beyond.room.uuid())
            .bind(signed(beyond.root.get()));
        followed(run!(self, query, fetch_all)?)
    }

    async fn insert_tell(&mut self, tell: &Tell, since: Timestamp) -> DatabaseResult<()> {
        let query = query::<Db>(INSERT_TELL)
            .bind(tell.room.uuid())
            .bind(signed(tell.message.get()))
            .bind(signed(tell.root.get()))
            .bind(since.as_micros())
            .bind(tell.by_site)
            .bind(tell.told_to.uuid());
        run!(self, query, execute).map(drop)
    }

    async fn lock_tell(&mut self, room: RoomId, message: Seq) -> DatabaseResult<Option<Tell>> {
        let query =
            query_as::<Db, (i64, bool, Uuid)>(LOCK_TELL).bind(room.uuid()).bind(signed(message.get()));
        let row = run!(self, query, fetch_optional)?;
        let tell = |(root, by_site, told_to)| {
            Ok(Tell { room, message, root: seq(root)?, by_site, told_to: UserId::new(told_to) })
        };
        row.map(tell).transpose()
    }

    async fn save_tell(&mut self, tell: &Tell, more: bool) -> DatabaseResult<()> {
        let (room, message) = (tell.room.uuid(), signed(tell.message.get()));
        if more {
            let query = query::<Db>(SAVE_TELL).bind(room).bind(message).bind(tell.told_to.uuid());
            run!(self, query, execute).map(drop)
        } else {
            run!(self, query::<Db>(DELETE_TELL).bind(room).bind(message), execute).map(drop)
        }
    }

    async fn overdue_tells(&mut self, before: Timestamp, limit: u32) -> DatabaseResult<Vec<(RoomId, Seq)>> {
        let query =
            query_as::<Db, (Uuid, i64)>(OVERDUE_TELLS).bind(before.as_micros()).bind(i64::from(limit));
        let rows = run!(self, query, fetch_all)?;
        rows.into_iter().map(|(room, message)| Ok((RoomId::new(room), seq(message)?))).collect()
    }

    async fn followers(
        &mut self,
        room: RoomId,
        root: Seq,
        beyond: UserId,
        limit: u32,
    ) -> DatabaseResult<Vec<UserId>> {
        let query = query_scalar::<Db, Uuid>(FOLLOWERS)
            .bind(room.uuid())
            .bind(signed(root.get()))
            .bind(beyond.uuid())
            .bind(i64::from(limit));
        Ok(run!(self, query, fetch_all)?.into_iter().map(UserId::new).collect())
    }
}

impl Connection {
    async fn thread_page(
        &mut self,
        text: &'static str,
        room: RoomId,
        root: Seq,
        slice: Slice,
    ) -> DatabaseResult<EventPage> {
        let query = query_as::<Db, PageRow>(text)
            .bind(room.uuid())
            .bind(signed(slice.beyond.get()))
            .bind(i64::from(slice.limit) + 1)
            .bind(PAGE_MAX_BYTES as i64)
            .bind(signed(slice.floor.get()))
            .bind(signed(root.get()));
        let rows = run!(self, query, fetch_all)?;
        self.event_page(rows, room.into(), slice.limit).await
    }
}
