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
use madang_domain::limits;
use madang_flow_control::{RateBucket, RateLimit};
use tokio::time::{Instant, Sleep, sleep_until, timeout_at};

use super::{
    context::SessionContext,
    socket::{CLOSE_PATIENCE, Incoming, Socket},
};
use crate::outbox::{Close, Taken};

/// The most requests that wait behind the running one. At this number the session stops reading the socket.
const REQUESTS_MAX: usize = 32;
/// The most bytes of those requests: two frames of the largest size. Beyond it the session stops reading the socket.
const REQUESTS_MAX_BYTES: usize = 2 * limits::FRAME_MAX_BYTES;
/// The frames of any kind that one socket may send: far more than any person or well-behaved program sends.
const FRAMES: RateLimit = RateLimit { interval: Duration::from_millis(10), burst: 300 };

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
    /// The waiting requests in order, each with the size of its frame.
    requests: VecDeque<(usize, D::Request)>,
    /// The sum of those sizes.
    requests_bytes: usize,
    /// The running request.
    current: Option<RequestFuture>,
    /// The frames that were taken from the outbox.
    writing: VecDeque<WireFrame>,
    /// The time at which the connection is cut, once the socket must close.
    until: Option<Instant>,
    /// The timer for `until`, which runs only if the client does not read.
    cut: Option<Pin<Box<Sleep>>>,
    frame_rate: RateBucket,
}

/// The next event of the conversation.
enum Step {
    Incoming(Result<Incoming, Close>),
    RequestDone,
    Written(io::Result<usize>),
    Close(Close),
}

/// The outcome of a conversation.
pub(super) struct Ended {
    /// The reason to close.
    pub(super) close: Close,
    /// The frames that were taken from the outbox and not written.
    pub(super) unwritten: VecDeque<WireFrame>,
    /// The request that is still running.
    pub(super) request: Option<RequestFuture>,
    /// The time at which the connection is cut.
    pub(super) until: Instant,
}

/// Reads frames, executes requests and writes answers until the socket must close.
pub(super) async fn converse<D: Dialect>(
    context: &Arc<SessionContext>,
    socket: &mut Socket,
    dialect: D,
) -> Ended {
    let mut conversation = Conversation {
        current: dialect.begin(context),
        context,
        socket,
        dialect,
        requests: VecDeque::new(),
        requests_bytes: 0,
        writing: VecDeque::new(),
        until: None,
        cut: None,
        frame_rate: RateBucket::new(),
    };
    loop {
        let step = std::future::poll_fn(|waker| conversation.poll_step(waker)).await;
        if matches!(step, Step::RequestDone) {
            // What the request has published here reaches the queue meanwhile, and leaves with the answer in one write.
            tokio::task::yield_now().await;
        }
        if let Some(close) = conversation.take(step) {
            let until = conversation.until();
            let Conversation { writing, current, .. } = conversation;
            return Ended { close, unwritten: writing, request: current, until };
        }
    }
}

impl<D: Dialect> Conversation<'_, D> {
    /// Makes all possible progress. Reading comes first, since its rate is bounded, so that it cannot starve
    /// the rest. Then the request runs. Then all waiting frames are taken and written with one call.
    fn poll_step(&mut self, waker: &mut task::Context<'_>) -> Poll<Step> {
        if self.context.outbox.is_closing() {
            // No further request is executed for a socket that must close, since its credential may have expired.
            self.requests = VecDeque::new();
            self.until();
        } else {
            if self.may_read()
                && let Poll::Ready(incoming) = self.socket.poll_next(waker)
            {
                return Poll::Ready(Step::Incoming(incoming));
            }
            if self.current.is_none()
                && let Some((bytes, request)) = self.requests.pop_front()
            {
                self.requests_bytes -= bytes;
                if self.requests.is_empty() {
                    // An idle session frees the memory of its queue.
                    self.requests = VecDeque::new();
                }
                self.current = Some(self.dialect.carry_out(self.context, request));
            }
        }
        if let Some(request) = &mut self.current
            && request.as_mut().poll(waker).is_ready()
        {
            self.current = None;
            return Poll::Ready(Step::RequestDone);
        }
        if self.writing.is_empty() {
            match self.context.outbox.poll_take(waker, &mut self.writing) {
                Poll::Ready(Taken::Frames) => {
                    self.context.sockets.counters.frames_out.add(self.writing.len() as u64);
                }
                Poll::Ready(Taken::Close(close)) => return Poll::Ready(Step::Close(close)),
                Poll::Pending => return Poll::Pending,
            }
        }
        if let Poll::Ready(written) = self.socket.poll_write(waker, &mut self.writing) {
            return Poll::Ready(Step::Written(written));
        }
        // The client does not read. The reason to close is queued behind the unread frames.
        let close = ready!(self.context.outbox.poll_closing(waker));
        let until = self.until();
        let cut = self.cut.get_or_insert_with(|| Box::pin(sleep_until(until)));
        ready!(cut.as_mut().poll(waker));
        Poll::Ready(Step::Close(close))
    }

    /// Whether another frame may be read. The waiting requests must be below their limits.
    fn may_read(&self) -> bool {
        self.requests.len() < REQUESTS_MAX && self.requests_bytes < REQUESTS_MAX_BYTES
    }

    /// The time at which the connection is cut. The first call, when the socket must close, starts the deadline.
    fn until(&mut self) -> Instant {
        *self.until.get_or_insert_with(|| Instant::now() + CLOSE_PATIENCE)
    }

    /// Handles an event, and returns the reason if the socket must close.
    fn take(&mut self, step: Step) -> Option<Close> {
        let sockets = &self.context.sockets;
        match step {
            Step::Incoming(Ok(incoming)) => {
                self.context.outbox.heard(sockets.connections.tick());
                if self.frame_rate.take(FRAMES, sockets.user_limits.now_micros()).is_err() {
                    return Some(Close::TooManyFrames);
                }
                if let Incoming::Text(text) = incoming {
                    sockets.counters.bytes_in.add(text.len() as u64);
                    let request = self.dialect.read(self.context, &text);
                    self.requests_bytes += request.as_ref().map_or(0, |_| text.len());
                    self.requests.extend(request.map(|request| (text.len(), request)));
                }
            }
            Step::Incoming(Err(close)) | Step::Close(close) => return Some(close),
            Step::RequestDone => {}
            Step::Written(Ok(bytes)) => {
                sockets.counters.bytes_out.add(bytes as u64);
                let events = self.context.outbox.written(bytes, &mut self.writing);
                if events.count > 0 {
                    let took = sockets.clock.now().since(events.oldest_at);
                    sockets.counters.delivery.observe_durations(took, events.count.into());
                }
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
pub(super) async fn finish_request(request: Option<RequestFuture>, until: Instant) {
    if let Some(request) = request {
        // Each of its calls has its own deadline. This one limits their sum.
        let _ = timeout_at(until, request).await;
    }
}
