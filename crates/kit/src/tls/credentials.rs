//! A certificate with its key, and the authorities: read from files and checked.

use std::{sync::Arc, time::Duration};

use madang_domain::Timestamp;
use rustls::{
    pki_types::{CertificateDer, PrivateKeyDer, UnixTime, pem::PemObject as _},
    sign::CertifiedKey,
};

use super::{
    error::CredentialError,
    files::Contents,
    trust::{Trust, certificates, provider},
};

/// What the files of one moment hold.
pub(super) struct Credentials {
    pub(super) contents: Contents,
    pub(super) certified: Arc<CertifiedKey>,
    /// The end of the certificate.
    pub(super) not_after: Timestamp,
    pub(super) trust: Option<Trust>,
}

impl Credentials {
    /// Reads them, and checks what can be: the key fits, the time is not over, and the own authorities accept it.
    pub(super) fn parse(contents: Contents, now: Timestamp) -> Result<Self, CredentialError> {
        let chain = certificates(&contents.certificate).ok_or(CredentialError::NoCertificate)?;
        let key = PrivateKeyDer::from_pem_slice(&contents.key).map_err(|_| CredentialError::NoKey)?;
        let certified = CertifiedKey::from_der(chain, key, &provider()).map_err(CredentialError::Mismatch)?;
        let not_after = end_of(&certified.cert[0])?;
        if not_after < now {
            return Err(CredentialError::Ended(not_after));
        }
        let trust = contents.authorities.as_deref().map(Trust::parse).transpose()?;
        if let Some(trust) = &trust {
            let now = UnixTime::since_unix_epoch(now.since(Timestamp::default()));
            let (own, intermediates) = (&certified.cert[0], &certified.cert[1..]);
            trust.judge_caller(own, intermediates, now).map_err(CredentialError::Foreign)?;
            trust.judge_server(own, intermediates, now).map_err(CredentialError::Foreign)?;
        }
        Ok(Self { contents, certified: Arc::new(certified), not_after, trust })
    }

    /// The certificate itself.
    pub(super) fn certificate(&self) -> &CertificateDer<'static> {
        &self.certified.cert[0]
    }
}

/// The end of a certificate.
///
/// The library that judges certificates does not tell their times, except in its refusal: so it judges this one at the
/// end of all time. It does so before it looks for an authority.
fn end_of(certificate: &CertificateDer<'_>) -> Result<Timestamp, CredentialError> {
    let parsed = webpki::EndEntityCert::try_from(certificate).map_err(CredentialError::Malformed)?;
    let end_of_time = UnixTime::since_unix_epoch(Duration::from_secs(u64::MAX));
    let algorithms = webpki::ALL_VERIFICATION_ALGS;
    let usage = webpki::KeyUsage::server_auth();
    match parsed.verify_for_usage(algorithms, &[], &[], end_of_time, usage, None, None) {
        Err(webpki::Error::CertExpired { not_after, .. }) => {
            let micros = not_after.as_secs().saturating_mul(1_000_000);
            Ok(Timestamp::from_micros(i64::try_from(micros).unwrap_or(i64::MAX)))
        }
        Err(error) => Err(CredentialError::Malformed(error)),
        // Without an authority there is no path.
        Ok(_) => Err(CredentialError::Malformed(webpki::Error::UnknownIssuer)),
    }
}
