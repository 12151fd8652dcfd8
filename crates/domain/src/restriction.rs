//! What moderators impose on users of a room.

use serde::{Deserialize, Serialize};

use crate::{RoomAction, Timestamp};

/// What is imposed on a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Restriction {
    /// The user is no member, and does not become one.
    Ban,
    /// The user sends nothing, edits nothing and reacts to nothing.
    Mute,
}

impl Restriction {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Ban, Self::Mute];

    /// The end of what has no end: no time that is meant lies so far ahead, and RFC 3339 can name it.
    pub const WITHOUT_END: Timestamp = Timestamp::from_micros(253_370_764_800_000_000);

    /// To impose it, and to end it.
    #[must_use]
    pub const fn action(self) -> RoomAction {
        match self {
            Self::Ban => RoomAction::Ban,
            Self::Mute => RoomAction::Mute,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_no_end_has_a_time_that_can_be_written() {
        assert_eq!(Restriction::WITHOUT_END.to_string(), "9999-01-01T00:00:00.000Z");
    }
}
