//! What has changed of a user, on its way to the subscribers of a topic.

use std::sync::Arc;

use bytes::Bytes;
use madang_contract::WireFrame;
use madang_domain::{Profile, RoomId, Timestamp, UserId};

/// A changed profile, as subscribers and the bus are told.
#[derive(Debug, Clone)]
pub(crate) struct ProfileNews {
    /// The user as the profile is now.
    pub(crate) user: Arc<Profile>,
    /// What subscribers are told.
    pub(crate) frame: WireFrame,
    /// With what the user is present from now on.
    pub(crate) card: Bytes,
}

/// A status that was set or has ended, as subscribers and the bus are told.
#[derive(Debug, Clone)]
pub(crate) struct StatusNews {
    /// The user.
    pub(crate) user: UserId,
    /// Later than that of each change before.
    pub(crate) version: Timestamp,
    /// Who is not told.
    pub(crate) but_for: Vec<UserId>,
    /// What the others are told.
    pub(crate) frame: WireFrame,
}

/// A change of what a user has set, for the user's own devices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SettingsChange {
    /// The room for which; none of the user's own settings.
    pub(crate) of: Option<RoomId>,
    /// Later than that of each change before.
    pub(crate) version: Timestamp,
}

/// Whether others see that a user is present.
#[derive(Debug, Clone)]
pub(crate) struct ShownNews {
    /// The user.
    pub(crate) user: UserId,
    /// They do not.
    pub(crate) hides: bool,
    /// With what the user is present, where they do.
    pub(crate) card: Bytes,
}
