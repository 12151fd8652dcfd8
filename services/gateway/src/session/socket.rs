//! One WebSocket: frames are read by a [`FrameReader`], and written as they are.
//!
//! A server's frames are the same bytes for every socket, so what is queued here is framed already: it goes
//! to the TCP stream as it is, many frames in one `writev`, with no copy into another buffer.
//!
//! Beside the queue one pong may wait, the answer to the last ping (RFC 6455, section 5.5.3), and one that is half written:
//! a client that pings and reads nothing makes nothing grow.

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
    net::TcpStream,
    time::{Instant, timeout_at},
};
use tokio_tungstenite::tungstenite::Utf8Bytes;

use super::frames::{Frame, FrameReader};
use crate::outbox::Close;

/// The frames that leave in one write.
const WRITE_AT_ONCE_FRAMES: usize = 64;
/// How long it takes, at most, from the decision to close a socket to the end of its connection, whatever its client does. In
/// it goes what was queued, the request under way ends (a call's own deadline is 5 s), and the client is told why.
pub(crate) const CLOSE_PATIENCE: Duration = Duration::from_secs(6);

/// Input from the client.
#[derive(Debug)]
pub(crate) enum Incoming {
    /// A text frame.
    Text(Utf8Bytes),
    /// A control frame, already answered, or a part of a message: the client lives.
    Other,
}

/// A WebSocket after its handshake.
pub(crate) struct Socket {
    tcp: TcpStream,
    reader: FrameReader,
    /// How much of the first queued frame has been written.
    offset: usize,
    /// The answer to the last ping, of which nothing has been written.
    pong: Option<WireFrame>,
    /// What is left of a pong of which some has been written.
    pong_rest: Bytes,
}

impl Socket {
    /// A socket over a connection, whose first bytes may have come already.
    pub(crate) fn over(tcp: TcpStream, first: &[u8], frame_max_bytes: usize) -> Self {
        let reader = FrameReader::new(first, frame_max_bytes);
        Self { tcp, reader, offset: 0, pong: None, pong_rest: Bytes::new() }
    }

    /// The next thing from the client, or why there is none. Cancel safe.
    pub(crate) async fn next(&mut self) -> Result<Incoming, Close> {
        std::future::poll_fn(|context| self.poll_next(context)).await
    }

    /// The next thing from the client, or why there is none. Meanwhile a pong that waits is written.
    pub(crate) fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Result<Incoming, Close>> {
        loop {
            match self.reader.next_frame() {
                Ok(Some(frame)) => return Poll::Ready(self.take(frame)),
                Ok(None) => {}
                Err(close) => return Poll::Ready(Err(close)),
            }
            // Only now, so that many pings that came together are answered once.
            if let Poll::Ready(Err(_)) = self.poll_pong(context) {
                return Poll::Ready(Err(Close::Gone));
            }
            let reading = pin!(self.tcp.read_buf(self.reader.buffer()));
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
                // The last one stands for those before it.
                self.pong = Some(pong);
                Ok(Incoming::Other)
            }
            Frame::Close(code) => Err(Close::ByClient(code)),
        }
    }

    /// Whether something waits to be written that is not queued.
    fn owes_pong(&self) -> bool {
        self.pong.is_some() || !self.pong_rest.is_empty()
    }

    /// Writes the pong that waits, where no frame is half written.
    fn poll_pong(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.offset > 0 {
            return Poll::Pending;
        }
        loop {
            if self.pong_rest.is_empty() {
                let Some(pong) = self.pong.take() else { return Poll::Ready(Ok(())) };
                self.pong_rest = pong.into_bytes();
            }
            match ready!(Pin::new(&mut self.tcp).poll_write(context, &self.pong_rest))? {
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
            let tcp = Pin::new(&mut self.tcp);
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

    /// Says why and closes; what of `queue` is left goes out first. At the end of the patience the connection is cut,
    /// with what the system still holds for a client that does not read.
    pub(crate) async fn close(mut self, close: Close, mut queue: VecDeque<WireFrame>, until: Instant) {
        let Some(last) = close.frame() else {
            // Nobody reads any more.
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
            self.tcp.shutdown().await?;
            // Bytes that nobody read would make the system reset the connection, and the client might never
            // see the close: read on until the client hangs up.
            let mut rest = [0; 1_024];
            while self.tcp.read(&mut rest).await? > 0 {}
            io::Result::Ok(())
        };
        if timeout_at(until, farewell).await.is_err() {
            self.cut();
        }
    }

    /// Ends the connection by a reset: the system keeps nothing of it.
    fn cut(self) {
        // Where the system refuses this, it ends the connection by itself, later.
        let _ = self.tcp.set_zero_linger();
    }
}

#[cfg(test)]
mod tests;
