//! The conversation of a session with its client: frames are read, requests carried out, and frames written.

use std::{
    collections::VecDeque,
    io,
    pin::Pin,
    sync::Arc,
    task::{self, Poll, ready},
    time::Duration,
};

use madang_contract::WireFrame;
use madang_flow_control::{RateBucket, RateLimit};
use tokio::time::{Sleep, sleep};

use super::{
    context::SessionContext,
    socket::{Incoming, Socket},
};
use crate::outbox::{Close, Taken};

/// The requests that wait behind the one that is carried out. Past it the socket is not read.
const REQUESTS_MAX: usize = 32;
/// The frames that one socket may send: far more than any person or well-made program does.
const FRAMES: RateLimit = RateLimit { interval: Duration::from_millis(10), burst: 300 };
/// How long a client may take for what was written to it once its socket is to close. One that has paused reads on, and
/// is told why it was closed; one that never reads does not hold its connection.
const UNREAD_PATIENCE: Duration = Duration::from_secs(5);
/// How long a request may go on after its socket was told to close, so that its answer can leave.
const REQUEST_PATIENCE: Duration = Duration::from_secs(6);

/// How the two sides of a socket speak: what is said first, what a text frame means, and how it is carried out.
pub(crate) trait Dialect: Send + Sync + 'static {
    /// What a client asks for.
    type Request: Send;

    /// Says what comes first. What this answers is carried out before any request.
    fn begin(&self, session: &Arc<SessionContext>) -> Option<RequestFuture>;

    /// Reads a text frame: answers it at once, or says what is to be carried out behind what came before.
    fn read(&self, session: &SessionContext, text: &str) -> Option<Self::Request>;

    /// Carries out a request and queues its answer.
    fn carry_out(&self, session: &Arc<SessionContext>, request: Self::Request) -> RequestFuture;
}

/// What is being carried out. Allocated while it runs, so that an idle session does not hold the state of the
/// largest.
pub(crate) type RequestFuture = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A conversation with a client: what is read, carried out and written.
struct Conversation<'a, D: Dialect> {
    context: &'a Arc<SessionContext>,
    socket: &'a mut Socket,
    dialect: D,
    /// The requests that wait, in order.
    requests: VecDeque<D::Request>,
    /// The request that is carried out.
    current: Option<RequestFuture>,
    /// The frames that were taken from the outbox.
    writing: VecDeque<WireFrame>,
    /// The end of [`UNREAD_PATIENCE`], once the socket is to close and its client does not read.
    unread_until: Option<Pin<Box<Sleep>>>,
    frame_rate: RateBucket,
}

/// What has happened next.
enum Step {
    Incoming(Result<Incoming, Close>),
    RequestDone,
    Written(io::Result<usize>),
    Close(Close),
}

/// Reads, carries out and writes until the socket is to close; answers why, and what is unwritten.
pub(super) async fn converse<D: Dialect>(
    context: &Arc<SessionContext>,
    socket: &mut Socket,
    dialect: D,
) -> (Close, VecDeque<WireFrame>) {
    let mut conversation = Conversation {
        current: dialect.begin(context),
        context,
        socket,
        dialect,
        requests: VecDeque::new(),
        writing: VecDeque::new(),
        unread_until: None,
        frame_rate: RateBucket::new(),
    };
    loop {
        let step = std::future::poll_fn(|waker| conversation.poll_step(waker)).await;
        if let Some(close) = conversation.take(step) {
            Box::pin(finish_request(conversation.current.take())).await;
            return (close, conversation.writing);
        }
    }
}

impl<D: Dialect> Conversation<'_, D> {
    /// Does what can be done. Reading is first, since its rate is bounded and it starves nobody; then the
    /// request; then what waits to be written, which is taken and written in one go.
    fn poll_step(&mut self, waker: &mut task::Context<'_>) -> Poll<Step> {
        if self.requests.len() < REQUESTS_MAX
            && self.socket.may_read()
            && let Poll::Ready(incoming) = self.socket.poll_next(waker)
        {
            return Poll::Ready(Step::Incoming(incoming));
        }
        if self.current.is_none()
            && let Some(request) = self.requests.pop_front()
        {
            if self.requests.is_empty() {
                // An idle session keeps no room for requests.
                self.requests = VecDeque::new();
            }
            self.current = Some(self.dialect.carry_out(self.context, request));
        }
        if let Some(request) = &mut self.current
            && request.as_mut().poll(waker).is_ready()
        {
            self.current = None;
            return Poll::Ready(Step::RequestDone);
        }
        if self.writing.is_empty() {
            match ready!(self.context.outbox.poll_take(waker, &mut self.writing)) {
                Taken::Frames => self.context.sockets.counters.frames_out.add(self.writing.len() as u64),
                Taken::Close(close) => return Poll::Ready(Step::Close(close)),
            }
        }
        if let Poll::Ready(written) = self.socket.poll_write(waker, &mut self.writing) {
            return Poll::Ready(Step::Written(written));
        }
        // The client takes nothing. Why the socket is to close stands behind what it has not read.
        let close = ready!(self.context.outbox.poll_closing(waker));
        let unread_until = self.unread_until.get_or_insert_with(|| Box::pin(sleep(UNREAD_PATIENCE)));
        ready!(unread_until.as_mut().poll(waker));
        Poll::Ready(Step::Close(close))
    }

    /// Takes in what has happened; answers why the socket is to close, where it is.
    fn take(&mut self, step: Step) -> Option<Close> {
        let sockets = &self.context.sockets;
        match step {
            Step::Incoming(Ok(Incoming::Control)) => self.context.outbox.heard(sockets.connections.tick()),
            Step::Incoming(Ok(Incoming::Text(text))) => {
                self.context.outbox.heard(sockets.connections.tick());
                sockets.counters.frames_in.add(1);
                if self.frame_rate.take(FRAMES, sockets.user_limits.now_micros()).is_err() {
                    return Some(Close::TooManyFrames);
                }
                let request = self.dialect.read(self.context, &text);
                self.requests.extend(request);
            }
            Step::Incoming(Err(close)) | Step::Close(close) => return Some(close),
            Step::RequestDone => {}
            Step::Written(Ok(bytes)) => {
                sockets.counters.bytes_out.add(bytes as u64);
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

/// Lets a request end whose socket is closing: what it has committed must still be published.
async fn finish_request(request: Option<RequestFuture>) {
    if let Some(request) = request {
        // Each call that it makes has a deadline of its own; this is for the sum.
        let _ = tokio::time::timeout(REQUEST_PATIENCE, request).await;
    }
}
