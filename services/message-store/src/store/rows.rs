//! Rows as the databases give them, and what they mean. Private to the store.

use std::{collections::HashMap, sync::Arc};

use madang_domain::{
    Attachment, AvatarUrl, DisplayName, ExternalId, IdempotencyKey, Profile, Role, RoomId, RoomName, Seq,
    Slug, Timestamp, TopicId, UserId, Username,
    event::{Event, EventBody, EventKind, Message},
};
use madang_rpc::store::{Member, RoomKind};
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};
use sqlx::{ColumnIndex, Decode, FromRow, Row, Type};
use uuid::Uuid;

use super::{MemberPlace, Range, RoomRecord, StoreError, StoreResult, View};
use crate::unread::Counts;

#[derive(Debug, FromRow)]
pub(super) struct RoomRow {
    room_id: Uuid,
    room_kind: i16,
    room_name: String,
    slug: Option<String>,
    created_at: i64,
    active_at: i64,
    head: i64,
    messages: i64,
    member_count: i64,
    room_external_id: Option<String>,
}

#[derive(Debug, FromRow)]
pub(super) struct ViewRow {
    #[sqlx(flatten)]
    room: RoomRow,
    role: Option<i16>,
    read_seq: Option<i64>,
    read_ordinal: Option<i64>,
    sent: Option<i64>,
    read_sent: Option<i64>,
    #[sqlx(flatten)]
    last_message: OptionalEvent,
}

#[derive(Debug, FromRow)]
pub(super) struct MemberRow {
    actor: Uuid,
    #[sqlx(flatten)]
    profile: ProfileColumns,
    role: i16,
    joined_at: i64,
    read_seq: i64,
}

#[derive(Debug, FromRow)]
pub(super) struct EventRow {
    topic: Uuid,
    seq: i64,
    kind: i16,
    at: i64,
    actor: Uuid,
    #[sqlx(flatten)]
    profile: ProfileColumns,
    key: Option<String>,
    text: Option<String>,
    detail: Option<String>,
    subject: Option<Uuid>,
    subject_username: Option<String>,
    subject_name: Option<String>,
    subject_avatar_url: Option<String>,
    subject_external_id: Option<String>,
    subject_version: Option<i64>,
}

/// Null where there is no profile: an event is shown even so.
#[derive(Debug, FromRow)]
pub(super) struct ProfileColumns {
    username: Option<String>,
    name: Option<String>,
    avatar_url: Option<String>,
    external_id: Option<String>,
    version: Option<i64>,
}

/// The columns of an event that an outer join may not have found.
#[derive(Debug)]
pub(super) struct OptionalEvent(Option<EventRow>);

impl<'r, R> FromRow<'r, R> for OptionalEvent
where
    R: Row,
    EventRow: FromRow<'r, R>,
    &'static str: ColumnIndex<R>,
    i64: Decode<'r, R::Database> + Type<R::Database>,
{
    fn from_row(row: &'r R) -> Result<Self, sqlx::Error> {
        match row.try_get::<Option<i64>, _>("seq")? {
            Some(_) => EventRow::from_row(row).map(|event| Self(Some(event))),
            None => Ok(Self(None)),
        }
    }
}

/// Makes values of rows. Holds each profile once, however many events name it.
#[derive(Debug, Default)]
pub(super) struct Reader {
    profiles: HashMap<UserId, Arc<Profile>>,
}

impl Reader {
    pub(super) fn view(&mut self, row: ViewRow) -> StoreResult<View> {
        let room = RoomRecord::try_from(row.room)?;
        let place = match (row.role, row.read_seq, row.read_ordinal, row.sent, row.read_sent) {
            (Some(role), Some(read), Some(read_ordinal), Some(sent), Some(read_sent)) => Some(MemberPlace {
                role: role_from_number(role)?,
                read: seq(read)?,
                counts: Counts { messages: signed(room.messages), read_ordinal, sent, read_sent },
            }),
            _ => None,
        };
        let last_message = row.last_message.0.map(|event| self.event(room.id.into(), event)).transpose()?;
        Ok(View { room, place, last_message })
    }

