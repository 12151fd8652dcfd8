//! A changed profile on its way to the subscribers of a topic.

use std::sync::Arc;

use bytes::Bytes;
use madang_contract::WireFrame;
use madang_domain::Profile;

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
