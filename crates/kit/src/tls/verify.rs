//! Who is on the other side: judged by the authorities, and then by the name in the certificate.

use std::{fmt, sync::Arc};

use madang_domain::ServiceName;
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, OtherError, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime},
    server::danger::{ClientCertVerified, ClientCertVerifier},
};

use super::{keeper::Keeper, names::PeerNames, trust::algorithms};

/// The certificate is good, and of somebody else.
#[derive(Clone)]
struct WrongPeer(String);

impl fmt::Display for WrongPeer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

// The text of TLS's own error shows this one so.
impl fmt::Debug for WrongPeer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for WrongPeer {}

fn wrong_peer(text: String) -> Error {
    Error::InvalidCertificate(CertificateError::Other(OtherError(Arc::new(WrongPeer(text)))))
}

/// What was read last from the files says whom to trust.
fn no_authorities() -> Error {
    Error::General("there are no authorities".to_owned())
}

/// The methods of both verifiers that look at signatures of the handshake: as the cryptography here has them.
macro_rules! signatures {
    () => {
        fn verify_tls12_signature(
            &self,
            message: &[u8],
            certificate: &CertificateDer<'_>,
            signed: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            verify_tls12_signature(message, certificate, signed, &self.algorithms)
        }

        fn verify_tls13_signature(
            &self,
            message: &[u8],
            certificate: &CertificateDer<'_>,
            signed: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            verify_tls13_signature(message, certificate, signed, &self.algorithms)
        }

        fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
            self.algorithms.supported_schemes()
        }
    };
}

/// Accepts callers that are a service.
pub(super) struct Callers {
    keeper: Arc<Keeper>,
    names: Arc<PeerNames>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl Callers {
    pub(super) fn new(keeper: Arc<Keeper>, names: Arc<PeerNames>) -> Self {
        Self { keeper, names, algorithms: algorithms() }
    }
}

impl fmt::Debug for Callers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Callers").finish_non_exhaustive()
    }
}

impl ClientCertVerifier for Callers {
    /// None: what the authorities are may change, and every caller has one certificate to show.
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let credentials = self.keeper.current();
        let trust = credentials.trust.as_ref().ok_or_else(no_authorities)?;
        trust.judge_caller(certificate, intermediates, now)?;
        match self.names.service_of(certificate) {
            Some(_) => Ok(ClientCertVerified::assertion()),
            None => {
                let found = self.names.shown(certificate);
                Err(wrong_peer(format!("it names {found}, which MADANG_TLS_PEERS says to be no service")))
            }
        }
    }

    signatures!();
}

/// Accepts the one service that was dialled.
pub(super) struct Dialled {
    keeper: Arc<Keeper>,
    names: Arc<PeerNames>,
    pub(super) service: ServiceName,
    algorithms: WebPkiSupportedAlgorithms,
}

impl Dialled {
    pub(super) fn new(keeper: Arc<Keeper>, names: Arc<PeerNames>, service: ServiceName) -> Self {
        Self { keeper, names, service, algorithms: algorithms() }
    }
}

impl fmt::Debug for Dialled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dialled").field("service", &self.service).finish_non_exhaustive()
    }
}

impl ServerCertVerifier for Dialled {
    /// The name that was dialled does not count: it may be an address.
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let credentials = self.keeper.current();
        let trust = credentials.trust.as_ref().ok_or_else(no_authorities)?;
        trust.judge_server(certificate, intermediates, now)?;
        if self.names.service_of(certificate) == Some(self.service) {
            return Ok(ServerCertVerified::assertion());
        }
        let found = self.names.shown(certificate);
        Err(wrong_peer(format!("it names {found}, and {} was dialled", self.service)))
    }

    signatures!();
}
