//! One WebSocket. The protocol library reads frames; the session writes frames without the library.
//!
//! A server's frames are the same bytes for every socket, so queued frames are already encoded. They go to
//! the TCP stream unchanged, many frames in one `writev`, without a copy into a buffer of the library. The
//! library reads, and writes the control frames. The two writers alternate only between whole frames. While
//! one of our frames is half written, the library is not polled. A frame that the library has started is
//! flushed before ours.

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

/// The bytes of the read buffer. Chat frames are short. A socket with long frames needs more reads, and an
/// idle one holds no more than this.
const READ_BUFFER_BYTES: usize = 512;
/// The most frames in one write.
const WRITE_AT_ONCE_FRAMES: usize = 64;
/// The deadline of a close, after which the connection is dropped.
const CLOSE_PATIENCE: Duration = Duration::from_secs(1);

/// Input from the client.
#[derive(Debug)]
pub(crate) enum Incoming {
    /// A text frame.
    Text(Utf8Bytes),
    /// A control frame, which is already answered. It shows that the client is alive.
    Control,
}

/// A WebSocket after its handshake.
pub(crate) struct Socket {
    stream: WebSocketStream<TcpStream>,
    /// The bytes of the first queued frame that are already written.
    offset: usize,
    /// The library may have something to write.
    control: bool,
    /// The library has nothing buffered. It need not be polled until the stream has more.
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
        // A session mostly wakes to write. Polling the stream costs a fraction of polling the library.
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

    /// Writes queued frames until the queue is empty or the client accepts no more. Removes written frames
    /// from the queue and returns the number of written bytes.
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

    /// Sends the close frame and closes, within a deadline. The rest of `queue` is sent first.
    pub(crate) async fn close(mut self, close: Close, mut queue: VecDeque<WireFrame>) {
        let Some((code, reason)) = close.code_and_reason() else {
            // The library answers the client's own close.
            let _ = tokio::time::timeout(CLOSE_PATIENCE, self.stream.flush()).await;
            return;
        };
        // The connection is dropped in any case, even after the deadline.
        let _ = tokio::time::timeout(CLOSE_PATIENCE, async move {
            while !queue.is_empty() {
                std::future::poll_fn(|context| self.poll_write(context, &mut queue)).await?;
            }
            let frame = CloseFrame { code: CloseCode::from(code), reason: Utf8Bytes::from_static(reason) };
            self.stream.send(Message::Close(Some(frame))).await.map_err(io::Error::other)?;
            let tcp = self.stream.get_mut();
            tcp.shutdown().await?;
            // Unread bytes would make the system reset the connection, and the client might never see the
            // close. So the session reads until the client disconnects.
            let mut rest = [0; 1_024];
            while tcp.read(&mut rest).await? > 0 {}
            io::Result::Ok(())
        })
        .await;
    }
}
