//! One WebSocket: frames are read by the protocol library and written past it.
//!
//! A server's frames are the same bytes for every socket, so what is queued here is framed already: it goes
//! to the TCP stream as it is, many frames in one `writev`, with no copy into a buffer of the library's.
//! The library reads, and writes the control frames. The two take turns at whole frames only: while a frame
//! of ours is half written the library is not polled, and what the library has begun is flushed before ours.

use std::{
    collections::VecDeque,
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use futures_util::{Sink as _, SinkExt as _, Stream as _};
use madang_contract::WireFrame;
use tokio::{
    io::{AsyncReadExt as _, AsyncWrite as _, AsyncWriteExt as _},
    net::TcpStream,
};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        self, Message, Utf8Bytes,
        protocol::{CloseFrame, Role, WebSocketConfig, frame::coding::CloseCode},
    },
};

use crate::outbox::Close;

/// What is read at once. Chat frames are short; a socket that sends long ones takes more reads, and an idle
/// one holds no more than this.
const READ_BUFFER_BYTES: usize = 512;
/// The frames that leave in one write.
const WRITE_AT_ONCE_FRAMES: usize = 64;
/// How long a close may take before the connection is dropped.
const CLOSE_PATIENCE: Duration = Duration::from_secs(1);

/// What came from the client.
#[derive(Debug)]
pub(crate) enum Incoming {
    /// A text frame.
    Text(Utf8Bytes),
    /// A control frame, already answered: the client lives.
    Control,
}

/// A WebSocket after its handshake.
pub(crate) struct Socket {
    stream: WebSocketStream<TcpStream>,
    /// How much of the first queued frame has been written.
    offset: usize,
    /// The library may have something to write.
    control: bool,
    /// The library has nothing buffered: until the stream has more, it need not be asked.
    drained: bool,
}

impl Socket {
    /// Takes over a connection whose handshake is done, and of which the first bytes may have been read.
    pub(crate) async fn new(tcp: TcpStream, first: &[u8], frame_max_bytes: usize) -> Self {
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BUFFER_BYTES)
            .write_buffer_size(0)
            .max_message_size(Some(frame_max_bytes))
            .max_frame_size(Some(frame_max_bytes));
        let stream =
            WebSocketStream::from_partially_read(tcp, first.to_vec(), Role::Server, Some(config)).await;
        Self { stream, offset: 0, control: false, drained: false }
    }

    /// Whether the library may be polled: not while a frame of ours is half written.
    pub(crate) fn may_read(&self) -> bool {
        self.offset == 0
    }

    /// The next thing from the client, or why there is none. Cancel safe.
    pub(crate) async fn next(&mut self) -> Result<Incoming, Close> {
        std::future::poll_fn(|context| self.poll_next(context)).await
    }

    /// The next thing from the client, or why there is none.
    pub(crate) fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Result<Incoming, Close>> {
        // A session is mostly woken to write. Asking the stream costs a fraction of asking the library.
        if self.drained && !self.control && self.stream.get_ref().poll_read_ready(context).is_pending() {
            return Poll::Pending;
        }
        let polled = Pin::new(&mut self.stream).poll_next(context);
        self.drained = polled.is_pending();
        Poll::Ready(match ready!(polled) {
            Some(Ok(Message::Text(text))) => Ok(Incoming::Text(text)),
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => {
                self.control = true;
                Ok(Incoming::Control)
            }
            Some(Ok(Message::Close(_))) | None => Err(Close::Gone),
            Some(Ok(Message::Binary(_) | Message::Frame(_))) => Err(Close::Malformed),
            Some(Err(tungstenite::Error::Capacity(_))) => Err(Close::FrameTooLarge),
            Some(Err(tungstenite::Error::Utf8(_) | tungstenite::Error::Protocol(_))) => Err(Close::Malformed),
            Some(Err(_)) => Err(Close::Gone),
        })
    }

    /// Writes what is queued until it is gone or the client takes no more; answers how many bytes left, and
    /// takes written frames off the queue.
    pub(crate) fn poll_write(
        &mut self,
        context: &mut Context<'_>,
        queue: &mut VecDeque<WireFrame>,
    ) -> Poll<io::Result<usize>> {
        if self.control && self.offset == 0 {
            ready!(Pin::new(&mut self.stream).poll_flush(context)).map_err(io::Error::other)?;
            self.control = false;
        }
        let mut total = 0;
        while let Some(first) = queue.front() {
            let first = &first.bytes()[self.offset..];
            let tcp = Pin::new(self.stream.get_mut());
            let written = if queue.len() == 1 {
                tcp.poll_write(context, first)
            } else {
                let mut slices = [IoSlice::new(&[]); WRITE_AT_ONCE_FRAMES];
                let count = queue.len().min(WRITE_AT_ONCE_FRAMES);
                slices[0] = IoSlice::new(first);
                for (slice, frame) in slices[1..count].iter_mut().zip(queue.iter().skip(1)) {
                    *slice = IoSlice::new(frame.bytes());
                }
                tcp.poll_write_vectored(context, &slices[..count])
            };
            match written {
                Poll::Ready(Ok(0)) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Poll::Ready(Ok(written)) => {
                    total += written;
                    self.advance(queue, written);
                }
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending if total > 0 => break,
                Poll::Pending => return Poll::Pending,
            }
        }
        Poll::Ready(Ok(total))
    }

    fn advance(&mut self, queue: &mut VecDeque<WireFrame>, written: usize) {
        self.offset += written;
        while let Some(first) = queue.front()
            && self.offset >= first.len()
        {
            self.offset -= first.len();
            queue.pop_front();
        }
    }

    /// Says why and closes, within a deadline. What of `queue` is left goes out first.
    pub(crate) async fn close(mut self, close: Close, mut queue: VecDeque<WireFrame>) {
        let Some((code, reason)) = close.code_and_reason() else {
            // The library answers the client's own close.
            let _ = tokio::time::timeout(CLOSE_PATIENCE, self.stream.flush()).await;
            return;
        };
        // Within the deadline or not, the connection is dropped after it.
        let _ = tokio::time::timeout(CLOSE_PATIENCE, async move {
            while !queue.is_empty() {
                std::future::poll_fn(|context| self.poll_write(context, &mut queue)).await?;
            }
            let frame = CloseFrame { code: CloseCode::from(code), reason: Utf8Bytes::from_static(reason) };
            self.stream.send(Message::Close(Some(frame))).await.map_err(io::Error::other)?;
            let tcp = self.stream.get_mut();
            tcp.shutdown().await?;
            // Bytes that nobody read would make the system reset the connection, and the client might never
            // see the close: read on until the client hangs up.
            let mut rest = [0; 1_024];
            while tcp.read(&mut rest).await? > 0 {}
            io::Result::Ok(())
        })
        .await;
    }
}
