//! One socket of the dialect: authentication, admission, then the session.

use std::{collections::VecDeque, net::IpAddr, sync::Arc, time::Duration};

use madang_contract::{self as frames, ClientFrame, Request, ServerFrame, WireFrame};
use madang_domain::{Code, Cursor, limits};
use madang_rpc::auth::Identity;
use tokio::time::Instant;
use tracing::debug;

use super::{inbox, requests};
use crate::{
    admission::{Handshake, admit},
    commands::Commands,
    credentials::{Credential, Verifier},
    formats::{Format, native},
    outbox::Close,
    session::{CLOSE_PATIENCE, Dialect, Incoming, RequestFuture, SessionContext, Socket, hold},
    state::GatewayState,
};

/// The deadline for a client's credential.
const AUTH_PATIENCE: Duration = Duration::from_secs(5);
/// The pings, pongs and parts of messages that may come before it.
const FRAMES_BEFORE_AUTH_MAX: usize = 32;

/// The frames of the public contract.
struct Native {
    commands: Arc<Commands>,
    verifier: Arc<Verifier>,
    /// The client's cursor in its inbox.
    inbox_since: Option<Cursor>,
}

impl Dialect for Native {
    type Request = Request;

    fn begin(&self, session: &Arc<SessionContext>) -> Option<RequestFuture> {
        session.push(&ServerFrame::Hello(hello(session)));
        Some(Box::pin(inbox::follow(Arc::clone(&self.commands), Arc::clone(session), self.inbox_since)))
    }

    fn read(&self, session: &SessionContext, text: &str) -> Option<Request> {
        match Request::parse(text) {
            // A ping is answered at once, since it checks this gateway and not the store.
            Ok(Request { id, frame: ClientFrame::Ping {} }) => {
                session.push(&ServerFrame::Pong(frames::Pong { re: id }));
                None
            }
            Ok(request) => Some(request),
            Err(error) => {
                session.push(&ServerFrame::Error(frames::ErrorFrame {
                    re: error.id,
                    code: Code::InvalidArgument,
                    message: error.message.into(),
                    limit: None,
                    retry_after_ms: None,
                }));
                None
            }
        }
    }

    fn carry_out(&self, session: &Arc<SessionContext>, request: Request) -> RequestFuture {
        let (commands, verifier) = (Arc::clone(&self.commands), Arc::clone(&self.verifier));
        Box::pin(requests::carry_out(commands, verifier, Arc::clone(session), request))
    }
}

/// What a client has come with. Boxed until its user is known: a session does not hold it.
pub(super) struct Arrival {
    pub(super) address: Option<IpAddr>,
    /// The credential of its handshake.
    pub(super) credential: Option<Credential>,
    /// Its handshake, as its address's are counted.
    pub(super) handshake: Option<Handshake>,
}

/// Runs a socket to its end.
pub(super) async fn run(state: GatewayState, mut socket: Socket, arrival: Box<Arrival>) {
    let address = arrival.address;
    let GatewayState { commands, entrance, sockets, accounts: _ } = state;
    let verifier = Arc::clone(&entrance.verifier);
    // Boxed, like the close below: what a session is for most of its life should be all that it holds.
    let authenticated =
        Box::pin(tokio::time::timeout(AUTH_PATIENCE, authenticate(&verifier, &mut socket, arrival))).await;
    let (identity, inbox_since) = match authenticated {
        Ok(Ok(authenticated)) => authenticated,
        Ok(Err(close)) => return refuse(socket, close).await,
        Err(_) => return refuse(socket, Close::AuthTimeout).await,
    };
    let usage = sockets.user_limits.of(identity.profile.id);
    let Some(_permit) = sockets.user_limits.take_socket(&usage) else {
        return refuse(socket, Close::TooManyConnections).await;
    };
    // Only now: a turn is for who has shown whose it is, and a crowd of others cannot use the turns up.
    let admitted = Box::pin(admit(&entrance.admissions, sockets.user_limits.now_micros())).await;
    if let Err(wait) = admitted {
        sockets.counters.deferred.add(1);
        return defer(socket, wait).await;
    }
    sockets.counters.admitted.add(1);
    drop(entrance);
    let context = Arc::new(SessionContext::new(sockets, identity, usage, address, Format::Native));
    hold(&context, socket, Native { commands, verifier, inbox_since }, || context.leave_all()).await;
}

async fn defer(socket: Socket, wait: Duration) {
    debug!(?wait, "socket deferred");
    let reconnect = frames::Reconnect { after_ms: wait.as_millis() as u64, reason: "busy".into() };
    let frame = WireFrame::json(&ServerFrame::Reconnect(reconnect));
    Box::pin(socket.close(Close::Busy, VecDeque::from([frame]), Instant::now() + CLOSE_PATIENCE)).await;
}

async fn refuse(socket: Socket, close: Close) {
    debug!(reason = close.as_str(), "socket refused");
    Box::pin(socket.close(close, VecDeque::new(), Instant::now() + CLOSE_PATIENCE)).await;
}

/// Authenticates the socket by the credential of the handshake or by the first frame. The frame may also have
/// the client's cursor in its inbox.
async fn authenticate(
    verifier: &Verifier,
    socket: &mut Socket,
    arrival: Box<Arrival>,
) -> Result<(Identity, Option<Cursor>), Close> {
    let Arrival { credential, handshake, address: _ } = *arrival;
    let mut others = 0;
    let (credential, since) = match credential {
        Some(credential) => (credential, None),
        None => loop {
            match socket.next().await? {
                Incoming::Other => {
                    others += 1;
                    if others > FRAMES_BEFORE_AUTH_MAX {
                        return Err(Close::TooManyFrames);
                    }
                }
                Incoming::Text(text) => match Request::parse(&text) {
                    Ok(Request { frame: ClientFrame::Auth { token, inbox_since, inbox_epoch }, .. }) => {
                        break (Credential::Token(token), inbox::cursor(inbox_since, inbox_epoch));
                    }
                    Ok(_) | Err(_) => return Err(Close::BadCredential),
                },
            }
        },
    };
    let identity = verifier.verify(&credential).await.map_err(|error| {
        debug!(%error, "credential refused");
        match error.code {
            Code::Unauthenticated => Close::BadCredential,
            // This is not the client's fault. It may reconnect with the same credential.
            _ => Close::Restart,
        }
    })?;
    if let Some(handshake) = handshake {
        handshake.authenticated();
    }
    Ok((identity, since))
}

fn hello(session: &SessionContext) -> frames::Hello<'_> {
    let settings = &session.sockets.settings;
    frames::Hello {
        session: session.session,
        user: native::user(&session.me),
        heartbeat_ms: settings.heartbeat.as_millis() as u64,
        limits: frames::Limits {
            frame_bytes: limits::FRAME_MAX_BYTES,
            text_chars: limits::MESSAGE_TEXT_MAX_CHARS,
            subscribe_rooms: limits::SUBSCRIBE_MAX_ROOMS,
            replay_events: settings.replay_max_events,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn size_of_future<A, B, C, F>(_: fn(A, B, C) -> F) -> usize {
        size_of::<F>()
    }

    /// A gateway holds one of these per socket, so its size bounds the memory of a gateway. Memory that a
    /// session needs only briefly (verification, a request, the close) is allocated only for that time.
    #[test]
    fn an_idle_session_is_small() {
        assert!(size_of_future(run) <= 1_536, "{} bytes", size_of_future(run));
    }
}
