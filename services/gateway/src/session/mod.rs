//! A session: one socket from its handshake to its end.
//!
//! It reads frames, has commands carried out one after another, and writes what its outbox holds. It decides
//! nothing about rooms: commands ask the store, and hubs push events into the outbox.

pub(crate) mod close;
mod context;
pub(crate) mod outbox;
pub(crate) mod socket;

use std::{
    collections::VecDeque,
    future::Future,
    io,
    pin::Pin,
    sync::{Arc, atomic::Ordering},
    task::{self, Poll, ready},
    time::Duration,
};

use madang_frames::{self as frames, ClientFrame, Request, ServerFrame, WireFrame};
use madang_rpc::auth::Identity;
use madang_vocabulary::{Code, limits};
use tracing::debug;

pub(crate) use context::SessionContext;

use self::{
    close::Close,
    outbox::Taken,
    socket::{Incoming, Socket},
};
use crate::{
    admission::Admission,
    budget::{Rate, RateLimit},
    commands,
    credentials::Credential,
    edge::Edge,
};

/// How long a client may take to show a credential.
const AUTH_PATIENCE: Duration = Duration::from_secs(5);
/// The requests that wait behind the one that is carried out. Past it the socket is not read.
const REQUESTS_MAX: usize = 32;
/// The frames that one socket may send: far more than any person or well-made program does.
const FRAMES: RateLimit = RateLimit { interval: Duration::from_millis(10), burst: 300 };
/// How long a command may go on after its socket was told to close, so that its answer can leave.
const COMMAND_PATIENCE: Duration = Duration::from_secs(6);

/// Runs a socket to its end.
pub(crate) async fn run(edge: Arc<Edge>, mut socket: Socket, credential: Option<Credential>) {
    if let Err(wait) = admit(&edge).await {
        edge.counters.deferred.add(1);
        return defer(socket, wait).await;
    }
    edge.counters.admitted.add(1);
    // Boxed, like the close below: what a session is for most of its life should be all that it holds.
    let authenticated =
        Box::pin(tokio::time::timeout(AUTH_PATIENCE, authenticate(&edge, &mut socket, credential))).await;
    let identity = match authenticated {
        Ok(Ok(identity)) => identity,
        Ok(Err(close)) => return refuse(socket, close).await,
        Err(_) => return refuse(socket, Close::AuthTimeout).await,
    };
    let budget = edge.budgets.of(identity.profile.id);
    let Some(_permit) = edge.budgets.take_socket(&budget) else {
        return refuse(socket, Close::TooManyConnections).await;
    };
    let context = Arc::new(SessionContext::new(Arc::clone(&edge), identity, budget));
    let _registration =
        edge.connections.register(context.connection, context.session, Arc::clone(&context.outbox));
    // Between the verification and the registration a revocation may have passed by, or the drain.
    if edge.revocations.contains(context.session) {
        context.outbox.close(Close::Revoked);
    } else if edge.draining.load(Ordering::Acquire) {
        context.outbox.close(Close::Restart);
    }
    edge.counters.sessions.up();
    context.push(&ServerFrame::Hello(hello(&edge, &context)));
    let (close, unwritten) = converse(&context, &mut socket).await;
    edge.counters.sessions.down();
    context.outbox.close(Close::Gone);
    Box::pin(context.leave_all()).await;
    match close {
        Close::TooSlow => edge.counters.closed_slow.add(1),
        Close::Revoked => edge.counters.closed_revoked.add(1),
        _ => {}
    }
    debug!(connection = %context.connection, reason = close.as_str(), "socket closed");
    Box::pin(socket.close(close, unwritten)).await;
}

/// Waits for the socket's turn to come in; or says after which time it is to come back.
async fn admit(edge: &Edge) -> Result<(), Duration> {
    match edge.door.enter(edge.budgets.now_micros()) {
        Admission::In(Duration::ZERO) => {}
        Admission::In(wait) => tokio::time::sleep(wait).await,
        Admission::Later(wait) => return Err(wait),
    }
    Ok(())
}

async fn defer(socket: Socket, wait: Duration) {
    debug!(?wait, "socket deferred");
    let reconnect = frames::Reconnect { after_ms: wait.as_millis() as u64, reason: "busy".into() };
    let told = WireFrame::json(&ServerFrame::Reconnect(reconnect));
    Box::pin(socket.close(Close::Busy, VecDeque::from([told]))).await;
}

async fn refuse(socket: Socket, close: Close) {
    debug!(reason = close.as_str(), "socket refused");
    Box::pin(socket.close(close, VecDeque::new())).await;
}

/// Whose socket it is: by the credential of the handshake, or by the first frame.
async fn authenticate(
    edge: &Edge,
    socket: &mut Socket,
    credential: Option<Credential>,
) -> Result<Identity, Close> {
    let credential = match credential {
        Some(credential) => credential,
        None => loop {
            match socket.next().await? {
                Incoming::Control => {}
                Incoming::Text(text) => match Request::parse(&text) {
                    Ok(Request { frame: ClientFrame::Auth { token }, .. }) => break Credential::Token(token),
                    Ok(_) | Err(_) => return Err(Close::BadCredential),
                },
            }
        },
    };
    edge.verifier.verify(&credential).await.map_err(|error| {
        debug!(%error, "credential refused");
        match error.code {
            Code::Unauthenticated => Close::BadCredential,
            // Not the client's fault: it may come back as it is.
            _ => Close::Restart,
        }
    })
}

