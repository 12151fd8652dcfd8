//! What can be wrong.

use std::{fmt, time::Duration};

use madang_client::Fault;
use madang_domain::{Code, UserId};

use super::{Class, InboxDefect, PresenceDefect};
use crate::history::RoomIndex;

/// A client of a run, by its place in the list of them.
pub type ClientIndex = usize;

/// Something that must not be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Defect {
    /// A message was acknowledged, and the store does not have it.
    Lost {
        /// Whose.
        client: ClientIndex,
        /// Where.
        room: RoomIndex,
        /// Its key.
        key: Box<str>,
        /// The place that was acknowledged.
        seq: u64,
    },
    /// A key of a sender stands twice in a room.
    Doubled {
        /// Where.
        room: RoomIndex,
        /// Whose.
        sender: UserId,
        /// The key.
        key: Box<str>,
        /// The places.
        seqs: Vec<u64>,
    },
    /// A message was acknowledged at another place than it has.
    Misplaced {
        /// Whose.
        client: ClientIndex,
        /// Where.
        room: RoomIndex,
        /// Its key.
        key: Box<str>,
        /// The place that was acknowledged.
        acknowledged: u64,
        /// The place that it has.
        logged: u64,
    },
    /// The store's log of a room is not contiguous from 1.
    LogGap {
        /// Where.
        room: RoomIndex,
        /// The place that should follow.
        expected: u64,
        /// The place that does.
        got: u64,
    },
    /// A client received an event before one that precedes it.
    Skipped {
        /// Who.
        client: ClientIndex,
        /// Where.
        room: RoomIndex,
        /// The place that should have come.
        expected: u64,
        /// The place that came.
        got: u64,
    },
    /// A client received an event after one that follows it.
    OutOfOrder {
        /// Who.
        client: ClientIndex,
        /// Where.
        room: RoomIndex,
        /// The place that had come.
        after: u64,
        /// The place that came then.
        got: u64,
    },
    /// A client received an event again.
    Repeated {
        /// Who.
        client: ClientIndex,
        /// Where.
        room: RoomIndex,
        /// Its place.
        seq: u64,
    },
    /// A client received something else than the store has at that place.
    Differs {
        /// Who.
        client: ClientIndex,
        /// Where.
        room: RoomIndex,
        /// The place.
        seq: u64,
    },
    /// A client received an event that the store does not have.
    Phantom {
        /// Who.
        client: ClientIndex,
        /// Where.
        room: RoomIndex,
        /// Its place.
        seq: u64,
    },
    /// A client received an event of a room that it is not, or was no longer, a member of.
    Overheard {
        /// Who.
        client: ClientIndex,
        /// Where.
        room: RoomIndex,
        /// Its place.
        seq: u64,
    },
    /// A client did not receive the end of a room's log.
    NeverReceived {
        /// Who.
        client: ClientIndex,
        /// Where.
        room: RoomIndex,
        /// The last place that it received.
        last: u64,
        /// The last place that there is.
        head: u64,
    },
    /// A connection's own rules were broken. The client library healed what it could; nothing may be lost by it.
    Wire {
        /// Whose.
        client: ClientIndex,
        /// How.
        fault: Fault,
    },
    /// A client was told that the places it knows are of another history, and no backup was restored.
    Reset {
        /// Who.
        client: ClientIndex,
        /// Where.
        room: RoomIndex,
    },
    /// A client was told not to come back.
    Dismissed {
        /// Who.
        client: ClientIndex,
        /// Why.
        reason: String,
    },
    /// A member was told that a room is not open to it.
    ShutOut {
        /// Who.
        client: ClientIndex,
        /// Where.
        room: RoomIndex,
        /// The words of the refusal.
        code: Code,
    },
    /// A client whose session was revoked was not told so in time.
    RevokedLives {
        /// Who.
        client: ClientIndex,
        /// How long after the revocation, or the end of the fault that it fell into, it was; none when it never was.
        after: Option<Duration>,
    },
    /// Something is wrong with an inbox.
    Inbox {
        /// Whose.
        client: ClientIndex,
        /// What.
        defect: InboxDefect,
    },
    /// Something was said of who is in a room that is not so.
    Presence {
        /// To whom.
        client: ClientIndex,
        /// Where.
        room: RoomIndex,
        /// What.
        defect: PresenceDefect,
    },
    /// A message failed, or was late, with nothing broken; or was late after a fault.
    Unavailable {
        /// Whose.
        client: ClientIndex,
        /// Where.
        room: RoomIndex,
        /// Its key.
        key: Box<str>,
        /// What became of it.
        outcome: String,
    },
}

