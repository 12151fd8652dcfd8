//! Rows as the databases give them, and what they mean. Private to the store.

use std::{collections::HashMap, sync::Arc};

use madang_domain::{
    AvatarUrl, DisplayName, ExternalId, IdempotencyKey, RoomId, RoomName, Seq, Slug, Timestamp, TopicId,
    UserId, Username,
};
use madang_rpc::{
    event::{Attachment, Event, EventBody, Message, Profile, Role},
    store::{Member, RoomKind},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use sqlx::{ColumnIndex, Decode, FromRow, Row, Type};
use uuid::Uuid;

use super::{MemberPlace, NewEventKind, RoomRecord, StoreError, StoreResult, View, notices};
use crate::unread::Counts;

/// The kinds of events, as the column has them.
pub(super) mod kind {
    pub(in crate::store) const MESSAGE: i16 = 1;
    pub(in crate::store) const JOINED: i16 = 2;
    pub(in crate::store) const LEFT: i16 = 3;
    pub(in crate::store) const ROLE: i16 = 4;
    pub(in crate::store) const ROOM: i16 = 5;
    pub(in crate::store) const MENTION: i16 = 6;
    pub(in crate::store) const INVITE: i16 = 7;
    pub(in crate::store) const CUSTOM: i16 = 8;
}

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
        let last_message = row.last_message.0.map(|event| self.event(event)).transpose()?;
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

    pub(super) fn events(&mut self, rows: Vec<EventRow>) -> StoreResult<Vec<Event>> {
        rows.into_iter().map(|row| self.event(row)).collect()
    }

    fn event(&mut self, row: EventRow) -> StoreResult<Event> {
        let subject = || row.subject.ok_or_else(|| missing("subject"));
        let body = match row.kind {
            kind::MESSAGE => {
                let detail =
                    row.detail.as_deref().map(parse::<MessageDetail>).transpose()?.unwrap_or_default();
                EventBody::Message(Message {
                    text: row.text.ok_or_else(|| missing("text"))?,
                    key: IdempotencyKey::new(row.key.ok_or_else(|| missing("key"))?)
                        .map_err(|error| StoreError::corrupt("key", error))?,
                    reply_to: detail.reply_to,
                    attachments: detail.attachments,
                    mentions: detail.mentions,
                })
            }
            kind::JOINED => {
                let RoleDetail { role } = required(row.detail.as_deref())?;
                let columns = ProfileColumns {
                    username: row.subject_username,
                    name: row.subject_name,
                    avatar_url: row.subject_avatar_url,
                    external_id: row.subject_external_id,
                    version: row.subject_version,
                };
                EventBody::Joined { user: self.profile(subject()?, columns)?, role }
            }
            kind::LEFT => EventBody::Left { user: UserId::new(subject()?) },
            kind::ROLE => {
                let RoleDetail { role } = required(row.detail.as_deref())?;
                EventBody::RoleChanged { user: UserId::new(subject()?), role }
            }
            kind::ROOM => {
                let RoomDetail { name, slug } = required(row.detail.as_deref())?;
                EventBody::RoomChanged { name, slug, deleted: false }
            }
            kind::MENTION | kind::INVITE | kind::CUSTOM => {
                EventBody::Notice(notices::read(row.kind, row.detail, row.key)?)
            }
            other => return Err(StoreError::corrupt("event kind", format!("{other} is none"))),
        };
        let topic = match &body {
            EventBody::Notice(_) => TopicId::Inbox(UserId::new(row.topic)),
            _ => TopicId::Room(RoomId::new(row.topic)),
        };
        Ok(Event {
            topic,
            seq: seq(row.seq)?,
            at: Timestamp::from_micros(row.at),
            actor: self.profile(row.actor, row.profile)?,
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
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    attachments: Vec<Attachment>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    mentions: Vec<UserId>,
}

#[derive(Debug, Serialize, Deserialize)]
struct RoleDetail {
    role: Role,
}

#[derive(Debug, Serialize, Deserialize)]
struct RoomDetail {
    name: RoomName,
    slug: Option<Slug>,
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

/// The columns of an event that is not a message: its kind, its subject and its detail.
pub(super) fn event_columns(event: &NewEventKind) -> StoreResult<(i16, Option<Uuid>, Option<String>)> {
    let json = |detail: Result<String, serde_json::Error>| {
        detail.map(Some).map_err(|error| StoreError::corrupt("event detail", error))
    };
    Ok(match event {
        NewEventKind::Joined { user, role } => {
            (kind::JOINED, Some(user.uuid()), json(serde_json::to_string(&RoleDetail { role: *role }))?)
        }
        NewEventKind::Left { user } => (kind::LEFT, Some(user.uuid()), None),
        NewEventKind::RoleChanged { user, role } => {
            (kind::ROLE, Some(user.uuid()), json(serde_json::to_string(&RoleDetail { role: *role }))?)
        }
        NewEventKind::RoomChanged { name, slug } => {
            let detail = RoomDetail { name: name.clone(), slug: slug.clone() };
            (kind::ROOM, None, json(serde_json::to_string(&detail))?)
        }
    })
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

pub(super) fn parse<T: DeserializeOwned>(text: &str) -> StoreResult<T> {
    serde_json::from_str(text).map_err(|error| StoreError::corrupt("event detail", error))
}

pub(super) fn required<T: DeserializeOwned>(detail: Option<&str>) -> StoreResult<T> {
    parse(detail.ok_or_else(|| missing("detail"))?)
}

pub(super) fn missing(what: &'static str) -> StoreError {
    StoreError::corrupt(what, "it is absent")
}
