//! An auth service behind gRPC.

use std::sync::Arc;

use madang_proto::auth::v1::{auth_service_client::AuthServiceClient, auth_service_server::SERVICE_NAME};
use tonic::transport::Channel;

use crate::{
    client::{CallSettings, Caller, ClientCounters, Transport},
    wire::{REQUEST_MAX_BYTES, RESPONSE_MAX_BYTES},
};

/// An auth service behind gRPC.
#[derive(Debug)]
pub struct AuthClient<T = Channel> {
    pub(super) rpc: AuthServiceClient<T>,
    pub(super) caller: Caller,
}

impl<T: Transport> AuthClient<T> {
    /// A client that calls over `channel`, with the default settings.
    pub fn new(channel: T) -> Self {
        Self::with_settings(channel, CallSettings::default())
    }

    /// A client that calls over `channel`.
    pub fn with_settings(channel: T, settings: CallSettings) -> Self {
        Self {
            rpc: AuthServiceClient::new(channel)
                .max_encoding_message_size(REQUEST_MAX_BYTES)
                .max_decoding_message_size(RESPONSE_MAX_BYTES),
            caller: Caller::new(SERVICE_NAME, settings),
        }
    }

    /// What is counted of the calls.
    #[must_use]
    pub const fn counters(&self) -> &Arc<ClientCounters> {
        self.caller.counters()
    }
}
