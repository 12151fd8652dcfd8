//! The kinds of events, each written once; and from a kind's number and detail to an event's body, and back: the same
//! for both databases and between services.

use serde::{Serialize, de::DeserializeOwned};

use super::{
    BanNotice, Banned, Custom, Deleted, Dismissed, Edited, Invite, Joined, Left, Mention, Message,
    MuteNotice, Muted, Pinned, Reacted, Reply, RoleChanged, RoomChanged,
};

/// Makes the kinds and the bodies of events from a table of the kinds: number, name, payload.
///
/// The number is the store's column and never changes. The name is the kind's name in the public contract. The
/// payload is a type with serde, and its JSON is the event's detail: the store keeps it, and gRPC and the bus carry it.
/// A message is a kind of its own: it is frequent, and its parts are typed everywhere.
macro_rules! event_kinds {
    ($($(#[$doc:meta])* $number:literal $name:literal $kind:ident),* $(,)?) => {
        /// The kinds of events.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[repr(i16)]
        pub enum EventKind {
            /// A user said something.
            Message = 1,
            $($(#[$doc])* $kind = $number,)*
        }

        impl EventKind {
            /// All kinds.
            pub const ALL: &[Self] = &[Self::Message, $(Self::$kind),*];

            /// The kind of a number; none where this version does not know the kind.
            #[must_use]
            pub const fn from_number(number: i16) -> Option<Self> {
                match number {
                    1 => Some(Self::Message),
                    $($number => Some(Self::$kind),)*
                    _ => None,
                }
            }

            /// The name in the public contract.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    Self::Message => "message",
                    $(Self::$kind => $name,)*
                }
            }
        }

        /// What happened.
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub enum EventBody {
            /// A user said something.
            Message(Message),
            $($(#[$doc])* $kind($kind),)*
            /// A newer version wrote an event of a kind that this version does not know.
            Unknown(Unknown),
        }

        impl EventBody {
            /// The kind's number.
            #[must_use]
            pub const fn number(&self) -> i16 {
                match self {
                    Self::Message(_) => EventKind::Message.number(),
                    $(Self::$kind(_) => EventKind::$kind.number(),)*
                    Self::Unknown(unknown) => unknown.number,
                }
            }

            /// The payload as JSON; none of a message, and of a payload without fields.
            #[must_use]
            pub fn detail(&self) -> Option<String> {
                match self {
                    Self::Message(_) => None,
                    $(Self::$kind(payload) => write(payload),)*
                    Self::Unknown(unknown) => unknown.detail.as_deref().map(str::to_owned),
                }
            }

            /// The bytes of what is said, about: what makes some events larger than others.
            #[must_use]
            pub fn text_bytes(&self) -> usize {
                match self {
                    Self::Message(message) => message.text_bytes(),
                    other => other.detail().map_or(0, |detail| detail.len()),
                }
            }

            /// Reads what [`number`](Self::number) and [`detail`](Self::detail) gave, of any kind but a message. A kind
            /// that this version does not know is kept as it is.
            ///
            /// # Errors
            /// When the detail is not the kind's payload, or the kind needs a subject and the event has none.
            pub fn read(
                number: i16,
                detail: Option<&str>,
                has_subject: bool,
            ) -> Result<Self, DetailError> {
                let Some(known) = EventKind::from_number(number) else {
                    return Ok(Self::Unknown(Unknown { number, detail: detail.map(Into::into) }));
                };
                if known.has_subject() && !has_subject {
                    return Err(DetailError::NoSubject { kind: known });
                }
                match known {
                    EventKind::Message => Err(DetailError::Message),
                    $(EventKind::$kind => read(known, detail).map(Self::$kind),)*
                }
            }
        }
    };
}

event_kinds! {
    /// A user became a member.
    2 "joined" Joined,
    /// A user is no longer a member.
    3 "left" Left,
    /// A member's role changed.
    4 "role" RoleChanged,
    /// The room's own properties changed.
    5 "room" RoomChanged,
    /// A message names the inbox's user.
    6 "mention" Mention,
    /// Another user made the inbox's user a member of a room.
    7 "invite" Invite,
    /// The embedding site tells the inbox's user something.
    8 "custom" Custom,
    /// A message was pinned in its room, or unpinned.
    9 "pinned" Pinned,
    /// The text of a message was changed.
    10 "edited" Edited,
    /// A message was deleted.
    11 "deleted" Deleted,
    /// A user reacts to a message, or does so no more.
    12 "reaction" Reacted,
    /// A user was banned from the room, or is no more.
    20 "banned" Banned,
    /// A member was muted in the room, or is no more.
    21 "muted" Muted,
    /// The inbox's user was banned from a room, or is no more.
    22 "ban" BanNotice,
    /// The inbox's user was muted in a room, or is no more.
    23 "mute" MuteNotice,
    /// A message stands in a thread that the inbox's user follows.
    31 "reply" Reply,
    /// The inbox's user dismissed a notice.
    40 "dismissed" Dismissed,
}

/// The number in the store's column of a message that stands in a thread and not among the messages of the room. It is a
/// message by everything else; a version that knows no threads keeps its place in the log and shows nothing of it.
pub const MESSAGE_IN_THREAD: i16 = 30;

/// Whether a number in the store's column is that of a message.
#[must_use]
pub const fn is_message(number: i16) -> bool {
    number == EventKind::Message.number() || number == MESSAGE_IN_THREAD
}

impl EventKind {
    /// The number, as the store's column has it.
    #[must_use]
    pub const fn number(self) -> i16 {
        self as i16
    }

    /// Whether an event of this kind is about a user: the event then has a subject.
    #[must_use]
    pub const fn has_subject(self) -> bool {
        matches!(self, Self::Joined | Self::Left | Self::RoleChanged | Self::Banned | Self::Muted)
    }
}

/// An event of a kind that this version does not know. It has its place in the log, which must stay contiguous.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unknown {
    /// The kind's number.
    pub number: i16,
    /// The payload, as it was written.
    pub detail: Option<Box<str>>,
}

/// A detail that does not belong to its kind.
#[derive(Debug, thiserror::Error)]
pub enum DetailError {
    /// The payload is not the kind's.
    #[error("the detail of `{}`: {error}", kind.name())]
    Malformed {
        /// The kind.
        kind: EventKind,
        /// What is wrong with the payload.
        error: serde_json::Error,
    },
    /// The event is about a user, and names none.
    #[error("`{}` has no subject", kind.name())]
    NoSubject {
        /// The kind.
        kind: EventKind,
    },
    /// A message is more than a detail.
    #[error("a message has parts of its own")]
    Message,
}

/// A payload without fields is no detail.
const NO_FIELDS: &str = "{}";

fn write(payload: &impl Serialize) -> Option<String> {
    match serde_json::to_string(payload) {
        Ok(json) => Some(json).filter(|json| json != NO_FIELDS),
        // Payloads have string keys and no failing serializers.
        Err(error) => unreachable!("a payload that cannot be written: {error}"),
    }
}

fn read<T: DeserializeOwned>(kind: EventKind, detail: Option<&str>) -> Result<T, DetailError> {
    serde_json::from_str(detail.unwrap_or(NO_FIELDS)).map_err(|error| DetailError::Malformed { kind, error })
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::{
        AvatarUrl, Emoji, MentionAll, Reason, Receipts, Role, RoomDetails, RoomFlags, RoomHistory, RoomId,
        RoomName, RoomTopic, Seq, Slug, Timestamp, UserId,
        event::{Restricted, RestrictionNotice, ThreadChange, ThreadState},
    };

    /// What the rows of earlier versions hold.
    fn stored() -> Vec<(i16, Option<&'static str>, EventBody)> {
        let room = RoomId::new(Uuid::from_u128(7));
        let name = || RoomName::new("마당").unwrap();
        let slug = Some(Slug::new("yard").unwrap());
        let custom = r#"{ "z": 1, "a": 12345678901234567890123, "t": "\u0041" }"#;
        vec![
            (2, Some(r#"{"role":"owner"}"#), EventBody::Joined(Joined { role: Role::Owner })),
            // To a version that knows no guests, a guest is a member.
            (2, Some(r#"{"role":"member","guest":true}"#), EventBody::Joined(Joined { role: Role::Guest })),
            (3, None, EventBody::Left(Left {})),
            (
                4,
                Some(r#"{"role":"moderator"}"#),
                EventBody::RoleChanged(RoleChanged { role: Role::Moderator }),
            ),
            (
                5,
                Some(r#"{"name":"마당","slug":null}"#),
                EventBody::RoomChanged(RoomChanged {
                    name: name(),
                    slug: None,
                    flags: RoomFlags::default(),
                    details: RoomDetails::default(),
                    deleted: false,
                }),
            ),
            (
                5,
                Some(r#"{"name":"마당","slug":"yard","deleted":true}"#),
                EventBody::RoomChanged(RoomChanged {
                    name: name(),
                    slug,
                    flags: RoomFlags::default(),
                    details: RoomDetails::default(),
                    deleted: true,
                }),
            ),
            (
                5,
                Some(
                    r#"{"name":"마당","slug":null,"flags":{"announcement":true,"archived":false,"slow_mode_s":5,"history":"joined"}}"#,
                ),
                EventBody::RoomChanged(RoomChanged {
                    name: name(),
                    slug: None,
                    flags: RoomFlags {
                        announcement: true,
                        archived: false,
                        slow_mode_s: 5,
                        history: RoomHistory::Joined,
                        receipts: Receipts::Count,
                        ..RoomFlags::default()
                    },
                    details: RoomDetails::default(),
                    deleted: false,
                }),
            ),
            (
                5,
                Some(
                    r#"{"name":"마당","slug":null,"flags":{"announcement":false,"archived":false,"slow_mode_s":0,"history":"all","receipts":"none"}}"#,
                ),
                EventBody::RoomChanged(RoomChanged {
                    name: name(),
                    slug: None,
                    flags: RoomFlags { receipts: Receipts::None, ..RoomFlags::default() },
                    details: RoomDetails::default(),
                    deleted: false,
                }),
            ),
            (
                5,
                Some(
                    r#"{"name":"마당","slug":null,"details":{"topic":"점심","avatar_url":"https://example.com/yard.png","unnamed":true}}"#,
                ),
                EventBody::RoomChanged(RoomChanged {
                    name: name(),
                    slug: None,
                    flags: RoomFlags::default(),
                    details: RoomDetails {
                        topic: Some(RoomTopic::new("점심").unwrap()),
                        avatar_url: Some(AvatarUrl::new("https://example.com/yard.png").unwrap()),
                        unnamed: true,
                    },
                    deleted: false,
                }),
            ),
            (
                6,
                Some(r#"{"room":"00000000-0000-0000-0000-000000000007","seq":3}"#),
                EventBody::Mention(Mention { room, seq: Seq::new(3) }),
            ),
            (
                7,
                Some(r#"{"room":"00000000-0000-0000-0000-000000000007","name":"마당"}"#),
                EventBody::Invite(Invite { room, name: name(), pending: false }),
            ),
            (8, Some(custom), EventBody::Custom(Custom::new(custom).unwrap())),
            (
                9,
                Some(r#"{"message":3,"on":true}"#),
                EventBody::Pinned(Pinned { message: Seq::new(3), on: true }),
            ),
            (
                10,
                Some(r#"{"message":3,"revision":1,"text":"마당"}"#),
                EventBody::Edited(Edited {
                    message: Seq::new(3),
                    revision: 1,
                    text: Some("마당".to_owned()),
                    mentions: Vec::new(),
                    mentions_all: None,
                }),
            ),
            (
                10,
                Some(r#"{"message":3,"revision":1}"#),
                EventBody::Edited(Edited {
                    message: Seq::new(3),
                    revision: 1,
                    text: None,
                    mentions: Vec::new(),
                    mentions_all: None,
                }),
            ),
            (
                10,
                Some(r#"{"message":3,"revision":2,"text":"@all","mentions_all":"all"}"#),
                EventBody::Edited(Edited {
                    message: Seq::new(3),
                    revision: 2,
                    text: Some("@all".to_owned()),
                    mentions: Vec::new(),
                    mentions_all: Some(MentionAll::All),
                }),
            ),
            (
                11,
                Some(r#"{"message":3}"#),
                EventBody::Deleted(Deleted { message: Seq::new(3), thread: None }),
            ),
            (
                11,
                Some(r#"{"message":3,"thread":{"root":2,"replies":0}}"#),
                EventBody::Deleted(Deleted {
                    message: Seq::new(3),
                    thread: Some(ThreadChange { root: Seq::new(2), state: ThreadState::default() }),
                }),
            ),
            (
                11,
                Some(
                    r#"{"message":3,"thread":{"root":2,"replies":1,"last_at":-7,"by":["00000000-0000-0000-0000-000000000009"]}}"#,
                ),
                EventBody::Deleted(Deleted {
                    message: Seq::new(3),
                    thread: Some(ThreadChange {
                        root: Seq::new(2),
                        state: ThreadState {
                            replies: 1,
                            last_at: Some(Timestamp::from_micros(-7)),
                            by: vec![UserId::new(Uuid::from_u128(9))],
                        },
                    }),
                }),
            ),
            (
                12,
                Some(r#"{"message":3,"emoji":"👍","on":true,"count":2}"#),
                EventBody::Reacted(Reacted {
                    message: Seq::new(3),
                    emoji: Emoji::new("👍").unwrap(),
                    on: true,
                    count: 2,
                }),
            ),
            (20, Some(r#"{"on":true}"#), EventBody::Banned(Restricted { on: true, until: None })),
            (
                21,
                Some(r#"{"on":true,"until":"2026-11-22T08:09:28.917Z"}"#),
                EventBody::Muted(Restricted {
                    on: true,
                    until: Some("2026-11-22T08:09:28.917Z".parse().unwrap()),
                }),
            ),
            (
                22,
                Some(
                    r#"{"room":"00000000-0000-0000-0000-000000000007","name":"마당","on":true,"reason":"스팸"}"#,
                ),
                EventBody::BanNotice(RestrictionNotice {
                    room,
                    name: name(),
                    on: true,
                    until: None,
                    reason: Some(Reason::new("스팸").unwrap()),
                }),
            ),
            (
                23,
                Some(r#"{"room":"00000000-0000-0000-0000-000000000007","name":"마당","on":false}"#),
                EventBody::MuteNotice(RestrictionNotice {
                    room,
                    name: name(),
                    on: false,
                    until: None,
                    reason: None,
                }),
            ),
            (40, Some(r#"{"notice":3}"#), EventBody::Dismissed(Dismissed { notice: Seq::new(3) })),
            (
                31,
                Some(r#"{"room":"00000000-0000-0000-0000-000000000007","seq":5,"thread":3}"#),
                EventBody::Reply(Reply { room, seq: Seq::new(5), thread: Seq::new(3) }),
            ),
            (99, Some("[1]"), EventBody::Unknown(Unknown { number: 99, detail: Some("[1]".into()) })),
        ]
    }

    #[test]
    fn each_kind_is_written_as_it_always_was_and_read_back() {
        for (number, detail, body) in stored() {
            assert_eq!((body.number(), body.detail().as_deref()), (number, detail));
            assert_eq!(EventBody::read(number, detail, true).unwrap(), body);
        }
        let kinds = stored().into_iter().map(|(number, ..)| number);
        let kinds: std::collections::BTreeSet<i16> =
            kinds.filter_map(EventKind::from_number).map(EventKind::number).collect();
        let cold = EventKind::ALL.iter().map(|kind| kind.number()).filter(|number| *number != 1);
        assert!(cold.eq(kinds), "every kind has a row here");
    }

    #[test]
    fn the_room_names_of_an_earlier_version_are_read() {
        let read = |name: &str| {
            let body = EventBody::read(5, Some(&format!(r#"{{"name":"{name}","slug":null}}"#)), false);
            let EventBody::RoomChanged(changed) = body.unwrap() else { panic!("another kind") };
            changed.name.into_string()
        };
        assert_eq!(read("\u{1106}\u{1161}\u{1103}\u{1161}\u{11bc}"), "마당");
        assert_eq!(read("\u{200b}"), "\u{200b}");
    }

    #[test]
    fn what_postgres_writes_of_a_mention_is_read() {
        let detail = r#"{"room" : "00000000-0000-0000-0000-000000000007", "seq" : 3}"#;
        let mention = Mention { room: RoomId::new(Uuid::from_u128(7)), seq: Seq::new(3) };
        assert_eq!(EventBody::read(6, Some(detail), false).unwrap(), EventBody::Mention(mention));
    }

    #[test]
    fn what_does_not_belong_to_a_kind_is_refused() {
        let error = |number, detail, has_subject| {
            EventBody::read(number, detail, has_subject).unwrap_err().to_string()
        };
        assert!(error(2, None, true).starts_with("the detail of `joined`: missing field `role`"));
        assert!(
            error(5, Some(r#"{"name":"","slug":null}"#), false).starts_with("the detail of `room`: name ")
        );
        assert!(error(8, Some("{"), false).starts_with("the detail of `custom`: "));
        assert_eq!(error(3, None, false), "`left` has no subject");
        assert_eq!(error(1, None, true), "a message has parts of its own");
    }
}
