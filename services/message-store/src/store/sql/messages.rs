//! Messages after they were sent. Compiled once for each database: see [`crate::store`].

use std::collections::{HashMap, HashSet};

use async_trait::async_trait;
use madang_database::{DatabaseError, DatabaseResult, run};
use madang_domain::{
    Emoji, RoomId, Seq, Timestamp, UserId,
    event::{Edited, Event, EventBody, Excerpt, MessageChanges},
    limits::PAGE_MAX_BYTES,
};
use madang_rpc::store::Revision;
use sqlx::{FromRow, QueryBuilder, query, query_as, query_scalar};
use uuid::Uuid;

use super::{connection::Connection, driver::Db, events::OriginalRow, opens, profiles::Reader};
use crate::store::{
    columns::within_bytes,
    detail::MessageDetail,
    messages::{MessageRecord, Messages, RevisionPage},
    values::{missing, seq, signed, unsigned},
};

const MESSAGE: &str = "SELECT e.actor, e.at, e.text, e.detail FROM events e WHERE e.topic = $1 AND e.seq = $2 AND e.kind IN (1, 30)";
const SAVE_MESSAGE: &str = "UPDATE events SET text = $3, detail = $4 WHERE topic = $1 AND seq = $2";

const INSERT_REVISION: &str =
    "INSERT INTO revisions (room, message, revision, text, at) VALUES ($1, $2, $3, $4, $5)";
const DROP_REVISIONS: &str = "DELETE FROM revisions WHERE room = $1 AND message = $2 AND revision < $3";
const REVISIONS: &str = within_bytes!(
    "SELECT r.room, r.message, r.revision, r.at, octet_length(r.text) AS size FROM revisions r \
     WHERE r.room = $1 AND r.message = $2 AND r.revision < $3 ORDER BY r.revision DESC LIMIT $4",
    "v.revision DESC",
    "$5",
    ", (SELECT t.text FROM revisions t \
     WHERE t.room = v.room AND t.message = v.message AND t.revision = v.revision) AS text"
);

const ERASE_EDIT: &str = "UPDATE events SET detail = $3 WHERE topic = $1 AND seq = $2";
const DELETE_REVISIONS: &str = "DELETE FROM revisions WHERE room = $1 AND message = $2";
const DELETE_REACTIONS: &str = "DELETE FROM reactions WHERE room = $1 AND message = $2";
const DELETE_PIN: &str = "DELETE FROM pins WHERE room = $1 AND message = $2";
/// Of each kind of message: a deletion in a thread alone is none of the room's, and stands in no table of them.
const DELETED_AMONG: &str =
    "SELECT e.topic, e.seq FROM events e WHERE e.kind IN (1, 30) AND e.text = '' AND (e.topic, e.seq) IN (";
const INSERT_DELETION: &str = "INSERT INTO deletions (room, seq, sender) VALUES ($1, $2, $3)";

const REACTS: &str =
    "SELECT count(*) FROM reactions WHERE room = $1 AND message = $2 AND user_id = $3 AND emoji = $4";
const INSERT_REACTION: &str = "INSERT INTO reactions (room, message, user_id, emoji) VALUES ($1, $2, $3, $4)";
const DELETE_REACTION: &str =
    "DELETE FROM reactions WHERE room = $1 AND message = $2 AND user_id = $3 AND emoji = $4";

#[derive(Debug, FromRow)]
struct MessageRow {
    actor: Uuid,
    at: i64,
    text: Option<String>,
    detail: Option<String>,
}

#[derive(Debug, FromRow)]
struct RevisionRow {
    revision: i64,
    text: String,
    at: i64,
    /// How many of the former texts that were looked at lie behind it.
    behind: i64,
}

/// The messages that events answer: topic and place of each, once.
pub(super) fn answered(events: &[Event]) -> Vec<(Uuid, i64)> {
    let mut originals: Vec<(Uuid, i64)> = events.iter().filter_map(original).collect();
    originals.sort_unstable();
    originals.dedup();
    originals
}

fn original(event: &Event) -> Option<(Uuid, i64)> {
    let EventBody::Message(message) = &event.body else { return None };
    // A message answers what was there before it; one of a later place had nothing to show then.
    let original = message.reply_to.filter(|original| *original < event.seq && !message.is_deleted())?;
    Some((event.topic.uuid(), signed(original.get())))
}

