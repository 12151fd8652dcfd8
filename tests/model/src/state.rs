//! The state of the whole: what is in the log, in Redis, in the gateways, and what the clients know.

use crate::{
    bounds::{Bounds, Start},
    gateway::{Append, Gateway, Link},
    hub::Hub,
    log::{Body, Event, Log, Seq},
    redis::Redis,
};

pub use crate::sizes::{GATEWAYS, REMOVED, REQUESTS_MAX, SUBSCRIBERS};

/// What a sender knows of its request: a message with its key, or a removal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Request {
    /// Not sent yet.
    #[default]
    Unsent,
    /// Sent by way of a gateway; no answer yet.
    Waiting(usize),
    /// The connection broke, or the answer was "unavailable": it may have happened. It is sent again.
    Unknown,
    /// Answered with the place in the log.
    Answered(Seq),
}

/// Where a subscriber is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Place {
    /// Without a socket.
    #[default]
    Away,
    /// In the hub of that gateway, which is becoming a listener.
    Attached(usize),
    /// The store has answered with that head; the replay up to it is being written.
    Opened(usize, Seq),
    /// Live.
    Live(usize),
    /// No member any more, and knows it: was told of the removal, or was refused.
    Gone,
}

impl Place {
    /// At which gateway the socket is.
    #[must_use]
    pub fn gateway(self) -> Option<usize> {
        match self {
            Self::Attached(at) | Self::Opened(at, _) | Self::Live(at) => Some(at),
            Self::Away | Self::Gone => None,
        }
    }
}

/// A subscriber: its socket, and what it was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Subscriber {
    /// Where it is.
    pub place: Place,
    /// The cursor with which this socket subscribed; without a socket, what had certainly arrived.
    pub cursor: Seq,
    /// The places up to the cursor, and those that were sent on this socket: bit `n` for place `n`. How much
    /// of the latter arrived is chosen when the next socket names its cursor.
    pub sent: u16,
}

impl Subscriber {
    /// The last place that was sent.
    #[must_use]
    pub fn last(&self) -> Seq {
        u8::try_from(self.sent.checked_ilog2().unwrap_or(0)).unwrap_or(Seq::MAX)
    }

    /// Everything up to a place has been sent.
    pub fn has_all_up_to(&mut self, seq: Seq) {
        self.sent |= up_to(seq);
    }

    /// Begins a socket with this cursor.
    pub fn begin(&mut self, place: Place, cursor: Seq) {
        *self = Self { place, cursor, sent: up_to(cursor) };
    }
}

fn up_to(seq: Seq) -> u16 {
    // Bit 0 stands for the place before the first, which everybody has.
    (2 << seq) - 1
}

/// Promises that a step has broken; a set of bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Broken(u8);

impl Broken {
    /// A subscriber was told an event that the log does not have at that place.
    pub const UNTRUE: Self = Self(1);
    /// A subscriber was told an event after a later one.
    pub const DISORDER: Self = Self(2);
    /// A subscriber was told an event, and not the one before.
    pub const GAP: Self = Self(4);
    /// A subscriber was told an event twice.
    pub const REPEAT: Self = Self(8);
    /// A subscriber was told an event that lies behind its removal.
    pub const AFTER_REMOVAL: Self = Self(16);
    /// A step led no nearer to rest.
    pub const CIRCLE: Self = Self(32);

    /// Adds what else was broken.
    pub fn add(&mut self, other: Self) {
        self.0 |= other.0;
    }

    /// Whether something of that was broken.
    #[must_use]
    pub fn any_of(self, others: &[Self]) -> bool {
        others.iter().any(|other| self.0 & other.0 != 0)
    }
}

/// The whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct State {
    /// The store.
    pub log: Log,
    /// Redis.
    pub redis: Redis,
    /// The gateways.
    pub gateways: [Gateway; GATEWAYS],
    /// The subscribers.
    pub subscribers: [Subscriber; SUBSCRIBERS],
    /// The requests.
    pub requests: [Request; REQUESTS_MAX],
    /// Requests that the store was asked for by a gateway that died since: it may still carry them out. Bits.
    pub orphans: u8,
    /// How many more faults may happen.
    pub faults: u8,
    /// What was broken.
    pub broken: Broken,
}

impl State {
    /// How it begins.
    #[must_use]
    pub fn first(bounds: &Bounds) -> Self {
        let mut state = Self {
            log: Log::default(),
            redis: Redis::joined(),
            gateways: [Gateway::joined(); GATEWAYS],
            subscribers: [Subscriber::default(); SUBSCRIBERS],
            requests: [Request::Unsent; REQUESTS_MAX],
            orphans: 0,
            faults: bounds.faults,
            broken: Broken::default(),
        };
        for subscriber in &mut state.subscribers {
            subscriber.begin(Place::Away, 0);
        }
        if let Start::Live(places) = bounds.start {
            for (who, at) in places.into_iter().enumerate().take(bounds.subscribers) {
                state.subscribers[who].place = Place::Live(at);
                state.redis.listeners[at] = true;
                let gateway = &mut state.gateways[at];
                gateway.may_open = true;
                let hub = gateway.hub.get_or_insert_with(Hub::default);
                hub.attach(who);
                hub.activate(who, 0, None, &mut Vec::new());
            }
        }
        state
    }

