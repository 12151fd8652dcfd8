//! What can be wrong with an inbox.

use std::fmt;

use super::Class;
use crate::history::RoomIndex;

/// What can be wrong with an inbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InboxDefect {
    /// The store's log of the inbox is not contiguous from 1.
    LogGap {
        /// The place that should follow.
        expected: u64,
        /// The place that does.
        got: u64,
    },
    /// Another notice was received than the next one.
    Disorder {
        /// The place that should have come.
        expected: u64,
        /// The place that came.
        got: u64,
    },
    /// The store has another notice at that place, or none; or the message does not name the user.
    Differs {
        /// The place.
        seq: u64,
    },
    /// The end of the inbox was not received.
    NeverReceived {
        /// The last place that was.
        last: u64,
        /// The last place that there is.
        head: u64,
    },
    /// A message that names the user was not noticed once.
    Mentioned {
        /// Where.
        room: RoomIndex,
        /// At which place.
        seq: u64,
        /// How often it was.
        times: usize,
    },
    /// The client was told that its inbox cannot be replayed.
    Reset,
}

impl InboxDefect {
    pub(super) const fn class(&self) -> Class {
        match self {
            Self::LogGap { .. } | Self::NeverReceived { .. } | Self::Mentioned { times: 0, .. } => {
                Class::Lost
            }
            Self::Mentioned { .. } => Class::Duplicated,
            Self::Disorder { .. } => Class::OutOfOrder,
            Self::Differs { .. } | Self::Reset => Class::Other,
        }
    }
}

impl fmt::Display for InboxDefect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LogGap { expected, got } => write!(f, "its inbox has {got} where {expected} belongs"),
            Self::Disorder { expected, got } => write!(f, "received notice {got} where {expected} belongs"),
            Self::Differs { seq } => write!(f, "notice {seq} is not what the store has"),
            Self::NeverReceived { last, head } => write!(f, "received notices up to {last} of {head}"),
            Self::Mentioned { room, seq, times } => {
                write!(f, "{seq} in room {room} names it, and {times} notices say so")
            }
            Self::Reset => f.write_str("was told that its inbox cannot be replayed"),
        }
    }
}
