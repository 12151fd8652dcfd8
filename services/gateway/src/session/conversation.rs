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

/// The most requests that wait behind the running one. At this number the session stops reading the socket.
const REQUESTS_MAX: usize = 32;
/// The frames that one socket may send: far more than any person or well-behaved program sends.
const FRAMES: RateLimit = RateLimit { interval: Duration::from_millis(10), burst: 300 };
/// How long a client may take to read the last frames before its socket closes. A client that has only paused
/// continues to read and learns why it was closed. A client that never reads does not keep its connection.
const UNREAD_PATIENCE: Duration = Duration::from_secs(5);
/// How long a request may continue after its socket must close, so that its answer can still be sent.
const REQUEST_PATIENCE: Duration = Duration::from_secs(6);

/// A dialect of a socket: its first frame, the meaning of its text frames, and the execution of its requests.
pub(crate) trait Dialect: Send + Sync + 'static {
    /// A request of a client.
    type Request: Send;

    /// Sends the first frames. The returned request is executed before any other.
    fn begin(&self, session: &Arc<SessionContext>) -> Option<RequestFuture>;

    /// Parses a text frame. Answers it at once, or returns a request that is executed after the earlier ones.
    fn read(&self, session: &SessionContext, text: &str) -> Option<Self::Request>;

    /// Executes a request and queues its answer.
    fn carry_out(&self, session: &Arc<SessionContext>, request: Self::Request) -> RequestFuture;
}

/// The running request. It is allocated only while it runs, so that an idle session does not hold the memory
/// of the largest request.
pub(crate) type RequestFuture = Pin<Box<dyn Future<Output = ()> + Send>>;

/// The conversation of a session with its client.
struct Conversation<'a, D: Dialect> {
    context: &'a Arc<SessionContext>,
    socket: &'a mut Socket,
    dialect: D,
    /// The requests that wait, in order.
    requests: VecDeque<D::Request>,
    /// The running request.
    current: Option<RequestFuture>,
    /// The frames that were taken from the outbox.
    writing: VecDeque<WireFrame>,
    /// The end of [`UNREAD_PATIENCE`], once the socket is to close and its client does not read.
    unread_until: Option<Pin<Box<Sleep>>>,
    frame_rate: RateBucket,
}

/// The next event of the conversation.
enum Step {
    Incoming(Result<Incoming, Close>),
    RequestDone,
    Written(io::Result<usize>),
    Close(Close),
}

/// Reads frames, executes requests and writes answers until the socket must close. Returns the reason and the
/// unwritten frames.
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
    /// Makes all possible progress. Reading comes first, since its rate is bounded, so that it cannot starve
    /// the rest. Then the request runs. Then all waiting frames are taken and written with one call.
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
                // An idle session frees the memory of its queue.
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
        // The client does not read. The reason to close is queued behind the unread frames.
        let close = ready!(self.context.outbox.poll_closing(waker));
        let unread_until = self.unread_until.get_or_insert_with(|| Box::pin(sleep(UNREAD_PATIENCE)));
        ready!(unread_until.as_mut().poll(waker));
        Poll::Ready(Step::Close(close))
    }

    /// Handles an event, and returns the reason if the socket must close.
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

/// Lets the running request of a closing socket finish, since its commit must still be published.
async fn finish_request(request: Option<RequestFuture>) {
    if let Some(request) = request {
        // Each of its calls has its own deadline. This one limits their sum.
        let _ = tokio::time::timeout(REQUEST_PATIENCE, request).await;
    }
}
