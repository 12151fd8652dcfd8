//! One connection of a client: its requests, each within the deadlines, one after another.

use std::convert::Infallible;

use axum::{body::Body, response::Response};
use bytes::Bytes;
use http::Request;
use hyper::{body::Incoming, server::conn::http1, service::service_fn, upgrade::Upgraded};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::sync::CancellationToken;
use tracing::debug;

use super::{
    body::{BodyTimeout, TimedBody},
    stream::{HttpStream, HttpTimes},
    unread_head::HEADER_MAX_BYTES,
};
use crate::client_stream::{Abort, ClientStream};

/// Serves a connection to its end: that of its client, of the patience with it or, once `soft` is cancelled, of the request
/// under way. A connection that is upgraded lives on without this.
pub(super) async fn serve_connection<T, F>(
    io: T,
    times: HttpTimes,
    answer: impl Fn(Request<Body>) -> F,
    soft: &CancellationToken,
) where
    T: AsyncRead + AsyncWrite + Abort + Unpin + Send + 'static,
    F: Future<Output = Result<Response, Infallible>>,
{
    let (stream, timer) = HttpStream::new(io, times);
    let heads = stream.heads();
    let service = service_fn(|request| {
        heads.taken();
        answer(with_deadline(request, times))
    });
    let connection = http1::Builder::new()
        // The timer has the deadlines; hyper's own would be the same for an idle connection and a slow head.
        .timer(timer)
        .header_read_timeout(times.head)
        .max_buf_size(HEADER_MAX_BYTES)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    tokio::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = soft.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        debug!(%error, "connection ended");
    }
}

/// The request, whose body has to come in time.
fn with_deadline(request: Request<Incoming>, times: HttpTimes) -> Request<Body> {
    use axum::body::HttpBody as _;

    if request.body().is_end_stream() {
        return request.map(Body::new);
    }
    let timeout = BodyTimeout::default();
    let mut request = request.map(|body| Body::new(TimedBody::new(body, times.body, timeout.clone())));
    request.extensions_mut().insert(timeout);
    request
}

/// The client's connection after an upgrade, and what of it has been read already.
pub(crate) fn upgraded(upgraded: Upgraded) -> Option<(ClientStream, Bytes)> {
    // This server made the connection of a client's stream, so this is one.
    let parts = upgraded.downcast::<TokioIo<HttpStream<ClientStream>>>().ok()?;
    Some((parts.io.into_inner().into_inner(), parts.read_buf))
}

#[cfg(test)]
mod tests;
