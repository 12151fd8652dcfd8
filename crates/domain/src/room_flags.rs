//! What a room's owners and moderators set of it besides its name.

use serde::{Deserialize, Serialize};

use crate::{Authority, Receipts, Role, RoomAction};

/// What who becomes a member sees of what was before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RoomHistory {
    /// All of it.
    #[default]
    All,
    /// Nothing: history begins with the joining.
    Joined,
}

impl RoomHistory {
    /// Every value.
    pub const ALL: [Self; 2] = [Self::All, Self::Joined];
}

/// The flags of a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct RoomFlags {
    /// Only moderators send.
    pub announcement: bool,
    /// Nobody sends.
    pub archived: bool,
    /// How many seconds a member waits between two messages; 0: none.
    pub slow_mode_s: u32,
    /// What newcomers see.
    pub history: RoomHistory,
    /// What members are shown of how far the others have read.
    #[serde(skip_serializing_if = "Receipts::is_default")]
    pub receipts: Receipts,
    /// Guests send, react, and change what they have sent.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub guests_send: bool,
}

impl RoomFlags {
    /// Whether they are what every room begins with.
    #[must_use]
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// What one must be permitted to send.
    #[must_use]
    pub const fn send_action(self) -> RoomAction {
        if self.announcement { RoomAction::Announce } else { RoomAction::Send }
    }

    /// Whether a member of a role sends, unless the room is archived or the member is muted.
    #[must_use]
    pub fn lets_send(self, role: Role) -> bool {
        self.send_action().is_permitted(Authority::User, role, self.guests_send)
    }

    /// The least role that sends, unless the room is archived. Guests do where the room lets them.
    #[must_use]
    pub const fn least_sender(self) -> Role {
        self.send_action().permission().least
    }
}

/// What is to be changed of a room's flags; none leaves a flag as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RoomFlagChanges {
    /// Whether only moderators send.
    pub announcement: Option<bool>,
    /// Whether nobody sends.
    pub archived: Option<bool>,
    /// How many seconds a member waits between two messages; 0: none.
    pub slow_mode_s: Option<u32>,
    /// What newcomers see.
    pub history: Option<RoomHistory>,
    /// What members are shown of how far the others have read.
    pub receipts: Option<Receipts>,
    /// Whether guests send, react, and change what they have sent.
    pub guests_send: Option<bool>,
}

impl RoomFlagChanges {
    /// The flags after the change.
    #[must_use]
    pub fn applied_to(self, flags: RoomFlags) -> RoomFlags {
        RoomFlags {
            announcement: self.announcement.unwrap_or(flags.announcement),
            archived: self.archived.unwrap_or(flags.archived),
            slow_mode_s: self.slow_mode_s.unwrap_or(flags.slow_mode_s),
            history: self.history.unwrap_or(flags.history),
            receipts: self.receipts.unwrap_or(flags.receipts),
            guests_send: self.guests_send.unwrap_or(flags.guests_send),
        }
    }

    /// Whether something is to be changed that owners alone set.
    #[must_use]
    pub const fn is_of_owners(self) -> bool {
        self.announcement.is_some()
            || self.archived.is_some()
            || self.history.is_some()
            || self.receipts.is_some()
            || self.guests_send.is_some()
    }

    /// Whether nothing is to be changed.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self == Self::default()
    }
}
