//! The span of a request, after OpenTelemetry's conventions for HTTP servers.

use axum::{
    extract::{MatchedPath, Request},
    response::Response,
};
use http::{HeaderMap, Method, StatusCode};
use tracing::{Instrument as _, Span, field::Empty};

/// The most bytes of a path that a span has. Those of the routes are shorter.
const PATH_MAX_BYTES: usize = 256;

/// Answers a request within a span. The path's template names it, so that requests of one route are alike.
///
/// The query is left out, since it may hold a credential; so are the client's address and program, and the scheme, which
/// only the ingress knows.
pub(crate) async fn in_span<F: Future<Output = Response>>(
    request: Request,
    answer: impl FnOnce(Request) -> F,
) -> Response {
    let span = span(&request);
    if span.is_disabled() {
        return answer(request).await;
    }
    if let Some(client) = client_span(request.headers()) {
        madang_trace::link(&span, client);
    }
    let response = answer(request).instrument(span.clone()).await;
    note_status(&span, response.status());
    response
}

fn span(request: &Request) -> Span {
    let route = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str);
    let (method, path) = (method(request.method()), request.uri().path());
    let (space, named) = if route.is_some() { (" ", route.unwrap_or_default()) } else { ("", "") };
    tracing::trace_span!(
        target: madang_trace::TARGET,
        parent: None,
        "request",
        otel.name = format_args!("{}{space}{named}", if method == OTHER { "HTTP" } else { method }),
        otel.kind = "server",
        otel.status_code = Empty,
        http.request.method = method,
        http.route = route,
        http.response.status_code = Empty,
        url.path = &path[..path.floor_char_boundary(PATH_MAX_BYTES)],
        network.protocol.name = "http",
        error.type = Empty,
    )
}

/// What stands for a method that is not one of HTTP's.
const OTHER: &str = "_OTHER";

fn method(method: &Method) -> &str {
    match *method {
        Method::GET
        | Method::POST
        | Method::PUT
        | Method::PATCH
        | Method::DELETE
        | Method::HEAD
        | Method::OPTIONS
        | Method::TRACE
        | Method::CONNECT => method.as_str(),
        _ => OTHER,
    }
}

fn note_status(span: &Span, status: StatusCode) {
    span.record("http.response.status_code", i64::from(status.as_u16()));
    if status.is_server_error() {
        span.record("error.type", status.as_str());
        span.record("otel.status_code", "ERROR");
    }
}

/// The span of the client, as it says. It is a stranger's word: our own span links to it and is the child of none, and
/// whether it is sampled does not matter here. One of them is read, of a bounded length, and no `tracestate`.
fn client_span(headers: &HeaderMap) -> Option<madang_trace::SpanContext> {
    let mut given = headers.get_all("traceparent").iter();
    match (given.next(), given.next()) {
        (Some(one), None) => madang_trace::parse(one.to_str().ok()?),
        _ => None,
    }
}
