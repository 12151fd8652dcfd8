//! The logs of topics: messages to append and to pin, subscriptions to open, events to read.

use std::sync::Arc;

use madang_domain::{
    Attachment, Cursor, Epoch, MentionAll, Profile, Role, RoomId, RoomRef, Seq, Timestamp, TopicId, UserId,
    event::{Event, Excerpt, Message},
};
use madang_proto::store::v1 as wire;

use super::{
    change::{Authority, Changed, of_nothing},
    page::{Page, PageQuery, page_of_room},
};
use crate::wire::{Profiles, Result, Wire, decode_message, encode_message, field, message, required};

/// A message to append.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Append {
    /// The room.
    pub room: RoomId,
    /// The sender, as a verified token describes the user.
    pub actor: Arc<Profile>,
    /// The message; `message.key` makes it idempotent with the room and the actor.
    pub message: Message,
    /// By what right. By the site's, nobody's block is asked.
    pub authority: Authority,
}

/// A message that is committed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Appended {
    /// Its place.
    pub seq: Seq,
    /// When it was committed.
    pub at: Timestamp,
    /// It had been appended before; the place is the first one's.
    pub duplicate: bool,
    /// Whom it mentions, with the notices that were committed with it. None of a duplicate: they were told when
    /// it was new.
    pub mentions: Vec<Mentioned>,
    /// The beginning of what it answers; none where that is nothing, or deleted, and of a duplicate.
    pub excerpt: Option<Excerpt>,
    /// Its attachments as all will see them, where uploaded files are among them. Empty for all others, and of a duplicate.
    pub attachments: Vec<Attachment>,
    /// Whom it mentions besides those whom it names; nobody of a duplicate.
    pub mentions_all: Option<MentionAll>,
}

/// A user whom a message mentions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mentioned {
    /// The user.
    pub user: UserId,
    /// The notice of it in the user's inbox: its place, and when it was committed. None where the user has blocked the
    /// sender.
    pub notice: Option<(Seq, Timestamp)>,
}

/// A subscription to open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Open {
    /// The user who subscribes.
    pub user: UserId,
    /// The room.
    pub room: RoomId,
    /// What the client has seen; none means from now.
    pub since: Option<Cursor>,
    /// At most so many events are replayed; when more were missed, none is.
    pub replay_limit: u32,
}

/// The state of a room as a subscription begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened {
    /// Which history the positions belong to.
    pub epoch: Epoch,
    /// The last place of the log.
    pub head: Seq,
    /// How many members the room has.
    pub member_count: u64,
    /// What the user may do.
    pub role: Role,
    /// The read mark.
    pub read: Seq,
    /// `events` are all from the cursor to the head. False: too many, or a cursor of another epoch or
    /// past the head; then there are none and the client pages history.
    pub complete: bool,
    /// What the client missed, in order, contiguous up to `head`.
    pub events: Vec<Event>,
}

/// Asks for a topic's events after a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Read {
    /// The topic.
    pub topic: TopicId,
    /// The place.
    pub after: Seq,
    /// At most so many events, and of no more bytes than a page has.
    pub limit: u32,
}

/// Asks for the last places of topics.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heads {
    /// The topics, at most 1,000.
    pub topics: Vec<TopicId>,
}

/// Asks for a page of a room's history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct History {
    /// The user who sees it. None: the embedding site.
    pub user: Option<UserId>,
    /// The room.
    pub room: RoomRef,
    /// The page.
    pub query: HistoryQuery,
}

/// From where a page of history reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HistoryFrom {
    /// Newest first, from the end.
    End,
    /// Newest first, below this place.
    Before(Seq),
    /// Oldest first, above this place.
    After(Seq),
}

/// A page of history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HistoryQuery {
    /// From where it reaches.
    pub from: HistoryFrom,
    /// At most so many events, 1 to 200.
    pub limit: u32,
    /// Messages alone, not what else happened.
    pub messages_only: bool,
}

/// A page of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogPage {
    /// The events. Fewer than were asked for where more would have too many bytes.
    pub events: Vec<Event>,
    /// There are further events in the same direction.
    pub more: bool,
}

/// Asks for a user's read mark in a room to be moved forward.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MarkRead {
    /// The user.
    pub user: UserId,
    /// The room.
    pub room: RoomRef,
    /// The place up to which the user has read.
    pub seq: Seq,
}

/// A read mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadMark {
    /// The room.
    pub room: RoomId,
    /// The place up to which the user has read.
    pub read: Seq,
    /// The messages of others after it.
    pub unread: u64,
    /// The room shows it to its members.
    pub shown: bool,
}

