//! The common part of both dialects' WebSocket handshakes (RFC 6455).

use axum::{body::Body, extract::Request, response::Response};
use http::{HeaderMap, StatusCode, header};
use madang_domain::{Error, limits};
use madang_kit::lifecycle::Tasks;
use serde::Deserialize;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::{bearer::bearer, connection, places::ConnectionPermit};
use crate::{credentials::Credential, session::Socket};

/// The credentials that a URL may hold.
#[derive(Deserialize)]
pub(crate) struct UrlCredentials {
    ticket: Option<String>,
    token: Option<String>,
}

/// Runs the session of a handshake once its answer has been written, in a task of its own. The session keeps its
/// connection's permit.
pub(crate) fn spawn_session<F: Future<Output = ()> + Send + 'static>(
    tasks: &Tasks,
    mut request: Request,
    run: impl FnOnce(Socket) -> F + Send + 'static,
) {
    let permit = request.extensions().get::<ConnectionPermit>().cloned();
    let upgraded = hyper::upgrade::on(&mut request);
    // Boxed, because each layer around a task's future would hold a copy of its size.
    let session = Box::pin(async move {
        // The client may hang up before the handshake's answer is written.
        if let Ok(upgraded) = upgraded.await
            && let Some((stream, first)) = connection::upgraded(upgraded)
        {
            run(Socket::new(stream, &first, limits::FRAME_MAX_BYTES).await).await;
        }
        drop(permit);
    });
    tasks.spawn_contained("session", session);
}

/// Answers a handshake that is granted.
pub(crate) fn switch(accept: &str, subprotocol: Option<&str>) -> Result<Response, Error> {
    let mut response = Response::builder()
        .status(StatusCode::SWITCHING_PROTOCOLS)
        .header(header::UPGRADE, "websocket")
        .header(header::CONNECTION, "Upgrade")
        .header(header::SEC_WEBSOCKET_ACCEPT, accept);
    if let Some(subprotocol) = subprotocol {
        response = response.header(header::SEC_WEBSOCKET_PROTOCOL, subprotocol);
    }
    response.body(Body::empty()).map_err(Error::internal)
}

/// Validates the handshake (RFC 6455, section 4.2.1).
pub(crate) fn accept_key(headers: &HeaderMap) -> Result<String, Error> {
    let has = |name: header::HeaderName, token: &str| {
        headers
            .get_all(name)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .any(|part| part.trim().eq_ignore_ascii_case(token))
    };
    if !has(header::UPGRADE, "websocket") || !has(header::CONNECTION, "upgrade") {
        return Err(Error::invalid("this address speaks WebSocket: send an upgrade request"));
    }
    if !has(header::SEC_WEBSOCKET_VERSION, "13") {
        return Err(Error::invalid("Sec-WebSocket-Version must be 13"));
    }
    headers
        .get(header::SEC_WEBSOCKET_KEY)
        .map(|key| derive_accept_key(key.as_bytes()))
        .ok_or_else(|| Error::invalid("Sec-WebSocket-Key is missing"))
}

/// The subprotocol entries that a client offers.
pub(crate) fn subprotocols(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let entries = headers.get_all(header::SEC_WEBSOCKET_PROTOCOL).iter();
    entries.filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(',')).map(str::trim)
}

/// The first credential that is present, in the contract's order. A token in the URL counts where that is allowed.
pub(crate) fn credential(
    headers: &HeaderMap,
    subprotocol: Option<String>,
    url: UrlCredentials,
    query_token: bool,
) -> Option<Credential> {
    let header = headers.get(header::AUTHORIZATION).map(|value| {
        // A credential that is present but unreadable counts as invalid, not as missing.
        bearer(value).map_or_else(|| Credential::Token(String::new()), Credential::Token)
    });
    header
        .or_else(|| subprotocol.map(Credential::Token))
        .or_else(|| url.ticket.map(Credential::Ticket))
        .or_else(|| url.token.filter(|_| query_token).map(Credential::Token))
}
