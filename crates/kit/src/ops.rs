//! The operations port: `/livez`, `/readyz`, `/metrics`.

use std::{net::SocketAddr, pin::pin, time::Duration};

use axum::{
    Json, Router,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use serde::Serialize;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

use crate::{
    Lifecycle, Metrics, Readiness, StartError,
    accept::accept,
    answers::TimedAnswers,
    health::{CheckState, State as Snapshot},
    places::{Place, Places},
};

/// The content type of Prometheus' text format.
const METRICS_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The connections at once; one more ends the oldest. Each has one request under way, so that this bounds them too. A
/// deployment has a scraper or two and a prober, of one connection each.
const CONNECTIONS_MAX: usize = 64;
/// How long a connection may take to send the head of a request; for the next one, from the last answer.
const HEAD_PATIENCE: Duration = Duration::from_secs(10);
/// How long a client may take nothing of an answer, at less than 1 KiB/s in all: a scrape has a time limit, which is seldom
/// longer.
const ANSWER_PATIENCE: Duration = Duration::from_secs(10);
/// How long a request that is under way at the shutdown may take.
const LAST_PATIENCE: Duration = Duration::from_secs(1);
/// The bytes of a request's head.
const HEAD_MAX_BYTES: usize = 16 * 1024;

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
    life.tasks().spawn("ops", accept_all(listener, router(readiness, metrics), life.clone()));
    Ok(bound)
}

/// Accepts connections until the soft shutdown.
async fn accept_all(listener: TcpListener, router: Router, life: Lifecycle) {
    // None of them is ever settled: whoever asks at once is answered before so many others have come.
    let places = Places::new(CONNECTIONS_MAX, CONNECTIONS_MAX);
    while let Some((stream, peer)) = accept(&listener, life.soft()).await {
        let Some(place) = places.take(peer.ip()) else { continue };
        let connection = connection(stream, place, router.clone(), life.soft().clone());
        life.tasks().spawn_contained("ops connection", connection);
    }
}

/// Serves one connection, one request at a time, to its end: that of its client, of the patience with it, or of its place.
async fn connection(stream: TcpStream, place: Place, router: Router, soft: CancellationToken) {
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_PATIENCE)
        .max_buf_size(HEAD_MAX_BYTES)
        .serve_connection(
            TokioIo::new(TimedAnswers::new(stream, ANSWER_PATIENCE)),
            TowerToHyperService::new(router),
        );
    let mut connection = pin!(connection);
    let ended = tokio::select! {
        biased;
        () = place.ended().cancelled() => return,
        ended = connection.as_mut() => ended,
        () = soft.cancelled() => {
            connection.as_mut().graceful_shutdown();
            match tokio::time::timeout(LAST_PATIENCE, connection).await {
                Ok(ended) => ended,
                Err(_) => return,
            }
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection to the operations port ended");
    }
}
