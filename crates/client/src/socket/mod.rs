//! One WebSocket, from its handshake to its close.

mod credential;
mod error;
mod incoming;

use std::{collections::VecDeque, time::Duration};

use futures_util::{SinkExt, StreamExt};
use madang_contract::{ClientFrame, Hello, Request, RequestId, ServerFrame};
use tokio::{net::TcpStream, time::Instant};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async_with_config,
    tungstenite::{
        Error as WireError, Message,
        protocol::{
            WebSocketConfig,
            frame::{
                Frame,
                coding::{Data, OpCode},
            },
        },
    },
};

pub use credential::{ConnectOptions, Credential};
pub use error::{Close, SocketError, close_code};
pub use incoming::{Body, InboxNotice, Incoming, NoticeOf, RoomEvent};

/// Read and write buffers: a client's frames are small, and a tool may hold thousands of sockets.
const BUFFER_BYTES: usize = 4 * 1024;
/// The largest frame that is accepted of a server: a page of 200 events of 4,000 four-byte characters.
const SERVER_FRAME_MAX_BYTES: usize = 8 << 20;
/// How long a frame may take to be handed to the system before the connection counts as dead.
const WRITE_DEADLINE: Duration = Duration::from_secs(10);
/// How long a server may take to answer a close.
const CLOSE_DEADLINE: Duration = Duration::from_secs(2);
/// Frames that may wait while [`Socket::call`] looks for its answer; past it the call fails.
const WAITING_MAX_FRAMES: usize = 4_096;

/// One WebSocket. Dropping it cuts the connection without a close frame, as a lost network does;
/// [`Socket::close`] says goodbye.
#[derive(Debug)]
pub struct Socket {
    stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
    /// What arrived while a call waited for something else.
    waiting: VecDeque<Incoming>,
    requests: u64,
}

impl Socket {
    /// Shakes hands with the server at `base` (an `http` address; `/v1/ws` is added) and presents the
    /// credential. A bad credential completes the handshake: the refusal is the close that comes instead
    /// of `hello`.
    ///
    /// # Errors
    /// [`SocketError::Refused`] where the server answers with another status;
    /// [`SocketError::Deadline`], [`SocketError::Transport`] where it does not answer.
    pub async fn connect(
        base: &str,
        credential: &Credential,
        options: &ConnectOptions,
    ) -> Result<Self, SocketError> {
        let request = credential::handshake(base, credential, options)?;
        let config = WebSocketConfig::default()
            .read_buffer_size(BUFFER_BYTES)
            .write_buffer_size(BUFFER_BYTES)
            .max_frame_size(Some(SERVER_FRAME_MAX_BYTES))
            .max_message_size(Some(SERVER_FRAME_MAX_BYTES));
        // On the heap, since that of TLS is large.
        let handshake = Box::pin(connect_async_with_config(request, Some(config), true));
        let (stream, _) = tokio::time::timeout(options.deadline, handshake)
            .await
            .map_err(|_| SocketError::deadline("the handshake's answer", options.deadline))??;
        let mut socket = Self { stream, waiting: VecDeque::new(), requests: 0 };
        if let Credential::FirstFrame(token) = credential {
            socket.send_request(&Request { id: None, frame: ClientFrame::auth(token) }).await?;
        }
        Ok(socket)
    }

    /// [`Socket::connect`], and waits for the server's `hello`.
    ///
    /// # Errors
    /// As [`Socket::connect`]; [`SocketError::Closed`] where the credential is refused, [`SocketError::Deferred`] where
    /// too many clients come at once.
    pub async fn open(
        base: &str,
        credential: &Credential,
        options: &ConnectOptions,
    ) -> Result<(Self, Hello<'static>), SocketError> {
        let mut socket = Self::connect(base, credential, options).await?;
        match socket.next_frame(options.deadline).await? {
            Incoming::Frame(ServerFrame::Hello(hello)) => Ok((socket, hello)),
            Incoming::Frame(ServerFrame::Reconnect(reconnect)) => {
                Err(SocketError::Deferred { after: Duration::from_millis(reconnect.after_ms) })
            }
            other => Err(SocketError::Unexpected(format!("{other:?} where `hello` belongs"))),
        }
    }

    /// Sends a frame under an id of the socket's choice, which is returned.
    ///
    /// # Errors
    /// [`SocketError::Closed`], [`SocketError::Transport`], [`SocketError::Deadline`].
    pub async fn send_frame(&mut self, frame: ClientFrame) -> Result<RequestId, SocketError> {
        self.requests += 1;
        let id = RequestId::new(self.requests.to_string());
        self.send_request(&Request { id: Some(id.clone()), frame }).await?;
        Ok(id)
    }

    /// Sends a frame with an id of the caller's choice, or with none.
    ///
    /// # Errors
    /// As [`Socket::send_frame`].
    pub async fn send_request(&mut self, request: &Request) -> Result<(), SocketError> {
        let text = request.to_json().map_err(|error| SocketError::Unexpected(error.to_string()))?;
        self.send_text(text).await
    }

    /// Sends any text.
    ///
    /// # Errors
    /// As [`Socket::send_frame`].
    pub async fn send_text(&mut self, text: impl Into<String>) -> Result<(), SocketError> {
        self.write(Message::text(text.into())).await
    }

    /// Sends a binary message.
    ///
    /// # Errors
    /// As [`Socket::send_frame`].
    pub async fn send_binary(&mut self, bytes: Vec<u8>) -> Result<(), SocketError> {
        self.write(Message::binary(bytes)).await
    }

