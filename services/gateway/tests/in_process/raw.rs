//! A client without a library: it sends what well-made ones do not, and reads when it is told to.

use std::{net::SocketAddr, time::Duration};

use madang_contract::rest;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::{TcpSocket, TcpStream},
    time::timeout,
};

use crate::support::{PATIENCE, within};

/// The masking key of what this client sends: zeros leave a payload as it is, and are a key like any other.
const MASK: [u8; 4] = [0; 4];

/// The answer to an HTTP request.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// The names in lower case.
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The problem that the answer has to be.
    pub(crate) fn problem(&self) -> rest::Problem<'static> {
        let said = String::from_utf8_lossy(&self.body);
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{}: {said}", self.status);
        let problem: rest::Problem<'static> = serde_json::from_slice(&self.body).expect(&said);
        assert_eq!(problem.status, self.status, "{said}");
        problem
    }
}

/// Sends bytes that should be a request, and reads the answer.
pub(crate) async fn ask(address: SocketAddr, request: &[u8]) -> Answer {
    let mut stream = TcpStream::connect(address).await.unwrap();
    // A server that has heard enough may hang up before the end.
    drop(stream.write_all(request).await);
    let (head, mut body) = within(PATIENCE, "an answer's head", head(&mut stream)).await;
    let mut lines = head.lines();
    let status = lines.next().and_then(|line| line.split(' ').nth(1)).and_then(|status| status.parse().ok());
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let mut answer = Answer { status: status.expect("a status"), headers, body: Vec::new() };
    let length: usize = answer.header("content-length").map_or(0, |length| length.parse().unwrap());
    if !request.starts_with(b"HEAD ") {
        within(PATIENCE, "an answer's body", async {
            while body.len() < length {
                assert!(stream.read_buf(&mut body).await.unwrap() > 0, "closed within {head}");
            }
        })
        .await;
        answer.body = body;
    }
    answer
}

/// The head of an answer, and what came behind it.
async fn head(stream: &mut (impl AsyncRead + Unpin)) -> (String, Vec<u8>) {
    const END: &[u8] = b"\r\n\r\n";
    let mut read = Vec::new();
    loop {
        if let Some(at) = read.windows(END.len()).position(|window| window == END) {
            let rest = read.split_off(at + END.len());
            return (String::from_utf8_lossy(&read).into_owned(), rest);
        }
        let more = stream.read_buf(&mut read).await.expect("an answer");
        assert!(more > 0, "closed before the answer's head: {}", String::from_utf8_lossy(&read));
    }
}

/// What ended a socket.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// A close with its code; 1005 where it has none.
    Close(u16),
    /// The connection has ended without one.
    Cut,
    /// Nothing, in time.
    None,
}

/// A WebSocket whose handshake is done.
pub(crate) struct RawSocket<T = TcpStream> {
    pub(crate) stream: T,
    /// What came and was not yet looked at.
    read: Vec<u8>,
}

impl RawSocket {
    /// Opens a socket, with a system buffer of so many bytes for what is not read.
    pub(crate) async fn open(
        address: SocketAddr,
        path: &str,
        token: Option<&str>,
        receive_buffer_bytes: u32,
    ) -> Self {
        Self::over(connect(address, receive_buffer_bytes).await, address, path, token).await
    }
}

/// Connects with a system buffer of so many bytes for what is not read.
pub(crate) async fn connect(address: SocketAddr, receive_buffer_bytes: u32) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    // Before the connection, or the window that the kernel offers first is a larger one.
    socket.set_recv_buffer_size(receive_buffer_bytes).unwrap();
    socket.connect(address).await.unwrap()
}

impl<T: AsyncRead + AsyncWrite + Unpin> RawSocket<T> {
    /// Opens a socket over a connection.
    pub(crate) async fn over(mut stream: T, address: SocketAddr, path: &str, token: Option<&str>) -> Self {
        let credential = token.map(|token| format!("Authorization: Bearer {token}\r\n")).unwrap_or_default();
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: {address}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n{credential}\r\n"
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let (head, read) = within(PATIENCE, "the handshake's answer", head(&mut stream)).await;
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        Self { stream, read }
    }

    /// Sends bytes as they are. A server that has hung up is no error: what it said is read.
    pub(crate) async fn send(&mut self, bytes: &[u8]) {
        drop(timeout(PATIENCE, self.stream.write_all(bytes)).await.expect("the server reads"));
    }

    /// Reads up to the close, or the end of the connection.
    pub(crate) async fn end(&mut self, patience: Duration) -> End {
        let reading = async {
            loop {
                while let Some((opcode, payload)) = self.take_frame() {
                    if opcode == 0x88 {
                        return End::Close(payload.first_chunk().copied().map_or(1005, u16::from_be_bytes));
                    }
                }
                match self.stream.read_buf(&mut self.read).await {
                    Ok(0) | Err(_) => return End::Cut,
                    Ok(_) => {}
                }
            }
        };
        timeout(patience, reading).await.unwrap_or(End::None)
    }

    /// Reads until a text has come that holds this one.
    pub(crate) async fn until_text(&mut self, part: &str) -> String {
        within(PATIENCE, part, async {
            loop {
                while let Some((opcode, payload)) = self.take_frame() {
                    let text = String::from_utf8_lossy(&payload).into_owned();
                    assert_ne!(opcode, 0x88, "closed where {part} was due: {text}");
                    if opcode == 0x81 && text.contains(part) {
                        return text;
                    }
                }
                let read = self.stream.read_buf(&mut self.read).await.unwrap();
                assert!(read > 0, "the connection ended where {part} was due");
            }
        })
        .await
    }

    /// Takes a frame that is whole: its first byte and what it carries.
    fn take_frame(&mut self) -> Option<(u8, Vec<u8>)> {
        let (&first, &length) = (self.read.first()?, self.read.get(1)?);
        let (start, length) = match length {
            127 => (10, u64::from_be_bytes(*self.read.get(2..)?.first_chunk()?) as usize),
            126 => (4, usize::from(u16::from_be_bytes(*self.read.get(2..)?.first_chunk()?))),
            short => (2, usize::from(short)),
        };
        let payload = self.read.get(start..start + length)?.to_vec();
        self.read.drain(..start + length);
        Some((first, payload))
    }
}

/// A masked frame.
pub(crate) fn frame(first_byte: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![first_byte];
    match u16::try_from(payload.len()) {
        Ok(short @ 0..=125) => frame.push(0x80 | short as u8),
        Ok(medium) => {
            frame.push(0x80 | 126);
            frame.extend(medium.to_be_bytes());
        }
        Err(_) => {
            frame.push(0x80 | 127);
            frame.extend((payload.len() as u64).to_be_bytes());
        }
    }
    frame.extend(MASK);
    frame.extend(payload);
    frame
}
