//! How many listen to a room, and what one of its messages costs a gateway.

use crate::measured::{DELIVERIES_ROOM_100, DELIVERIES_ROOM_1000, PUBLISH_MICROS};

/// Rooms of one size. Each socket is in one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// The sockets of a room.
    pub listeners: u64,
    /// What a delivery costs, in nanoseconds of a gateway's CPU.
    delivery_nanos: u64,
}

/// Whether what was not measured by itself, the cost of an entry at a gateway, counts as nothing or as all of a message in
/// a room of 2, of which it is a part. The truth lies between.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bound {
    /// A message costs a gateway its deliveries alone.
    Lower,
    /// At least what was measured for a whole message in a room of 2.
    Upper,
}

/// In rooms of 2 the whole message was measured; each of the two gateways is charged with half of it.
const HALF_PUBLISH_NANOS: u64 = PUBLISH_MICROS * 1_000 / 2;

/// The three shapes.
pub const SHAPES: [Shape; 3] = [
    Shape { listeners: 2, delivery_nanos: HALF_PUBLISH_NANOS },
    Shape { listeners: 100, delivery_nanos: 1_000_000_000 / DELIVERIES_ROOM_100 },
    Shape { listeners: 1_000, delivery_nanos: 1_000_000_000 / DELIVERIES_ROOM_1000 },
];

impl Shape {
    /// What a message costs a gateway with so many of the room's listeners, in nanoseconds of CPU.
    #[must_use]
    pub fn work(self, local_listeners: u64, bound: Bound) -> u64 {
        let deliveries = local_listeners * self.delivery_nanos;
        match bound {
            Bound::Upper if self.listeners > 2 => deliveries.max(PUBLISH_MICROS * 1_000),
            Bound::Upper | Bound::Lower => deliveries,
        }
    }

    /// How many messages are played: enough for a load of each part that chance moves by no more than a few percent, and no
    /// more than a moment's computation.
    #[must_use]
    pub const fn messages(self) -> u64 {
        match self.listeners {
            0..10 => 200_000,
            10..500 => 20_000,
            _ => 4_000,
        }
    }
}
