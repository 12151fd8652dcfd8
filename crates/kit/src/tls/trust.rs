//! The authorities, and what they judge.

use std::sync::Arc;

use rustls::{
    Error, RootCertStore,
    client::verify_server_cert_signed_by_trust_anchor,
    crypto::{CryptoProvider, WebPkiSupportedAlgorithms, aws_lc_rs},
    pki_types::{CertificateDer, UnixTime, pem::PemObject as _},
    server::{ParsedCertificate, WebPkiClientVerifier, danger::ClientCertVerifier},
};

use super::error::CredentialError;

/// The provider of all cryptography.
pub(super) fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

/// The algorithms of signatures.
pub(super) fn algorithms() -> WebPkiSupportedAlgorithms {
    provider().signature_verification_algorithms
}

/// The authorities whose certificates are accepted.
pub(super) struct Trust {
    roots: Arc<RootCertStore>,
    callers: Arc<dyn ClientCertVerifier>,
}

impl Trust {
    pub(super) fn parse(pem: &[u8]) -> Result<Self, CredentialError> {
        let mut roots = RootCertStore::empty();
        for authority in certificates(pem).ok_or(CredentialError::NoAuthority)? {
            roots.add(authority).map_err(|_| CredentialError::NoAuthority)?;
        }
        let roots = Arc::new(roots);
        let callers = WebPkiClientVerifier::builder_with_provider(Arc::clone(&roots), provider()).build();
        Ok(Self { callers: callers.map_err(|_| CredentialError::NoAuthority)?, roots })
    }

    /// Judges a caller's certificate, whatever it names.
    pub(super) fn judge_caller(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<(), Error> {
        self.callers.verify_client_cert(certificate, intermediates, now).map(drop)
    }

    /// Judges a server's certificate, whatever it names.
    pub(super) fn judge_server(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<(), Error> {
        let certificate = ParsedCertificate::try_from(certificate)?;
        let (roots, algorithms) = (&self.roots, algorithms().all);
        verify_server_cert_signed_by_trust_anchor(&certificate, roots, intermediates, now, algorithms)
    }
}

/// The certificates of a text in PEM; none where there is none, or one is malformed.
pub(super) fn certificates(pem: &[u8]) -> Option<Vec<CertificateDer<'static>>> {
    let certificates: Vec<_> = CertificateDer::pem_slice_iter(pem).collect::<Result<_, _>>().ok()?;
    (!certificates.is_empty()).then_some(certificates)
}
