//! Who may call what.

use std::{collections::HashMap, fmt};

use http::HeaderMap;
use madang_domain::ServiceName;

use super::peer::Peer;
use crate::{
    grpc::secret::{CallSecret, sends_one},
    tls::ServiceTls,
};

/// Who may call what: which services may call each RPC, and how a caller shows which service it is.
///
/// A caller with a certificate is the service that the certificate names. One without is whom its secret stands for. Where
/// the server has neither a certificate nor a secret, whoever reaches its port may call.
#[derive(Debug, Default)]
pub struct Access {
    callers: HashMap<String, &'static [ServiceName]>,
    tls: Option<ServiceTls>,
    accepts_plaintext: bool,
    secrets: Vec<(ServiceName, CallSecret)>,
}

/// Why a call is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// It has neither a certificate nor a secret.
    Unknown,
    /// It has a secret, which is not one of ours.
    WrongSecret,
    /// It is a service that may not call this.
    NotAllowed(ServiceName),
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown => f.write_str("the caller shows neither a certificate nor a secret"),
            Self::WrongSecret => f.write_str("the caller's secret is wrong"),
            Self::NotAllowed(service) => write!(f, "{service} may not call this method"),
        }
    }
}

impl Access {
    /// Access to the RPCs of these paths, such as `/madang.auth.v1.AuthService/GetKeys`, each for the services beside it.
    #[must_use]
    pub fn new(callers: impl IntoIterator<Item = (String, &'static [ServiceName])>) -> Self {
        Self { callers: callers.into_iter().collect(), ..Self::default() }
    }

    /// Callers show certificates. With `accepts_plaintext`, connections without TLS are still served.
    #[must_use]
    pub fn with_tls(self, tls: Option<ServiceTls>, accepts_plaintext: bool) -> Self {
        Self { tls, accepts_plaintext, ..self }
    }

    /// Callers without a certificate show one of these secrets, which stand for `service`.
    #[must_use]
    pub fn with_secrets(
        mut self,
        service: ServiceName,
        secrets: impl IntoIterator<Item = CallSecret>,
    ) -> Self {
        self.secrets.extend(secrets.into_iter().map(|secret| (service, secret)));
        self
    }

    pub(super) const fn tls(&self) -> Option<&ServiceTls> {
        self.tls.as_ref()
    }

    pub(super) const fn accepts_plaintext(&self) -> bool {
        self.tls.is_none() || self.accepts_plaintext
    }

    /// Whether whoever reaches the port may call.
    pub(super) const fn is_open(&self) -> bool {
        self.accepts_plaintext() && self.secrets.is_empty()
    }

    /// Judges a call by its path.
    pub(super) fn judge_call(
        &self,
        path: &str,
        peer: Option<&Peer>,
        headers: &HeaderMap,
    ) -> Result<(), Refusal> {
        let Some(caller) = self.caller(peer, headers)? else { return Ok(()) };
        match self.callers.get(path) {
            Some(allowed) if !allowed.contains(&caller) => Err(Refusal::NotAllowed(caller)),
            // What is not in the table is not served either.
            Some(_) | None => Ok(()),
        }
    }

    /// Judges a health check, which is for any caller that may call something.
    pub(super) fn judge_health(&self, peer: Option<&Peer>, headers: &HeaderMap) -> Result<(), Refusal> {
        self.caller(peer, headers).map(drop)
    }

    /// Which service calls; none where that is not asked.
    fn caller(&self, peer: Option<&Peer>, headers: &HeaderMap) -> Result<Option<ServiceName>, Refusal> {
        if let Some(service) = peer.and_then(Peer::service) {
            return Ok(Some(service));
        }
        if self.is_open() {
            return Ok(None);
        }
        let known = self.secrets.iter().find(|(_, secret)| secret.is_sent(headers));
        match known {
            Some((service, _)) => Ok(Some(*service)),
            None if sends_one(headers) => Err(Refusal::WrongSecret),
            None => Err(Refusal::Unknown),
        }
    }
}
