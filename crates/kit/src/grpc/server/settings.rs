//! The settings of who may call a service.

use clap::Args;
use madang_domain::ServiceName;

use super::Access;
use crate::{
    Host, StartError,
    grpc::CallSecret,
    tls::{ServiceTls, ServiceTlsSettings},
};

/// How a service knows its callers.
#[derive(Debug, Clone, Args)]
#[group(id = "access")]
pub struct AccessSettings {
    #[command(flatten)]
    tls: ServiceTlsSettings,

    /// Serve callers without TLS, too. For the time of a rollout in which callers get their certificates
    #[arg(long = "tls-accept-plaintext", id = "tls_accept_plaintext", env = "MADANG_TLS_ACCEPT_PLAINTEXT")]
    accept_plaintext: bool,
}

impl AccessSettings {
    /// Who may call the service `own`: `callers` are its RPCs by path. The secrets stand for the gateway, since only gateways
    /// have them.
    ///
    /// # Errors
    ///
    /// When the settings contradict each other, or the files cannot be used.
    pub async fn open(
        &self,
        own: ServiceName,
        callers: impl IntoIterator<Item = (String, &'static [ServiceName])>,
        secrets: impl IntoIterator<Item = CallSecret>,
        host: &Host,
    ) -> Result<Access, StartError> {
        let tls = ServiceTls::open(&self.tls, own, host).await?;
        if tls.is_none() && self.accept_plaintext {
            return Err(StartError::setting(
                "MADANG_TLS_ACCEPT_PLAINTEXT",
                "it needs MADANG_TLS_CERTIFICATE_FILE: without a certificate there is no TLS",
            ));
        }
        let access = Access::new(callers).with_tls(tls, self.accept_plaintext);
        Ok(access.with_secrets(ServiceName::Gateway, secrets))
    }
}
