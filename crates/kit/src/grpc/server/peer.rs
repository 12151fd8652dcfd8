//! The other side of a connection, as its calls see it.

use std::{
    net::SocketAddr,
    sync::{Arc, OnceLock},
};

use madang_domain::ServiceName;

/// The other side of a connection. A copy is in the extensions of each of its requests.
#[derive(Debug, Clone, Default)]
pub struct Peer {
    /// None where it was gone already when it was accepted.
    pub(super) address: Option<SocketAddr>,
    /// Is set when the handshake of TLS is done, which is before the first request.
    service: Arc<OnceLock<ServiceName>>,
}

impl Peer {
    pub(super) fn at(address: Option<SocketAddr>) -> Self {
        Self { address, ..Self::default() }
    }

    /// The certificate has been judged.
    pub(super) fn is(&self, service: ServiceName) {
        // A connection has one handshake.
        let _ = self.service.set(service);
    }

    /// Its address; none where it was gone already when it was accepted.
    #[must_use]
    pub const fn address(&self) -> Option<SocketAddr> {
        self.address
    }

    /// The service that the peer's certificate names; none without a certificate.
    pub(super) fn service(&self) -> Option<ServiceName> {
        self.service.get().copied()
    }
}
