//! The operations port: `/livez`, `/readyz`, `/metrics`.

use std::{
    future::{Future, IntoFuture as _},
    net::SocketAddr,
};

use axum::{
    Json, Router,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use serde::Serialize;
use tokio::net::TcpListener;

use crate::{
    Lifecycle, Metrics, Readiness, StartError,
    health::{CheckState, State as Snapshot},
};

/// The content type of Prometheus' text format.
const METRICS_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

#[derive(Serialize)]
struct Report {
    ready: bool,
    draining: bool,
    checks: Vec<CheckState>,
}

/// The routes, for a port of their own or (the all-in-one) to be merged into another router.
pub fn router<S>(readiness: Readiness, metrics: Metrics) -> Router<S>
where
    S: Clone + Send + Sync + 'static,
{
    let readyz = get(ready).with_state(readiness);
    let metrics = get(render).with_state(metrics);
    // To be alive is to answer: the runtime polled this very request.
    Router::new()
        .route("/livez", get(|| async { "ok\n" }))
        .route("/readyz", readyz)
        .route("/metrics", metrics)
}

async fn ready(State(readiness): State<Readiness>) -> Response {
    let snapshot = readiness.snapshot();
    let ready = snapshot.is_ready();
    let Snapshot { draining, checks, .. } = snapshot;
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(Report { ready, draining, checks })).into_response()
}

async fn render(State(metrics): State<Metrics>) -> Response {
    ([(header::CONTENT_TYPE, METRICS_TYPE)], metrics.render()).into_response()
}

/// Serves the routes on `address` for as long as `life` lasts, and answers where it really listens.
///
/// Give it a life of its own, not the services': `/readyz` must say that the process drains while it
/// drains. ([`crate::run`] does.)
///
/// # Errors
///
/// When the address cannot be listened on.
pub async fn serve(
    address: SocketAddr,
    readiness: Readiness,
    metrics: Metrics,
    life: &Lifecycle,
) -> Result<SocketAddr, StartError> {
    let cannot = |source| StartError::listen("the operations port", address, source);
    let listener = TcpListener::bind(address).await.map_err(cannot)?;
    let bound = listener.local_addr().map_err(cannot)?;
    life.tasks().spawn_fallible("ops", accept(listener, router(readiness, metrics), life.soft().clone()));
    Ok(bound)
}

fn accept(
    listener: TcpListener,
    router: Router,
    stop: tokio_util::sync::CancellationToken,
) -> impl Future<Output = std::io::Result<()>> {
    axum::serve(listener, router).with_graceful_shutdown(stop.cancelled_owned()).into_future()
}
