//! One WebSocket. A [`FrameReader`] reads frames; queued frames are written unchanged.
//!
//! A server's frames are the same bytes for every socket, so queued frames are already encoded. They go to the stream
//! unchanged, many frames in one `writev`, without a copy into another buffer.
//!
//! Besides the queue, at most two pongs wait: the answer to the last ping (RFC 6455, section 5.5.3), and one that is half
//! written. So a client that pings and does not read costs no more memory than that.

use std::{
    collections::VecDeque,
    io::{self, IoSlice},
    pin::{Pin, pin},
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::{Buf as _, Bytes};
use madang_contract::WireFrame;
use tokio::{
    io::{AsyncReadExt as _, AsyncWrite as _, AsyncWriteExt as _},
    time::{Instant, timeout_at},
};
use tokio_tungstenite::tungstenite::Utf8Bytes;

use super::frames::{Frame, FrameReader};
use crate::{
    client_stream::{Abort as _, ClientStream},
    outbox::Close,
};

/// The most frames in one write.
const WRITE_AT_ONCE_FRAMES: usize = 64;
/// The longest time from the decision to close a socket to the end of its connection, whatever its client does. Within it
/// the queued frames are sent, the running request ends (a call's own deadline is 5 s), and the close frame is sent.
pub(crate) const CLOSE_PATIENCE: Duration = Duration::from_secs(6);

/// Input from the client.
#[derive(Debug)]
pub(crate) enum Incoming {
    /// A text frame.
    Text(Utf8Bytes),
    /// A control frame, which is already answered, or a fragment. It shows that the client is alive.
    Other,
}

/// A WebSocket after its handshake.
pub(crate) struct Socket {
    stream: ClientStream,
    reader: FrameReader,
    /// The bytes of the first queued frame that are already written.
    offset: usize,
    /// The answer to the last ping, if no byte of it is written.
    pong: Option<WireFrame>,
    /// The unwritten rest of a pong.
    pong_rest: Bytes,
}

impl Socket {
    /// Takes over a connection whose handshake is done, and of which the first bytes may have been read.
    /// They are given away: they hold the whole buffer in which the handshake was read.
    #[expect(clippy::needless_pass_by_value, reason = "whoever keeps them keeps the buffer")]
    pub(crate) fn over(stream: impl Into<ClientStream>, first: Bytes, frame_max_bytes: usize) -> Self {
        let reader = FrameReader::new(&first, frame_max_bytes);
        Self { stream: stream.into(), reader, offset: 0, pong: None, pong_rest: Bytes::new() }
    }

    /// The next thing from the client, or why there is none. Cancel safe.
    pub(crate) async fn next(&mut self) -> Result<Incoming, Close> {
        std::future::poll_fn(|context| self.poll_next(context)).await
    }

    /// The next input from the client, or the reason to close. Also writes a waiting pong.
    pub(crate) fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Result<Incoming, Close>> {
        loop {
            match self.reader.next_frame() {
                Ok(Some(frame)) => return Poll::Ready(self.take(frame)),
                Ok(None) => {}
                Err(close) => return Poll::Ready(Err(close)),
            }
            // After all read frames, so that pings that arrive together get one answer.
            if let Poll::Ready(Err(_)) = self.poll_pong(context) {
                return Poll::Ready(Err(Close::Gone));
            }
            // TLS may still hold what was written before.
            if let Poll::Ready(Err(_)) = self.poll_flush(context) {
                return Poll::Ready(Err(Close::Gone));
            }
            let reading = pin!(self.stream.read_buf(self.reader.buffer()));
            match ready!(reading.poll(context)) {
                Ok(0) | Err(_) => return Poll::Ready(Err(Close::Gone)),
                Ok(_) => {}
            }
        }
    }

    fn take(&mut self, frame: Frame) -> Result<Incoming, Close> {
        match frame {
            Frame::Text(text) => Ok(Incoming::Text(text)),
            Frame::Fragment | Frame::Pong => Ok(Incoming::Other),
            Frame::Ping(pong) => {
                // It replaces the answers to earlier pings (RFC 6455, section 5.5.3).
                self.pong = Some(pong);
                Ok(Incoming::Other)
            }
            Frame::Close(code) => Err(Close::ByClient(code)),
        }
    }

    /// Whether a pong waits to be written.
    fn owes_pong(&self) -> bool {
        self.pong.is_some() || !self.pong_rest.is_empty()
    }

    /// Writes the waiting pong, unless a frame is half written.
    fn poll_pong(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.offset > 0 {
            return Poll::Pending;
        }
        loop {
            if self.pong_rest.is_empty() {
                let Some(pong) = self.pong.take() else { return Poll::Ready(Ok(())) };
                self.pong_rest = pong.into_bytes();
            }
            match ready!(Pin::new(&mut self.stream).poll_write(context, &self.pong_rest))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                written => self.pong_rest.advance(written),
            }
        }
    }

    /// Writes queued frames until the queue is empty or the client accepts no more. Removes written frames
    /// from the queue and returns the number of written bytes.
    pub(crate) fn poll_write(
        &mut self,
        context: &mut Context<'_>,
        queue: &mut VecDeque<WireFrame>,
    ) -> Poll<io::Result<usize>> {
        let mut total = 0;
        loop {
            if self.offset == 0 && self.owes_pong() {
                match self.poll_pong(context) {
                    Poll::Ready(Ok(())) => {}
                    Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                    Poll::Pending if total > 0 => break,
                    Poll::Pending => return Poll::Pending,
                }
            }
            let Some(first) = queue.front() else { break };
            let first = &first.bytes()[self.offset..];
            let stream = Pin::new(&mut self.stream);
            let written = if queue.len() == 1 {
                stream.poll_write(context, first)
            } else {
                let mut slices = [IoSlice::new(&[]); WRITE_AT_ONCE_FRAMES];
                let count = queue.len().min(WRITE_AT_ONCE_FRAMES);
                slices[0] = IoSlice::new(first);
                for (slice, frame) in slices[1..count].iter_mut().zip(queue.iter().skip(1)) {
                    *slice = IoSlice::new(frame.bytes());
                }
                stream.poll_write_vectored(context, &slices[..count])
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
        // What is not flushed now is flushed while the session waits for its client.
        if let Poll::Ready(Err(error)) = self.poll_flush(context) {
            return Poll::Ready(Err(error));
        }
        Poll::Ready(Ok(total))
    }

    fn poll_flush(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
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

    /// Sends the rest of `queue` and the close frame, and closes. At `until` it resets the connection, so that the system
    /// frees the bytes that a client does not read.
    pub(crate) async fn close(mut self, close: Close, mut queue: VecDeque<WireFrame>, until: Instant) {
        let Some(last) = close.frame() else {
            // The connection is broken.
            return self.cut();
        };
        // The last ping is answered before the close, behind what is half written.
        if let Some(pong) = self.pong.take() {
            queue.insert(usize::from(self.offset > 0), pong);
        }
        queue.push_back(last);
        let farewell = async {
            while !queue.is_empty() {
                std::future::poll_fn(|context| self.poll_write(context, &mut queue)).await?;
            }
            if matches!(close, Close::ByClient(_)) {
                // The client sends nothing behind its own close, so there is nothing unread.
                return self.stream.flush().await;
            }
            self.stream.shutdown().await?;
            // Unread bytes would make the system reset the connection, and the client might never see the
            // close. So the session reads until the client disconnects.
            let mut rest = [0; 1_024];
            while self.stream.read(&mut rest).await? > 0 {}
            io::Result::Ok(())
        };
        if timeout_at(until, farewell).await.is_err() {
            self.cut();
        }
    }

    /// Resets the connection, so that the system frees its buffers.
    fn cut(self) {
        self.stream.abort();
    }
}

#[cfg(test)]
mod tests;
