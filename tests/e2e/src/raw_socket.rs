//! A client that does what well-made ones do not: it reads only when it is told to, and answers no ping.

use std::{net::SocketAddr, time::Duration};

use serde_json::Value;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpSocket, TcpStream},
    time::timeout_at,
};

use crate::PATIENCE;

/// The masking key of what this client sends: zeros leave a text as it is, and are a key like any other.
const MASK: [u8; 4] = [0; 4];
/// The first byte of a text frame that is whole.
const TEXT: u8 = 0x81;
const CLOSE: u8 = 0x88;
const PING: u8 = 0x89;
/// The bit of the second byte that says that a frame is masked.
const MASKED: u8 = 0x80;
/// Instead of a length: it stands in the next two bytes, or in the next eight.
const LENGTH_IN_TWO_BYTES: u8 = 126;
const LENGTH_IN_EIGHT_BYTES: u8 = 127;

/// A WebSocket without a library. What it has not read waits in the system's buffers and in the gateway.
#[derive(Debug)]
pub struct RawSocket {
    stream: TcpStream,
    /// What was read and is not yet a whole frame.
    read: Vec<u8>,
}

/// What came from the server.
#[derive(Debug, Clone, PartialEq)]
pub enum Received {
    /// A text frame.
    Text(Value),
    /// A ping, which is not answered.
    Ping,
    /// A close with its code.
    Close(u16),
    /// The end of the connection, with or without a close before it.
    End,
    /// Nothing in time.
    Nothing,
}

impl RawSocket {
    /// Opens a socket at a gateway, with a system buffer of so many bytes for what it has not read.
    ///
    /// # Panics
    /// When the handshake is not granted.
    pub async fn open(gateway: SocketAddr, token: &str, receive_buffer_bytes: u32) -> Self {
        let socket = TcpSocket::new_v4().expect("a socket");
        // Before the connection, or the window that the kernel offers first is a larger one.
        socket.set_recv_buffer_size(receive_buffer_bytes).expect("a receive buffer");
        let stream = socket.connect(gateway).await.expect("a connection");
        let mut opened = Self { stream, read: Vec::new() };
        let request = format!(
            "GET /v1/ws HTTP/1.1\r\nHost: {gateway}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\
             Sec-WebSocket-Protocol: madang.v1.json\r\nAuthorization: Bearer {token}\r\n\r\n"
        );
        opened.stream.write_all(request.as_bytes()).await.expect("a request");
        let head = tokio::time::timeout(PATIENCE, opened.head()).await.expect("the handshake's answer");
        assert!(head.starts_with("HTTP/1.1 101 "), "the handshake was not granted: {head}");
        opened
    }

    /// Sends a text frame.
    ///
    /// # Panics
    /// When the connection is broken, or the text is longer than any here.
    pub async fn send(&mut self, text: &str) {
        let length = u16::try_from(text.len()).expect("a text of at most 64 KiB");
        let mut frame = vec![TEXT];
        match u8::try_from(text.len()) {
            Ok(short) if short < LENGTH_IN_TWO_BYTES => frame.push(MASKED | short),
            _ => {
                frame.push(MASKED | LENGTH_IN_TWO_BYTES);
                frame.extend(length.to_be_bytes());
            }
        }
        frame.extend(MASK);
        frame.extend(text.as_bytes());
        self.stream.write_all(&frame).await.expect("a frame can be sent");
    }

    /// Reads until a frame is whole, the connection ends or the time is over.
    ///
    /// # Panics
    /// When a text comes that is no JSON.
    pub async fn next(&mut self, deadline: Duration) -> Received {
        let until = tokio::time::Instant::now() + deadline;
        loop {
            if let Some((first, payload)) = self.take_frame() {
                match first {
                    TEXT => return Received::Text(serde_json::from_slice(&payload).expect("JSON")),
                    PING => return Received::Ping,
                    CLOSE => {
                        let code = payload.first_chunk().copied().map_or(1005, u16::from_be_bytes);
                        return Received::Close(code);
                    }
                    _ => {}
                }
            } else {
                match timeout_at(until, self.stream.read_buf(&mut self.read)).await {
                    Err(_) => return Received::Nothing,
                    Ok(Ok(0) | Err(_)) => return Received::End,
                    Ok(Ok(_)) => {}
                }
            }
        }
    }

    /// Reads until a frame of a type has come; what comes before it is passed over.
    ///
    /// # Panics
    /// When it does not come in time.
    pub async fn until_type(&mut self, kind: &str) -> Value {
        let until = tokio::time::Instant::now() + PATIENCE;
        loop {
            match self.next(until.saturating_duration_since(tokio::time::Instant::now())).await {
                Received::Text(frame) if frame["type"] == kind => return frame,
                Received::Text(_) | Received::Ping => {}
                other => panic!("`{kind}` was due, and {other:?} came"),
            }
        }
    }

    /// The head of an HTTP answer; what follows it is kept.
    async fn head(&mut self) -> String {
        const END: &[u8] = b"\r\n\r\n";
        loop {
            if let Some(at) = self.read.windows(END.len()).position(|window| window == END) {
                let rest = self.read.split_off(at + END.len());
                let head = std::mem::replace(&mut self.read, rest);
                return String::from_utf8_lossy(&head).into_owned();
            }
            let read = self.stream.read_buf(&mut self.read).await.expect("an answer");
            assert!(read > 0, "closed in the handshake: {}", String::from_utf8_lossy(&self.read));
        }
    }

    /// Takes a frame that is whole: its first byte and what it carries.
    fn take_frame(&mut self) -> Option<(u8, Vec<u8>)> {
        let (&first, &length) = (self.read.first()?, self.read.get(1)?);
        let (start, length) = match length {
            LENGTH_IN_EIGHT_BYTES => {
                let bytes = self.read.get(2..)?.first_chunk().copied()?;
                (10, usize::try_from(u64::from_be_bytes(bytes)).ok()?)
            }
            LENGTH_IN_TWO_BYTES => {
                (4, usize::from(u16::from_be_bytes(self.read.get(2..)?.first_chunk().copied()?)))
            }
            short => (2, usize::from(short)),
        };
        let payload = self.read.get(start..start + length)?.to_vec();
        self.read.drain(..start + length);
        Some((first, payload))
    }
}
