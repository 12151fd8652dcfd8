//! What clients remember. Values without behaviour: the judge reads them, tests write them by hand.

use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    time::Duration,
};

use madang_client::Fault;
use madang_domain::{Code, RoomId, UserId};

use crate::watch::Moment;

/// A room of a run, by its place in the list of them.
pub type RoomIndex = usize;

/// Everything that was remembered in a run.
#[derive(Debug, Default)]
pub struct History {
    /// The rooms.
    pub rooms: Vec<RoomId>,
    /// The clients.
    pub clients: Vec<ClientHistory>,
    /// The faults, in order.
    pub faults: Vec<Span>,
    /// The times in which nothing was broken and everybody was complete.
    pub calms: Vec<Span>,
    /// When users went away because the harness wanted it.
    pub walks: Vec<Walk>,
    /// When a gateway was away from Redis for longer than its lease: to the others it was dead, and its users had gone.
    pub leases_lost: Vec<Span>,
    /// How long after a removal, or a revocation, a gateway may still deliver, where that is longer than is promised
    /// otherwise. In a fault it counts from its end.
    pub removed_within: Option<Duration>,
}

/// A user went away from a room with all sockets, and may have come back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Walk {
    /// Who.
    pub user: UserId,
    /// From where.
    pub room: RoomIndex,
    /// When the user began to leave.
    pub left: Moment,
    /// When the user began to come back.
    pub back: Option<Moment>,
    /// Nothing was broken from before it until the end: what is told of it is told to everybody, exactly once.
    pub in_calm: bool,
}

/// A time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// Since when.
    pub from: Moment,
    /// Until when.
    pub until: Moment,
}

impl Span {
    /// Whether it holds a moment.
    #[must_use]
    pub fn holds(self, at: Moment) -> bool {
        self.from <= at && at <= self.until
    }
}

/// How long after a removal, or a revocation, a gateway may still deliver: the promise.
const REMOVED_WITHIN: Duration = Duration::from_secs(1);

impl History {
    /// How long after a removal, or a revocation, a gateway may still deliver. In a fault it counts from its end.
    #[must_use]
    pub fn removed_within(&self) -> Duration {
        self.removed_within.unwrap_or(REMOVED_WITHIN)
    }

    /// The end of the last fault that was there at some time between two moments; where there was none, the first of them.
    #[must_use]
    pub fn healed_between(&self, from: Moment, until: Moment) -> Moment {
        let met = self.faults.iter().filter(|fault| fault.from <= until && fault.until >= from);
        met.map(|fault| fault.until).max().unwrap_or(from)
    }
}

/// What one client remembers.
#[derive(Debug)]
pub struct ClientHistory {
    /// Who it is.
    pub user: UserId,
    /// The rooms that it is a member of and listens to, each from its beginning.
    pub rooms: Vec<RoomIndex>,
    /// What it sent.
    pub sent: Vec<Attempt>,
    /// What it received, in the order in which it did.
    pub received: Vec<Receipt>,
    /// What its library found wrong on the wire.
    pub wire: Vec<(Moment, Fault)>,
    /// The notices of its inbox that it received, from the first one on, in the order in which it did.
    pub notices: Vec<Notice>,
    /// When it was told that its inbox cannot be replayed from its cursor.
    pub inbox_resets: Vec<Moment>,
    /// What it was told of the presence of users.
    pub presence: Vec<Presence>,
    /// When it began to listen to a room, and when it lost its socket, in order.
    pub listening: Vec<Listening>,
    /// When it was not a member of a room.
    pub absences: Vec<Absence>,
    /// Rooms that were closed to it though it is a member.
    pub shut_out: Vec<(Moment, RoomIndex, Code)>,
    /// When its cursor of a room was declared void.
    pub resets: Vec<(Moment, RoomIndex)>,
    /// When and why it was told not to come back.
    pub dismissed: Option<(Moment, String)>,
    /// When the revocation of its session was answered.
    pub revoked: Option<Moment>,
    /// When its access token was renewed in time for the last one to expire under it; see [`Token`].
    pub tokens: Vec<Token>,
    /// When it went away because the harness wanted it. Nothing that came later is due to it.
    pub gone: Option<Moment>,
    /// Sockets that were opened.
    pub connections: usize,
}

/// An access token that a client was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token {
    /// When.
    pub given: Moment,
    /// When it expires, at the latest.
    pub expires: Moment,
}

