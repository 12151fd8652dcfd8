//! The state of the dialect's handshakes.

use std::sync::Arc;

use crate::{settings::ChannelsSettings, state::GatewayState};

/// The state of the handshakes.
#[derive(Clone)]
pub(super) struct ChannelsState {
    pub(super) gateway: GatewayState,
    pub(super) settings: Arc<ChannelsSettings>,
}
