//! The handshake of TLS with a client, and why it came to nothing.

use std::{io, time::Duration};

use madang_kit::tls::ListenerTls;
use tokio::{net::TcpStream, time::timeout};
use tokio_rustls::rustls;
use tracing::debug;

use crate::{client_stream::ClientStream, metrics::TlsFailure};

/// Does the handshake, within the patience with the client.
pub(super) async fn shake_hands(
    tls: &ListenerTls,
    stream: TcpStream,
    patience: Duration,
) -> Result<ClientStream, TlsFailure> {
    match timeout(patience, tls.acceptor().accept(stream)).await {
        Ok(Ok(stream)) => Ok(stream.into()),
        Ok(Err(error)) => {
            debug!(%error, "a handshake of TLS failed");
            Err(reason(&error))
        }
        Err(_elapsed) => Err(TlsFailure::TimedOut),
    }
}

/// Why a handshake failed. An error of TLS is within one of the connection.
fn reason(error: &io::Error) -> TlsFailure {
    let Some(error) = error.get_ref().and_then(|error| error.downcast_ref::<rustls::Error>()) else {
        return TlsFailure::Gone;
    };
    match error {
        rustls::Error::AlertReceived(_) => TlsFailure::RefusedByClient,
        rustls::Error::PeerIncompatible(_) | rustls::Error::NoApplicationProtocol => TlsFailure::Incompatible,
        _ => TlsFailure::Protocol,
    }
}
