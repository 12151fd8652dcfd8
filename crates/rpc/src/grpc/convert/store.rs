//! What the message store speaks of.

use std::sync::Arc;

use madang_domain::{
    Cursor, Epoch, ExternalId, IdempotencyKey, RoomId, RoomName, RoomRef, Seq, Slug, TopicId, UserId,
};
use madang_proto::store::v1 as wire;
use madang_proto::types::v1 as types;

use super::event::{
    Profiles, decode_event, decode_events, decode_message, decode_profile, decode_role, decode_topic,
    encode_event, encode_events, encode_message, encode_profile, encode_role, encode_topic,
};
use super::{DecodeError, Result, WireId, bounded, bounded_option, none_if_empty, required, time};
use crate::{
    event::Profile,
    store::{
        Append, Appended, Authority, Changed, HistoryFrom, HistoryQuery, Member, Membership, Mentioned,
        NewRoom, Open, Opened, Page, PageQuery, ReadMark, Room, RoomKind, RoomView,
    },
};

pub(in crate::grpc) fn encode_room_ref(room: &RoomRef) -> wire::RoomRef {
    let reference = match room {
        RoomRef::Id(id) => wire::room_ref::Ref::Id(id.encode()),
        RoomRef::Slug(slug) => wire::room_ref::Ref::Slug(slug.to_string()),
        RoomRef::External(id) => wire::room_ref::Ref::External(id.to_string()),
    };
    wire::RoomRef { r#ref: Some(reference) }
}

pub(in crate::grpc) fn decode_room_ref(field: &str, room: Option<wire::RoomRef>) -> Result<RoomRef> {
    let reference = required("ref", required(field, room)?.r#ref).map_err(|error| error.within(field))?;
    match reference {
        wire::room_ref::Ref::Id(id) => RoomId::decode("id", &id).map(RoomRef::Id),
        wire::room_ref::Ref::Slug(slug) => bounded("slug", slug, Slug::new).map(RoomRef::Slug),
        wire::room_ref::Ref::External(id) => bounded("external", id, ExternalId::new).map(RoomRef::External),
    }
    .map_err(|error| error.within(field))
}

/// The actor and the room that most changes name.
pub(in crate::grpc) fn decode_actor_room(
    actor: Option<types::Profile>,
    room: Option<wire::RoomRef>,
) -> Result<(Arc<Profile>, RoomRef)> {
    Ok((Arc::new(decode_profile("actor", actor)?), decode_room_ref("room", room)?))
}

/// The user and the room that most queries name.
pub(in crate::grpc) fn decode_user_room(
    user: &[u8],
    room: Option<wire::RoomRef>,
) -> Result<(UserId, RoomRef)> {
    Ok((UserId::decode("user", user)?, decode_room_ref("room", room)?))
}

const fn encode_kind(kind: RoomKind) -> wire::RoomKind {
    match kind {
        RoomKind::Public => wire::RoomKind::Public,
        RoomKind::Private => wire::RoomKind::Private,
        RoomKind::Direct => wire::RoomKind::Direct,
    }
}

fn decode_kind(kind: i32) -> Result<RoomKind> {
    match wire::RoomKind::try_from(kind) {
        Ok(wire::RoomKind::Public) => Ok(RoomKind::Public),
        Ok(wire::RoomKind::Private) => Ok(RoomKind::Private),
        Ok(wire::RoomKind::Direct) => Ok(RoomKind::Direct),
        Ok(wire::RoomKind::Unspecified) => Err(DecodeError::new("kind", "is missing")),
        Err(unknown) => Err(DecodeError::new("kind", format!("{unknown}; none of the known kinds"))),
    }
}

pub(in crate::grpc) const fn encode_authority(authority: Authority) -> wire::Authority {
    match authority {
        Authority::User => wire::Authority::User,
        Authority::Site => wire::Authority::Site,
    }
}

/// A caller that says nothing has nothing but the actor's role.
pub(in crate::grpc) fn decode_authority(authority: i32) -> Result<Authority> {
    match wire::Authority::try_from(authority) {
        Ok(wire::Authority::Unspecified | wire::Authority::User) => Ok(Authority::User),
        Ok(wire::Authority::Site) => Ok(Authority::Site),
        Err(unknown) => Err(DecodeError::new("authority", format!("{unknown}; none of the known ones"))),
    }
}

pub(in crate::grpc) fn encode_new_room(actor: &Profile, room: &NewRoom) -> wire::CreateRoomRequest {
    wire::CreateRoomRequest {
        actor: Some(encode_profile(actor)),
        kind: encode_kind(room.kind).into(),
        name: room.name.to_string(),
        slug: room.slug.as_ref().map(Slug::to_string),
        members: room.members.iter().map(|member| encode_profile(member)).collect(),
        key: room.key.as_ref().map(IdempotencyKey::to_string),
        external_id: room.external_id.as_ref().map(ExternalId::to_string),
    }
}

pub(in crate::grpc) fn decode_new_room(room: wire::CreateRoomRequest) -> Result<(Arc<Profile>, NewRoom)> {
    let actor = Arc::new(decode_profile("actor", room.actor)?);
    let members = room
        .members
        .into_iter()
        .map(|member| decode_profile("members", Some(member)).map(Arc::new))
        .collect::<Result<_>>()?;
    let room = NewRoom {
        kind: decode_kind(room.kind)?,
        name: bounded("name", room.name, RoomName::new)?,
        slug: bounded_option("slug", room.slug, Slug::new)?,
        external_id: bounded_option("external_id", room.external_id, ExternalId::new)?,
        members,
        key: bounded_option("key", room.key, IdempotencyKey::new)?,
    };
    Ok((actor, room))
}

fn encode_room(room: &Room) -> wire::Room {
    wire::Room {
        id: room.id.encode(),
        kind: encode_kind(room.kind).into(),
        name: room.name.to_string(),
        slug: room.slug.as_ref().map(Slug::to_string),
        created_at_micros: room.created_at.as_micros(),
        head: room.head.get(),
        member_count: room.member_count,
        external_id: room.external_id.as_ref().map(ExternalId::to_string),
    }
}

fn decode_room(room: wire::Room) -> Result<Room> {
    Ok(Room {
        id: RoomId::decode("id", &room.id)?,
        kind: decode_kind(room.kind)?,
        name: bounded("name", room.name, RoomName::new)?,
        slug: bounded_option("slug", room.slug, Slug::new)?,
        external_id: bounded_option("external_id", room.external_id, ExternalId::new)?,
        created_at: time(room.created_at_micros),
        head: Seq::new(room.head),
        member_count: room.member_count,
    })
}

pub(in crate::grpc) fn encode_view(view: &RoomView) -> wire::RoomView {
    wire::RoomView {
        room: Some(encode_room(&view.room)),
        membership: view.membership.map(|membership| wire::Membership {
            role: encode_role(membership.role).into(),
            read: membership.read.get(),
            unread: membership.unread,
        }),
        last_message: view.last_message.as_ref().map(encode_event),
    }
}

pub(in crate::grpc) fn decode_view(view: Option<wire::RoomView>) -> Result<RoomView> {
    let view = required("room", view)?;
    let membership = view.membership.map(|membership| {
        Ok(Membership {
            role: decode_role("room.membership.role", membership.role)?,
            read: Seq::new(membership.read),
            unread: membership.unread,
        })
    });
    let last_message =
        view.last_message.map(|event| decode_event(event).map_err(|error| error.within("room.last_message")));
    Ok(RoomView {
        room: decode_room(required("room.room", view.room)?).map_err(|error| error.within("room.room"))?,
        membership: membership.transpose()?,
        last_message: last_message.transpose()?,
    })
}

pub(in crate::grpc) fn decode_changed_view(
    room: Option<wire::RoomView>,
    events: Vec<types::Event>,
) -> Result<Changed<RoomView>> {
    Ok(Changed { value: decode_view(room)?, events: decode_events(events)? })
}

pub(in crate::grpc) fn decode_changed(events: Vec<types::Event>) -> Result<Changed<()>> {
    Ok(Changed { value: (), events: decode_events(events)? })
}

pub(in crate::grpc) fn encode_member(member: &Member) -> wire::Member {
    wire::Member {
        user: Some(encode_profile(&member.user)),
        role: encode_role(member.role).into(),
        joined_at_micros: member.joined_at.as_micros(),
        read: member.read.get(),
    }
}

pub(in crate::grpc) fn decode_member(member: Option<wire::Member>) -> Result<Member> {
    let member = required("member", member)?;
    Ok(Member {
        user: Arc::new(decode_profile("member.user", member.user)?),
        role: decode_role("member.role", member.role)?,
        joined_at: time(member.joined_at_micros),
        read: Seq::new(member.read),
    })
}

/// An empty cursor is none: the cursors of this system are opaque texts of at least one byte.
pub(in crate::grpc) fn decode_page_query(limit: u32, cursor: String) -> PageQuery {
    PageQuery { limit, cursor: none_if_empty(cursor) }
}

pub(in crate::grpc) fn decode_page<W, T>(
    items: Vec<W>,
    next: String,
    decode: impl Fn(Option<W>) -> Result<T>,
) -> Result<Page<T>> {
    let items = items.into_iter().map(|item| decode(Some(item))).collect::<Result<_>>()?;
    Ok(Page { items, next: none_if_empty(next) })
}

pub(in crate::grpc) fn encode_append(append: &Append) -> wire::Append {
    wire::Append {
        room: append.room.encode(),
        actor: Some(encode_profile(&append.actor)),
        message: Some(encode_message(&append.message)),
    }
}

pub(in crate::grpc) fn decode_append(append: wire::Append, profiles: &mut Profiles) -> Result<Append> {
    Ok(Append {
        room: RoomId::decode("room", &append.room)?,
        actor: profiles.decode("actor", append.actor)?,
        message: decode_message("message", required("message", append.message)?)?,
    })
}

pub(in crate::grpc) fn encode_appended(appended: &Appended) -> wire::Appended {
    let mentioned = |mentioned: &Mentioned| wire::Mentioned {
        user: mentioned.user.encode(),
        seq: mentioned.seq.get(),
        at_micros: mentioned.at.as_micros(),
    };
    wire::Appended {
        seq: appended.seq.get(),
        at_micros: appended.at.as_micros(),
        duplicate: appended.duplicate,
        mentions: appended.mentions.iter().map(mentioned).collect(),
    }
}

pub(in crate::grpc) fn decode_appended(appended: &wire::Appended) -> Result<Appended> {
    let mentioned = |mentioned: &wire::Mentioned| {
        Ok(Mentioned {
            user: UserId::decode("mentions.user", &mentioned.user)?,
            seq: Seq::new(mentioned.seq),
            at: time(mentioned.at_micros),
        })
    };
    Ok(Appended {
        seq: Seq::new(appended.seq),
        at: time(appended.at_micros),
        duplicate: appended.duplicate,
        mentions: appended.mentions.iter().map(mentioned).collect::<Result<_>>()?,
    })
}

pub(in crate::grpc) fn encode_open(open: &Open) -> wire::OpenRoom {
    wire::OpenRoom {
        user: open.user.encode(),
        room: open.room.encode(),
        since: open.since.map(|cursor| cursor.seq.get()),
        epoch: open.since.and_then(|cursor| cursor.epoch).map(Epoch::get),
        replay_limit: open.replay_limit,
    }
}

/// An epoch without a place says nothing about what the client has seen, and is refused.
pub(super) fn decode_since(seq: Option<u64>, epoch: Option<u32>) -> Result<Option<Cursor>> {
    match (seq, epoch.map(Epoch::new)) {
        (Some(seq), epoch) => Ok(Some(Cursor { seq: Seq::new(seq), epoch })),
        (None, None) => Ok(None),
        (None, Some(_)) => Err(DecodeError::new("since", "is missing, though there is an epoch")),
    }
}

pub(in crate::grpc) fn decode_open(open: &wire::OpenRoom) -> Result<Open> {
    Ok(Open {
        user: UserId::decode("user", &open.user)?,
        room: RoomId::decode("room", &open.room)?,
        since: decode_since(open.since, open.epoch)?,
        replay_limit: open.replay_limit,
    })
}

pub(in crate::grpc) fn encode_opened(opened: &Opened) -> wire::Opened {
    wire::Opened {
        epoch: opened.epoch.get(),
        head: opened.head.get(),
        member_count: opened.member_count,
        role: encode_role(opened.role).into(),
        read: opened.read.get(),
        complete: opened.complete,
        events: encode_events(&opened.events),
    }
}

pub(in crate::grpc) fn decode_opened(opened: wire::Opened) -> Result<Opened> {
    Ok(Opened {
        epoch: Epoch::new(opened.epoch),
        head: Seq::new(opened.head),
        member_count: opened.member_count,
        role: decode_role("role", opened.role)?,
        read: Seq::new(opened.read),
        complete: opened.complete,
        events: decode_events(opened.events)?,
    })
}

/// An empty id stands for "no such room".
pub(in crate::grpc) fn encode_resolved(rooms: &[Option<RoomId>]) -> Vec<bytes::Bytes> {
    rooms.iter().map(|room| room.map(WireId::encode).unwrap_or_default()).collect()
}

pub(in crate::grpc) fn decode_resolved(rooms: &[bytes::Bytes]) -> Result<Vec<Option<RoomId>>> {
    rooms
        .iter()
        .map(|room| if room.is_empty() { Ok(None) } else { RoomId::decode("rooms", room).map(Some) })
        .collect()
}

pub(in crate::grpc) fn encode_heads(heads: &[(TopicId, Seq)]) -> Vec<wire::Head> {
    heads
        .iter()
        .map(|(topic, seq)| wire::Head { topic: Some(encode_topic(*topic)), seq: seq.get() })
        .collect()
}

pub(in crate::grpc) fn decode_heads(heads: Vec<wire::Head>) -> Result<Vec<(TopicId, Seq)>> {
    heads
        .into_iter()
        .map(|head| decode_topic("heads.topic", head.topic).map(|topic| (topic, Seq::new(head.seq))))
        .collect()
}

/// On the wire, "below 0" means from the end. Nothing lies below 0 or below 1, so where a caller asks
/// for the former it is told the latter.
pub(in crate::grpc) fn encode_history_from(from: HistoryFrom) -> wire::history_request::From {
    match from {
        HistoryFrom::End => wire::history_request::From::Before(0),
        HistoryFrom::Before(seq) => wire::history_request::From::Before(seq.get().max(1)),
        HistoryFrom::After(seq) => wire::history_request::From::After(seq.get()),
    }
}

pub(in crate::grpc) fn decode_history_query(query: &wire::HistoryRequest) -> HistoryQuery {
    let from = match query.from {
        None | Some(wire::history_request::From::Before(0)) => HistoryFrom::End,
        Some(wire::history_request::From::Before(seq)) => HistoryFrom::Before(Seq::new(seq)),
        Some(wire::history_request::From::After(seq)) => HistoryFrom::After(Seq::new(seq)),
    };
    HistoryQuery { from, limit: query.limit, messages_only: query.messages_only }
}

pub(in crate::grpc) fn encode_read_mark(mark: ReadMark) -> wire::MarkReadResponse {
    wire::MarkReadResponse { room: mark.room.encode(), read: mark.read.get(), unread: mark.unread }
}

pub(in crate::grpc) fn decode_read_mark(mark: &wire::MarkReadResponse) -> Result<ReadMark> {
    Ok(ReadMark { room: RoomId::decode("room", &mark.room)?, read: Seq::new(mark.read), unread: mark.unread })
}

/// The bytes that the events of a replay take on the wire.
pub(in crate::grpc) fn events_len(events: &[types::Event]) -> usize {
    events.iter().map(prost::Message::encoded_len).sum()
}

/// About how many bytes an append takes on the wire, for the bound of a batch: its texts, and room for
/// the sender's profile and the ids.
pub(in crate::grpc) fn append_len(append: &Append) -> usize {
    const PROFILE_AND_IDS_BYTES: usize = 256;
    const ATTACHMENT_BYTES: usize = 512;
    append.message.text.len() + append.message.attachments.len() * ATTACHMENT_BYTES + PROFILE_AND_IDS_BYTES
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(from: HistoryFrom) -> HistoryFrom {
        let request =
            wire::HistoryRequest { from: Some(encode_history_from(from)), ..wire::HistoryRequest::default() };
        decode_history_query(&request).from
    }

    #[test]
    fn below_the_first_place_is_nothing_and_not_the_end() {
        assert_eq!(query(HistoryFrom::End), HistoryFrom::End);
        assert_eq!(query(HistoryFrom::Before(Seq::START)), HistoryFrom::Before(Seq::new(1)));
        assert_eq!(query(HistoryFrom::After(Seq::START)), HistoryFrom::After(Seq::START));
    }

    #[test]
    fn an_epoch_without_a_place_is_refused() {
        let open = wire::OpenRoom {
            user: vec![1; 16].into(),
            room: vec![2; 16].into(),
            epoch: Some(1),
            ..wire::OpenRoom::default()
        };
        assert_eq!(decode_open(&open).unwrap_err().field(), "since");
    }
}
