//! What clients remember. Values without behaviour: the judge reads them, tests write them by hand.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

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
    /// When it was not a member of a room.
    pub absences: Vec<Absence>,
    /// Rooms that were closed to it though it is a member.
    pub shut_out: Vec<(Moment, RoomIndex, Code)>,
    /// When its cursor of a room was declared void.
    pub resets: Vec<(Moment, RoomIndex)>,
    /// When and why it was told not to come back.
    pub dismissed: Option<(Moment, String)>,
    /// Sockets that were opened.
    pub connections: usize,
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
            absences: Vec::new(),
            shut_out: Vec::new(),
            resets: Vec::new(),
            dismissed: None,
            connections: 0,
        }
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
    /// When.
    pub at: Moment,
}

/// A time in which a client was not a member of a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Absence {
    /// Which room.
    pub room: RoomIndex,
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
