//! TLS of a listener whose clients show no certificate.

use std::{fmt, sync::Arc};

use rustls::{
    ServerConfig,
    server::{ClientHello, NoServerSessionStorage, ResolvesServerCert},
    sign::CertifiedKey,
};
use tokio_rustls::TlsAcceptor;

use super::{keeper::Keeper, settings::ListenerTlsSettings, trust::provider};
use crate::{Host, StartError};

/// TLS of a listener whose clients show no certificate.
#[derive(Clone)]
pub struct ListenerTls(TlsAcceptor);

impl fmt::Debug for ListenerTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ListenerTls").finish_non_exhaustive()
    }
}

impl ListenerTls {
    /// Reads the files, where they are set, and follows them while the host lives. `protocols` are those of ALPN.
    ///
    /// # Errors
    ///
    /// When the settings are incomplete, or the files cannot be used.
    pub async fn open(
        settings: &ListenerTlsSettings,
        protocols: &[&[u8]],
        host: &Host,
    ) -> Result<Option<Self>, StartError> {
        let Some(files) = settings.files()? else { return Ok(None) };
        let keeper = Keeper::open(files, Box::new(|_| Ok(())), host.clock.now()).await;
        let keeper = keeper.map_err(|error| {
            StartError::setting("MADANG_HTTP_TLS_CERTIFICATE_FILE", crate::lifecycle::with_causes(&error))
        })?;
        let keeper = Arc::new(keeper);
        keeper.follow("clients", settings.reload(), host);
        let config = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(|error| StartError::dependency("TLS", error))?
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(Current(keeper)));
        let mut config = without_resumption(config);
        config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
        Ok(Some(Self(Arc::new(config).into())))
    }

    /// Accepts connections.
    #[must_use]
    pub const fn acceptor(&self) -> &TlsAcceptor {
        &self.0
    }
}

/// Without memory of earlier connections, so that each is judged anew.
pub(super) fn without_resumption(mut config: ServerConfig) -> ServerConfig {
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    config
}

/// Shows the certificate of the moment.
pub(super) struct Current(pub(super) Arc<Keeper>);

impl fmt::Debug for Current {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Current").finish_non_exhaustive()
    }
}

impl ResolvesServerCert for Current {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0.current().certified))
    }
}
