//! The handshake of the reference contract's sockets.
//!
//! Everything is judged before it is answered: the page, the credential, the room, the membership. What is refused is
//! refused with HTTP 403, as the system that this contract is from did by closing before it accepted: a front end sees
//! an error and a close with 1006, and never an open socket.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use axum::{
    extract::{Path, Query, Request, State},
    response::Response,
};
use http::{HeaderMap, StatusCode};
use madang_domain::{Code, Error, limits};

use super::{
    Gate,
    dialect::Reference,
    open::{Wanted, open},
};
use crate::{
    admission::admit,
    budget::SocketPermit,
    rest::Problem,
    server::Place,
    session::{SessionContext, hold, socket::Socket},
    upgrade::{self, BEARER, UrlCredentials},
};

/// When to come back to a part that does not answer and has not said when.
const COME_BACK_AFTER: Duration = Duration::from_secs(1);

pub(super) async fn room(
    State(gate): State<Gate>,
    Path(room): Path<String>,
    Query(url): Query<UrlCredentials>,
    request: Request,
) -> Result<Response, Problem> {
    upgrade(gate, Wanted::Room(room), url, request).await.map_err(refused)
}

pub(super) async fn simple(
    State(gate): State<Gate>,
    Query(url): Query<UrlCredentials>,
    request: Request,
) -> Result<Response, Problem> {
    upgrade(gate, Wanted::Simple, url, request).await.map_err(refused)
}

pub(super) async fn alarm(
    State(gate): State<Gate>,
    Query(url): Query<UrlCredentials>,
    request: Request,
) -> Result<Response, Problem> {
    upgrade(gate, Wanted::Alarm, url, request).await.map_err(refused)
}

async fn upgrade(
    Gate { edge, origins }: Gate,
    wanted: Wanted,
    url: UrlCredentials,
    mut request: Request,
) -> Result<Response, Error> {
    // What is no handshake at all is not refused but wrong.
    let accept = upgrade::accept_key(request.headers())?;
    if !origins.allow_request(request.headers()) {
        let text = "this origin is not allowed: see MADANG_ALLOWED_ORIGINS";
        return Err(Error::new(Code::PermissionDenied, text));
    }
    if edge.draining.load(Ordering::Acquire) {
        return Err(Error::unavailable("this server is stopping: try again"));
    }
    if let Err(wait) = admit(&edge.door, edge.budgets.now_micros()).await {
        edge.counters.deferred.add(1);
        return Err(Error::unavailable("too many come at once: try again").retry_after(wait));
    }
    edge.counters.admitted.add(1);
    let subprotocol = Subprotocol::offered(request.headers());
    let credential = upgrade::credential(request.headers(), subprotocol.token, url, true);
    let credential = credential.ok_or_else(|| {
        Error::new(Code::Unauthenticated, "no credential: give ?token=, ?ticket= or an Authorization header")
    })?;
    let identity = edge.verifier.verify(&credential).await?;
    let budget = edge.budgets.of(identity.profile.id);
    let permit = edge
        .budgets
        .take_socket(&budget)
        .ok_or_else(|| Error::new(Code::RateLimited, "the user holds too many sockets"))?;
    let context = Arc::new(SessionContext::new(Arc::clone(&edge), identity, budget, wanted.format()));
    let dialect = open(&context, wanted).await?;

    let place = request.extensions().get::<Place>().cloned();
    let upgraded = hyper::upgrade::on(&mut request);
    // Boxed, because each layer around a task's future would hold a copy of its size.
    let session = Box::pin(async move {
        // The client may hang up before the handshake's answer is out.
        if let Ok(upgraded) = upgraded.await
            && let Some(socket) = Socket::new(upgraded, limits::FRAME_MAX_BYTES).await
        {
            run(context, socket, permit, dialect).await;
        }
        drop(place);
    });
    edge.tasks.spawn_contained("session", session);
    upgrade::switch(&accept, subprotocol.answer.as_deref())
}

/// Runs a socket to its end.
async fn run(context: Arc<SessionContext>, mut socket: Socket, _permit: SocketPermit, dialect: Reference) {
    let topic = dialect.topic;
    let (close, unwritten) = hold(&context, &mut socket, dialect).await;
    context.edge.hubs.detach(topic, context.connection).await;
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
        let answer = entries().find(|entry| !entry.starts_with(BEARER)).or_else(|| entries().next());
        let token = entries().find_map(|entry| entry.strip_prefix(BEARER));
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

    /// As [`native`](crate::session::native) promises it of its own.
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