    /// Sends bytes as a text message, whether or not they are UTF-8.
    ///
    /// # Errors
    /// As [`Socket::send_frame`].
    pub async fn send_text_bytes(&mut self, bytes: Vec<u8>) -> Result<(), SocketError> {
        self.write(Message::Frame(Frame::message(bytes, OpCode::Data(Data::Text), true))).await
    }

    /// The next frame: what arrived while a call waited, first.
    ///
    /// # Errors
    /// [`SocketError::Closed`] where the server closed or the connection broke (code 1006);
    /// [`SocketError::Deadline`] where nothing came in time;
    /// [`SocketError::Unexpected`] where what came is no frame.
    pub async fn next_frame(&mut self, within: Duration) -> Result<Incoming, SocketError> {
        match self.waiting.pop_front() {
            Some(frame) => Ok(frame),
            None => self.arrival(Instant::now() + within, "a frame", within).await,
        }
    }

    /// Sends a frame and waits for its answer; other frames that come meanwhile are kept for
    /// [`Socket::next_frame`], in order.
    ///
    /// # Errors
    /// As [`Socket::next_frame`]. A refusal is no error: it is an answer, `error`.
    pub async fn call(&mut self, frame: ClientFrame, within: Duration) -> Result<Incoming, SocketError> {
        let id = self.send_frame(frame).await?;
        self.answer(&id, within).await
    }

    /// Waits for the answer to a request that was sent; as [`Socket::call`].
    ///
    /// # Errors
    /// As [`Socket::call`].
    pub async fn answer(&mut self, id: &RequestId, within: Duration) -> Result<Incoming, SocketError> {
        let place = self.waiting.iter().position(|frame| frame.re() == Some(id));
        if let Some(frame) = place.and_then(|place| self.waiting.remove(place)) {
            return Ok(frame);
        }
        let until = Instant::now() + within;
        loop {
            let frame = self.arrival(until, "the answer to a request", within).await?;
            if frame.re() == Some(id) {
                return Ok(frame);
            }
            if self.waiting.len() == WAITING_MAX_FRAMES {
                return Err(SocketError::Unexpected(format!("{WAITING_MAX_FRAMES} frames and no answer")));
            }
            self.waiting.push_back(frame);
        }
    }

    /// Reads on until the server closes, and says how; frames that come before are dropped.
    ///
    /// # Errors
    /// [`SocketError::Deadline`] where it does not close in time.
    pub async fn closed(&mut self, within: Duration) -> Result<Close, SocketError> {
        self.waiting.clear();
        let until = Instant::now() + within;
        loop {
            match self.arrival(until, "a close", within).await {
                Ok(_) | Err(SocketError::Unexpected(_)) => {}
                Err(SocketError::Closed(close)) => return Ok(close),
                Err(error) => return Err(error),
            }
        }
    }

    /// Says goodbye (1000) and waits a little for the server's answer.
    pub async fn close(mut self) {
        if tokio::time::timeout(WRITE_DEADLINE, self.stream.close(None)).await.is_ok() {
            // The answer is a courtesy; without it the connection ends all the same.
            drop(self.closed(CLOSE_DEADLINE).await);
        }
    }

    /// The next thing on the wire; `None` is a ping or pong, which shows that the peer lives. Safe to drop.
    pub(crate) async fn read(&mut self) -> Result<Option<Incoming>, SocketError> {
        match self.stream.next().await {
            Some(Ok(Message::Text(text))) => Incoming::parse(text.as_str()).map(Some),
            Some(Ok(Message::Close(frame))) => {
                let close = frame.map_or(Close::without_code(), |frame| Close {
                    code: frame.code.into(),
                    reason: frame.reason.to_string(),
                });
                Err(SocketError::Closed(close))
            }
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => Ok(None),
            Some(Ok(Message::Binary(_) | Message::Frame(_))) => {
                Err(SocketError::Unexpected("a binary message on the JSON subprotocol".to_owned()))
            }
            Some(Err(error)) => Err(broken(error)),
            None => Err(SocketError::Closed(Close::abnormal("the stream has ended"))),
        }
    }

    async fn arrival(
        &mut self,
        until: Instant,
        awaited: &'static str,
        within: Duration,
    ) -> Result<Incoming, SocketError> {
        loop {
            let read = tokio::time::timeout_at(until, self.read()).await;
            if let Some(frame) = read.map_err(|_| SocketError::deadline(awaited, within))?? {
                return Ok(frame);
            }
        }
    }

    async fn write(&mut self, message: Message) -> Result<(), SocketError> {
        tokio::time::timeout(WRITE_DEADLINE, self.stream.send(message))
            .await
            .map_err(|_| SocketError::deadline("room to write", WRITE_DEADLINE))?
            .map_err(broken)
    }
}

/// A connection that broke is closed with 1006, as a browser says it (RFC 6455, section 7.1.5).
fn broken(error: WireError) -> SocketError {
    match error {
        WireError::ConnectionClosed
        | WireError::AlreadyClosed
        | WireError::Io(_)
        | WireError::Protocol(
            tokio_tungstenite::tungstenite::error::ProtocolError::ResetWithoutClosingHandshake
            | tokio_tungstenite::tungstenite::error::ProtocolError::SendAfterClosing,
        ) => SocketError::Closed(Close::abnormal(error.to_string())),
        other => SocketError::from(other),
    }
}
