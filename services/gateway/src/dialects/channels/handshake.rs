//! The handshake of the Channels dialect's sockets.
//!
//! Everything is judged before it is answered: the page, the credential, the room, the membership. What is refused is
//! refused with HTTP 403, as the system that this contract is from did by closing before it accepted: a front end sees
//! an error and a close with 1006, and never an open socket.

use std::{sync::Arc, time::Duration};

use axum::{
    extract::{Path, Query, Request, State},
    response::Response,
};
use http::{HeaderMap, StatusCode};
use madang_domain::{Code, Error};

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
        upgrade::{self, UrlCredentials},
    },
    session::{SessionContext, Socket, hold},
};

/// When to come back to a part that does not answer and has not said when.
const COME_BACK_AFTER: Duration = Duration::from_secs(1);

pub(super) async fn room(
    State(state): State<ChannelsState>,
    Path(room): Path<String>,
    Query(url): Query<UrlCredentials>,
    request: Request,
) -> Result<Response, Problem> {
    upgrade(state, Endpoint::Room(room), url, request).await.map_err(refused)
}

pub(super) async fn simple(
    State(state): State<ChannelsState>,
    Query(url): Query<UrlCredentials>,
    request: Request,
) -> Result<Response, Problem> {
    upgrade(state, Endpoint::Simple, url, request).await.map_err(refused)
}

pub(super) async fn alarm(
    State(state): State<ChannelsState>,
    Query(url): Query<UrlCredentials>,
    request: Request,
) -> Result<Response, Problem> {
    upgrade(state, Endpoint::Alarm, url, request).await.map_err(refused)
}

async fn upgrade(
    state: ChannelsState,
    endpoint: Endpoint,
    url: UrlCredentials,
    request: Request,
) -> Result<Response, Error> {
    let ChannelsState { gateway, .. } = &state;
    let (entrance, sockets) = (&gateway.entrance, &gateway.sockets);
    // A request that is no handshake at all is not refused but wrong.
    let accept = upgrade::accept_key(request.headers())?;
    entrance.check_origin(request.headers())?;
    sockets.check_open()?;
    if let Err(wait) = admit(&entrance.admissions, sockets.user_limits.now_micros()).await {
        sockets.counters.deferred.add(1);
        return Err(Error::unavailable("too many come at once: try again").retry_after(wait));
    }
    sockets.counters.admitted.add(1);
    let subprotocol = Subprotocol::offered(request.headers());
    let credential = upgrade::credential(request.headers(), subprotocol.token, url, true);
    let credential = credential.ok_or_else(|| {
        Error::new(Code::Unauthenticated, "no credential: give ?token=, ?ticket= or an Authorization header")
    })?;
    let identity = entrance.verifier.verify(&credential).await?;
    let usage = sockets.user_limits.of(identity.profile.id);
    let permit = sockets
        .user_limits
        .take_socket(&usage)
        .ok_or_else(|| Error::new(Code::RateLimited, "the user holds too many sockets"))?;
    let context = Arc::new(SessionContext::new(Arc::clone(sockets), identity, usage, endpoint.format()));
    let dialect = open(&state, &context, endpoint).await?;

    upgrade::spawn_session(&gateway.commands.tasks, request, move |socket| {
        run(context, socket, permit, dialect)
    });
    upgrade::switch(&accept, subprotocol.answer.as_deref())
}

/// Runs a socket to its end.
async fn run(context: Arc<SessionContext>, mut socket: Socket, _permit: SocketPermit, dialect: Channels) {
    let topic = dialect.topic;
    let (close, unwritten) = hold(&context, &mut socket, dialect).await;
    context.unsubscribe(topic).await;
    Box::pin(socket.close(close, unwritten)).await;
}

/// What the subprotocol entries of a client come to. The contract has no subprotocol, but a browser that offers
/// entries fails a handshake that chooses none.
struct Subprotocol {
    answer: Option<String>,
    token: Option<String>,
}

impl Subprotocol {
    fn offered(headers: &HeaderMap) -> Self {
        let entries = || upgrade::subprotocols(headers).filter(|entry| !entry.is_empty());
        // The entry that holds the token goes back, to who sent it, only where there is no other.
        let answer = entries().find(|entry| !entry.starts_with(BEARER_ENTRY)).or_else(|| entries().next());
        let token = entries().find_map(|entry| entry.strip_prefix(BEARER_ENTRY));
        Self { answer: answer.map(str::to_owned), token: token.map(str::to_owned) }
    }
}

/// A refusal as this contract has it: 403 whatever is not allowed, 503 when it is not the client's fault.
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
