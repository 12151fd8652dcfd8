//! The handshake of the Channels dialect's sockets.
//!
//! The origin, the credential, the room and the membership are checked before the handshake is answered. A
//! refusal is HTTP 403, as in Django Channels when a consumer closes before it accepts. A front end then sees
//! an error and a close with 1006, and never an open socket.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    extract::{Request, State},
    response::Response,
};
use http::{HeaderMap, StatusCode};
use madang_domain::{Code, Error, Limit};

use super::{
    dialect::Channels,
    open::{Endpoint, open},
    state::ChannelsState,
};
use crate::{
    admission::{SocketPermit, admit},
    http::{
        Problem,
        bearer::BEARER_ENTRY,
        client_address::ClientAddress,
        upgrade::{self, UrlCredentials},
    },
    metrics::{Admitted, HandshakeRefusal},
    rest::{Path, Query},
    session::{SessionContext, Socket, hold},
};

/// The time to retry after if an unavailable service has given none.
const COME_BACK_AFTER: Duration = Duration::from_secs(1);

pub(super) async fn room(
    State(state): State<ChannelsState>,
    Path(room): Path<String>,
    Query(url): Query<UrlCredentials>,
    request: Request,
) -> Result<Response, Problem> {
    upgrade(state, Endpoint::Room(room), url, request).await
}

pub(super) async fn simple(
    State(state): State<ChannelsState>,
    Query(url): Query<UrlCredentials>,
    request: Request,
) -> Result<Response, Problem> {
    upgrade(state, Endpoint::Simple, url, request).await
}

pub(super) async fn alarm(
    State(state): State<ChannelsState>,
    Query(url): Query<UrlCredentials>,
    request: Request,
) -> Result<Response, Problem> {
    upgrade(state, Endpoint::Alarm, url, request).await
}

async fn upgrade(
    state: ChannelsState,
    endpoint: Endpoint,
    url: UrlCredentials,
    request: Request,
) -> Result<Response, Problem> {
    // A request that is no handshake at all is not refused but wrong.
    let accept = upgrade::accept_key(&request)?;
    enter(state, endpoint, url, accept, request).await.map_err(refused)
}

async fn enter(
    state: ChannelsState,
    endpoint: Endpoint,
    url: UrlCredentials,
    accept: String,
    request: Request,
) -> Result<Response, Error> {
    let ChannelsState { gateway, .. } = &state;
    let (entrance, sockets) = (&gateway.entrance, &gateway.sockets);
    entrance.check_origin(request.headers())?;
    sockets.check_open()?;
    let handshake = entrance.begin_handshake(request.extensions())?;
    let subprotocol = Subprotocol::offered(request.headers());
    let credential = upgrade::credential(request.headers(), subprotocol.token, url, true);
    let credential = credential.ok_or_else(|| {
        sockets.counters.refused_handshakes.add(HandshakeRefusal::BadCredential, 1);
        Error::new(Code::Unauthenticated, "no credential: send ?token=, ?ticket= or an Authorization header")
    })?;
    let address = request.extensions().get::<ClientAddress>().map(|address| address.ip);
    let shown_at = Instant::now();
    let counters = &sockets.counters;
    let identity = entrance.verifier.verify(&credential, address).await.inspect_err(|error| {
        let is_bad = error.code == Code::Unauthenticated;
        let reason = if is_bad { HandshakeRefusal::BadCredential } else { HandshakeRefusal::Unavailable };
        counters.refused_handshakes.add(reason, 1);
    })?;
    if let Some(handshake) = handshake {
        handshake.authenticated();
    }
    let usage = sockets.user_limits.of(identity.profile.id);
    let permit = sockets.user_limits.take_socket(identity.profile.id, &usage).ok_or_else(|| {
        counters.refused_handshakes.add(HandshakeRefusal::UserSockets, 1);
        Error::rate_limited(Limit::UserSockets, COME_BACK_AFTER)
    })?;
    if let Err(wait) = admit(&entrance.admissions, sockets.user_limits.now_micros()).await {
        counters.admissions.add(Admitted::Later, 1);
        counters.admission_delay.observe_duration(shown_at.elapsed() + wait);
        return Err(Error::unavailable("too many clients connect at once: try again later").retry_after(wait));
    }
    counters.admissions.add(Admitted::In, 1);
    counters.admission_delay.observe_duration(shown_at.elapsed());
    let context =
        Arc::new(SessionContext::new(Arc::clone(sockets), identity, usage, address, endpoint.format()));
    let dialect = open(&state, &context, endpoint).await.inspect_err(|error| {
        context.note_refused(error);
        let is_down = matches!(error.code, Code::Unavailable | Code::DeadlineExceeded | Code::Internal);
        let reason = if is_down { HandshakeRefusal::Unavailable } else { HandshakeRefusal::Forbidden };
        context.sockets.counters.refused_handshakes.add(reason, 1);
    })?;

    upgrade::spawn_session(&gateway.commands.tasks, request, move |socket| {
        run(context, socket, permit, dialect)
    });
    upgrade::switch(&accept, subprotocol.answer.as_deref())
}

