//! Appends, and what comes before them. What PostgreSQL does by arrays is done statement by statement here, since there
//! is no round trip to save. Each statement is prepared once for a connection.

use std::{
    collections::{BTreeMap, HashMap, btree_map::Entry, hash_map},
    sync::Arc,
};

use madang_database::{DatabaseError, DatabaseResult};
use madang_domain::{
    Profile, RoomId, Seq, Timestamp, UserId, Username,
    event::{EventBody, Mention},
};
use madang_rpc::store::{Appended, Mentioned};
use sqlx::{SqliteConnection, query, query_as, query_scalar};
use uuid::Uuid;

use super::{
    blocks::BLOCKERS_IN_DIRECT,
    inboxes::{GROW_INBOX, INSERT_NOTICE},
};
use crate::store::{
    batches::{AppendOutcome, AppendRow},
    columns::newer_profile,
    detail::detail_with_mentions,
};

const SAVE_PROFILE: &str = concat!(
    "INSERT INTO profiles (user_id, username, name, avatar_url, external_id, version) \
     VALUES ($1, $2, $3, $4, $5, $6) ",
    newer_profile!()
);

const ROOM_LOG: &str = "\
    SELECT head, messages, active_at, direct_low IS NOT NULL, archived, send_role, slow_mode_s, guests_send \
    FROM rooms WHERE id = $1";

const MEMBER: &str =
    "SELECT role, guest AND role = 1, muted_until, sent_at FROM members WHERE room = $1 AND user_id = $2";

const BY_KEY: &str = "SELECT seq, at FROM events WHERE topic = $1 AND actor = $2 AND key = $3";

const INSERT_MESSAGE: &str = "\
    INSERT INTO events (topic, seq, kind, actor, at, ordinal, key, text, detail) \
    VALUES ($1, $2, 1, $3, $4, $5, $6, $7, $8)";

/// Of what was just appended, so that there is none of it yet.
const INSERT_REPORT: &str = "\
    INSERT INTO reports (room, message, reporter, id, at, status) VALUES ($1, $2, $3, $4, $5, 1)";

const GROW_ROOM: &str =
    "UPDATE rooms SET head = $2, messages = $3, last_message_seq = $2, active_at = $4 WHERE id = $1";

const COUNT_SENT: &str =
    "UPDATE members SET sent = sent + $3, sent_seq = $4, sent_at = $5 WHERE room = $1 AND user_id = $2";

/// Of a member, whether the member has blocked a sender, and whether the member wants to be notified of nothing in the room.
const IS_SILENT: &str = "\
    SELECT EXISTS (SELECT 1 FROM blocks b WHERE b.blocker = m.user_id AND b.blocked = $3), \
        m.notify = 3 OR m.notify_muted_until > $4 \
    FROM members m WHERE m.room = $1 AND m.user_id = $2";

const NAMED_MEMBERS: &str = "\
    SELECT p.user_id FROM profiles p JOIN members m ON m.room = $1 AND m.user_id = p.user_id WHERE p.username = $2";

/// A room's log as a batch grows it.
struct Log {
    head: i64,
    messages: i64,
    at: i64,
    /// What the clock shows.
    now: i64,
    is_direct: bool,
    archived: bool,
    send_role: i64,
    guests_send: bool,
    /// The pause between two messages of a member, in microseconds.
    pause: i64,
    /// What each sender of the batch may do and has sent in it.
    senders: BTreeMap<UserId, Sender>,
}

/// A sender in a room.
struct Sender {
    /// None of who is no member.
    member: Option<Member>,
    /// What a block between the two users of a direct room makes of the sender's messages.
    block: Option<AppendOutcome>,
    sent: i64,
    sent_seq: i64,
}

/// A sender who is a member.
#[derive(Clone, Copy)]
struct Member {
    role: i64,
    guest: bool,
    muted_until: i64,
    /// When the last message was committed, also one of this batch.
    sent_at: i64,
}