impl ClientHistory {
    /// A client that has done and heard nothing yet.
    #[must_use]
    pub const fn new(user: UserId, rooms: Vec<RoomIndex>) -> Self {
        Self {
            user,
            rooms,
            sent: Vec::new(),
            received: Vec::new(),
            wire: Vec::new(),
            notices: Vec::new(),
            inbox_resets: Vec::new(),
            presence: Vec::new(),
            listening: Vec::new(),
            absences: Vec::new(),
            shut_out: Vec::new(),
            resets: Vec::new(),
            dismissed: None,
            revoked: None,
            tokens: Vec::new(),
            gone: None,
            connections: 0,
        }
    }
}

impl Token {
    /// A token that was given now, at the latest.
    #[must_use]
    pub fn given_at(given: Moment, life: Duration) -> Self {
        Self { given, expires: given.plus(life) }
    }
}

/// A message that was sent, by whom and when, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// Where to.
    pub room: RoomIndex,
    /// Under which key.
    pub key: Box<str>,
    /// When it was due to be sent.
    pub at: Moment,
    /// Sent once, and not again after a refusal that passes or a lost answer.
    pub once: bool,
    /// What became of it.
    pub outcome: Outcome,
}

/// What became of a message, as far as its sender knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Acknowledged.
    Acknowledged {
        /// Its place.
        seq: u64,
        /// When the acknowledgement arrived.
        at: Moment,
    },
    /// Not acknowledged in time: it may be committed all the same.
    Unknown,
    /// Refused for good. An `internal` one may be committed all the same.
    Refused(Code),
    /// The client ended before.
    Ended,
}

/// An event that was received.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Receipt {
    /// Where.
    pub room: RoomIndex,
    /// Its place.
    pub seq: u64,
    /// What it says; see [`message_digest`] and [`other_digest`].
    pub digest: u64,
    /// It is the removal of the one who received it.
    pub ends: bool,
    /// When.
    pub at: Moment,
}

/// A notice that was received.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Notice {
    /// Its place.
    pub seq: u64,
    /// What it says.
    pub says: Says,
    /// When.
    pub at: Moment,
}

/// What a notice says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Says {
    /// A message names the user.
    Mention {
        /// In this room; none in a room that the harness did not make.
        room: Option<RoomIndex>,
        /// At this place.
        seq: u64,
    },
    /// The user was made a member.
    Invite,
    /// Something else.
    Other,
}

/// Somebody was said to have come to a room, or to have gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Presence {
    /// Where.
    pub room: RoomIndex,
    /// Who.
    pub user: UserId,
    /// Came; else has gone.
    pub on: bool,
    /// When it was said.
    pub at: Moment,
}

/// A client began to listen to a room, or lost its socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Listening {
    /// The room that it listens to from now on; none where it listens to nothing any more.
    pub room: Option<RoomIndex>,
    /// When.
    pub at: Moment,
}

/// A time in which a client was not a member of a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Absence {
    /// Which room.
    pub room: RoomIndex,
    /// When its removal was asked for.
    pub asked: Moment,
    /// When its removal was answered.
    pub from: Moment,
    /// When it was about to be added again; none when it was not.
    pub until: Option<Moment>,
}

/// An event as the store has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logged {
    /// Its place.
    pub seq: u64,
    /// Of a message, its sender and key.
    pub key: Option<(UserId, Box<str>)>,
    /// What it says.
    pub digest: u64,
    /// The clients whom its text names.
    pub names: Vec<UserId>,
}

/// What the store has at the end.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stored {
    /// The log of each room, in the order of [`History::rooms`].
    pub rooms: Vec<Vec<Logged>>,
    /// The log of each user's inbox: places and kinds.
    pub inboxes: HashMap<UserId, Vec<(u64, NoticeKind)>>,
}

/// The kind of a notice, as the store has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "see `Says`")]
pub enum NoticeKind {
    Mention,
    Invite,
    Other,
}

/// What a message says, its id, sender, key and text, in eight bytes: millions of receipts are kept.
#[must_use]
pub fn message_digest(id: &str, sender: UserId, key: &str, text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    (id, sender.uuid().as_u128(), key, text).hash(&mut hasher);
    hasher.finish()
}

/// What another event says: its kind, by the name that it has on the wire.
#[must_use]
pub fn other_digest(kind: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    kind.hash(&mut hasher);
    hasher.finish()
}