/// Runs a socket to its end.
async fn run(context: Arc<SessionContext>, socket: Socket, _permit: SocketPermit, dialect: Channels) {
    let topic = dialect.topic;
    hold(&context, socket, dialect, || context.unsubscribe(topic)).await;
}

/// The subprotocol that the answer selects. The contract has no subprotocol, but in a browser a handshake
/// fails if the client offers entries and the answer selects none.
struct Subprotocol {
    answer: Option<String>,
    token: Option<String>,
}

impl Subprotocol {
    fn offered(headers: &HeaderMap) -> Self {
        let entries = || upgrade::subprotocols(headers).filter(|entry| !entry.is_empty());
        // The entry with the token is selected only if there is no other one. It then returns to its sender.
        let answer = entries().find(|entry| !entry.starts_with(BEARER_ENTRY)).or_else(|| entries().next());
        let token = entries().find_map(|entry| entry.strip_prefix(BEARER_ENTRY));
        Self { answer: answer.map(str::to_owned), token: token.map(str::to_owned) }
    }
}

/// A refusal in this contract: 403 if something is not allowed, 503 if it is not the client's fault.
fn refused(error: Error) -> Problem {
    match error.code {
        Code::Unauthenticated
        | Code::PermissionDenied
        | Code::NotFound
        | Code::AlreadyExists
        | Code::FailedPrecondition => Problem::with_status(StatusCode::FORBIDDEN, error),
        Code::Unavailable | Code::DeadlineExceeded => {
            let after = error.retry_after.unwrap_or(COME_BACK_AFTER);
            Problem::with_status(StatusCode::SERVICE_UNAVAILABLE, error.retry_after(after))
        }
        Code::InvalidArgument | Code::RateLimited | Code::TooLarge | Code::Internal => error.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn size_of_future<A, B, C, D, F>(_: fn(A, B, C, D) -> F) -> usize {
        size_of::<F>()
    }

    /// The same promise as that of [`native`](crate::dialects::native).
    #[test]
    fn an_idle_session_is_small() {
        assert!(size_of_future(run) <= 1_536, "{} bytes", size_of_future(run));
    }

    #[test]
    fn a_browser_that_offers_entries_is_answered_with_one() {
        let offered = |entries: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(http::header::SEC_WEBSOCKET_PROTOCOL, http::HeaderValue::from_static(entries));
            let Subprotocol { answer, token } = Subprotocol::offered(&headers);
            (answer.unwrap_or_default(), token.unwrap_or_default())
        };
        assert_eq!(offered("chat, bearer.abc"), ("chat".to_owned(), "abc".to_owned()));
        assert_eq!(offered("bearer.abc"), ("bearer.abc".to_owned(), "abc".to_owned()));
        assert_eq!(offered(""), (String::new(), String::new()));
    }
}
