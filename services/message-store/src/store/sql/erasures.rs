//! Users who are erased. Compiled once for each database: see [`crate::store`].

use async_trait::async_trait;
use madang_database::{DatabaseError, DatabaseResult, run};
use madang_domain::{
    Emoji, Profile, RoomId, RoomName, Seq, Timestamp, UserId,
    event::{EventBody, EventKind},
};
use sqlx::{FromRow, QueryBuilder, query, query_as, query_scalar};
use uuid::Uuid;

use super::{connection::Connection, driver::Db};
use crate::store::{
    erasures::{ErasureRecord, Erasures, NamedIn, Stage, SuspectMessage},
    values::{seq, signed},
};

// A user's profile stands for the erasure as that which is locked, as for blocks: who makes a user a member shares the lock
// and asks by a later statement.
const SHARE: &str = "SELECT p.user_id FROM profiles p WHERE p.user_id IN (";
const SHARED: &str = concat!(") ORDER BY p.user_id", sharing!());
const ERASED: &str = "SELECT user_id FROM erasures WHERE user_id IN (";

const INSERT: &str = "\
    INSERT INTO erasures (user_id, since, stage, room, seq, username, nonce) \
    VALUES ($1, $2, $3, NULL, 0, $4, $5) ON CONFLICT (user_id) DO NOTHING";
const ERASURE: &str = concat!(
    "SELECT p.user_id, p.since, p.stage, p.room, p.seq, p.username, p.nonce, p.done_at \
     FROM erasures p WHERE p.user_id = $1",
    excluding!()
);
const SAVE: &str = "\
    UPDATE erasures SET stage = $2, room = $3, seq = $4, username = $5, done_at = $6 WHERE user_id = $1";

const HIDE_PROFILE: &str = "\
    INSERT INTO profiles (user_id, username, name, avatar_url, external_id, version) \
    VALUES ($1, $2, $3, NULL, NULL, $4) \
    ON CONFLICT (user_id) DO UPDATE SET username = excluded.username, name = excluded.name, avatar_url = NULL, \
        external_id = NULL, version = excluded.version";
/// Each by an index of the user. A further table of what users have or set belongs here.
const FORGET_USER: [&str; 11] = [
    "DELETE FROM thread_follows WHERE user_id = $1",
    // What no message has. It is removed as an upload that nobody used.
    "UPDATE files SET state = 3, name = NULL, content_type = NULL, image = NULL \
     WHERE user_id = $1 AND message IS NULL AND state < 3",
    "DELETE FROM blocks WHERE blocker = $1",
    "DELETE FROM blocks WHERE blocked = $1",
    "DELETE FROM user_settings WHERE user_id = $1",
    "DELETE FROM user_states WHERE user_id = $1",
    "DELETE FROM invitations WHERE user_id = $1",
    "DELETE FROM invitations WHERE inviter = $1",
    "DELETE FROM exports WHERE user_id = $1",
    "UPDATE reports SET reason = NULL WHERE reporter = $1 AND reason IS NOT NULL",
    "UPDATE rooms SET creation_key = NULL WHERE creator = $1 AND creation_key IS NOT NULL",
];

const NEXT_MEMBERSHIP: &str =
    "SELECT room FROM members WHERE user_id = $1 AND room > $2 ORDER BY room LIMIT 1";
const SUCCESSOR: &str = "\
    SELECT user_id FROM members WHERE room = $1 AND user_id <> $2 \
    ORDER BY role DESC, CASE WHEN role = 1 AND guest THEN 1 ELSE 0 END, joined_at, user_id LIMIT 1";
const ERASED_OF_DIRECT: &str = "\
    SELECT count(*) FROM rooms r JOIN erasures x ON x.user_id IN (r.direct_low, r.direct_high) WHERE r.id = $1";

const NOTICES: &str = "SELECT seq, kind, detail FROM events WHERE topic = $1 ORDER BY seq LIMIT $2";
const DELETE_NOTICES: &str = "DELETE FROM events WHERE topic = $1 AND seq <= $2";
const DELETE_INBOX: &str = "DELETE FROM inboxes WHERE user_id = $1";

