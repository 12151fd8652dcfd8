//! What the handshakes of the dialect work with.

use std::sync::Arc;

use madang_flow_control::RateBucket;

use crate::{settings::ChannelsSettings, state::GatewayState};

/// What the handshakes work with.
#[derive(Clone)]
pub(super) struct ChannelsState {
    pub(super) gateway: GatewayState,
    pub(super) settings: Arc<ChannelsSettings>,
    /// Bounds how often the log says that the default room is not public: each visitor finds that out anew.
    pub(super) closed_room_told: Arc<RateBucket>,
}
