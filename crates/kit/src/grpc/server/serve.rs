//! The server itself: its stack, and what its health says until it has closed.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tonic::{
    service::Routes,
    transport::server::{Server, TcpIncoming},
};
use tonic_health::{ServingStatus, server::HealthReporter};

use super::{
    Access, ServerOptions,
    calls::{Calls, CallsLayer},
    connection::connections,
};
use crate::{
    Lifecycle, Metrics, Readiness, StartError,
    clock::{Random, SystemRandom, jitter},
};

/// TCP keepalive: idle time before the first probe.
const TCP_KEEPALIVE: Duration = Duration::from_secs(30);
/// HTTP/2 keepalive: a peer that is gone without a word is noticed after their sum.
const HTTP2_KEEPALIVE_INTERVAL: Duration = Duration::from_secs(10);
const HTTP2_KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(5);
/// Headers of one call, in bytes: a token and a trace context fit many times.
const MAX_HEADER_LIST_BYTES: u32 = 16 * 1024;
/// One frame, in bytes: the smallest bound that HTTP/2 allows, so that large answers do not hold up small ones.
const MAX_FRAME_BYTES: u32 = 16 * 1024;

/// The bytes of a question for health: the name of a service.
const HEALTH_REQUEST_MAX_BYTES: usize = 4 * 1024;

/// Serves `routes` on `address`, to those to whom `access` gives it, until `life` ends. Answers where it really listens.
///
/// # Errors
///
/// When the address cannot be listened on.
pub async fn serve(
    address: SocketAddr,
    routes: Routes,
    readiness: &Readiness,
    metrics: &Metrics,
    life: &Lifecycle,
    access: Access,
    options: ServerOptions,
) -> Result<SocketAddr, StartError> {
    let cannot = |source| StartError::listen("the gRPC server", address, source);
    let listener = TcpListener::bind(address).await.map_err(cannot)?;
    let bound = listener.local_addr().map_err(cannot)?;
    serve_on(listener, routes, readiness, metrics, life, access, options);
    Ok(bound)
}

/// As [`serve`], on a listener that is given.
pub fn serve_on(
    listener: TcpListener,
    routes: Routes,
    readiness: &Readiness,
    metrics: &Metrics,
    life: &Lifecycle,
    access: Access,
    options: ServerOptions,
) {
    warn_of_open_door(&access);
    let access = Arc::new(access);
    let reporter = HealthReporter::new();
    let health = tonic_health::server::HealthService::from_health_reporter(reporter.clone());
    let health = tonic_health::pb::health_server::HealthServer::new(health)
        .max_decoding_message_size(HEALTH_REQUEST_MAX_BYTES);
    let routes = routes.add_service(health).prepare();
    let incoming = TcpIncoming::from(listener).with_nodelay(Some(true)).with_keepalive(Some(TCP_KEEPALIVE));
    let incoming = connections(incoming, &options, Arc::clone(&access), metrics);

    let age = options.connection_age;
    let calls = Arc::new(Calls::new(metrics, &options, access));
    let server = Server::builder()
        .http2_keepalive_interval(Some(HTTP2_KEEPALIVE_INTERVAL))
        .http2_keepalive_timeout(Some(HTTP2_KEEPALIVE_TIMEOUT))
        .max_concurrent_streams(options.concurrent_streams)
        .http2_max_header_list_size(MAX_HEADER_LIST_BYTES)
        .max_frame_size(MAX_FRAME_BYTES)
        // No `max_connection_age_grace`: with one, tonic 0.14 waits age + grace and then cuts the
        // connection without ever asking it to close. Calls have their own time limit.
        .max_connection_age(age + jitter(&SystemRandom as &dyn Random, age / 10))
        .layer(CallsLayer::new(calls));

    let closing = CancellationToken::new();
    let announcing =
        announce(reporter, readiness.clone(), life.soft().clone(), options.announce, closing.clone());
    life.tasks().spawn("grpc-health", announcing);
    life.tasks().spawn_fallible("grpc", async move {
        server.serve_with_incoming_shutdown(routes, incoming, closing.cancelled_owned()).await
    });
}

/// Says once what nobody might notice.
fn warn_of_open_door(access: &Access) {
    if access.is_open() {
        tracing::warn!(
            "whoever reaches the gRPC port can call every method: set MADANG_TLS_CERTIFICATE_FILE, or the service's secret"
        );
    } else if access.tls().is_some() && access.accepts_plaintext() {
        tracing::warn!(
            "the gRPC port still serves callers without TLS: unset MADANG_TLS_ACCEPT_PLAINTEXT when all use it"
        );
    }
}

/// Says over the health service what [`Readiness`] says, and at a soft shutdown that it ends; then closes.
async fn announce(
    mut reporter: HealthReporter,
    readiness: Readiness,
    soft: CancellationToken,
    announce: Duration,
    closing: CancellationToken,
) {
    // Also when this task is dropped: a server that nobody can close would keep its port.
    let closing = closing.drop_guard();
    let mut watch = readiness.watch();
    loop {
        let ready = watch.borrow_and_update().is_ready();
        let status = if ready { ServingStatus::Serving } else { ServingStatus::NotServing };
        reporter.set_service_status("", status).await;
        tokio::select! {
            biased;
            () = soft.cancelled() => break,
            // The sender lives in `readiness`, so that this cannot fail.
            _ = watch.changed() => {}
        }
    }
    reporter.set_service_status("", ServingStatus::NotServing).await;
    tokio::time::sleep(announce).await;
    // Ends the streams of those who watch; they would hold their connections open, and the server with them.
    reporter.clear_service_status("").await;
    drop(closing);
}
