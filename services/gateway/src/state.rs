//! The state of the handlers, in four parts. Each handler takes the parts that it needs.

use std::sync::Arc;

use axum::extract::FromRef;
use http::{Extensions, HeaderMap};
use madang_domain::{Code, Error, Limit, Result};
use madang_kit::Registration;
use madang_rpc::Auth;

use crate::{
    admission::{AdmissionQueue, Handshake, Handshakes},
    commands::Commands,
    credentials::{SiteKeys, Verifier},
    http::{client_address::ClientAddress, origin::AllowedOrigins},
    log::Refusals,
    metrics::{Counters, HandshakeRefusal},
    session::Sockets,
};

/// The state that all handlers share.
#[derive(Clone)]
pub(crate) struct GatewayState {
    /// The commands of users and of the embedding site.
    pub(crate) commands: Arc<Commands>,
    /// Authentication and admission.
    pub(crate) entrance: Arc<Entrance>,
    /// What every session needs.
    pub(crate) sockets: Arc<Sockets>,
    /// The auth service. Its operations publish no event, so handlers call it without a command.
    pub(crate) accounts: Arc<dyn Auth>,
}

/// What authenticates requests and sockets and admits sockets.
pub(crate) struct Entrance {
    pub(crate) verifier: Arc<Verifier>,
    /// The API keys of the site's backend.
    pub(crate) site_keys: SiteKeys,
    pub(crate) origins: Arc<AllowedOrigins>,
    /// The handshakes of each address that have shown no good credential.
    pub(crate) handshakes: Arc<Handshakes>,
    /// The pace at which sockets are admitted.
    pub(crate) admissions: AdmissionQueue,
    pub(crate) settings: EntranceSettings,
    pub(crate) counters: Arc<Counters>,
    /// The log of who was refused here.
    pub(crate) refusals: Refusals,
}

/// Settings of the entrance.
#[derive(Debug, Clone, Copy)]
pub(crate) struct EntranceSettings {
    /// Whether `?token=` is accepted on the URL of `/v1/ws`.
    pub(crate) allow_query_token: bool,
    /// Whether people make accounts here by themselves.
    pub(crate) registration: Registration,
}

impl Entrance {
    /// Refuses a request whose origin is not allowed.
    pub(crate) fn check_origin(&self, headers: &HeaderMap) -> Result<()> {
        if self.origins.allow_request(headers) {
            return Ok(());
        }
        self.counters.refused_handshakes.add(HandshakeRefusal::Origin, 1);
        let message = "this origin is not allowed: see MADANG_ALLOWED_ORIGINS";
        Err(Error::new(Code::PermissionDenied, message))
    }

    /// Begins a handshake of the request's client, or refuses it where too many of its address have shown no good
    /// credential. Nothing else has been spent on it by then.
    pub(crate) fn begin_handshake(&self, request: &Extensions) -> Result<Option<Handshake>> {
        let Some(client) = request.get::<ClientAddress>() else { return Ok(None) };
        let begun = self.handshakes.begin(client.ip).map_err(|wait| {
            self.counters.refused_handshakes.add(HandshakeRefusal::AddressHandshakes, 1);
            Error::rate_limited(Limit::AddressHandshakes, wait)
        })?;
        Ok(Some(begun))
    }
}

impl FromRef<GatewayState> for Arc<Commands> {
    fn from_ref(state: &GatewayState) -> Self {
        Arc::clone(&state.commands)
    }
}

impl FromRef<GatewayState> for Arc<Entrance> {
    fn from_ref(state: &GatewayState) -> Self {
        Arc::clone(&state.entrance)
    }
}

impl FromRef<GatewayState> for Arc<dyn Auth> {
    fn from_ref(state: &GatewayState) -> Self {
        Arc::clone(&state.accounts)
    }
}
