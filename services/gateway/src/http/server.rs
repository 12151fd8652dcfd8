//! The HTTP server. It bounds the number of connections, gives each one deadlines, and drains them on
//! shutdown.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::{Router, body::Body, extract::ConnectInfo};
use http::Request;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use madang_kit::lifecycle::Lifecycle;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
};
use tower::ServiceExt as _;
use tracing::{debug, warn};

/// The deadline for the head of a request. Without it, slow clients would hold connections at no cost.
const HEADER_PATIENCE: Duration = Duration::from_secs(10);
/// The most bytes of a request's head.
const HEADER_MAX_BYTES: usize = 16 * 1024;
/// The pause after `accept` fails, for example because no file descriptor is left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Counts one connection against the bound. A session keeps the permit of its connection, so that an open
/// socket counts until it closes.
#[derive(Clone)]
pub(crate) struct ConnectionPermit(
    #[expect(dead_code, reason = "held for its drop")] Arc<OwnedSemaphorePermit>,
);

/// Serves until the soft shutdown, then waits for the requests in progress. Upgraded sockets continue in
/// their own tasks.
pub(crate) async fn serve(listener: TcpListener, router: Router, connections_max: usize, life: Lifecycle) {
    let permits = Arc::new(Semaphore::new(connections_max));
    let mut full = false;
    loop {
        let accepted = tokio::select! {
            biased;
            () = life.soft().cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                debug!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        // A connection above the bound is closed at once, since the client's next attempt may reach another
        // gateway.
        let Ok(permit) = Arc::clone(&permits).try_acquire_owned() else {
            if !std::mem::replace(&mut full, true) {
                warn!(
                    connections_max,
                    "the connection limit is reached: raise MADANG_MAX_CONNECTIONS or add gateways"
                );
            }
            continue;
        };
        full = false;
        // Chat frames are small. Without this option TCP would delay them to send larger segments.
        let _ = stream.set_nodelay(true);
        let connection = connection(stream, peer, router.clone(), permit, life.clone());
        life.tasks().spawn_contained("http connection", connection);
    }
}

async fn connection(
    stream: TcpStream,
    peer: SocketAddr,
    router: Router,
    permit: OwnedSemaphorePermit,
    life: Lifecycle,
) {
    let permit = ConnectionPermit(Arc::new(permit));
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(peer));
        request.extensions_mut().insert(permit.clone());
        router.clone().oneshot(request.map(Body::new))
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_PATIENCE)
        .max_buf_size(HEADER_MAX_BYTES)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    tokio::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = life.soft().cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        debug!(%error, "connection ended");
    }
}
