//! The store: the log of one room, which is the truth.

use crate::list::List;

/// A place in the log; contiguous from 1, so 0 means "before the first".
pub type Seq = u8;

/// The longest log of any bound.
pub const EVENTS_MAX: usize = 5;

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Body {
    /// A message, by its idempotency key. There is one sender, so the key alone tells it.
    Message(u8),
    /// The membership of subscriber [`REMOVED`](crate::state::REMOVED) was taken away.
    Removal,
}

impl Default for Body {
    fn default() -> Self {
        Self::Message(0)
    }
}

/// An event as it travels: its place and what happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Event {
    /// The place.
    pub seq: Seq,
    /// What happened.
    pub body: Body,
}

/// What an append is answered with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Appended {
    /// The place.
    pub seq: Seq,
    /// It was there before.
    pub duplicate: bool,
}

/// The log of the room. Each method is one transaction, serialised by the row lock of the room
/// (`append_messages` of `0002_append_messages.sql`; `Change::begin` of `change.rs` in the message store).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Log {
    events: List<Body, EVENTS_MAX>,
}

impl Log {
    /// The last place.
    #[must_use]
    pub fn head(&self) -> Seq {
        u8::try_from(self.events.len()).unwrap_or(Seq::MAX)
    }

    /// Appends at the next place. What is there already, by its key (`events_by_key` of
    /// `0001_rooms_and_logs.sql`) or because who is to be removed is no member any more, is not appended again.
    pub fn append(&mut self, body: Body, looks_at_keys: bool) -> Appended {
        if looks_at_keys && let Some(at) = self.events.iter().position(|there| *there == body) {
            return Appended { seq: place(at), duplicate: true };
        }
        self.events.push(body);
        Appended { seq: self.head(), duplicate: false }
    }

    /// The event at a place, where there is one.
    #[must_use]
    pub fn at(&self, seq: Seq) -> Option<Event> {
        let body = *self.events.get(usize::from(seq).checked_sub(1)?)?;
        Some(Event { seq, body })
    }

    /// Where the membership was taken away. From its commit on, [`Log::head_for`] refuses.
    #[must_use]
    pub fn removal(&self) -> Option<Seq> {
        self.events.iter().position(|body| *body == Body::Removal).map(place)
    }

    /// What `open` answers: the head, to members alone; membership and head are of one moment
    /// (`STATES` of `store/postgres/batches.rs`). The events up to it can be read later: the log does not change.
    #[must_use]
    pub fn head_for(&self, is_the_one_removed: bool) -> Option<Seq> {
        if is_the_one_removed && self.removal().is_some() { None } else { Some(self.head()) }
    }

    /// How often each of the events stands in the log: twice would break the promise of idempotency.
    #[must_use]
    pub fn has_repeats(&self) -> bool {
        (1..self.events.len()).any(|at| self.events[..at].contains(&self.events[at]))
    }
}

fn place(at: usize) -> Seq {
    u8::try_from(at + 1).unwrap_or(Seq::MAX)
}
