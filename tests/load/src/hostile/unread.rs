//! Attacks by sockets that ask for much and read none of it.

use std::{io, sync::Arc, time::Duration};

use tokio::{
    io::AsyncWriteExt as _,
    net::TcpStream,
    time::{interval, sleep},
};

use super::{
    aim::{Aim, Counts, connect_narrow},
    keep::keep,
};
use crate::wire::{
    frame::{Opcode, write_client_frame},
    upgrade,
};

const REPLAY_SOCKETS: usize = 20;
const CLOSED_SOCKETS: usize = 40;
/// How often a socket asks for a page of history.
const PAGE_EVERY: Duration = Duration::from_millis(100);
const PAGE_EVENTS: u32 = 200;
/// Until what was asked for waits on the way to the client.
const FILLING: Duration = Duration::from_millis(500);
/// How often a client looks whether its connection is still there.
const KNOCK_EVERY: Duration = Duration::from_millis(200);
/// A text frame without a mask, to which the answer is a close (RFC 6455, section 5.1).
const VIOLATION: [u8; 2] = [0x81, 0];
const MASK: [u8; 4] = *b"mask";

/// Keeps sockets that ask for all of the archive, and for page after page of it.
pub(super) async fn unread_replays(aim: &Arc<Aim>, counts: &Arc<Counts>) -> io::Result<()> {
    let (token, room) = (Arc::clone(&aim.token), Arc::clone(&aim.archive));
    keep(REPLAY_SOCKETS, connect_narrow, aim, counts, move |mut stream, host, counts| {
        let (opening, room) = (opening(&host, &token, &room), Arc::clone(&room));
        async move {
            stream.write_all(&opening).await?;
            counts.done();
            let page = format!(r#"{{"type":"history","id":"h","room":"{room}","limit":{PAGE_EVENTS}}}"#);
            let mut pages = interval(PAGE_EVERY);
            loop {
                pages.tick().await;
                say(&mut stream, &page).await?;
                counts.done();
            }
        }
    })
    .await
}

/// Keeps sockets that are to be closed while what they asked for waits for them, and counts those that are.
pub(super) async fn unread_closes(aim: &Arc<Aim>, counts: &Arc<Counts>) -> io::Result<()> {
    let (token, room) = (Arc::clone(&aim.token), Arc::clone(&aim.archive));
    keep(CLOSED_SOCKETS, connect_narrow, aim, counts, move |mut stream, host, counts| {
        let opening = opening(&host, &token, &room);
        async move {
            stream.write_all(&opening).await?;
            sleep(FILLING).await;
            stream.write_all(&VIOLATION).await?;
            // Nothing is read, so that only what is said tells that nobody is there any more.
            let mut knocks = interval(KNOCK_EVERY);
            loop {
                knocks.tick().await;
                if stream.write_all(&[0]).await.is_err() {
                    counts.done();
                    return Ok(());
                }
            }
        }
    })
    .await
}

/// A handshake, and behind it the subscription to a room from its beginning.
fn opening(host: &str, token: &str, room: &str) -> Vec<u8> {
    let mut opening = upgrade::request(host, token);
    let subscribe = format!(r#"{{"type":"subscribe","id":"s","rooms":[{{"room":"{room}","since":0}}]}}"#);
    write_client_frame(Opcode::Text, subscribe.as_bytes(), MASK, &mut opening);
    opening
}

async fn say(stream: &mut TcpStream, text: &str) -> io::Result<()> {
    let mut frame = Vec::new();
    write_client_frame(Opcode::Text, text.as_bytes(), MASK, &mut frame);
    stream.write_all(&frame).await
}
