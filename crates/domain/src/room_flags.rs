//! What a room's owners and moderators set of it besides its name.

use serde::{Deserialize, Serialize};

use crate::Receipts;

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
    /// Whether members add others, and make invitation links.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub members_add: bool,
    /// Whether members pin messages.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub members_pin: bool,
    /// Whether members mention all.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub members_mention_all: bool,
    /// For how many seconds a message can be edited by its sender; 0: as the server's setting says.
    #[serde(skip_serializing_if = "is_zero")]
    pub edit_window_s: u32,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_zero(number: &u32) -> bool {
    *number == 0
}

impl RoomFlags {
    /// Whether they are what every room begins with.
    #[must_use]
    pub fn is_default(&self) -> bool {
        *self == Self::default()
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
    /// Whether members add others, and make invitation links.
    pub members_add: Option<bool>,
    /// Whether members pin messages.
    pub members_pin: Option<bool>,
    /// Whether members mention all.
    pub members_mention_all: Option<bool>,
    /// For how many seconds a message can be edited by its sender; 0: as the server's setting says.
    pub edit_window_s: Option<u32>,
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
            members_add: self.members_add.unwrap_or(flags.members_add),
            members_pin: self.members_pin.unwrap_or(flags.members_pin),
            members_mention_all: self.members_mention_all.unwrap_or(flags.members_mention_all),
            edit_window_s: self.edit_window_s.unwrap_or(flags.edit_window_s),
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
            || self.members_add.is_some()
            || self.members_pin.is_some()
            || self.members_mention_all.is_some()
            || self.edit_window_s.is_some()
    }

    /// Whether nothing is to be changed.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self == Self::default()
    }
}