    pub(super) fn member(&mut self, row: MemberRow) -> StoreResult<Member> {
        Ok(Member {
            user: self.profile(row.actor, row.profile)?,
            role: role_from_number(row.role)?,
            joined_at: Timestamp::from_micros(row.joined_at),
            read: seq(row.read_seq)?,
        })
    }

    /// The events of one topic.
    pub(super) fn events(&mut self, topic: TopicId, rows: Vec<EventRow>) -> StoreResult<Vec<Event>> {
        rows.into_iter().map(|row| self.event(topic, row)).collect()
    }

    /// The events of many topics, which ranges named.
    pub(super) fn events_of(&mut self, ranges: &[Range], rows: Vec<EventRow>) -> StoreResult<Vec<Event>> {
        let topics: HashMap<Uuid, TopicId> =
            ranges.iter().map(|range| (range.topic.uuid(), range.topic)).collect();
        let event = |row: EventRow| {
            let topic = topics.get(&row.topic).ok_or_else(|| missing("topic"))?;
            self.event(*topic, row)
        };
        rows.into_iter().map(event).collect()
    }

    fn event(&mut self, topic: TopicId, row: EventRow) -> StoreResult<Event> {
        let subject = row.subject.map(|subject| {
            let columns = ProfileColumns {
                username: row.subject_username,
                name: row.subject_name,
                avatar_url: row.subject_avatar_url,
                external_id: row.subject_external_id,
                version: row.subject_version,
            };
            self.profile(subject, columns)
        });
        let subject = subject.transpose()?;
        let body = if row.kind == EventKind::Message.number() {
            EventBody::Message(message(row.text, row.key, row.detail.as_deref())?)
        } else {
            EventBody::read(row.kind, row.detail.as_deref(), subject.is_some())
                .map_err(|error| StoreError::corrupt("event", error))?
        };
        Ok(Event {
            topic,
            seq: seq(row.seq)?,
            at: Timestamp::from_micros(row.at),
            actor: self.profile(row.actor, row.profile)?,
            subject,
            body,
        })
    }

    fn profile(&mut self, id: Uuid, columns: ProfileColumns) -> StoreResult<Arc<Profile>> {
        let id = UserId::new(id);
        if let Some(profile) = self.profiles.get(&id) {
            return Ok(Arc::clone(profile));
        }
        let profile =
            Arc::new(columns.into_profile(id).map_err(|error| StoreError::corrupt("profile", error))?);
        self.profiles.insert(id, Arc::clone(&profile));
        Ok(profile)
    }
}

impl ProfileColumns {
    fn into_profile(self, id: UserId) -> Result<Profile, madang_domain::TextError> {
        /// What stands for a user of whom only the id is left. Events must not vanish with a profile.
        const UNKNOWN: &str = "unknown";
        Ok(Profile {
            id,
            username: Username::new(self.username.unwrap_or_else(|| UNKNOWN.to_owned()))?,
            name: DisplayName::new(self.name.unwrap_or_else(|| UNKNOWN.to_owned()))?,
            avatar_url: self.avatar_url.map(AvatarUrl::new).transpose()?,
            external_id: self.external_id.map(ExternalId::new).transpose()?,
            version: Timestamp::from_micros(self.version.unwrap_or(0)),
        })
    }
}

impl TryFrom<RoomRow> for RoomRecord {
    type Error = StoreError;

    fn try_from(row: RoomRow) -> StoreResult<Self> {
        Ok(Self {
            id: RoomId::new(row.room_id),
            kind: room_kind_from_number(row.room_kind)?,
            name: RoomName::new(row.room_name).map_err(|error| StoreError::corrupt("room name", error))?,
            slug: row.slug.map(Slug::new).transpose().map_err(|error| StoreError::corrupt("slug", error))?,
            created_at: Timestamp::from_micros(row.created_at),
            active_at: Timestamp::from_micros(row.active_at),
            head: seq(row.head)?,
            messages: unsigned(row.messages)?,
            member_count: unsigned(row.member_count)?,
            external_id: row
                .room_external_id
                .map(ExternalId::new)
                .transpose()
                .map_err(|error| StoreError::corrupt("external id", error))?,
        })
    }
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct MessageDetail {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reply_to: Option<Seq>,
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "recorded_attachments")]
    attachments: Vec<Attachment>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    mentions: Vec<UserId>,
}

