//! The HTTP server: connections accepted within a bound, each with its own deadlines, drained on shutdown.

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

/// How long a client may take to send a request's head (slow clients otherwise hold connections for free).
const HEADER_PATIENCE: Duration = Duration::from_secs(10);
/// The bytes of a request's head.
const HEADER_MAX_BYTES: usize = 16 * 1024;
/// The pause after a connection could not be accepted, for example because no file descriptor is left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Counts a connection within the bound. A session keeps its connection's permit, so that a socket counts for as long as
/// it lives.
#[derive(Clone)]
pub(crate) struct ConnectionPermit(
    #[expect(dead_code, reason = "held for its drop")] Arc<OwnedSemaphorePermit>,
);

/// Serves until the soft shutdown, then lets the requests under way finish. Sockets that were upgraded
/// live on in their own tasks.
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
        // A connection over the bound is closed at once: the client's next try may find another gateway.
        let Ok(permit) = Arc::clone(&permits).try_acquire_owned() else {
            if !std::mem::replace(&mut full, true) {
                warn!(connections_max, "no more connections: raise MADANG_MAX_CONNECTIONS or add gateways");
            }
            continue;
        };
        full = false;
        // Chat frames are small and wait for nothing.
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