const INSERT_ROOM: &str = "INSERT INTO erasure_rooms (user_id, room) VALUES ($1, $2) ON CONFLICT DO NOTHING";
/// Each message has a key, and with its room, sender and key an index; so has each event about a user, as that the user was a
/// member, with its room and the user.
const FIND_ROOMS: &str = "\
    INSERT INTO erasure_rooms (user_id, room) \
    SELECT $1, r.id FROM rooms r WHERE r.id > $2 AND r.id <= $3 AND ( \
       EXISTS (SELECT 1 FROM events e WHERE e.topic = r.id AND e.actor = $1 AND e.key IS NOT NULL) \
       OR EXISTS (SELECT 1 FROM events e WHERE e.topic = r.id AND e.subject = $1) \
       OR EXISTS (SELECT 1 FROM restrictions x WHERE x.room = r.id AND x.kind IN (1, 2) AND x.user_id = $1) \
       OR EXISTS (SELECT 1 FROM audit a WHERE a.room = r.id AND a.subject = $1 AND a.reason IS NOT NULL) \
       OR EXISTS (SELECT 1 FROM invitation_links l WHERE l.room = r.id AND l.actor = $1)) \
    ON CONFLICT DO NOTHING";
/// The last of the next so many rooms. It is asked for before them, so that none of them is passed over where another one of
/// them is deleted meanwhile.
const LAST_ASKED: &str = "SELECT id FROM rooms WHERE id > $1 ORDER BY id LIMIT 1 OFFSET $2";
const PURGE_SOON: &str = "\
    UPDATE purges SET since = 0 WHERE EXISTS ( \
        SELECT 1 FROM events e WHERE e.topic = purges.topic AND e.actor = $1 AND e.key IS NOT NULL)";
const ROOMS_WITH_REACTIONS: &str = "\
    INSERT INTO erasure_rooms (user_id, room) \
    SELECT DISTINCT x.user_id, x.room FROM reactions x WHERE x.user_id = $1 ON CONFLICT DO NOTHING";
const NEXT_ROOM: &str = "SELECT room FROM erasure_rooms WHERE user_id = $1 ORDER BY room LIMIT 1";
const DELETE_ROOM: &str = "DELETE FROM erasure_rooms WHERE user_id = $1 AND room = $2";

const FORGET_IN_ROOM: [&str; 4] = [
    // In a direct room the membership stays.
    "DELETE FROM thread_follows WHERE room = $1 AND user_id = $2",
    "DELETE FROM invitation_links WHERE room = $1 AND actor = $2",
    "DELETE FROM restrictions WHERE room = $1 AND kind IN (1, 2) AND user_id = $2",
    "UPDATE audit SET reason = NULL WHERE room = $1 AND subject = $2 AND reason IS NOT NULL",
];
const REACTIONS: &str = "\
    SELECT message, emoji FROM reactions WHERE user_id = $2 AND room = $1 ORDER BY message, emoji LIMIT $3";
const SUSPECT_MESSAGES: &str = "\
    SELECT e.seq, e.actor, e.text, coalesce(e.detail LIKE '%\"edit\":%', false) AS is_edited, \
        coalesce(e.detail LIKE $5, false) AS is_mention \
    FROM events e WHERE e.topic = $1 AND e.seq > $3 AND e.seq <= $4 AND e.kind IN (1, 30) AND e.text <> '' \
      AND (e.actor = $2 OR e.text LIKE '%@%' OR e.detail LIKE '%\"edit\":%' OR e.detail LIKE $5) \
    ORDER BY e.seq LIMIT $6";
const REPLACE_KEYS: &str = "\
    UPDATE events SET key = $5 || CAST(seq AS text) \
    WHERE topic = $1 AND seq > $3 AND seq <= $4 AND actor = $2 AND kind IN (1, 30)";
const REWRITE_REVISION: &str =
    "UPDATE revisions SET text = $4 WHERE room = $1 AND message = $2 AND revision = $3";
const NAMED_EVENTS: &str = "\
    SELECT topic, seq, kind, detail FROM events \
    WHERE topic = $1 AND seq > $4 AND seq <= $5 AND kind = $2 AND detail LIKE $3 ORDER BY seq LIMIT $6";
/// A notice that was dismissed meanwhile is none any more.
const REWRITE_DETAIL: &str = "UPDATE events SET detail = $3 WHERE topic = $1 AND seq = $2 AND kind = $4";