/// The kinds of [`Defect`], for counting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each is described where the defect is")]
pub enum DefectKind {
    Lost,
    Doubled,
    Misplaced,
    LogGap,
    Skipped,
    OutOfOrder,
    Repeated,
    Differs,
    Phantom,
    Overheard,
    NeverReceived,
    Wire,
    Reset,
    Dismissed,
    ShutOut,
    RevokedLives,
    Inbox,
    Presence,
    Unavailable,
}

impl DefectKind {
    /// All of them, the gravest first.
    pub const ALL: [Self; 19] = [
        Self::Lost,
        Self::Doubled,
        Self::Misplaced,
        Self::LogGap,
        Self::Skipped,
        Self::OutOfOrder,
        Self::Repeated,
        Self::Differs,
        Self::Phantom,
        Self::Overheard,
        Self::NeverReceived,
        Self::Wire,
        Self::Reset,
        Self::Dismissed,
        Self::ShutOut,
        Self::RevokedLives,
        Self::Inbox,
        Self::Presence,
        Self::Unavailable,
    ];

    /// In words.
    #[must_use]
    pub const fn describe(self) -> &'static str {
        match self {
            Self::Lost => "acknowledged and not in the log",
            Self::Doubled => "a key that stands twice",
            Self::Misplaced => "acknowledged at another place",
            Self::LogGap => "gaps in the log",
            Self::Skipped => "received with a gap",
            Self::OutOfOrder => "received out of order",
            Self::Repeated => "received twice",
            Self::Differs => "received with other content",
            Self::Phantom => "received and not in the log",
            Self::Overheard => "received by a non-member",
            Self::NeverReceived => "never received",
            Self::Wire => "broken on one connection, then healed by the client",
            Self::Reset => "cursors declared void",
            Self::Dismissed => "clients told not to come back",
            Self::ShutOut => "members who were shut out",
            Self::RevokedLives => "revoked sessions that lived on",
            Self::Inbox => "wrong in an inbox",
            Self::Presence => "wrong of who is in a room",
            Self::Unavailable => "sends that failed or were late",
        }
    }
}

impl Defect {
    /// Its kind.
    #[must_use]
    pub const fn kind(&self) -> DefectKind {
        match self {
            Self::Lost { .. } => DefectKind::Lost,
            Self::Doubled { .. } => DefectKind::Doubled,
            Self::Misplaced { .. } => DefectKind::Misplaced,
            Self::LogGap { .. } => DefectKind::LogGap,
            Self::Skipped { .. } => DefectKind::Skipped,
            Self::OutOfOrder { .. } => DefectKind::OutOfOrder,
            Self::Repeated { .. } => DefectKind::Repeated,
            Self::Differs { .. } => DefectKind::Differs,
            Self::Phantom { .. } => DefectKind::Phantom,
            Self::Overheard { .. } => DefectKind::Overheard,
            Self::NeverReceived { .. } => DefectKind::NeverReceived,
            Self::Wire { .. } => DefectKind::Wire,
            Self::Reset { .. } => DefectKind::Reset,
            Self::Dismissed { .. } => DefectKind::Dismissed,
            Self::ShutOut { .. } => DefectKind::ShutOut,
            Self::RevokedLives { .. } => DefectKind::RevokedLives,
            Self::Inbox { .. } => DefectKind::Inbox,
            Self::Presence { .. } => DefectKind::Presence,
            Self::Unavailable { .. } => DefectKind::Unavailable,
        }
    }
}

