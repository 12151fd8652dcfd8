//! Why certificates cannot be used.

use std::path::PathBuf;

use madang_domain::Timestamp;

/// Why files cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CredentialError {
    /// A file cannot be read.
    #[error("cannot read {}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// The certificate's file holds none.
    #[error("the certificate's file holds no certificate in PEM")]
    NoCertificate,
    /// The key's file holds none.
    #[error("the key's file holds no private key in PEM")]
    NoKey,
    /// The authorities' file holds none.
    #[error("the authorities' file holds no certificate of an authority in PEM")]
    NoAuthority,
    /// The key is of another certificate, or of an unknown kind.
    #[error("the key does not fit the certificate: {0}")]
    Mismatch(rustls::Error),
    /// The certificate is not one.
    #[error("the certificate is malformed: {0}")]
    Malformed(webpki::Error),
    /// The certificate's time is over.
    #[error("the certificate ended at {0}")]
    Ended(Timestamp),
    /// The certificate is not of these authorities, or not for this use.
    #[error("the certificate is not accepted by the own authorities: {0}")]
    Foreign(rustls::Error),
    /// The certificate does not name this service.
    #[error(
        "the certificate names {found}, and not {expected}; MADANG_TLS_PEERS says which names the services have"
    )]
    Misnamed {
        /// What it names.
        found: String,
        /// What this service is.
        expected: &'static str,
    },
}