/// Reads the attachments of a row, which an earlier version may have written.
fn recorded_attachments<'de, D: Deserializer<'de>>(row: D) -> Result<Vec<Attachment>, D::Error> {
    #[derive(Deserialize)]
    struct Recorded {
        url: String,
        name: String,
        content_type: String,
        size_bytes: u64,
    }
    let made_fit = |Recorded { url, name, content_type, size_bytes }| {
        Attachment::recorded(url, &name, content_type, size_bytes).map_err(D::Error::custom)
    };
    Vec::<Recorded>::deserialize(row)?.into_iter().map(made_fit).collect()
}

fn message(text: Option<String>, key: Option<String>, detail: Option<&str>) -> StoreResult<Message> {
    let detail = detail.map(serde_json::from_str::<MessageDetail>).transpose();
    let detail = detail.map_err(|error| StoreError::corrupt("message detail", error))?.unwrap_or_default();
    Ok(Message {
        text: text.ok_or_else(|| missing("text"))?,
        key: IdempotencyKey::new(key.ok_or_else(|| missing("key"))?)
            .map_err(|error| StoreError::corrupt("key", error))?,
        reply_to: detail.reply_to,
        attachments: detail.attachments,
        mentions: detail.mentions,
    })
}

/// What else there is to say of a message; nothing of most.
pub(super) fn message_detail(message: &Message) -> Option<String> {
    if message.reply_to.is_none() && message.attachments.is_empty() {
        return None;
    }
    let detail = MessageDetail {
        reply_to: message.reply_to,
        attachments: message.attachments.clone(),
        mentions: Vec::new(),
    };
    serde_json::to_string(&detail).ok()
}

/// A message's detail with whom it mentions, as `append_with_mentions` of PostgreSQL makes it.
pub(super) fn detail_with_mentions(detail: Option<&str>, mentions: Vec<UserId>) -> Option<String> {
    let detail = detail.and_then(|detail| serde_json::from_str::<MessageDetail>(detail).ok());
    serde_json::to_string(&MessageDetail { mentions, ..detail.unwrap_or_default() }).ok()
}

/// A role as the column has it.
pub(crate) const fn role_number(role: Role) -> i16 {
    match role {
        Role::Member => 1,
        Role::Moderator => 2,
        Role::Owner => 3,
    }
}

/// Reads what [`role_number`] wrote.
pub(crate) fn role_from_number(number: i16) -> StoreResult<Role> {
    match number {
        1 => Ok(Role::Member),
        2 => Ok(Role::Moderator),
        3 => Ok(Role::Owner),
        other => Err(StoreError::corrupt("role", format!("{other} is none"))),
    }
}

/// A room's kind as the column has it.
pub(super) const fn room_kind_number(kind: RoomKind) -> i16 {
    match kind {
        RoomKind::Public => 1,
        RoomKind::Private => 2,
        RoomKind::Direct => 3,
    }
}

fn room_kind_from_number(number: i16) -> StoreResult<RoomKind> {
    match number {
        1 => Ok(RoomKind::Public),
        2 => Ok(RoomKind::Private),
        3 => Ok(RoomKind::Direct),
        other => Err(StoreError::corrupt("room kind", format!("{other} is none"))),
    }
}

/// A column of a place in a log.
pub(super) fn seq(number: i64) -> StoreResult<Seq> {
    unsigned(number).map(Seq::new)
}

/// A column that counts.
pub(super) fn unsigned(number: i64) -> StoreResult<u64> {
    u64::try_from(number).map_err(|error| StoreError::corrupt("count", error))
}

/// A count for a column. What callers name beyond it is beyond every log, too.
pub(super) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn missing(what: &'static str) -> StoreError {
    StoreError::corrupt(what, "it is absent")
}
