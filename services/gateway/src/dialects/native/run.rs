//! One socket of the dialect: authentication, admission, then the session.

use std::{collections::VecDeque, net::IpAddr, sync::Arc, time::Duration};

use madang_contract::{self as frames, ClientFrame, Request, ServerFrame, WireFrame};
use madang_domain::{Code, Cursor, Limit, Profile, limits};
use madang_rpc::auth::Identity;
use tokio::time::Instant;
use tracing::{Instrument as _, debug};

use super::{answers::malformed, inbox, requests};
use crate::{
    admission::{Handshake, SocketPermit, admit},
    commands::Commands,
    credentials::{Credential, Verifier},
    formats::{Format, native},
    metrics::{Admitted, Counters, FrameType, HandshakeRefusal, OfLimit},
    outbox::Close,
    session::{CLOSE_PATIENCE, Dialect, Incoming, RequestFuture, SessionContext, Socket, hold},
    state::GatewayState,
    trace,
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
        let user = session.profile();
        session.outbox.note_profile(user.id, user.version);
        session.push(&ServerFrame::Hello(hello(session, &user)));
        let follow = inbox::follow(Arc::clone(&self.commands), Arc::clone(session), self.inbox_since);
        Some(Box::pin(follow.instrument(trace::command("open_inbox"))))
    }

    fn read(&self, session: &SessionContext, text: &str) -> Option<Request> {
        let parsed = Request::parse(text);
        let kind = parsed.as_ref().map_or(FrameType::Invalid, |request| FrameType::of(&request.frame));
        session.sockets.counters.frames_in.add(kind, 1);
        match parsed {
            // A ping is answered at once, since it checks this gateway and not the store.
            Ok(Request { id, frame: ClientFrame::Ping {} }) => {
                session.push(&ServerFrame::Pong(frames::Pong { re: id }));
                None
            }
            Ok(request) => Some(request),
            Err(error) => {
                session.push(&ServerFrame::Error(malformed(error)));
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
///
/// Not an `async fn`: its arguments would stay in the future for as long as the session lasts.
pub(super) fn run(
    state: GatewayState,
    socket: Socket,
    arrival: Box<Arrival>,
) -> impl Future<Output = ()> + Send {
    let entering = Box::pin(enter(state, socket, arrival));
    async move {
        if let Some(Entered { context, socket, native, _permit }) = entering.await {
            hold(&context, socket, native, || context.leave_all()).await;
        }
    }
}

/// Who has shown a credential and has been admitted.
struct Entered {
    context: Arc<SessionContext>,
    socket: Socket,
    native: Native,
    _permit: SocketPermit,
}

/// Authenticates a socket and admits it, or closes it.
async fn enter(state: GatewayState, mut socket: Socket, arrival: Box<Arrival>) -> Option<Entered> {
    let address = arrival.address;
    let GatewayState { commands, entrance, sockets, accounts: _ } = state;
    let verifier = Arc::clone(&entrance.verifier);
    let counters = Arc::clone(&sockets.counters);
    let authenticated =
        tokio::time::timeout(AUTH_PATIENCE, authenticate(&verifier, &mut socket, arrival)).await;
    let Authenticated { identity, inbox_since, shown_at } = match authenticated {
        Ok(Ok(authenticated)) => authenticated,
        Ok(Err(close)) => return refuse(socket, close, &counters).await,
        Err(_) => return refuse(socket, Close::AuthTimeout, &counters).await,
    };
    let usage = sockets.user_limits.of(identity.profile.id);
    let Some(permit) = sockets.user_limits.take_socket(identity.profile.id, &usage) else {
        return refuse(socket, Close::TooManyConnections, &counters).await;
    };
    // Only now: a turn is for who has shown whose it is, and a crowd of others cannot use the turns up.
    if let Err(wait) = admit(&entrance.admissions, sockets.user_limits.now_micros()).await {
        counters.admissions.add(Admitted::Later, 1);
        counters.admission_delay.observe_duration(shown_at.elapsed() + wait);
        return defer(socket, wait).await;
    }
    counters.admissions.add(Admitted::In, 1);
    counters.admission_delay.observe_duration(shown_at.elapsed());
    let context = Arc::new(SessionContext::new(sockets, identity, usage, address, Format::Native));
    let native = Native { commands, verifier, inbox_since };
    Some(Entered { context, socket, native, _permit: permit })
}

async fn defer<T>(socket: Socket, wait: Duration) -> Option<T> {
    debug!(?wait, "socket deferred");
    let reconnect = frames::Reconnect { after_ms: wait.as_millis() as u64, reason: "busy".into() };
    let frame = WireFrame::json(&ServerFrame::Reconnect(reconnect));
    socket.close(Close::Busy, VecDeque::from([frame]), Instant::now() + CLOSE_PATIENCE).await;
    None
}

async fn refuse<T>(socket: Socket, close: Close, counters: &Counters) -> Option<T> {
    if let Some(reason) = refusal(close) {
        counters.refused_handshakes.add(reason, 1);
    }
    if close == Close::TooManyConnections {
        counters.rate_limited.add(OfLimit(Limit::UserSockets), 1);
    }
    debug!(reason = close.as_str(), "socket refused");
    socket.close(close, VecDeque::new(), Instant::now() + CLOSE_PATIENCE).await;
    None
}

/// Why a socket that closes has no session. None: its client left.
const fn refusal(close: Close) -> Option<HandshakeRefusal> {
    match close {
        Close::Gone | Close::ByClient(_) => None,
        Close::BadCredential | Close::Expired | Close::Revoked | Close::Removed => {
            Some(HandshakeRefusal::BadCredential)
        }
        Close::AuthTimeout | Close::HeartbeatTimeout => Some(HandshakeRefusal::AuthTimeout),
        Close::TooManyConnections => Some(HandshakeRefusal::UserSockets),
        Close::Restart | Close::Busy | Close::Old => Some(HandshakeRefusal::Unavailable),
        Close::ProtocolError
        | Close::Binary
        | Close::NotUtf8
        | Close::FrameTooLarge
        | Close::TooManyFrames
        | Close::TooSlow => Some(HandshakeRefusal::Protocol),
    }
}

/// Who has shown a credential.
struct Authenticated {
    identity: Identity,
    /// The client's cursor in its inbox.
    inbox_since: Option<Cursor>,
    /// When the credential was there.
    shown_at: Instant,
}

/// Authenticates the socket by the credential of the handshake or by the first frame. The frame may also have
/// the client's cursor in its inbox.
async fn authenticate(
    verifier: &Verifier,
    socket: &mut Socket,
    arrival: Box<Arrival>,
) -> Result<Authenticated, Close> {
    let Arrival { credential, handshake, address } = *arrival;
    let mut others = 0;
    let (credential, inbox_since) = match credential {
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
    let shown_at = Instant::now();
    let identity = verifier.verify(&credential, address).await.map_err(|error| {
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
    Ok(Authenticated { identity, inbox_since, shown_at })
}

fn hello<'a>(session: &SessionContext, user: &'a Profile) -> frames::Hello<'a> {
    let settings = &session.sockets.settings;
    frames::Hello {
        session: session.session,
        user: native::user(user),
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
