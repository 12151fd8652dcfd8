//! What the handshakes of the dialect work with.

use std::sync::Arc;

use crate::{settings::ChannelsSettings, state::GatewayState};

/// What the handshakes work with.
#[derive(Clone)]
pub(super) struct ChannelsState {
    pub(super) gateway: GatewayState,
    pub(super) settings: Arc<ChannelsSettings>,
}