/// Appends in the transaction that the caller has begun; the same judgements as `append_messages` of PostgreSQL.
pub(super) async fn append(
    connection: &mut SqliteConnection,
    now: Timestamp,
    rows: &[AppendRow<'_>],
) -> Result<Vec<AppendOutcome>, sqlx::Error> {
    let mut logs: HashMap<RoomId, Option<Log>> = HashMap::new();
    let mut outcomes = Vec::with_capacity(rows.len());
    for row in rows {
        let log = match logs.entry(row.room) {
            hash_map::Entry::Occupied(entry) => entry.into_mut(),
            hash_map::Entry::Vacant(entry) => entry.insert(Log::load(connection, row.room, now).await?),
        };
        outcomes.push(match log {
            Some(log) => log.append(connection, row).await?,
            None => AppendOutcome::NoRoom,
        });
    }
    for (room, log) in &logs {
        if let Some(log) = log {
            log.save(connection, *room).await?;
        }
    }
    Ok(outcomes)
}

/// Appends one message in a transaction that goes on.
pub(super) async fn append_alone(
    connection: &mut SqliteConnection,
    now: Timestamp,
    row: &AppendRow<'_>,
) -> Result<Vec<AppendOutcome>, sqlx::Error> {
    append(connection, now, std::slice::from_ref(row)).await
}

/// What became of a message that was appended alone.
pub(super) fn outcome(outcomes: Vec<AppendOutcome>) -> DatabaseResult<AppendOutcome> {
    outcomes.into_iter().next().ok_or_else(|| DatabaseError::corrupt("append outcome", "it is absent"))
}

/// Head, messages, the time of the last event, whether the room is a direct one and archived, the least role that sends, the
/// pause between two messages, and whether guests send.
type RoomLog = (i64, i64, i64, bool, bool, i64, i64, bool);

impl Log {
    async fn load(
        connection: &mut SqliteConnection,
        room: RoomId,
        now: Timestamp,
    ) -> Result<Option<Self>, sqlx::Error> {
        let row: Option<RoomLog> = query_as(ROOM_LOG).bind(room.uuid()).fetch_optional(connection).await?;
        Ok(row.map(
            |(head, messages, active_at, is_direct, archived, send_role, slow_mode_s, guests_send)| Self {
                is_direct,
                archived,
                send_role,
                guests_send,
                pause: slow_mode_s * 1_000_000,
                now: now.as_micros(),
                head,
                messages,
                at: now.as_micros().max(active_at),
                senders: BTreeMap::new(),
            },
        ))
    }

    async fn append(
        &mut self,
        connection: &mut SqliteConnection,
        row: &AppendRow<'_>,
    ) -> Result<AppendOutcome, sqlx::Error> {
        // The batch's own rows are found here, too: they are inserted one by one.
        let first: Option<(i64, i64)> = query_as(BY_KEY)
            .bind(row.room.uuid())
            .bind(row.actor.uuid())
            .bind(row.key)
            .fetch_optional(&mut *connection)
            .await?;
        if let Some((seq, at)) = first {
            return Ok(appended(seq, at, true, Vec::new()));
        }
        let sender = match self.senders.entry(row.actor) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => {
                let query = query_as(MEMBER).bind(row.room.uuid()).bind(row.actor.uuid());
                let found: Option<(i64, bool, i64, i64)> = query.fetch_optional(&mut *connection).await?;
                let member = found.map(|(role, guest, muted_until, sent_at)| Member {
                    role,
                    guest,
                    muted_until,
                    sent_at,
                });
                let block = if self.is_direct { block(connection, row).await? } else { None };
                entry.insert(Sender { member, block, sent: 0, sent_seq: 0 })
            }
        };
        let Some(member) = &mut sender.member else { return Ok(AppendOutcome::NotMember) };
        if self.archived {
            return Ok(AppendOutcome::Archived);
        }
        if !row.by_site {
            if member.guest && !self.guests_send {
                return Ok(AppendOutcome::OnlyModerators);
            }
            if let Some(refusal) = member.refusal(self.send_role, self.pause, self.now) {
                return Ok(refusal);
            }
        }
        member.sent_at = self.at;
        if let Some(block) = sender.block.as_ref().filter(|_| !row.by_site) {
            return Ok(block.clone());
        }
        self.head += 1;
        self.messages += 1;
        sender.sent += 1;
        sender.sent_seq = self.head;
        let mentions = self.mention(connection, row).await?;
        let users: Vec<UserId> = mentions.iter().map(|mentioned| mentioned.user).collect();
        let with_mentions = if users.is_empty() { None } else { detail_with_mentions(row.detail, users) };
        query(INSERT_MESSAGE)
            .bind(row.room.uuid())
            .bind(self.head)
            .bind(row.actor.uuid())
            .bind(self.at)
            .bind(self.messages)
            .bind(row.key)
            .bind(row.text)
            .bind(with_mentions.as_deref().or(row.detail))
            .execute(&mut *connection)
            .await?;
        if let Some(report) = row.report {
            let query = query(INSERT_REPORT).bind(row.room.uuid()).bind(self.head).bind(Uuid::nil());
            query.bind(report).bind(self.now).execute(connection).await?;
        }
        Ok(appended(self.head, self.at, false, mentions))
    }

    /// Puts the notices of a message that is being appended into the inboxes of those whom it mentions and who are
    /// members. One who has blocked the sender has no notice, nor one who wants none of the room.
    async fn mention(
        &self,
        connection: &mut SqliteConnection,
        row: &AppendRow<'_>,
    ) -> Result<Vec<Mentioned>, sqlx::Error> {
        let mut mentions = Vec::with_capacity(row.mentions.len());
        for user in row.mentions {
            let asked = query_as::<_, (bool, bool)>(IS_SILENT).bind(row.room.uuid()).bind(user.uuid());
            let asked = asked.bind(row.actor.uuid()).bind(self.now);
            let found = asked.fetch_optional(&mut *connection).await?;
            let Some((has_blocked, refuses)) = found else { continue };
            if refuses || (has_blocked && !row.by_site) {
                mentions.push(Mentioned { user: *user, notice: None });
                continue;
            }
            let notice = EventBody::Mention(Mention { room: row.room, seq: place(self.head) });
            let grown = query_as(GROW_INBOX).bind(user.uuid()).bind(self.at);
            let (seq, at): (i64, i64) = grown.fetch_one(&mut *connection).await?;
            query(INSERT_NOTICE)
                .bind(user.uuid())
                .bind(seq)
                .bind(notice.number())
                .bind(row.actor.uuid())
                .bind(at)
                .bind(None::<&str>)
                .bind(notice.detail())
                .execute(&mut *connection)
                .await?;
            let notice = (place(seq), Timestamp::from_micros(at));
            mentions.push(Mentioned { user: *user, notice: Some(notice) });
        }
        Ok(mentions)
    }

    async fn save(&self, connection: &mut SqliteConnection, room: RoomId) -> Result<(), sqlx::Error> {
        let mut grown = false;
        for (user, sender) in self.senders.iter().filter(|(_, sender)| sender.sent > 0) {
            grown = true;
            query(COUNT_SENT)
                .bind(room.uuid())
                .bind(user.uuid())
                .bind(sender.sent)
                .bind(sender.sent_seq)
                .bind(self.at)
                .execute(&mut *connection)
                .await?;
        }
        if grown {
            query(GROW_ROOM)
                .bind(room.uuid())
                .bind(self.head)
                .bind(self.messages)
                .bind(self.at)
                .execute(connection)
                .await?;
        }
        Ok(())
    }
}

