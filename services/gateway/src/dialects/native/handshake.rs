//! The handshake of `/v1/ws`.
//!
//! This module does not verify the credential. A forbidden origin is refused before the handshake. An invalid
//! credential is refused after it, by a close code, because a browser cannot read the status of a refused
//! handshake.

use axum::{
    extract::{Request, State},
    response::Response,
};
use http::HeaderMap;
use madang_domain::Error;

use super::run::{Arrival, run};
use crate::{
    http::{
        Problem,
        bearer::BEARER_ENTRY,
        client_address::ClientAddress,
        upgrade::{self, UrlCredentials},
    },
    metrics::HandshakeRefusal,
    rest::Query,
    state::GatewayState,
};

/// The subprotocol of JSON text frames.
const JSON: &str = "madang.v1.json";

/// Answers `GET /v1/ws`.
pub(crate) async fn websocket(
    State(state): State<GatewayState>,
    Query(url): Query<UrlCredentials>,
    request: Request,
) -> Result<Response, Problem> {
    let entrance = &state.entrance;
    let accept = upgrade::accept_key(&request)?;
    entrance.check_origin(request.headers())?;
    let offered = Offered::read(request.headers());
    if !offered.fits {
        state.sockets.counters.refused_handshakes.add(HandshakeRefusal::Subprotocol, 1);
        return Err(Error::invalid(format!("offer the subprotocol {JSON}")).into());
    }
    state.sockets.check_open()?;
    let credential =
        upgrade::credential(request.headers(), offered.token, url, entrance.settings.allow_query_token);
    let handshake = entrance.begin_handshake(request.extensions())?;
    let address = request.extensions().get::<ClientAddress>().map(|address| address.ip);
    let arrival = Box::new(Arrival { address, credential, handshake });
    let tasks = state.commands.tasks.clone();
    upgrade::spawn_session(&tasks, request, move |socket| run(state, socket, arrival));
    Ok(upgrade::switch(&accept, offered.json.then_some(JSON))?)
}

/// The token among the subprotocol entries that a client offers.
pub(crate) fn offered_token(headers: &HeaderMap) -> Option<String> {
    Offered::read(headers).token
}

/// The result of reading the client's subprotocol entries.
struct Offered {
    /// The JSON subprotocol is among them.
    json: bool,
    /// It is among them, or there are none.
    fits: bool,
    token: Option<String>,
}

impl Offered {
    fn read(headers: &HeaderMap) -> Self {
        let mut offered = Self { json: false, fits: true, token: None };
        for entry in upgrade::subprotocols(headers) {
            if entry == JSON {
                offered.json = true;
            } else if let Some(token) = entry.strip_prefix(BEARER_ENTRY) {
                offered.token = Some(token.to_owned());
            } else {
                offered.fits = false;
            }
        }
        offered.fits |= offered.json;
        offered
    }
}
