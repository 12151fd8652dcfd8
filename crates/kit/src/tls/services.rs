//! TLS between the services.

use std::{fmt, sync::Arc};

use madang_domain::ServiceName;
use rustls::{ServerConfig, pki_types::CertificateDer, version::TLS13};
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use tonic::transport::{ClientTlsConfig, Endpoint, Error as TransportError, Identity};

use super::{
    credentials::Credentials,
    error::CredentialError,
    keeper::Keeper,
    listener::{Current, without_resumption},
    names::PeerNames,
    settings::ServiceTlsSettings,
    trust::provider,
    verify::{Callers, Dialled},
};
use crate::{Host, StartError, lifecycle::with_causes};

/// What gRPC is by ALPN.
const HTTP2: &[u8] = b"h2";

/// The setting that errors name.
const SETTING: &str = "MADANG_TLS_CERTIFICATE_FILE";

/// This service's certificate, and whom it trusts. Clones are handles to the same.
#[derive(Clone)]
pub struct ServiceTls {
    keeper: Arc<Keeper>,
    names: Arc<PeerNames>,
    acceptor: TlsAcceptor,
}

impl fmt::Debug for ServiceTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServiceTls").finish_non_exhaustive()
    }
}

impl ServiceTls {
    /// Reads the files, where they are set, and follows them while the host lives. The certificate must name `own`.
    ///
    /// # Errors
    ///
    /// When the settings are incomplete, or the files cannot be used.
    pub async fn open(
        settings: &ServiceTlsSettings,
        own: ServiceName,
        host: &Host,
    ) -> Result<Option<Self>, StartError> {
        let Some(files) = settings.files()? else { return Ok(None) };
        let names = Arc::new(PeerNames::new(settings.peers.clone()));
        if !names.has(own) {
            return Err(StartError::setting("MADANG_TLS_PEERS", format!("it has no name of {own}")));
        }
        let refused = |error: CredentialError| StartError::setting(SETTING, with_causes(&error));
        let own_names = Arc::clone(&names);
        let demand = move |credentials: &Credentials| {
            let certificate = credentials.certificate();
            if own_names.service_of(certificate) == Some(own) {
                return Ok(());
            }
            Err(CredentialError::Misnamed { found: own_names.shown(certificate), expected: own.as_str() })
        };
        let keeper = Keeper::open(files, Box::new(demand), host.clock.now()).await.map_err(refused)?;
        let keeper = Arc::new(keeper);
        keeper.follow("services", settings.reload(), host);
        let config = ServerConfig::builder_with_provider(provider())
            .with_protocol_versions(&[&TLS13])
            .map_err(|error| StartError::dependency("TLS", error))?
            .with_client_cert_verifier(Arc::new(Callers::new(Arc::clone(&keeper), Arc::clone(&names))))
            .with_cert_resolver(Arc::new(Current(Arc::clone(&keeper))));
        let mut config = without_resumption(config);
        config.alpn_protocols = vec![HTTP2.to_vec()];
        Ok(Some(Self { keeper, names, acceptor: Arc::new(config).into() }))
    }

    /// Accepts connections of services.
    pub(crate) const fn acceptor(&self) -> &TlsAcceptor {
        &self.acceptor
    }

    /// The service that an accepted certificate names.
    pub(crate) fn service_of(&self, certificate: &CertificateDer<'_>) -> Option<ServiceName> {
        self.names.service_of(certificate)
    }

    /// Connections to a service.
    #[must_use]
    pub(crate) fn dial(&self, service: ServiceName) -> Dial {
        let verifier = Dialled::new(Arc::clone(&self.keeper), Arc::clone(&self.names), service);
        Dial { keeper: Arc::clone(&self.keeper), verifier: Arc::new(verifier) }
    }
}

/// How connections to one service are secured.
#[derive(Clone)]
pub(crate) struct Dial {
    keeper: Arc<Keeper>,
    verifier: Arc<Dialled>,
}

impl Dial {
    /// The endpoint with the certificate of the moment.
    ///
    /// # Errors
    ///
    /// When the transport cannot read what was read here.
    pub(crate) fn secure(&self, endpoint: Endpoint) -> Result<Endpoint, TransportError> {
        let credentials = self.keeper.current();
        let contents = &credentials.contents;
        let identity = Identity::from_pem(&contents.certificate, &contents.key);
        // The name is sent, and does not count.
        let config = ClientTlsConfig::new().identity(identity).domain_name(self.verifier.service.as_str());
        endpoint.tls_config_with_verifier(config, Arc::clone(&self.verifier) as _)
    }

    /// Is told each time that the certificate has changed.
    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.keeper.changes()
    }
}