/// Shows in answers what they answer.
pub(super) fn show_originals(events: &mut [Event], rows: Vec<OriginalRow>) -> DatabaseResult<()> {
    let mut reader = Reader::default();
    let mut originals: HashMap<(Uuid, i64), Excerpt> = HashMap::new();
    for row in rows {
        let place = (row.topic, row.seq);
        if let Some(excerpt) = reader.excerpt(row)? {
            originals.insert(place, excerpt);
        }
    }
    for event in events {
        let excerpt = original(event).and_then(|place| originals.get(&place));
        if let (Some(excerpt), EventBody::Message(message)) = (excerpt, &mut event.body) {
            message.excerpt = Some(Box::new(excerpt.clone()));
        }
    }
    Ok(())
}

impl Reader {
    /// Nothing of a message that is deleted.
    fn excerpt(&mut self, row: OriginalRow) -> DatabaseResult<Option<Excerpt>> {
        let text = row.text.ok_or_else(|| missing("text"))?;
        if text.is_empty() {
            return Ok(None);
        }
        let sender = self.profile(row.actor, row.profile)?;
        Ok(Some(Excerpt { sender, text: Excerpt::beginning(&text).to_owned() }))
    }
}

impl Connection {
    /// Shows in the answers among events what they answer. Without answers it costs nothing.
    pub(super) async fn show_originals(&mut self, events: &mut [Event]) -> DatabaseResult<()> {
        let originals = answered(events);
        if originals.is_empty() {
            return Ok(());
        }
        let rows = opens::originals(self.connection(), &originals).await;
        show_originals(events, self.settle(rows)?)
    }
}

#[async_trait]
impl Messages for Connection {
    async fn deleted_among(&mut self, places: &[(RoomId, Seq)]) -> DatabaseResult<Vec<(RoomId, Seq)>> {
        if places.is_empty() {
            return Ok(Vec::new());
        }
        // It is not cached as prepared, since there would be one for each length of the list.
        let mut query = QueryBuilder::<Db>::new(DELETED_AMONG);
        query.push_values(places, |mut place, (room, seq)| {
            place.push_bind(room.uuid()).push_bind(signed(seq.get()));
        });
        query.push(")");
        let query = query.build_query_as::<(Uuid, i64)>().persistent(false);
        let rows = run!(self, query, fetch_all)?;
        rows.into_iter().map(|(room, at)| Ok((RoomId::new(room), seq(at)?))).collect()
    }

    async fn message(&mut self, room: RoomId, message: Seq) -> DatabaseResult<Option<MessageRecord>> {
        let query = query_as::<Db, MessageRow>(MESSAGE).bind(room.uuid()).bind(signed(message.get()));
        let record = |row: MessageRow| {
            Ok(MessageRecord {
                seq: message,
                sender: UserId::new(row.actor),
                at: Timestamp::from_micros(row.at),
                text: row.text.ok_or_else(|| missing("text"))?,
                detail: MessageDetail::read(row.detail.as_deref())?,
            })
        };
        run!(self, query, fetch_optional)?.map(record).transpose()
    }

    async fn save_message(&mut self, room: RoomId, message: &MessageRecord) -> DatabaseResult<()> {
        let query = query::<Db>(SAVE_MESSAGE)
            .bind(room.uuid())
            .bind(signed(message.seq.get()))
            .bind(&message.text)
            .bind(message.detail.write());
        run!(self, query, execute).map(drop)
    }

    async fn insert_revision(
        &mut self,
        room: RoomId,
        message: Seq,
        former: &Revision,
        first_kept: u32,
    ) -> DatabaseResult<()> {
        let query = query::<Db>(INSERT_REVISION)
            .bind(room.uuid())
            .bind(signed(message.get()))
            .bind(i64::from(former.revision))
            .bind(&former.text)
            .bind(former.at.as_micros());
        run!(self, query, execute)?;
        if first_kept == 0 {
            return Ok(());
        }
        let query = sqlx::query::<Db>(DROP_REVISIONS)
            .bind(room.uuid())
            .bind(signed(message.get()))
            .bind(i64::from(first_kept));
        run!(self, query, execute).map(drop)
    }

