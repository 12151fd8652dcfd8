//! Why a handshake failed, in words for an operator.

use std::io;

use rustls::Error;

/// Why a handshake failed.
pub(crate) fn explain(error: &io::Error) -> String {
    match error.get_ref().and_then(|cause| cause.downcast_ref::<Error>()) {
        Some(Error::InvalidMessage(_)) => "the peer does not speak TLS".to_owned(),
        Some(Error::NoCertificatesPresented) => "the peer shows no certificate".to_owned(),
        Some(Error::InvalidCertificate(reason)) => {
            format!("the peer's certificate is not accepted: {reason}")
        }
        Some(Error::AlertReceived(alert)) => {
            format!("the peer refuses this side's certificate or version: {alert:?}")
        }
        Some(Error::PeerIncompatible(reason)) => {
            format!("the peer has no version or algorithm in common: {reason:?}")
        }
        Some(other) => other.to_string(),
        None => error.to_string(),
    }
}
