//! A session: one socket from the moment in which is known whose it is to its end.
//!
//! It reads frames, has commands carried out one after another, and writes what its outbox holds. It decides
//! nothing about rooms: commands ask the store, and hubs push events into the outbox. What the frames look like is
//! its dialect's: that of `/v1/ws` is [`native`].

pub(crate) mod close;
mod context;
pub(crate) mod native;
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

use madang_contract::WireFrame;
use tracing::debug;

pub(crate) use context::SessionContext;

use self::{
    close::Close,
    outbox::Taken,
    socket::{Incoming, Socket},
};
use crate::budget::{Rate, RateLimit};

/// The requests that wait behind the one that is carried out. Past it the socket is not read.
const REQUESTS_MAX: usize = 32;
/// The frames that one socket may send: far more than any person or well-made program does.
const FRAMES: RateLimit = RateLimit { interval: Duration::from_millis(10), burst: 300 };
/// How long a command may go on after its socket was told to close, so that its answer can leave.
const COMMAND_PATIENCE: Duration = Duration::from_secs(6);

/// How the two sides of a socket speak: what is said first, what a text frame means, and how it is carried out.
pub(crate) trait Dialect: Send + Sync + 'static {
    /// What a client asks for.
    type Request: Send;

    /// Says what comes first. What this answers is carried out before any request.
    fn begin(&self, session: &Arc<SessionContext>) -> Option<Command>;

    /// Reads a text frame: answers it at once, or says what is to be carried out behind what came before.
    fn read(&self, session: &SessionContext, text: &str) -> Option<Self::Request>;

    /// Carries out a request and queues its answer.
    fn carry_out(&self, session: &Arc<SessionContext>, request: Self::Request) -> Command;
}

/// What is being carried out. Allocated while it runs, so that an idle session does not hold the state of the
/// largest.
pub(crate) type Command = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Holds a socket, of which is known whose it is, until it is to close; answers why, and what is unwritten, for
/// [`Socket::close`].
pub(crate) async fn hold<D: Dialect>(
    context: &Arc<SessionContext>,
    socket: &mut Socket,
    dialect: D,
) -> (Close, VecDeque<WireFrame>) {
    let edge = &context.edge;
    let _registration = edge.connections.register(context);
    // Between the verification and the registration a revocation may have passed by, or the drain.
    if edge.revocations.end(context.session, context.me.id, context.issued_at) {
        context.outbox.close(Close::Revoked);
    } else if edge.draining.load(Ordering::Acquire) {
        context.outbox.close(Close::Restart);
    }
    edge.counters.sessions.up();
    let (close, unwritten) = converse(context, socket, dialect).await;
    edge.counters.sessions.down();
    context.outbox.close(Close::Gone);
    Box::pin(context.leave_all()).await;
    match close {
        Close::TooSlow => edge.counters.closed_slow.add(1),
        Close::Revoked => edge.counters.closed_revoked.add(1),
        _ => {}
    }
    debug!(connection = %context.connection, reason = close.as_str(), "socket closed");
    (close, unwritten)
}

/// A conversation with a client: what is being read, carried out and written.
struct Conversation<'a, D: Dialect> {
    context: &'a Arc<SessionContext>,
    socket: &'a mut Socket,
    dialect: D,
    /// The requests that wait, in order.
    requests: VecDeque<D::Request>,
    /// The one that is carried out.
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
async fn converse<D: Dialect>(
    context: &Arc<SessionContext>,
    socket: &mut Socket,
    dialect: D,
) -> (Close, VecDeque<WireFrame>) {
    let mut conversation = Conversation {
        command: dialect.begin(context),
        context,
        socket,
        dialect,
        requests: VecDeque::new(),
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

impl<D: Dialect> Conversation<'_, D> {
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
            self.command = Some(self.dialect.carry_out(self.context, request));
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
                let request = self.dialect.read(self.context, &text);
                self.requests.extend(request);
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
}

/// Lets a command end whose socket is closing: what it has committed must still be told to the others.
async fn finish_command(command: Option<Command>) {
    if let Some(command) = command {
        // Each call that it makes has a deadline of its own; this is for the sum.
        let _ = tokio::time::timeout(COMMAND_PATIENCE, command).await;
    }
}
