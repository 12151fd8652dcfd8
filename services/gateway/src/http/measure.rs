//! Measures each request, by its route as the table of routes has it.
//!
//! The names are those of OpenTelemetry's conventions for HTTP servers. What a client may choose (a path, an unknown
//! method) is no label.

use std::{borrow::Cow, sync::Arc, time::Instant};

use axum::{
    extract::{MatchedPath, Request, State},
    middleware::Next,
    response::Response,
};
use http::Method;
use madang_domain::Limit;
use madang_kit::metrics::Recorder;

use crate::metrics::{Counters, OfLimit};

/// A path that no route has, or a method that HTTP has not.
const OTHER: &str = "_OTHER";

/// Where requests are measured.
#[derive(Clone)]
pub(crate) struct HttpMetrics {
    pub(crate) duration: Recorder<3>,
    pub(crate) counters: Arc<Counters>,
}

/// Measures a request up to the head of its answer. A WebSocket's is its handshake.
pub(crate) async fn measure(State(metrics): State<HttpMetrics>, request: Request, next: Next) -> Response {
    let began = Instant::now();
    let method = method(request.method());
    let route = request.extensions().get::<MatchedPath>().cloned();
    let response = next.run(request).await;
    // The refusal itself has left: only its limit is told.
    if let Some(limit) = response.extensions().get::<Limit>() {
        metrics.counters.rate_limited.add(OfLimit(*limit), 1);
    }
    let labels = [
        Cow::Borrowed(method),
        route.map_or(Cow::Borrowed(OTHER), |route| Cow::Owned(route.as_str().to_owned())),
        Cow::Owned(response.status().as_u16().to_string()),
    ];
    metrics.duration.record(began.elapsed().as_secs_f64(), labels);
    response
}

fn method(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => OTHER,
    }
}