impl Defect {
    /// Its class.
    #[must_use]
    pub const fn class(&self) -> Class {
        match self {
            Self::Lost { .. } | Self::NeverReceived { .. } | Self::LogGap { .. } => Class::Lost,
            Self::Doubled { .. } | Self::Misplaced { .. } | Self::Repeated { .. } => Class::Duplicated,
            Self::Skipped { .. } | Self::OutOfOrder { .. } => Class::OutOfOrder,
            Self::Inbox { defect, .. } => defect.class(),
            Self::Wire { fault: Fault::Repeat { .. } | Fault::InboxRepeat { .. }, .. } => Class::Duplicated,
            Self::Wire { fault: Fault::Gap { .. } | Fault::InboxGap { .. }, .. } => Class::OutOfOrder,
            Self::Wire { .. }
            | Self::Differs { .. }
            | Self::Phantom { .. }
            | Self::Overheard { .. }
            | Self::Reset { .. }
            | Self::Dismissed { .. }
            | Self::ShutOut { .. }
            | Self::RevokedLives { .. }
            | Self::Presence { .. }
            | Self::Unavailable { .. } => Class::Other,
        }
    }
}

impl fmt::Display for Defect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lost { client, room, key, seq } => {
                write!(
                    f,
                    "client {client}, room {room}: {key} was acknowledged as {seq}, and is not in the log"
                )
            }
            Self::Doubled { room, sender, key, seqs } => {
                write!(f, "room {room}: {key} of {sender} stands at {seqs:?}")
            }
            Self::Misplaced { client, room, key, acknowledged, logged } => {
                write!(
                    f,
                    "client {client}, room {room}: {key} was acknowledged as {acknowledged} and is {logged}"
                )
            }
            Self::LogGap { room, expected, got } => {
                write!(f, "room {room}: the log has {got} where {expected} belongs")
            }
            Self::Skipped { client, room, expected, got } => {
                write!(f, "client {client}, room {room}: received {got} where {expected} belongs")
            }
            Self::OutOfOrder { client, room, after, got } => {
                write!(f, "client {client}, room {room}: received {got} after {after}")
            }
            Self::Repeated { client, room, seq } => {
                write!(f, "client {client}, room {room}: received {seq} again")
            }
            Self::Differs { client, room, seq } => {
                write!(f, "client {client}, room {room}: {seq} is another event in the log")
            }
            Self::Phantom { client, room, seq } => {
                write!(f, "client {client}, room {room}: received {seq}, which is not in the log")
            }
            Self::Overheard { client, room, seq } => {
                write!(f, "client {client}, room {room}: received {seq} without being a member")
            }
            Self::NeverReceived { client, room, last, head } => {
                write!(f, "client {client}, room {room}: received up to {last} of {head}")
            }
            Self::Wire { client, fault } => write!(f, "client {client}: {fault}"),
            Self::Reset { client, room } => {
                write!(f, "client {client}, room {room}: the cursor was declared void")
            }
            Self::Dismissed { client, reason } => write!(f, "client {client}: {reason}"),
            Self::ShutOut { client, room, code } => {
                write!(f, "client {client}, room {room}: a member was refused ({code})")
            }
            Self::RevokedLives { client, after: None } => {
                write!(f, "client {client}: its session was revoked, and its socket did not end")
            }
            Self::RevokedLives { client, after: Some(after) } => {
                write!(f, "client {client}: its session was revoked, and its socket ended {after:?} later")
            }
            Self::Inbox { client, defect } => write!(f, "client {client}: {defect}"),
            Self::Presence { client, room, defect } => write!(f, "client {client}, room {room}: {defect}"),
            Self::Unavailable { client, room, key, outcome } => {
                write!(f, "client {client}, room {room}: {key} {outcome}")
            }
        }
    }
}