    /// What a request appends.
    #[must_use]
    pub fn body(bounds: &Bounds, request: usize) -> Body {
        match u8::try_from(request) {
            Ok(key) if key < bounds.messages => Body::Message(key),
            _ => Body::Removal,
        }
    }

    /// An event goes into a subscriber's outbox: what the socket carries from here on, it carries in order.
    pub fn tell(&mut self, who: usize, event: Event) {
        let subscriber = &mut self.subscribers[who];
        let last = subscriber.last();
        if subscriber.sent & (1 << event.seq) != 0 {
            self.broken.add(Broken::REPEAT);
        } else if event.seq < last {
            self.broken.add(Broken::DISORDER);
        } else if event.seq > last + 1 {
            self.broken.add(Broken::GAP);
        }
        subscriber.sent |= 1 << event.seq;
        if self.log.at(event.seq) != Some(event) {
            self.broken.add(Broken::UNTRUE);
        }
        if who == REMOVED {
            match self.log.removal() {
                Some(removal) if event.seq > removal => self.broken.add(Broken::AFTER_REMOVAL),
                Some(removal) if event.seq == removal => subscriber.place = Place::Gone,
                Some(_) | None => {}
            }
        }
    }

    /// How far it is from rest: each step makes this smaller, the earlier parts before the later ones. So every run
    /// ends, and what must happen "in the end" can be looked for where nothing more can happen.
    #[must_use]
    pub fn distance(&self) -> [u8; 15] {
        let sum = |weight: fn(&Gateway) -> usize| -> u8 { narrow(self.gateways.iter().map(weight).sum()) };
        let ahead = |of: fn(&Hub) -> Seq| -> u8 {
            let hubs = self.gateways.iter().filter_map(|gateway| gateway.hub.as_ref());
            hubs.map(|hub| self.log.head().saturating_sub(of(hub))).sum()
        };
        [
            self.faults,
            self.requests.iter().map(Request::distance).sum(),
            narrow(self.orphans.count_ones() as usize),
            sum(|gateway| gateway.appends.iter().map(Append::distance).sum()),
            self.subscribers.iter().map(|subscriber| subscriber.place.distance()).sum(),
            sum(|gateway| usize::from(gateway.hub.is_some())),
            sum(|gateway| gateway.bus.outgoing.len()),
            sum(|gateway| gateway.bus.link.distance()) + u8::from(self.redis.has_dead),
            count(&self.redis.leases.map(|lease| !lease)) + count(&self.redis.is_other),
            count(&self.redis.was_trimmed) + sum(|gateway| usize::from(gateway.bus.has_dropped)),
            sum(|gateway| usize::from(gateway.hub.is_some() && !gateway.may_open)),
            sum(|gateway| usize::from(!gateway.bus.is_confirmed) + usize::from(gateway.bus.owes_reset)),
            narrow(self.redis.streams.iter().map(|stream| stream.len()).sum())
                + sum(|gateway| usize::from(gateway.bus.has_reset) + gateway.arriving.len()),
            ahead(Hub::known),
            ahead(|hub| hub.head().unwrap_or(Seq::MAX)),
        ]
    }
}

impl Request {
    fn distance(&self) -> u8 {
        match self {
            Self::Unsent => 3,
            Self::Unknown => 2,
            Self::Waiting(_) => 1,
            Self::Answered(_) => 0,
        }
    }
}

impl Append {
    fn distance(&self) -> usize {
        match self {
            Self::Asked => 3,
            Self::SaidFirst => 2,
            Self::Committed(_) | Self::Duplicate(_) => 1,
            Self::None => 0,
        }
    }
}

impl Link {
    fn distance(self) -> usize {
        match self {
            Self::Up => 0,
            Self::Down => 1,
            Self::Stale => 2,
        }
    }
}

impl Place {
    fn distance(self) -> u8 {
        match self {
            Self::Away => 4,
            Self::Attached(_) => 3,
            Self::Opened(..) => 2,
            Self::Live(_) => 1,
            Self::Gone => 0,
        }
    }
}

fn count(flags: &[bool]) -> u8 {
    narrow(flags.iter().filter(|is_set| **is_set).count())
}

fn narrow(count: usize) -> u8 {
    u8::try_from(count).unwrap_or(u8::MAX)
}