impl Member {
    /// What the room's flags and a mute make of the sender's messages. Moderators wait for no pause.
    fn refusal(self, send_role: i64, pause: i64, now: i64) -> Option<AppendOutcome> {
        if self.role < send_role {
            return Some(AppendOutcome::OnlyModerators);
        }
        if self.muted_until > now {
            return Some(AppendOutcome::Muted(Timestamp::from_micros(self.muted_until)));
        }
        let again_at = self.sent_at + pause;
        (pause > 0 && self.role < 2 && again_at > now)
            .then_some(AppendOutcome::TooSoon(Timestamp::from_micros(again_at)))
    }
}

/// What a block between the two users of a direct room makes of a sender's messages.
async fn block(
    connection: &mut SqliteConnection,
    row: &AppendRow<'_>,
) -> Result<Option<AppendOutcome>, sqlx::Error> {
    let query = query_scalar::<_, Uuid>(BLOCKERS_IN_DIRECT).bind(row.room.uuid());
    let blockers = query.fetch_all(connection).await?;
    if blockers.contains(&row.actor.uuid()) {
        return Ok(Some(AppendOutcome::OtherBlocked));
    }
    Ok((!blockers.is_empty()).then_some(AppendOutcome::Refused))
}

/// A seq that was read or counted up from one is never negative.
fn place(seq: i64) -> Seq {
    Seq::new(u64::try_from(seq).unwrap_or(0))
}

fn appended(seq: i64, at: i64, duplicate: bool, mentions: Vec<Mentioned>) -> AppendOutcome {
    let seq = place(seq);
    AppendOutcome::Appended(Appended {
        seq,
        at: Timestamp::from_micros(at),
        duplicate,
        mentions,
        excerpt: None,
        attachments: Vec::new(),
        mentions_all: None,
    })
}

pub(super) async fn save_profiles(
    connection: &mut SqliteConnection,
    profiles: &[Arc<Profile>],
) -> Result<(), sqlx::Error> {
    for profile in profiles {
        query(SAVE_PROFILE)
            .bind(profile.id.uuid())
            .bind(profile.username.as_str())
            .bind(profile.name.as_str())
            .bind(profile.avatar_url.as_deref())
            .bind(profile.external_id.as_deref())
            .bind(profile.version.as_micros())
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

pub(super) async fn named_members(
    connection: &mut SqliteConnection,
    asked: &[(RoomId, Username)],
) -> Result<Vec<(usize, UserId)>, sqlx::Error> {
    let mut found = Vec::new();
    for (place, (room, name)) in asked.iter().enumerate() {
        let query = query_scalar::<_, Uuid>(NAMED_MEMBERS).bind(room.uuid()).bind(name.as_str());
        let users = query.fetch_all(&mut *connection).await?;
        found.extend(users.into_iter().map(|user| (place, UserId::new(user))));
    }
    Ok(found)
}
