//! What handlers work with, in four parts; each takes the parts that it needs.

use std::{net::IpAddr, sync::Arc};

use axum::extract::FromRef;
use http::{Extensions, HeaderMap};
use madang_domain::{Code, Error, Result};
use madang_kit::Registration;
use madang_rpc::Auth;

use crate::{
    admission::{AdmissionQueue, Handshake, Handshakes, Network},
    commands::Commands,
    credentials::{SiteKeys, Verifier},
    http::{client_address::ClientAddress, origin::AllowedOrigins},
    metrics::Counters,
    session::Sockets,
};

/// The parts of a gateway.
#[derive(Clone)]
pub(crate) struct GatewayState {
    /// What users may do.
    pub(crate) commands: Arc<Commands>,
    /// Who may enter.
    pub(crate) entrance: Arc<Entrance>,
    /// What sessions work with.
    pub(crate) sockets: Arc<Sockets>,
    /// Accounts and their credentials: no event follows from what is done there, so it needs no command.
    pub(crate) accounts: Arc<dyn Auth>,
}

/// What decides whether a request or a socket may enter, and as whom.
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
    /// Refuses a request of a page that is not allowed.
    pub(crate) fn check_origin(&self, headers: &HeaderMap) -> Result<()> {
        if self.origins.allow_request(headers) {
            return Ok(());
        }
        let message = "this origin is not allowed: see MADANG_ALLOWED_ORIGINS";
        Err(Error::new(Code::PermissionDenied, message))
    }

    /// Begins a handshake of the request's client, or refuses it where too many of its address have shown no good
    /// credential. Nothing else has been spent on it by then.
    pub(crate) fn begin_handshake(&self, request: &Extensions) -> Result<Option<Handshake>> {
        let Some(client) = request.get::<ClientAddress>() else { return Ok(None) };
        let begun = self.handshakes.begin(Network::of(client.ip)).map_err(|wait| {
            self.counters.refused_handshakes.add(1);
            let message = "too many handshakes from this address showed no good credential: slow down";
            Error::new(Code::RateLimited, message).retry_after(wait)
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
