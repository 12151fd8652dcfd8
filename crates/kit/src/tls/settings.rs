//! The settings of certificates.

use std::{path::PathBuf, time::Duration};

use clap::Args;

use super::{files::Files, names::PeerName};
use crate::StartError;

/// The names of the services where the setting says nothing else.
const PEERS: &str =
    "gateway=spiffe://madang/gateway,auth=spiffe://madang/auth,message-store=spiffe://madang/message-store";

/// The certificate by which this service and the others know each other.
#[derive(Debug, Clone, Args)]
#[group(id = "service_tls")]
pub struct ServiceTlsSettings {
    /// The file with this service's certificate in PEM, and the intermediate ones after it. With it, calls between services
    /// are encrypted, and each side knows the other by its certificate
    #[arg(
        long = "tls-certificate-file",
        id = "tls_certificate_file",
        env = "MADANG_TLS_CERTIFICATE_FILE",
        value_name = "FILE"
    )]
    pub certificate: Option<PathBuf>,

    /// The file with the certificate's private key in PEM
    #[arg(long = "tls-key-file", id = "tls_key_file", env = "MADANG_TLS_KEY_FILE", value_name = "FILE")]
    pub key: Option<PathBuf>,

    /// The file with the authorities in PEM that sign the services' certificates
    #[arg(long = "tls-ca-file", id = "tls_ca_file", env = "MADANG_TLS_CA_FILE", value_name = "FILE")]
    pub authorities: Option<PathBuf>,

    /// Which name in a certificate is which service: SERVICE=NAME, separated by commas. A name is a URI that begins with
    /// `spiffe://`, or a DNS name. A service may have several
    #[arg(long = "tls-peers", id = "tls_peers", env = "MADANG_TLS_PEERS", default_value = PEERS, value_delimiter = ',', value_name = "NAMES")]
    pub peers: Vec<PeerName>,

    /// Seconds between two looks at the files. A changed certificate is used without a restart
    #[arg(long = "tls-reload-seconds", id = "tls_reload_seconds", env = "MADANG_TLS_RELOAD_SECONDS", default_value_t = 10,
        value_parser = clap::value_parser!(u64).range(1..=86_400), value_name = "SECONDS")]
    pub reload_seconds: u64,
}

impl ServiceTlsSettings {
    /// The files, where they are set.
    pub(super) fn files(&self) -> Result<Option<Files>, StartError> {
        match (&self.certificate, &self.key, &self.authorities) {
            (None, None, None) => Ok(None),
            (Some(certificate), Some(key), Some(authorities)) => Ok(Some(Files {
                certificate: certificate.clone(),
                key: key.clone(),
                authorities: Some(authorities.clone()),
            })),
            _ => Err(StartError::setting(
                "MADANG_TLS_CERTIFICATE_FILE",
                "MADANG_TLS_CERTIFICATE_FILE, MADANG_TLS_KEY_FILE and MADANG_TLS_CA_FILE go together: set all three, or none",
            )),
        }
    }

    pub(super) const fn reload(&self) -> Duration {
        Duration::from_secs(self.reload_seconds)
    }
}

/// The certificate that a listener shows to its clients.
#[derive(Debug, Clone, Default, Args)]
#[group(id = "listener_tls")]
pub struct ListenerTlsSettings {
    /// The file with the certificate in PEM for clients, and the intermediate ones after it. With it, MADANG_HTTP_ADDR
    /// serves HTTPS and no HTTP. Unset, a proxy in front terminates TLS
    #[arg(
        long = "http-tls-certificate-file",
        id = "http_tls_certificate_file",
        env = "MADANG_HTTP_TLS_CERTIFICATE_FILE",
        value_name = "FILE"
    )]
    pub http_tls_certificate: Option<PathBuf>,

    /// The file with the private key in PEM of the certificate for clients
    #[arg(
        long = "http-tls-key-file",
        id = "http_tls_key_file",
        env = "MADANG_HTTP_TLS_KEY_FILE",
        value_name = "FILE"
    )]
    pub http_tls_key: Option<PathBuf>,

    /// Seconds between two looks at the files of the certificate for clients
    #[arg(long = "http-tls-reload-seconds", id = "http_tls_reload_seconds", env = "MADANG_HTTP_TLS_RELOAD_SECONDS",
        default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=86_400), value_name = "SECONDS")]
    pub http_tls_reload_seconds: u64,
}

impl ListenerTlsSettings {
    /// The files, where they are set.
    pub(super) fn files(&self) -> Result<Option<Files>, StartError> {
        match (&self.http_tls_certificate, &self.http_tls_key) {
            (None, None) => Ok(None),
            (Some(certificate), Some(key)) => {
                Ok(Some(Files { certificate: certificate.clone(), key: key.clone(), authorities: None }))
            }
            _ => Err(StartError::setting(
                "MADANG_HTTP_TLS_CERTIFICATE_FILE",
                "MADANG_HTTP_TLS_CERTIFICATE_FILE and MADANG_HTTP_TLS_KEY_FILE go together: set both, or none",
            )),
        }
    }

    pub(super) const fn reload(&self) -> Duration {
        Duration::from_secs(self.http_tls_reload_seconds)
    }
}
