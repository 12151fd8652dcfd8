//! A client of the bare server.

use std::{
    cell::RefCell,
    future::poll_fn,
    io::{self, ErrorKind},
    sync::Arc,
    task::Poll,
};

use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    sync::mpsc,
};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::room::{Room, Rooms};
use crate::wire::{
    frame::{Opcode, Writer, close_payload, write_server_frame},
    splitter::Splitter,
    upgrade::{HEAD_MAX_BYTES, SUBPROTOCOL},
};

const SCRATCH_BYTES: usize = 16 * 1024;
const HELLO: &str = r#"{"type":"hello","session":"bare","heartbeat_ms":30000}"#;
const CLOSE_TOO_SLOW: u16 = 4508;

thread_local! {
    /// Idle clients have no buffer to read into: each worker has one for all of them.
    static SCRATCH: RefCell<Vec<u8>> = RefCell::new(vec![0; SCRATCH_BYTES]);
}

/// What a session does next.
enum Turn {
    Deliver(Bytes),
    /// The room has dropped this member.
    Dropped,
    Read,
}

/// A client's frame, as far as a bare server cares. Not an enum tagged by `type`: such a one is buffered before it
/// is understood, and the text could not be passed on as it is.
#[derive(Deserialize)]
struct ClientFrame<'a> {
    r#type: &'a str,
    id: &'a str,
    #[serde(default, borrow)]
    rooms: Vec<Wanted<'a>>,
    #[serde(default)]
    key: &'a str,
    #[serde(borrow)]
    text: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Wanted<'a> {
    room: &'a str,
}

/// What a client said that a bare server cannot serve.
fn malformed(what: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, what)
}

pub(super) async fn run(mut stream: TcpStream, rooms: &Rooms) -> io::Result<()> {
    upgrade(&mut stream).await?;
    let mut greeting = Vec::new();
    write_server_frame(Opcode::Text, HELLO.as_bytes(), &mut greeting);
    stream.write_all(&greeting).await?;
    drop(greeting);

    let mut splitter = Splitter::default();
    let mut seat: Option<Seat> = None;
    loop {
        match next_turn(&stream, seat.as_mut().map(|seat| &mut seat.deliveries)).await? {
            Turn::Deliver(frame) => stream.write_all(&frame).await?,
            Turn::Dropped => return close(&mut stream, &close_payload(CLOSE_TOO_SLOW)).await,
            Turn::Read => {
                let mut answers = Vec::new();
                let going_on = read(&stream, &mut splitter, &mut seat, rooms, &mut answers)?;
                if !answers.is_empty() {
                    stream.write_all(&answers).await?;
                }
                if !going_on {
                    return stream.shutdown().await;
                }
            }
        }
    }
}

/// A client's place in its room.
struct Seat {
    name: Box<str>,
    room: Arc<Room>,
    deliveries: mpsc::Receiver<Bytes>,
}

/// Waits for a delivery or for something to read, deliveries first. Polling by hand keeps the idle task small
/// and takes neither lock nor list node for a readiness that is seldom.
async fn next_turn(
    stream: &TcpStream,
    mut deliveries: Option<&mut mpsc::Receiver<Bytes>>,
) -> io::Result<Turn> {
    poll_fn(|context| {
        if let Some(deliveries) = &mut deliveries
            && let Poll::Ready(frame) = deliveries.poll_recv(context)
        {
            return Poll::Ready(Ok(frame.map_or(Turn::Dropped, Turn::Deliver)));
        }
        stream.poll_read_ready(context).map_ok(|()| Turn::Read)
    })
    .await
}