const fn stage_number(stage: Stage) -> i16 {
    match stage {
        Stage::Memberships => 1,
        Stage::Inbox => 2,
        Stage::Rooms => 3,
        Stage::Logs => 4,
        Stage::NameInLog => 5,
        Stage::NameInInbox => 6,
    }
}

#[derive(Debug, FromRow)]
struct ErasureRow {
    user_id: Uuid,
    since: i64,
    stage: i16,
    room: Option<Uuid>,
    seq: i64,
    username: Option<String>,
    nonce: String,
    done_at: Option<i64>,
}

impl TryFrom<ErasureRow> for ErasureRecord {
    type Error = DatabaseError;

    fn try_from(row: ErasureRow) -> DatabaseResult<Self> {
        Ok(Self {
            user: UserId::new(row.user_id),
            since: Timestamp::from_micros(row.since),
            stage: match row.stage {
                1 => Stage::Memberships,
                2 => Stage::Inbox,
                3 => Stage::Rooms,
                4 => Stage::Logs,
                5 => Stage::NameInLog,
                6 => Stage::NameInInbox,
                other => {
                    return Err(DatabaseError::corrupt("stage of an erasure", format!("{other} is none")));
                }
            },
            room: row.room.map(RoomId::new),
            seq: seq(row.seq)?,
            username: row.username,
            nonce: row.nonce,
            done_at: row.done_at.map(Timestamp::from_micros),
        })
    }
}

#[derive(Debug, FromRow)]
struct SuspectRow {
    seq: i64,
    actor: Uuid,
    text: String,
    is_edited: bool,
    is_mention: bool,
}

#[derive(Debug, FromRow)]
struct NamedEventRow {
    topic: Uuid,
    seq: i64,
    kind: i16,
    detail: Option<String>,
}

/// An event's detail with another name of the room.
fn renamed(row: &NamedEventRow, name: &RoomName) -> DatabaseResult<Option<String>> {
    let body = EventBody::read(row.kind, row.detail.as_deref(), true)
        .map_err(|error| DatabaseError::corrupt("event", error))?;
    Ok(match body {
        EventBody::RoomChanged(changed) => {
            EventBody::RoomChanged(madang_domain::event::RoomChanged { name: name.clone(), ..changed })
                .detail()
        }
        EventBody::Invite(invite) => {
            EventBody::Invite(madang_domain::event::Invite { name: name.clone(), ..invite }).detail()
        }
        _ => row.detail.clone(),
    })
}

#[async_trait]
impl Erasures for Connection {
    async fn is_any_erased(&mut self, users: &[UserId]) -> DatabaseResult<bool> {
        Ok(!self.erased_among(users).await?.is_empty())
    }

    async fn erased_among(&mut self, users: &[UserId]) -> DatabaseResult<Vec<UserId>> {
        if users.is_empty() {
            return Ok(Vec::new());
        }
        // Neither is cached as prepared, since there would be one for each length of the list.
        let mut share = QueryBuilder::<Db>::new(SHARE);
        push_ids(&mut share, users);
        share.push(SHARED);
        run!(self, share.build().persistent(false), fetch_all)?;
        let mut erased = QueryBuilder::<Db>::new(ERASED);
        push_ids(&mut erased, users);
        erased.push(")");
        let erased: Vec<Uuid> = run!(self, erased.build_query_scalar().persistent(false), fetch_all)?;
        Ok(erased.into_iter().map(UserId::new).collect())
    }

    async fn insert_erasure(&mut self, erasure: &ErasureRecord) -> DatabaseResult<()> {
        let query = query::<Db>(INSERT)
            .bind(erasure.user.uuid())
            .bind(erasure.since.as_micros())
            .bind(stage_number(erasure.stage))
            .bind(&erasure.username)
            .bind(&erasure.nonce);
        run!(self, query, execute).map(drop)
    }

    async fn lock_erasure(&mut self, user: UserId) -> DatabaseResult<Option<ErasureRecord>> {
        let query = query_as::<Db, ErasureRow>(ERASURE).bind(user.uuid());
        run!(self, query, fetch_optional)?.map(TryInto::try_into).transpose()
    }

    async fn save_erasure(&mut self, erasure: &ErasureRecord) -> DatabaseResult<()> {
        let query = query::<Db>(SAVE)
            .bind(erasure.user.uuid())
            .bind(stage_number(erasure.stage))
            .bind(erasure.room.map(RoomId::uuid))
            .bind(signed(erasure.seq.get()))
            .bind(&erasure.username)
            .bind(erasure.done_at.map(Timestamp::as_micros));
        run!(self, query, execute).map(drop)
    }

