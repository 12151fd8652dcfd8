//! One client of `madang.v1.json`: connects, authenticates, subscribes to one room, receives.

use std::{
    io::{self, ErrorKind, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
};

use rustix::net::{AddressFamily, SocketFlags, SocketType, sockopt};

use super::poller::Ready;
use crate::{
    measure::sequence::SequenceCheck,
    wire::{
        frame::{FrameError, Opcode, Writer, close_code, close_payload, write_client_frame},
        scan::{Scanner, ServerFrame},
        splitter::Splitter,
        upgrade::{self, AnswerCheck, UpgradeError},
    },
};

/// One read takes what a socket has, up to this; the buffer is shared by all of them.
const SCRATCH_BYTES: usize = 64 * 1024;
/// A client that cannot send because its server does not read gives up beyond this.
const UNSENT_MAX_BYTES: usize = 256 * 1024;
/// "Done": what a client closes with, and the server's answer.
pub(super) const CLOSE_NORMAL: u16 = 1000;

/// What all sockets of a thread share.
pub(super) struct Shared {
    scratch: Box<[u8]>,
    scanner: Scanner,
    answers: AnswerCheck,
    masks: Masks,
}

impl Default for Shared {
    fn default() -> Self {
        Self {
            scratch: vec![0; SCRATCH_BYTES].into_boxed_slice(),
            scanner: Scanner::default(),
            answers: AnswerCheck::default(),
            masks: Masks(0x9e37_79b9),
        }
    }
}

/// Masks for client frames. RFC 6455 wants them unpredictable, to protect proxies from hostile pages; a load
/// generator needs only that they differ, so that the server's unmasking is exercised (xorshift32).
struct Masks(u32);

impl Masks {
    fn next(&mut self) -> [u8; 4] {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        self.0.to_ne_bytes()
    }
}

/// What a socket tells its owner.
pub(super) enum Signal<'a> {
    /// It is subscribed and caught up to `head`.
    Live { head: u64 },
    /// An event came; `fresh` when for the first time.
    Event { scheduled_us: Option<u64>, fresh: bool },
    /// A send was committed at `seq`.
    Ack { re: u64, seq: u64 },
    /// A request was refused.
    Refused { code: &'a str },
}

/// Why a socket is over.
#[derive(Debug, thiserror::Error)]
pub enum Ended {
    /// The server sent a close frame.
    #[error("closed by the server with {0}")]
    ByPeer(u16),
    /// The server closed without one.
    #[error("closed by the server without a close frame")]
    EndOfStream,
    /// The connection failed.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// The handshake failed.
    #[error("{0}")]
    Upgrade(#[from] UpgradeError),
    /// The stream is not WebSocket.
    #[error("not a server's frame: {0}")]
    Frame(#[from] FrameError),
    /// The server does not read what it is sent.
    #[error("the server has left {UNSENT_MAX_BYTES} bytes unread")]
    Unread,
}

enum Stage {
    /// The answer to the upgrade request, as far as it came.
    Upgrading(Vec<u8>),
    /// Waits for `hello`; then the subscription is sent.
    Greeting,
    /// Waits for `caught_up`.
    Subscribing,
    Live(SequenceCheck),
    /// Has sent its close frame.
    Closing,
}

/// A client's connection.
pub(super) struct Socket {
    stream: TcpStream,
    stage: Stage,
    splitter: Splitter,
    unsent: Vec<u8>,
}

impl Socket {
    /// Begins to connect; the upgrade request leaves when the connection stands.
    pub(super) fn connect(server: SocketAddr, token: &str) -> io::Result<Self> {
        let family = if server.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
        let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
        let socket = rustix::net::socket_with(family, SocketType::STREAM, flags, None)?;
        sockopt::set_tcp_nodelay(&socket, true)?;
        match rustix::net::connect(&socket, &server) {
            Ok(()) | Err(rustix::io::Errno::INPROGRESS) => {}
            Err(error) => return Err(error.into()),
        }
        Ok(Self {
            stream: TcpStream::from(socket),
            stage: Stage::Upgrading(Vec::new()),
            splitter: Splitter::default(),
            unsent: upgrade::request(&server.to_string(), token),
        })
    }

    pub(super) const fn stream(&self) -> &TcpStream {
        &self.stream
    }

    /// What this socket saw of its room's log; none before it is live.
    pub(super) const fn sequence(&self) -> Option<&SequenceCheck> {
        match &self.stage {
            Stage::Live(sequence) => Some(sequence),
            _ => None,
        }
    }

    pub(super) const fn is_closing(&self) -> bool {
        matches!(self.stage, Stage::Closing)
    }

    /// Sends a text frame, or as much of it as the connection takes now; the rest follows.
    pub(super) fn send(&mut self, text: &[u8], shared: &mut Shared) -> Result<(), Ended> {
        write_client_frame(Opcode::Text, text, shared.masks.next(), &mut self.unsent);
        self.flush()
    }

    /// Says good-bye. The server answers with a close frame and closes the connection.
    pub(super) fn begin_close(&mut self, shared: &mut Shared) -> Result<(), Ended> {
        let payload = close_payload(CLOSE_NORMAL);
        write_client_frame(Opcode::Close, &payload, shared.masks.next(), &mut self.unsent);
        self.stage = Stage::Closing;
        self.flush()
    }

    /// Writes and reads what can be. `room` is what the socket subscribes to when it is greeted.
    pub(super) fn on_ready(
        &mut self,
        ready: Ready,
        room: &str,
        shared: &mut Shared,
        on_signal: &mut impl FnMut(Signal<'_>),
    ) -> Result<(), Ended> {
        self.flush()?;
        loop {
            match self.stream.read(&mut shared.scratch) {
                Ok(0) => return Err(Ended::EndOfStream),
                Ok(read_bytes) => {
                    self.receive(read_bytes, room, shared, on_signal)?;
                    // A read that did not fill the buffer has emptied the socket (epoll(7), question 9), which
                    // saves a second call for each delivery; the end of the stream must be read for itself.
                    if read_bytes < shared.scratch.len() && !ready.closing {
                        break;
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
        self.flush()
    }

    fn receive(
        &mut self,
        read_bytes: usize,
        room: &str,
        shared: &mut Shared,
        on_signal: &mut impl FnMut(Signal<'_>),
    ) -> Result<(), Ended> {
        let mut upgraded;
        let read = match &mut self.stage {
            Stage::Upgrading(head) => {
                head.extend_from_slice(&shared.scratch[..read_bytes]);
                let Some(head_bytes) = shared.answers.head_bytes(head)? else { return Ok(()) };
                upgraded = head.split_off(head_bytes);
                self.stage = Stage::Greeting;
                upgraded.as_mut_slice()
            }
            _ => &mut shared.scratch[..read_bytes],
        };
        let Self { stage, splitter, unsent, .. } = self;
        let (scanner, masks) = (&shared.scanner, &mut shared.masks);
        let mut closed = None;
        splitter.feed(read, Writer::Server, |opcode, payload| match opcode {
            Opcode::Text => {
                let frame = scanner.scan(payload);
                if let Some(answer) = advance(stage, frame, room, on_signal) {
                    write_client_frame(Opcode::Text, answer.as_bytes(), masks.next(), unsent);
                }
            }
            Opcode::Ping => write_client_frame(Opcode::Pong, payload, masks.next(), unsent),
            Opcode::Close => closed = Some(close_code(payload)),
            Opcode::Binary | Opcode::Pong => {}
        })?;
        closed.map_or(Ok(()), |code| Err(Ended::ByPeer(code)))
    }

    fn flush(&mut self) -> Result<(), Ended> {
        let mut sent = 0;
        while sent < self.unsent.len() {
            match self.stream.write(&self.unsent[sent..]) {
                Ok(written) => sent += written,
                // Also what a connection says that does not stand yet. Its readiness will be reported.
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
        if sent == self.unsent.len() {
            // Nothing is kept: thousands of idle sockets have no buffer.
            if sent > 0 {
                self.unsent = Vec::new();
            }
        } else {
            self.unsent.drain(..sent);
        }
        if self.unsent.len() > UNSENT_MAX_BYTES { Err(Ended::Unread) } else { Ok(()) }
    }
}

/// Takes a socket from greeting to live by the server's frames, and returns what is to be answered.
fn advance(
    stage: &mut Stage,
    frame: ServerFrame<'_>,
    room: &str,
    on_signal: &mut impl FnMut(Signal<'_>),
) -> Option<String> {
    match (&mut *stage, frame) {
        (Stage::Live(sequence), ServerFrame::Event { seq, scheduled_us }) => {
            let fresh = sequence.observe(seq);
            on_signal(Signal::Event { scheduled_us, fresh });
        }
        (_, ServerFrame::Ack { re, seq }) => on_signal(Signal::Ack { re, seq }),
        (_, ServerFrame::Error { code, .. }) => on_signal(Signal::Refused { code }),
        (Stage::Greeting, ServerFrame::Hello) => {
            *stage = Stage::Subscribing;
            return Some(subscribe_frame(room));
        }
        (Stage::Subscribing, ServerFrame::CaughtUp { seq }) => {
            *stage = Stage::Live(SequenceCheck::after(seq));
            on_signal(Signal::Live { head: seq });
        }
        // Before `caught_up` there is nothing to receive; after the close nothing counts.
        (
            _,
            ServerFrame::Event { .. }
            | ServerFrame::Hello
            | ServerFrame::CaughtUp { .. }
            | ServerFrame::Other,
        ) => {}
    }
    None
}

fn subscribe_frame(room: &str) -> String {
    format!(r#"{{"type":"subscribe","id":"s","rooms":[{{"room":"{room}"}}]}}"#)
}
