//! What a client sends after the handshake. The first byte of an input says in which parts the rest comes.

use std::io::{self, Cursor, Read, Write};

use madang_contract::{CONTROL_PAYLOAD_MAX_BYTES, WireFrame, close::CLOSE_CODES};
use madang_gateway::fuzzing::{Said, web_socket_frames};
use tokio_tungstenite::tungstenite::{
    Message,
    protocol::{Role, WebSocketConfig, WebSocketContext},
};

use super::choice;

/// The largest message: small, so that inputs reach it.
const MESSAGE_MAX_BYTES: usize = 300;
/// The bytes that a client adds to each payload at least, and those that a pong adds to its own.
const HEADER_BYTES: usize = 6;
const PONG_HEADER_BYTES: usize = 2;

pub(crate) fn check(input: &[u8]) {
    let (parts, bytes) = choice(input);
    let at_once = web_socket_frames(bytes, &[usize::MAX], MESSAGE_MAX_BYTES);
    let parts = [usize::from(parts >> 4) * 7 + 1, usize::from(parts & 0xf) + 1];
    assert_eq!(web_socket_frames(bytes, &parts, MESSAGE_MAX_BYTES), at_once, "it depends on the parts");
    let (said, closed) = at_once;
    bounded(&said, bytes.len());
    if let Some(code) = closed {
        assert!(CLOSE_CODES.iter().any(|known| known.code == code), "{code} is no code of the contract");
    }
    as_the_library_reads(&said, bytes);
}

fn bounded(said: &[Said], bytes: usize) {
    let mut payloads = 0;
    for said in said {
        payloads += match said {
            Said::Text(text) => {
                assert!(text.len() <= MESSAGE_MAX_BYTES);
                text.len()
            }
            Said::Ping(pong) => {
                assert!(pong.len() <= CONTROL_PAYLOAD_MAX_BYTES + PONG_HEADER_BYTES);
                pong.len() - PONG_HEADER_BYTES
            }
            Said::Fragment | Said::Pong | Said::Close(_) => 0,
        };
    }
    assert!(payloads + HEADER_BYTES * said.len() <= bytes, "more was read than came");
}

/// The protocol library reads the same. It reads on where this gateway refuses, so that its frames may be more.
fn as_the_library_reads(said: &[Said], bytes: &[u8]) {
    let said = said.iter().filter(|said| !matches!(said, Said::Fragment | Said::Close(_)));
    let mut library = Library::new(bytes);
    for said in said {
        assert_eq!(library.next().as_ref(), Some(said));
    }
}

struct Library<'a> {
    context: WebSocketContext,
    stream: Recorded<'a>,
}

impl<'a> Library<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        let config = WebSocketConfig::default()
            .max_message_size(Some(MESSAGE_MAX_BYTES))
            .max_frame_size(Some(MESSAGE_MAX_BYTES));
        Self {
            context: WebSocketContext::new(Role::Server, Some(config)),
            stream: Recorded(Cursor::new(bytes)),
        }
    }
}

impl Iterator for Library<'_> {
    type Item = Said;

    fn next(&mut self) -> Option<Said> {
        match self.context.read(&mut self.stream).ok()? {
            Message::Text(text) => Some(Said::Text(text.as_str().to_owned())),
            Message::Ping(payload) => Some(Said::Ping(WireFrame::pong(&payload).into_bytes())),
            Message::Pong(_) => Some(Said::Pong),
            Message::Binary(_) | Message::Close(_) | Message::Frame(_) => None,
        }
    }
}

/// The bytes of a client for the library, which has nobody to answer.
struct Recorded<'a>(Cursor<&'a [u8]>);

impl Read for Recorded<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.0.read(buffer)? {
            0 => Err(io::ErrorKind::WouldBlock.into()),
            read => Ok(read),
        }
    }
}

impl Write for Recorded<'_> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        Ok(buffer.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
