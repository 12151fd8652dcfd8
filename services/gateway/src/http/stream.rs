//! A client's connection while it speaks HTTP: when a head began, and how long its answers may wait to be taken.
//!
//! A WebSocket takes the stream out of this and has deadlines of its own, so that none of it costs a frame anything.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use hyper::rt::{Sleep as HyperSleep, Timer};
use madang_kit::Patience;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, Sleep, sleep, sleep_until},
};

use super::unread_head::UnreadHead;
use crate::client_stream::Abort;

/// How long a connection is still read that ends before its client has said all.
const LEFT_OVER: Duration = Duration::from_secs(2);
/// How much is still read of such a client.
const LEFT_OVER_MAX_BYTES: usize = 256 * 1024;
/// How much of it is read at once.
const LEFT_OVER_READ_BYTES: usize = 4 * 1024;

/// How long a connection may take for what is due from its client.
#[derive(Debug, Clone, Copy)]
pub(crate) struct HttpTimes {
    /// For the head of a request, from its first byte; for the first head, from the connection.
    pub(crate) head: Duration,
    /// Between an answer and the next request.
    pub(crate) keep_alive: Duration,
    /// For the next bytes of a body.
    pub(crate) body: Duration,
    /// For taking the next bytes of an answer.
    pub(crate) answer: Duration,
}

/// A client's connection while it speaks HTTP.
#[derive(Debug)]
pub(crate) struct HttpStream<T> {
    io: T,
    heads: Arc<HeadClock>,
    untaken: Patience,
    left_over: LeftOver,
    /// What is said instead of hyper's answer to a head that it cannot read.
    unread_head: UnreadHead,
    /// All that was to be written has been.
    is_drained: bool,
}

/// What a client still says when its connection ends, which nobody wants to know.
#[derive(Debug, Default)]
struct LeftOver {
    bytes: usize,
    end: Option<Pin<Box<Sleep>>>,
}

impl<T> HttpStream<T> {
    /// A connection, and the timer by which hyper waits for its requests' heads.
    pub(super) fn new(io: T, times: HttpTimes) -> (Self, HeadTimer) {
        let heads = Arc::new(HeadClock {
            epoch: Instant::now(),
            first_byte_at: AtomicU64::new(NO_BYTE),
            is_awaited: AtomicBool::new(false),
        });
        let timer = HeadTimer { times, heads: Arc::clone(&heads), is_first: AtomicBool::new(true) };
        let untaken = Patience::new(times.answer);
        let unread_head = UnreadHead::default();
        (Self { io, heads, untaken, left_over: LeftOver::default(), unread_head, is_drained: true }, timer)
    }

    /// When heads are awaited, for the one who takes the requests.
    pub(super) fn heads(&self) -> Arc<HeadClock> {
        Arc::clone(&self.heads)
    }

    /// The connection itself.
    pub(super) fn into_inner(self) -> T {
        self.io
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for HttpStream<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.io).poll_read(context, buffer))?;
        if buffer.filled().len() > before {
            self.heads.heard();
        }
        Poll::Ready(Ok(()))
    }
}

impl<T: AsyncWrite + Abort + Unpin> HttpStream<T> {
    /// Counts what a write has come to.
    fn written(
        &mut self,
        context: &mut Context<'_>,
        written: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        self.is_drained = false;
        match written {
            Poll::Ready(Ok(bytes)) => self.untaken.moved(bytes),
            Poll::Ready(Err(_)) => {}
            Poll::Pending => {
                ready!(self.untaken.poll_exhausted(context));
                self.io.abort();
                return Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the answer is not taken")));
            }
        }
        written
    }
}

impl<T: AsyncRead + AsyncWrite + Abort + Unpin> AsyncWrite for HttpStream<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.answers_unread_head(bytes) {
            return self.poll_unread_head(context, bytes.len());
        }
        let written = Pin::new(&mut self.io).poll_write(context, bytes);
        self.written(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let first = slices.first().map(|slice| &**slice).unwrap_or_default();
        if self.answers_unread_head(first) {
            let bytes = slices.iter().map(|slice| slice.len()).sum();
            return self.poll_unread_head(context, bytes);
        }
        let written = Pin::new(&mut self.io).poll_write_vectored(context, slices);
        self.written(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        // hyper flushes once it has written all that it keeps.
        self.is_drained = true;
        Pin::new(&mut self.io).poll_flush(context)
    }

    /// Bytes that nobody has read would make the system reset the connection, and the client would lose what it has not
    /// taken of the answer. So they are read, where there are any.
    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.io).poll_shutdown(context))?;
        let Self { io, left_over, .. } = &mut *self;
        loop {
            let mut bytes = [0; LEFT_OVER_READ_BYTES];
            let mut bytes = ReadBuf::new(&mut bytes);
            match Pin::new(&mut *io).poll_read(context, &mut bytes) {
                Poll::Ready(Ok(())) if !bytes.filled().is_empty() => left_over.bytes += bytes.filled().len(),
                // It has said all, or is gone.
                Poll::Ready(_) => return Poll::Ready(Ok(())),
                Poll::Pending if left_over.bytes == 0 => return Poll::Ready(Ok(())),
                Poll::Pending => {
                    let end = left_over.end.get_or_insert_with(|| Box::pin(sleep(LEFT_OVER)));
                    return end.as_mut().poll(context).map(Ok);
                }
            }
            if left_over.bytes > LEFT_OVER_MAX_BYTES {
                return Poll::Ready(Ok(()));
            }
        }
    }
}

