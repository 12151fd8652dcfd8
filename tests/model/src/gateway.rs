//! A gateway: its hub, the appends that it carries out, and its end of the bus.

use crate::{
    hub::Hub,
    list::List,
    log::{EVENTS_MAX, Event, Seq},
    sizes::REQUESTS_MAX,
};

/// The events under way between two parts of one gateway: each may be there twice, after a call was repeated.
const QUEUE_MAX: usize = 2 * EVENTS_MAX;

/// An append that a gateway carries out; a task of its own, which goes on when its client has gone
/// (`services/gateway/src/commands/send.rs::send`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Append {
    /// None.
    #[default]
    None,
    /// The store has been asked.
    Asked,
    /// Seeded defect alone: it was said, and the store has not been asked.
    SaidFirst,
    /// Committed; the gateway has not yet done anything about it.
    Committed(Seq),
    /// It was in the log before: answered, and not said again.
    Duplicate(Seq),
}

/// One gateway. All of it is lost when the process dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Gateway {
    /// The hub of the room; none while nobody listens here.
    pub hub: Option<Hub>,
    /// Sockets may ask the store: the bus has answered `listen`, be it `Registered` or `Deferred`.
    pub may_open: bool,
    /// What is carried out, by request.
    pub appends: [Append; REQUESTS_MAX],
    /// Commands for the hub from this gateway's own appends; tasks overtake each other, so it is a set.
    pub arriving: List<Event, QUEUE_MAX>,
    /// The bus.
    pub bus: Bus,
}

/// The connections of a gateway to Redis: the lease task's, which the publisher shares, and the reader's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Link {
    /// There.
    Up,
    /// To a master that was replaced and has not heard of it: it answers, and what it is told is lost.
    Stale,
    /// Broken.
    Down,
}

/// A gateway's end of the bus: `crates/bus/src/redis/`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Bus {
    /// The connections to Redis.
    pub link: Link,
    /// It has held a lease before, so that a lease which is not there was lost.
    pub has_joined: bool,
    /// Redis has confirmed the wanted subscription, to be subscribed or not (`WantedSubscriptions`).
    pub is_confirmed: bool,
    /// A reset is owed once what is unconfirmed is registered.
    pub owes_reset: bool,
    /// A reset is on its way to the hubs (`Resets`).
    pub has_reset: bool,
    /// The publisher's queue, in order.
    pub outgoing: List<Event, QUEUE_MAX>,
    /// Entries were dropped; the next pulse tells the others (`Gauge::has_dropped`).
    pub has_dropped: bool,
}

impl Default for Bus {
    /// As after `redis::connect`, with a connection and without a lease.
    fn default() -> Self {
        Self {
            link: Link::Up,
            has_joined: false,
            is_confirmed: true,
            owes_reset: false,
            has_reset: false,
            outgoing: List::default(),
            has_dropped: false,
        }
    }
}

impl Gateway {
    /// A process that has just begun; it has another id than the one that died, and knows nothing.
    #[must_use]
    pub fn new() -> Self {
        Self {
            hub: None,
            may_open: false,
            appends: [Append::None; REQUESTS_MAX],
            arriving: List::default(),
            bus: Bus::default(),
        }
    }

    /// A process that has joined the bus.
    #[must_use]
    pub fn joined() -> Self {
        let mut gateway = Self::new();
        gateway.bus.has_joined = true;
        gateway
    }
}

impl Default for Gateway {
    fn default() -> Self {
        Self::new()
    }
}