/// Asks for a message to be pinned in its room, or to be unpinned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetPin {
    /// The user who asks.
    pub actor: Arc<Profile>,
    /// The room.
    pub room: RoomRef,
    /// The message's place.
    pub message: Seq,
    /// Whether it is to be pinned.
    pub on: bool,
}

/// Asks for a page of a room's pinned messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListPins {
    /// The user who sees them.
    pub user: UserId,
    /// The room.
    pub room: RoomRef,
    /// The page.
    pub page: PageQuery,
}

message!(Appended => wire::Appended {
    seq, at as at_micros, duplicate, mentions, excerpt, attachments, mentions_all
});

/// No notice has the place 0.
impl Wire<wire::Mentioned> for Mentioned {
    fn encode(&self) -> wire::Mentioned {
        let (seq, at) = self.notice.unwrap_or((Seq::START, Timestamp::from_micros(0)));
        wire::Mentioned { user: self.user.encode(), seq: seq.get(), at_micros: at.as_micros() }
    }

    fn decode(message: wire::Mentioned) -> Result<Self> {
        let wire::Mentioned { user, seq, at_micros } = message;
        let notice = (Seq::new(seq), Timestamp::from_micros(at_micros));
        Ok(Self { user: field("user", user)?, notice: (seq > 0).then_some(notice) })
    }
}

message!(Opened => wire::Opened { epoch, head, member_count, role with guest, read, complete, events });

message!(Read => wire::ReadRequest { topic, after, limit });
message!(Vec<Event> => wire::ReadResponse[events]);
message!(LogPage => wire::HistoryResponse { events, more });
message!(Heads => wire::HeadsRequest { topics });
message!(Vec<(TopicId, Seq)> => wire::HeadsResponse[heads]);
message!(MarkRead => wire::MarkReadRequest { user, room, seq });
message!(ReadMark => wire::MarkReadResponse { room, read, unread, shown });
message!(SetPin => wire::SetPinRequest { actor, room, message, on });
of_nothing!(wire::SetPinResponse);
page_of_room!(ListPins => wire::ListPinsRequest);
message!(Page<Event> => wire::ListPinsResponse { items as messages, next as next_cursor });

impl Append {
    pub(super) fn encode(&self) -> wire::Append {
        wire::Append {
            room: self.room.encode(),
            actor: self.actor.encode(),
            message: Some(encode_message(&self.message)),
            authority: self.authority.encode(),
        }
    }

    /// The appends of a batch share their senders' profiles.
    pub(super) fn decode(append: wire::Append, profiles: &mut Profiles) -> Result<Self> {
        Ok(Self {
            room: field("room", append.room)?,
            actor: profiles.decode("actor", append.actor)?,
            message: decode_message("message", required("message", append.message)?)?,
            authority: field("authority", append.authority)?,
        })
    }

    /// About how many bytes it takes on the wire, for the bound of a batch: its texts, and room for the sender's
    /// profile and the ids.
    pub(super) fn wire_bytes(&self) -> usize {
        const PROFILE_AND_IDS_BYTES: usize = 256;
        const ATTACHMENT_BYTES: usize = 512;
        let Message { text, attachments, metadata, .. } = &self.message;
        let metadata = metadata.as_deref().map_or(0, |metadata| metadata.json().len());
        text.len() + metadata + attachments.len() * ATTACHMENT_BYTES + PROFILE_AND_IDS_BYTES
    }
}

impl Wire<wire::OpenRoom> for Open {
    fn encode(&self) -> wire::OpenRoom {
        let (since, epoch) = self.since.encode();
        wire::OpenRoom {
            user: self.user.encode(),
            room: self.room.encode(),
            since,
            epoch,
            replay_limit: self.replay_limit,
        }
    }

    fn decode(open: wire::OpenRoom) -> Result<Self> {
        Ok(Self {
            user: field("user", open.user)?,
            room: field("room", open.room)?,
            since: field("since", (open.since, open.epoch))?,
            replay_limit: open.replay_limit,
        })
    }
}

/// The last place of a topic.
impl Wire<wire::Head> for (TopicId, Seq) {
    fn encode(&self) -> wire::Head {
        let (topic, seq) = self;
        wire::Head { topic: topic.encode(), seq: seq.encode() }
    }

    fn decode(head: wire::Head) -> Result<Self> {
        Ok((field("topic", head.topic)?, field("seq", head.seq)?))
    }
}

impl Wire<wire::HistoryRequest> for History {
    fn encode(&self) -> wire::HistoryRequest {
        let HistoryQuery { from, limit, messages_only } = self.query;
        wire::HistoryRequest {
            user: self.user.encode(),
            room: self.room.encode(),
            limit,
            messages_only,
            from: from.encode(),
        }
    }