impl<T: AsyncWrite + Abort + Unpin> HttpStream<T> {
    /// Whether what hyper writes is its own answer to a head that it could not read: it says something, though all answers
    /// have been written and no request has come since.
    fn answers_unread_head(&mut self, bytes: &[u8]) -> bool {
        let is_own = self.is_drained && self.heads.is_awaited.load(Ordering::Relaxed);
        self.unread_head.is_begun() || (is_own && self.unread_head.begin(bytes))
    }

    /// Writes the contract's answer, and then says that hyper's has been written.
    fn poll_unread_head(
        &mut self,
        context: &mut Context<'_>,
        bytes_of_hyper: usize,
    ) -> Poll<io::Result<usize>> {
        while !self.unread_head.rest().is_empty() {
            let written = Pin::new(&mut self.io).poll_write(context, self.unread_head.rest());
            match ready!(self.written(context, written))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                bytes => self.unread_head.advance(bytes),
            }
        }
        Poll::Ready(Ok(bytes_of_hyper))
    }
}

/// Of the head that is awaited nothing has come.
const NO_BYTE: u64 = u64::MAX;

/// When the head that is awaited began.
#[derive(Debug)]
pub(super) struct HeadClock {
    epoch: Instant,
    /// In microseconds after the epoch, or [`NO_BYTE`].
    first_byte_at: AtomicU64,
    /// No request has come since hyper began to wait for one.
    is_awaited: AtomicBool,
}

impl HeadClock {
    /// The head was one, and its request is being answered.
    pub(super) fn taken(&self) {
        self.is_awaited.store(false, Ordering::Relaxed);
    }

    /// Something has come.
    fn heard(&self) {
        // The stream and the timer are of one task: nobody writes in between.
        if self.first_byte_at.load(Ordering::Relaxed) == NO_BYTE {
            self.first_byte_at.store(self.epoch.elapsed().as_micros() as u64, Ordering::Relaxed);
        }
    }

    fn first_byte_at(&self) -> Option<Instant> {
        match self.first_byte_at.load(Ordering::Relaxed) {
            NO_BYTE => None,
            micros => Some(self.epoch + Duration::from_micros(micros)),
        }
    }
}

/// The timer that hyper asks each time that it begins to wait for a head. Its own deadline would run from the end of the
/// last answer, and so close connections that are idle; this one tells an idle connection from a slow head.
#[derive(Debug)]
pub(super) struct HeadTimer {
    times: HttpTimes,
    heads: Arc<HeadClock>,
    is_first: AtomicBool,
}

impl HeadTimer {
    fn wait(&self) -> HeadWait {
        self.heads.first_byte_at.store(NO_BYTE, Ordering::Relaxed);
        self.heads.is_awaited.store(true, Ordering::Relaxed);
        let idle = if self.is_first.swap(false, Ordering::Relaxed) {
            self.times.head
        } else {
            self.times.keep_alive
        };
        let idle_end = Instant::now() + idle;
        HeadWait {
            heads: Arc::clone(&self.heads),
            head: self.times.head,
            idle_end,
            end: Box::pin(sleep_until(idle_end)),
        }
    }
}

impl Timer for HeadTimer {
    fn sleep(&self, _: Duration) -> Pin<Box<dyn HyperSleep>> {
        Box::pin(self.wait())
    }

    fn sleep_until(&self, _: std::time::Instant) -> Pin<Box<dyn HyperSleep>> {
        Box::pin(self.wait())
    }

    fn now(&self) -> std::time::Instant {
        Instant::now().into_std()
    }
}

/// The wait for one head.
struct HeadWait {
    heads: Arc<HeadClock>,
    head: Duration,
    idle_end: Instant,
    end: Pin<Box<Sleep>>,
}

impl HyperSleep for HeadWait {}

impl Future for HeadWait {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        // hyper asks after each read, so that the first byte is noticed when it comes.
        let end = self.heads.first_byte_at().map_or(self.idle_end, |first_byte| first_byte + self.head);
        if self.end.deadline() != end {
            self.end.as_mut().reset(end);
        }
        self.end.as_mut().poll(context)
    }
}
