//! Accepting connections, for as long as there is somebody to serve them.

use std::{net::SocketAddr, time::Duration};

use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

/// The pause after a connection could not be accepted, for example because no file descriptor is left.
const PAUSE: Duration = Duration::from_millis(50);

/// The next connection; none after `soft`, whatever waits.
pub async fn accept(listener: &TcpListener, soft: &CancellationToken) -> Option<(TcpStream, SocketAddr)> {
    loop {
        let accepted = tokio::select! {
            biased;
            () = soft.cancelled() => return None,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok(connection) => return Some(connection),
            Err(error) => failed(&error).await,
        }
    }
}

/// A connection could not be accepted. The next try comes after a pause.
pub(crate) async fn failed(error: &std::io::Error) {
    tracing::debug!(%error, "a connection could not be accepted");
    tokio::time::sleep(PAUSE).await;
}
