//! Redis: the subscribers of the room, a lease and a stream for each gateway. All of it may be lost.

use crate::{list::List, log::Event, sizes::GATEWAYS};

/// The longest gateway stream: each event twice over the bus, and notices.
const STREAM_MAX: usize = 12;

/// An entry of a gateway stream (`crates/bus/src/redis/entries.rs`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Entry {
    /// What another gateway published.
    Event(Event),
    /// Whatever makes the reader compare all heads: a probe that does not count right, a peer that died or
    /// that dropped what it should have published. They differ in nothing else.
    #[default]
    Notice,
}

/// What Redis holds. The lease's value, its fence, is left out: here no command of an abandoned connection
/// runs late, so whether a gateway's lease is the one it took is whether it is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Redis {
    /// `listeners:<topic>`.
    pub listeners: [bool; GATEWAYS],
    /// `lease:<gateway>`.
    pub leases: [bool; GATEWAYS],
    /// `inbox:<gateway>`.
    pub streams: [List<Entry, STREAM_MAX>; GATEWAYS],
    /// The stream lost entries since the last probe: the next one will count wrong.
    pub was_trimmed: [bool; GATEWAYS],
    /// Another process serves the data than at the gateway's last pulse: the epoch is not the one that it knows.
    pub is_other: [bool; GATEWAYS],
    /// The lease of a gateway that died, which stands in the set of gateways until a pulse misses its lease.
    pub has_dead: bool,
}

impl Redis {
    /// Both gateways have joined, and nobody listens.
    #[must_use]
    pub fn joined() -> Self {
        Self { leases: [true; GATEWAYS], ..Self::empty() }
    }

    /// Nothing: as after a `FLUSHALL`, or a restart without its data.
    #[must_use]
    pub fn empty() -> Self {
        Self {
            listeners: [false; GATEWAYS],
            leases: [false; GATEWAYS],
            streams: [List::default(); GATEWAYS],
            was_trimmed: [false; GATEWAYS],
            is_other: [false; GATEWAYS],
            has_dead: false,
        }
    }

    /// `publish.lua`, one atomic script: appends to the stream of each other gateway that is subscribed and whose lease
    /// lives, and removes the listeners whose lease does not.
    pub fn publish(&mut self, from: usize, event: Event) {
        for gateway in (0..GATEWAYS).filter(|gateway| *gateway != from) {
            if self.leases[gateway] {
                if self.listeners[gateway] {
                    self.streams[gateway].push(Entry::Event(event));
                }
            } else {
                self.listeners[gateway] = false;
            }
        }
    }

    /// The part of `pulse.lua` that tells others: an entry for each gateway whose lease lives.
    pub fn notify(&mut self, gateways: impl Iterator<Item = usize>) {
        for gateway in gateways {
            if self.leases[gateway] {
                self.streams[gateway].push(Entry::Notice);
            }
        }
    }

    /// A gateway's process ended, or its stream is begun anew.
    pub fn forget_stream(&mut self, gateway: usize) {
        self.streams[gateway] = List::default();
        self.was_trimmed[gateway] = false;
    }
}