    async fn hide_profile(&mut self, profile: &Profile) -> DatabaseResult<()> {
        let query = query::<Db>(HIDE_PROFILE)
            .bind(profile.id.uuid())
            .bind(profile.username.as_str())
            .bind(profile.name.as_str())
            .bind(profile.version.as_micros());
        run!(self, query, execute).map(drop)
    }

    async fn forget_user(&mut self, user: UserId) -> DatabaseResult<()> {
        for statement in FORGET_USER {
            run!(self, query::<Db>(statement).bind(user.uuid()), execute)?;
        }
        Ok(())
    }

    async fn next_membership(
        &mut self,
        user: UserId,
        after: Option<RoomId>,
    ) -> DatabaseResult<Option<RoomId>> {
        let after = after.map_or(Uuid::nil(), RoomId::uuid);
        let query = query_scalar::<Db, Uuid>(NEXT_MEMBERSHIP).bind(user.uuid()).bind(after);
        Ok(run!(self, query, fetch_optional)?.map(RoomId::new))
    }

    async fn successor(&mut self, room: RoomId, but: UserId) -> DatabaseResult<Option<UserId>> {
        let query = query_scalar::<Db, Uuid>(SUCCESSOR).bind(room.uuid()).bind(but.uuid());
        Ok(run!(self, query, fetch_optional)?.map(UserId::new))
    }

    async fn is_deserted(&mut self, room: RoomId) -> DatabaseResult<bool> {
        let query = query_scalar::<Db, i64>(ERASED_OF_DIRECT).bind(room.uuid());
        Ok(run!(self, query, fetch_one)? >= 2)
    }

    async fn take_notices(&mut self, user: UserId, limit: u32) -> DatabaseResult<Vec<(i16, Option<String>)>> {
        let query =
            query_as::<Db, (i64, i16, Option<String>)>(NOTICES).bind(user.uuid()).bind(i64::from(limit));
        let notices = run!(self, query, fetch_all)?;
        match notices.last() {
            Some((last, ..)) => {
                let query = sqlx::query::<Db>(DELETE_NOTICES).bind(user.uuid()).bind(*last);
                run!(self, query, execute)?;
            }
            None => {
                run!(self, sqlx::query::<Db>(DELETE_INBOX).bind(user.uuid()), execute)?;
            }
        }
        Ok(notices.into_iter().map(|(_, kind, detail)| (kind, detail)).collect())
    }

    async fn insert_erasure_rooms(&mut self, user: UserId, rooms: &[RoomId]) -> DatabaseResult<()> {
        for room in rooms {
            run!(self, query::<Db>(INSERT_ROOM).bind(user.uuid()).bind(room.uuid()), execute)?;
        }
        Ok(())
    }

    async fn find_erasure_rooms(
        &mut self,
        user: UserId,
        after: Option<RoomId>,
        limit: u32,
    ) -> DatabaseResult<Option<RoomId>> {
        let after = after.map_or(Uuid::nil(), RoomId::uuid);
        let last = query_scalar::<Db, Uuid>(LAST_ASKED).bind(after).bind(i64::from(limit.saturating_sub(1)));
        let last = run!(self, last, fetch_optional)?;
        let up_to = last.unwrap_or(Uuid::max());
        run!(self, query::<Db>(FIND_ROOMS).bind(user.uuid()).bind(after).bind(up_to), execute)?;
        Ok(last.map(RoomId::new))
    }

    async fn find_other_traces(&mut self, user: UserId) -> DatabaseResult<()> {
        for statement in [PURGE_SOON, ROOMS_WITH_REACTIONS] {
            run!(self, query::<Db>(statement).bind(user.uuid()), execute)?;
        }
        Ok(())
    }

    async fn next_erasure_room(&mut self, user: UserId) -> DatabaseResult<Option<RoomId>> {
        let query = query_scalar::<Db, Uuid>(NEXT_ROOM).bind(user.uuid());
        Ok(run!(self, query, fetch_optional)?.map(RoomId::new))
    }

    async fn delete_erasure_room(&mut self, user: UserId, room: RoomId) -> DatabaseResult<()> {
        run!(self, query::<Db>(DELETE_ROOM).bind(user.uuid()).bind(room.uuid()), execute).map(drop)
    }