type Command = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A conversation with a client: what is being read, carried out and written.
struct Conversation<'a> {
    context: &'a Arc<SessionContext>,
    socket: &'a mut Socket,
    /// The requests that wait, in order.
    requests: VecDeque<Request>,
    /// The one that is carried out. Allocated while it runs, so that an idle session does not hold the
    /// state of the largest.
    command: Option<Command>,
    /// The frames that were taken from the outbox.
    writing: VecDeque<WireFrame>,
    frame_rate: Rate,
}

/// What has happened next.
enum Step {
    Incoming(Result<Incoming, Close>),
    CommandDone,
    Written(io::Result<usize>),
    Close(Close),
}

/// Reads, carries out and writes until the socket is to close; answers why, and what is unwritten.
async fn converse(context: &Arc<SessionContext>, socket: &mut Socket) -> (Close, VecDeque<WireFrame>) {
    let mut conversation = Conversation {
        context,
        socket,
        requests: VecDeque::new(),
        command: None,
        writing: VecDeque::new(),
        frame_rate: Rate::new(),
    };
    loop {
        let step = std::future::poll_fn(|waker| conversation.poll_step(waker)).await;
        if let Some(close) = conversation.take(step) {
            Box::pin(finish_command(conversation.command.take())).await;
            return (close, conversation.writing);
        }
    }
}

impl Conversation<'_> {
    /// Does what can be done. Reading is first, since its rate is bounded and it starves nobody; then the
    /// command; then what waits to be written, which is taken and written in one go.
    fn poll_step(&mut self, waker: &mut task::Context<'_>) -> Poll<Step> {
        if self.requests.len() < REQUESTS_MAX
            && self.socket.may_read()
            && let Poll::Ready(incoming) = self.socket.poll_next(waker)
        {
            return Poll::Ready(Step::Incoming(incoming));
        }
        if self.command.is_none()
            && let Some(request) = self.requests.pop_front()
        {
            if self.requests.is_empty() {
                // An idle session keeps no room for requests.
                self.requests = VecDeque::new();
            }
            self.command = Some(Box::pin(commands::carry_out(Arc::clone(self.context), request)));
        }
        if let Some(command) = &mut self.command
            && command.as_mut().poll(waker).is_ready()
        {
            self.command = None;
            return Poll::Ready(Step::CommandDone);
        }
        if self.writing.is_empty() {
            match ready!(self.context.outbox.poll_take(waker, &mut self.writing)) {
                Taken::Frames => self.context.edge.counters.frames_out.add(self.writing.len() as u64),
                Taken::Close(close) => return Poll::Ready(Step::Close(close)),
            }
        }
        self.socket.poll_write(waker, &mut self.writing).map(Step::Written)
    }

    /// Takes in what has happened; answers why the socket is to close, where it is.
    fn take(&mut self, step: Step) -> Option<Close> {
        let edge = &self.context.edge;
        match step {
            Step::Incoming(Ok(Incoming::Control)) => self.context.outbox.heard(edge.connections.tick()),
            Step::Incoming(Ok(Incoming::Text(text))) => {
                self.context.outbox.heard(edge.connections.tick());
                edge.counters.frames_in.add(1);
                if self.frame_rate.take(FRAMES, edge.budgets.now_micros()).is_err() {
                    return Some(Close::TooManyFrames);
                }
                self.read(&text);
            }
            Step::Incoming(Err(close)) | Step::Close(close) => return Some(close),
            Step::CommandDone => {}
            Step::Written(Ok(bytes)) => {
                edge.counters.bytes_out.add(bytes as u64);
                self.context.outbox.written(bytes, &mut self.writing);
            }
            Step::Written(Err(_)) => {
                self.writing = VecDeque::new();
                return Some(Close::Gone);
            }
        }
        None
    }

    /// Takes in a text frame.
    fn read(&mut self, text: &str) {
        match Request::parse(text) {
            // Answered at once: it asks whether this gateway is there, not how the store does.
            Ok(Request { id, frame: ClientFrame::Ping {} }) => {
                self.context.push(&ServerFrame::Pong(frames::Pong { re: id }));
            }
            Ok(request) => self.requests.push_back(request),
            Err(error) => self.context.push(&ServerFrame::Error(frames::ErrorFrame {
                re: error.id,
                code: Code::InvalidArgument,
                message: error.message.into(),
                retry_after_ms: None,
            })),
        }
    }
}

/// Lets a command end whose socket is closing: what it has committed must still be told to the others.
async fn finish_command(command: Option<Command>) {
    if let Some(command) = command {
        // Each call that it makes has a deadline of its own; this is for the sum.
        let _ = tokio::time::timeout(COMMAND_PATIENCE, command).await;
    }
}

fn hello<'a>(edge: &Edge, context: &'a SessionContext) -> frames::Hello<'a> {
    frames::Hello {
        session: context.session,
        user: crate::wire::user(&context.me),
        heartbeat_ms: edge.settings.heartbeat().as_millis() as u64,
        limits: frames::Limits {
            frame_bytes: limits::FRAME_MAX_BYTES,
            text_chars: limits::MESSAGE_TEXT_MAX_CHARS,
            subscribe_rooms: limits::SUBSCRIBE_MAX_ROOMS,
            replay_events: edge.settings.replay_max_events,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn size_of_future<A, B, C, F>(_: fn(A, B, C) -> F) -> usize {
        size_of::<F>()
    }

    /// A gateway holds one of these for every socket, so its size is a promise about memory. What a session
    /// needs for a moment only (verification, a command, the close) is allocated for that moment.
    #[test]
    fn an_idle_session_is_small() {
        assert!(size_of_future(run) <= 1_536, "{} bytes", size_of_future(run));
    }
}
