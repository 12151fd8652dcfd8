//! What handlers work with, in four parts; each takes the parts that it needs.

use std::sync::Arc;

use axum::extract::FromRef;
use http::HeaderMap;
use madang_domain::{Code, Error, Result};
use madang_kit::Registration;
use madang_rpc::Auth;

use crate::{
    admission::AdmissionQueue,
    commands::Commands,
    credentials::{SiteKeys, Verifier},
    http::origin::AllowedOrigins,
    log::Refusals,
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
    /// The proxies in front whose `X-Forwarded-For` is believed.
    pub(crate) trusted_proxies: usize,
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
