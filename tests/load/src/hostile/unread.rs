//! Attacks by sockets that ask for much and read none of it.

use std::{io, sync::Arc, time::Duration};

use tokio::{
    io::AsyncWriteExt as _,
    net::TcpStream,
    sync::watch,
    task::JoinSet,
    time::{interval, sleep},
};

use super::{
    aim::{Aim, Counts, connect_narrow},
    keep::keep,
    requests::Session,
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

/// Opens sockets for which much waits, signs their user out, and counts the connections that end by that. What is held at
/// the end was never closed. Once only: sign-ins have a rate.
pub(super) async fn unread_closes(aim: &Arc<Aim>, counts: &Arc<Counts>) -> io::Result<()> {
    let session = Session::begin(aim).await?;
    let mut sockets = JoinSet::new();
    let (signed_out, _) = watch::channel(false);
    for number in 0..CLOSED_SOCKETS {
        let (gateway, counts, mut end) = (aim.gateway(number), Arc::clone(counts), signed_out.subscribe());
        let opening = opening(&gateway.to_string(), &session.access_token, &aim.archive);
        sockets.spawn(async move {
            let mut stream = connect_narrow(gateway).await?;
            let _held = counts.hold();
            stream.write_all(&opening).await?;
            end.wait_for(|signed_out| *signed_out).await.map_err(io::Error::other)?;
            // Nothing is read, so that only what is said tells that nobody is there any more.
            let mut ping = Vec::new();
            write_client_frame(Opcode::Ping, &[], MASK, &mut ping);
            let mut knocks = interval(KNOCK_EVERY);
            while stream.write_all(&ping).await.is_ok() {
                knocks.tick().await;
            }
            counts.done();
            io::Result::Ok(())
        });
    }
    sleep(FILLING).await;
    session.end().await?;
    signed_out.send_replace(true);
    while let Some(closed) = sockets.join_next().await {
        closed.map_err(io::Error::other)??;
    }
    // All have ended: there is nothing more to do until the attack is over.
    std::future::pending().await
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