    async fn revisions(
        &mut self,
        room: RoomId,
        message: Seq,
        beyond: u32,
        limit: u32,
    ) -> DatabaseResult<RevisionPage> {
        let query = query_as::<Db, RevisionRow>(REVISIONS)
            .bind(room.uuid())
            .bind(signed(message.get()))
            .bind(i64::from(beyond))
            .bind(i64::from(limit))
            .bind(PAGE_MAX_BYTES as i64);
        let rows = run!(self, query, fetch_all)?;
        let is_cut = rows.last().is_some_and(|last| last.behind > 0);
        let revision = |row: RevisionRow| {
            let revision = u32::try_from(row.revision);
            let revision = revision.map_err(|error| DatabaseError::corrupt("revision", error))?;
            Ok(Revision { revision, text: row.text, at: Timestamp::from_micros(row.at) })
        };
        let revisions: DatabaseResult<_> = rows.into_iter().map(revision).collect();
        Ok(RevisionPage { revisions: revisions?, is_cut })
    }

    async fn erase_edit(
        &mut self,
        room: RoomId,
        event: Seq,
        message: Seq,
        revision: u32,
    ) -> DatabaseResult<()> {
        let body = EventBody::Edited(Edited {
            message,
            revision,
            text: None,
            mentions: Vec::new(),
            mentions_all: None,
        });
        let query = query::<Db>(ERASE_EDIT).bind(room.uuid()).bind(signed(event.get())).bind(body.detail());
        run!(self, query, execute).map(drop)
    }

    async fn erase_message(&mut self, room: RoomId, message: &MessageRecord) -> DatabaseResult<()> {
        let place = signed(message.seq.get());
        for statement in [DELETE_REVISIONS, DELETE_REACTIONS, DELETE_PIN] {
            run!(self, query::<Db>(statement).bind(room.uuid()).bind(place), execute)?;
        }
        if !message.detail.counts_in_room() {
            return Ok(());
        }
        let query = query::<Db>(INSERT_DELETION).bind(room.uuid()).bind(place).bind(message.sender.uuid());
        run!(self, query, execute).map(drop)
    }

    async fn reacts(
        &mut self,
        room: RoomId,
        message: Seq,
        user: UserId,
        emoji: &Emoji,
    ) -> DatabaseResult<bool> {
        let query = query_scalar::<Db, i64>(REACTS)
            .bind(room.uuid())
            .bind(signed(message.get()))
            .bind(user.uuid())
            .bind(emoji.as_str());
        Ok(unsigned(run!(self, query, fetch_one)?)? > 0)
    }

    async fn set_reaction(
        &mut self,
        room: RoomId,
        message: Seq,
        user: UserId,
        emoji: &Emoji,
        on: bool,
    ) -> DatabaseResult<()> {
        let query = query::<Db>(if on { INSERT_REACTION } else { DELETE_REACTION })
            .bind(room.uuid())
            .bind(signed(message.get()))
            .bind(user.uuid())
            .bind(emoji.as_str());
        run!(self, query, execute).map(drop)
    }

    async fn show_own_reactions(
        &mut self,
        room: RoomId,
        user: UserId,
        events: &mut [Event],
    ) -> DatabaseResult<()> {
        let with_reactions: Vec<i64> =
            events.iter().filter(|event| has_reactions(event)).map(|event| signed(event.seq.get())).collect();
        if with_reactions.is_empty() {
            return Ok(());
        }
        let rows = opens::own_reactions(self.connection(), room.uuid(), user.uuid(), &with_reactions).await;
        let mut own: HashSet<(Seq, String)> = HashSet::new();
        for (place, emoji) in self.settle(rows)? {
            own.insert((seq(place)?, emoji));
        }
        for event in events {
            let place = event.seq;
            let Some(changes) = changes_of(event) else { continue };
            for of in &mut changes.reactions {
                of.me = Some(own.contains(&(place, of.emoji.to_string())));
            }
        }
        Ok(())
    }

    async fn excerpt(&mut self, room: RoomId, message: Seq) -> DatabaseResult<Option<Excerpt>> {
        let originals = [(room.uuid(), signed(message.get()))];
        let rows = opens::originals(self.connection(), &originals).await;
        let row = self.settle(rows)?.pop();
        Ok(row.map(|row| Reader::default().excerpt(row)).transpose()?.flatten())
    }
}

fn has_reactions(event: &Event) -> bool {
    let EventBody::Message(message) = &event.body else { return false };
    message.changes.as_ref().is_some_and(|changes| !changes.reactions.is_empty())
}

fn changes_of(event: &mut Event) -> Option<&mut MessageChanges> {
    let EventBody::Message(message) = &mut event.body else { return None };
    message.changes.as_deref_mut()
}
