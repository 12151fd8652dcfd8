//! The WebSocket handshake: who may open one, with which credential, for which subprotocol.
//!
//! Nothing is decided about the user here. A wrong origin is refused before the handshake; a wrong credential
//! after it, by a close code, because a browser cannot read the status of a refused handshake.

use std::sync::{Arc, atomic::Ordering};

use axum::{
    body::Body,
    extract::{Query, Request, State},
    response::Response,
};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use madang_domain::{Code, Error, limits};
use serde::Deserialize;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use crate::{
    credentials::Credential,
    edge::Edge,
    origin::AllowedOrigins,
    rest::Problem,
    server::Place,
    session::{self, socket::Socket},
};

/// The subprotocol of JSON text frames.
const JSON: &str = "madang.v1.json";
/// What a subprotocol entry that holds a token begins with.
pub(crate) const BEARER: &str = "bearer.";

/// The credentials that a URL may hold.
#[derive(Deserialize)]
pub(crate) struct UrlCredentials {
    ticket: Option<String>,
    token: Option<String>,
}

/// Answers `GET /v1/ws`.
pub(crate) async fn websocket(
    State((edge, origins)): State<(Arc<Edge>, Arc<AllowedOrigins>)>,
    Query(url): Query<UrlCredentials>,
    mut request: Request,
) -> Result<Response, Problem> {
    if !origins.allow_request(request.headers()) {
        return Err(Error::new(
            Code::PermissionDenied,
            "this origin is not allowed: see MADANG_ALLOWED_ORIGINS",
        )
        .into());
    }
    let accept = accept_key(request.headers())?;
    let offered = Offered::read(request.headers());
    if !offered.fits {
        return Err(Error::invalid(format!("offer the subprotocol {JSON}")).into());
    }
    if edge.draining.load(Ordering::Acquire) {
        return Err(Error::unavailable("this server is stopping: try again").into());
    }
    let query_token = edge.settings.allow_query_token == Some(true);
    let credential = credential(request.headers(), offered.token, url, query_token);
    let place = request.extensions().get::<Place>().cloned();
    let upgrade = hyper::upgrade::on(&mut request);
    let tasks = edge.tasks.clone();
    // Boxed, because each layer around a task's future would hold a copy of its size.
    let session = Box::pin(async move {
        // The client may hang up before the handshake's answer is out.
        if let Ok(upgraded) = upgrade.await
            && let Some(socket) = Socket::new(upgraded, limits::FRAME_MAX_BYTES).await
        {
            session::native::run(edge, socket, credential).await;
        }
        drop(place);
    });
    tasks.spawn_contained("session", session);
    Ok(switch(&accept, offered.json.then_some(JSON))?)
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

/// Judges the handshake (RFC 6455, section 4.2.1).
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

/// What the client's subprotocol entries say.
struct Offered {
    /// The JSON subprotocol is among them.
    json: bool,
    /// It is, or there are none.
    fits: bool,
    token: Option<String>,
}

impl Offered {
    fn read(headers: &HeaderMap) -> Self {
        let mut offered = Self { json: false, fits: true, token: None };
        for entry in subprotocols(headers) {
            if entry == JSON {
                offered.json = true;
            } else if let Some(token) = entry.strip_prefix(BEARER) {
                offered.token = Some(token.to_owned());
            } else {
                offered.fits = false;
            }
        }
        offered.fits |= offered.json;
        offered
    }
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
        // What is there and cannot be read is a bad credential, not none.
        bearer(value).map_or_else(|| Credential::Token(String::new()), Credential::Token)
    });
    header
        .or_else(|| subprotocol.map(Credential::Token))
        .or_else(|| url.ticket.map(Credential::Ticket))
        .or_else(|| url.token.filter(|_| query_token).map(Credential::Token))
}

/// The token of an `Authorization: Bearer` header.
pub(crate) fn bearer(value: &HeaderValue) -> Option<String> {
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim().to_owned())
}
