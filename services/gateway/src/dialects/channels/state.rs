//! The state of the dialect's handshakes.

use std::sync::Arc;

use madang_flow_control::RateBucket;

use crate::{settings::ChannelsSettings, state::GatewayState};

/// The state of the handshakes.
#[derive(Clone)]
pub(super) struct ChannelsState {
    pub(super) gateway: GatewayState,
    pub(super) settings: Arc<ChannelsSettings>,
    /// Bounds how often the log says that the default room is not public: each visitor finds that out anew.
    pub(super) closed_room_told: Arc<RateBucket>,
}