/// Reads and serves what there is; false when the client is done.
fn read(
    stream: &TcpStream,
    splitter: &mut Splitter,
    seat: &mut Option<Seat>,
    rooms: &Rooms,
    answers: &mut Vec<u8>,
) -> io::Result<bool> {
    SCRATCH.with_borrow_mut(|scratch| {
        let read_bytes = match stream.try_read(scratch) {
            Ok(0) => return Ok(false),
            Ok(read_bytes) => read_bytes,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(true),
            Err(error) => return Err(error),
        };
        let mut outcome = Ok(true);
        splitter
            .feed(&mut scratch[..read_bytes], Writer::Client, |opcode, payload| match opcode {
                Opcode::Text => {
                    if let Err(error) = serve(payload, seat, rooms, answers) {
                        outcome = Err(error);
                    }
                }
                Opcode::Ping => write_server_frame(Opcode::Pong, payload, answers),
                Opcode::Close => {
                    write_server_frame(Opcode::Close, payload, answers);
                    outcome = Ok(false);
                }
                Opcode::Binary | Opcode::Pong => {}
            })
            .map_err(malformed)?;
        outcome
    })
}

fn serve(payload: &[u8], seat: &mut Option<Seat>, rooms: &Rooms, answers: &mut Vec<u8>) -> io::Result<()> {
    let frame: ClientFrame<'_> = serde_json::from_slice(payload)?;
    match (frame.r#type, frame.rooms.as_slice(), frame.text, seat.as_ref()) {
        ("subscribe", [Wanted { room: name }], ..) => {
            let room = rooms.get(name);
            let (head, deliveries) = room.join();
            *seat = Some(Seat { name: (*name).into(), room, deliveries });
            let answer = format!(r#"{{"type":"caught_up","room":"{name}","seq":{head}}}"#);
            write_server_frame(Opcode::Text, answer.as_bytes(), answers);
        }
        ("send", [], Some(text), Some(Seat { name, room, .. })) => {
            let ClientFrame { id, key, .. } = frame;
            let seq = room.publish(|seq| event(name, seq, key, text.get()));
            let answer = format!(r#"{{"type":"ack","re":"{id}","room":"{name}","key":"{key}","seq":{seq}}}"#);
            write_server_frame(Opcode::Text, answer.as_bytes(), answers);
        }
        _ => return Err(malformed("neither a subscription to one room nor a message to it")),
    }
    Ok(())
}

/// An event of the size that the contract gives it, framed once for all who receive it.
fn event(room: &str, seq: u64, key: &str, text: &str) -> Bytes {
    let event = format!(
        r#"{{"type":"event","room":"{room}","seq":{seq},"at":"2026-01-01T00:00:00.000000Z","kind":"message","message":{{"id":"{room}:{seq}","sender":{{"id":"00000000-0000-7000-8000-000000000000","name":"bare","avatar_url":null}},"text":{text},"key":"{key}","reply_to":null,"mentions":[],"attachments":[]}}}}"#
    );
    let mut frame = Vec::new();
    write_server_frame(Opcode::Text, event.as_bytes(), &mut frame);
    frame.into()
}

async fn close(stream: &mut TcpStream, payload: &[u8]) -> io::Result<()> {
    let mut frame = Vec::new();
    write_server_frame(Opcode::Close, payload, &mut frame);
    stream.write_all(&frame).await?;
    stream.shutdown().await
}

/// Reads the request's head and answers it.
async fn upgrade(stream: &mut TcpStream) -> io::Result<()> {
    let mut head = Vec::with_capacity(1_024);
    while !head.ends_with(b"\r\n\r\n") {
        if stream.read_buf(&mut head).await? == 0 || head.len() > HEAD_MAX_BYTES {
            return Err(malformed("no upgrade request"));
        }
    }
    let head = String::from_utf8(head).map_err(malformed)?;
    let key = head
        .split("\r\n")
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("sec-websocket-key"))
        .ok_or_else(|| malformed("no Sec-WebSocket-Key"))?
        .1;
    let accept = derive_accept_key(key.trim().as_bytes());
    let answer = format!(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Accept: {accept}\r\nSec-WebSocket-Protocol: {SUBPROTOCOL}\r\n\r\n"
    );
    stream.write_all(answer.as_bytes()).await
}