    async fn forget_in_room(&mut self, room: RoomId, user: UserId) -> DatabaseResult<()> {
        for statement in FORGET_IN_ROOM {
            run!(self, query::<Db>(statement).bind(room.uuid()).bind(user.uuid()), execute)?;
        }
        Ok(())
    }

    async fn reactions_of(
        &mut self,
        room: RoomId,
        user: UserId,
        limit: u32,
    ) -> DatabaseResult<Vec<(Seq, Emoji)>> {
        let query = query_as::<Db, (i64, String)>(REACTIONS)
            .bind(room.uuid())
            .bind(user.uuid())
            .bind(i64::from(limit));
        let reaction = |(message, emoji): (i64, String)| {
            let emoji = Emoji::recorded(emoji).map_err(|error| DatabaseError::corrupt("emoji", error))?;
            Ok((seq(message)?, emoji))
        };
        run!(self, query, fetch_all)?.into_iter().map(reaction).collect()
    }

    async fn suspect_messages(
        &mut self,
        room: RoomId,
        user: UserId,
        after: Seq,
        up_to: Seq,
        limit: u32,
    ) -> DatabaseResult<Vec<SuspectMessage>> {
        let query = query_as::<Db, SuspectRow>(SUSPECT_MESSAGES)
            .bind(room.uuid())
            .bind(user.uuid())
            .bind(signed(after.get()))
            .bind(signed(up_to.get()))
            .bind(format!("%{user}%"))
            .bind(i64::from(limit));
        let suspect = |row: SuspectRow| {
            let SuspectRow { seq: place, actor, text, is_edited, is_mention } = row;
            Ok(SuspectMessage { seq: seq(place)?, sender: UserId::new(actor), text, is_edited, is_mention })
        };
        run!(self, query, fetch_all)?.into_iter().map(suspect).collect()
    }

    async fn replace_keys(
        &mut self,
        room: RoomId,
        user: UserId,
        nonce: &str,
        after: Seq,
        up_to: Seq,
    ) -> DatabaseResult<()> {
        let query = query::<Db>(REPLACE_KEYS)
            .bind(room.uuid())
            .bind(user.uuid())
            .bind(signed(after.get()))
            .bind(signed(up_to.get()))
            .bind(format!("erased-{nonce}-"));
        run!(self, query, execute).map(drop)
    }

    async fn rewrite_revision(
        &mut self,
        room: RoomId,
        message: Seq,
        revision: u32,
        text: &str,
    ) -> DatabaseResult<()> {
        let query = query::<Db>(REWRITE_REVISION)
            .bind(room.uuid())
            .bind(signed(message.get()))
            .bind(i64::from(revision))
            .bind(text);
        run!(self, query, execute).map(drop)
    }

    async fn rename_in(
        &mut self,
        place: NamedIn,
        name: &RoomName,
        after: Seq,
        up_to: Seq,
        limit: u32,
    ) -> DatabaseResult<Option<Seq>> {
        let (topic, kind, pattern) = match place {
            NamedIn::Log(room) => (room.uuid(), EventKind::RoomChanged.number(), "%".to_owned()),
            NamedIn::Inbox(user, room) => (user.uuid(), EventKind::Invite.number(), format!("%{room}%")),
        };
        let query = query_as::<Db, NamedEventRow>(NAMED_EVENTS)
            .bind(topic)
            .bind(kind)
            .bind(pattern)
            .bind(signed(after.get()))
            .bind(signed(up_to.get()))
            .bind(i64::from(limit));
        let rows = run!(self, query, fetch_all)?;
        let is_full = rows.len() as u64 >= u64::from(limit);
        let last = rows.last().filter(|_| is_full).map(|row| seq(row.seq)).transpose()?;
        for row in rows {
            let detail = renamed(&row, name)?;
            let rewrite = sqlx::query::<Db>(REWRITE_DETAIL).bind(row.topic).bind(row.seq);
            run!(self, rewrite.bind(detail).bind(row.kind), execute)?;
        }
        Ok(last)
    }
}

fn push_ids(query: &mut QueryBuilder<Db>, users: &[UserId]) {
    let mut list = query.separated(", ");
    for user in users {
        list.push_bind(user.uuid());
    }
}