    fn decode(message: wire::HistoryRequest) -> Result<Self> {
        let wire::HistoryRequest { user, room, limit, messages_only, from } = message;
        let query = HistoryQuery { from: field("from", from)?, limit, messages_only };
        Ok(Self { user: field("user", user)?, room: field("room", room)?, query })
    }
}

/// On the wire, "below 0" means from the end. Nothing lies below 0 or below 1, so where a caller asks
/// for the former it is told the latter.
macro_rules! history_from {
    ($($From:path),*) => {$(
        impl Wire<Option<$From>> for HistoryFrom {
            fn encode(&self) -> Option<$From> {
                use $From as From;
                Some(match self {
                    Self::End => From::Before(0),
                    Self::Before(seq) => From::Before(seq.get().max(1)),
                    Self::After(seq) => From::After(seq.get()),
                })
            }

            fn decode(from: Option<$From>) -> Result<Self> {
                use $From as From;
                Ok(match from {
                    None | Some(From::Before(0)) => Self::End,
                    Some(From::Before(seq)) => Self::Before(Seq::new(seq)),
                    Some(From::After(seq)) => Self::After(Seq::new(seq)),
                })
            }
        }
    )*};
}

history_from!(
    wire::history_request::From,
    wire::inbox_request::From,
    wire::list_thread_messages_request::From
);

#[cfg(test)]
mod tests {
    use madang_domain::event::{EventBody, Pinned};

    use super::*;

    fn passed<W>(from: HistoryFrom) -> HistoryFrom
    where
        HistoryFrom: Wire<Option<W>>,
    {
        HistoryFrom::decode(from.encode()).unwrap()
    }

    #[test]
    fn below_the_first_place_is_nothing_and_not_the_end() {
        for passed in [passed::<wire::history_request::From>, passed::<wire::inbox_request::From>] {
            assert_eq!(passed(HistoryFrom::End), HistoryFrom::End);
            assert_eq!(passed(HistoryFrom::Before(Seq::START)), HistoryFrom::Before(Seq::new(1)));
            assert_eq!(passed(HistoryFrom::After(Seq::START)), HistoryFrom::After(Seq::START));
        }
    }

    #[test]
    fn pins_and_their_requests_pass() {
        let (user, room) = (UserId::from_bytes(&[1; 16]).unwrap(), RoomId::from_bytes(&[2; 16]).unwrap());
        let actor = Arc::new(Profile {
            id: user,
            username: "mina".parse().unwrap(),
            name: "Mina".parse().unwrap(),
            avatar_url: None,
            external_id: None,
            version: Timestamp::from_micros(1),
        });
        for on in [true, false] {
            let set =
                SetPin { actor: Arc::clone(&actor), room: room.into(), message: Seq::new(u64::MAX), on };
            assert_eq!(SetPin::decode(set.encode()).unwrap(), set);
        }
        let event = |seq, body| Event {
            topic: room.into(),
            seq: Seq::new(seq),
            at: Timestamp::from_micros(2),
            actor: Arc::clone(&actor),
            subject: None,
            body,
        };
        let changed = Changed {
            value: (),
            events: vec![event(9, EventBody::Pinned(Pinned { message: Seq::new(8), on: true }))],
        };
        assert_eq!(Changed::<()>::decode(Wire::<wire::SetPinResponse>::encode(&changed)).unwrap(), changed);
        let said = Message {
            text: "마당".to_owned(),
            key: "k".parse().unwrap(),
            reply_to: None,
            attachments: Vec::new(),
            mentions: Vec::new(),
            mentions_all: None,
            metadata: None,
            excerpt: None,
            changes: None,
            thread: None,
        };
        for cursor in [None, Some("n.9".to_owned())] {
            let list =
                ListPins { user, room: room.into(), page: PageQuery { limit: 3, cursor: cursor.clone() } };
            assert_eq!(ListPins::decode(list.encode()).unwrap(), list);
            let page = Page { items: vec![event(8, EventBody::Message(said.clone()))], next: cursor };
            assert_eq!(Page::decode(page.encode()).unwrap(), page);
        }
    }

    #[test]
    fn a_mention_passes_with_its_notice_or_without() {
        let user = UserId::from_bytes(&[1; 16]).unwrap();
        for notice in [None, Some((Seq::new(1), Timestamp::from_micros(7)))] {
            let mentioned = Mentioned { user, notice };
            assert_eq!(Mentioned::decode(mentioned.encode()).unwrap(), mentioned);
        }
    }

    #[test]
    fn an_epoch_without_a_place_is_refused() {
        let open = wire::OpenRoom {
            user: vec![1; 16].into(),
            room: vec![2; 16].into(),
            epoch: Some(1),
            ..wire::OpenRoom::default()
        };
        assert_eq!(Open::decode(open).unwrap_err().field(), "since");
    }
}
