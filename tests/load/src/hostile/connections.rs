//! Attacks on connections and sockets.

use std::{io, sync::Arc};

use futures_util::{SinkExt as _, StreamExt as _};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    task::JoinSet,
    time::sleep,
};
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{Message, client::IntoClientRequest as _, http::HeaderValue},
};

use super::{
    aim::{Aim, Counts, TICKS_PER_SECOND, connect, ticks},
    keep::{AGAIN, keep},
};
use crate::wire::{
    frame::{Opcode, write_client_frame},
    upgrade::{self, AnswerCheck},
};

const UNFINISHED_BODIES: usize = 500;
const PING_SOCKETS: usize = 8;
const PING_BYTES_PER_SECOND: u32 = 2_000_000;
const UNREAD_ANSWERS: usize = 40;
const HANDSHAKES_PER_SECOND: u32 = 1_000;
/// The connections of one attack that may be open at a time: below the files that this process may open.
const CONNECTIONS_MAX: usize = 4_000;
const FRAMES_PER_SECOND: u32 = 2_000;
const PING_PAYLOAD: [u8; 125] = [b'x'; 125];
const ROOMS_PER_FRAME: u32 = 20;

/// Keeps connections that announce a body and never send it.
pub(super) async fn unfinished_bodies(aim: &Arc<Aim>, counts: &Arc<Counts>) -> io::Result<()> {
    keep(UNFINISHED_BODIES, connect, aim, counts, |mut stream, host, counts| async move {
        let head = format!(
            "POST /v1/auth/login HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).await?;
        counts.done();
        // Until the server has had enough.
        while stream.read(&mut [0; 1_024]).await? > 0 {}
        Ok(())
    })
    .await
}

/// Keeps sockets that ping and read nothing.
pub(super) async fn unread_pongs(aim: &Arc<Aim>, counts: &Arc<Counts>) -> io::Result<()> {
    let token = Arc::clone(&aim.token);
    keep(PING_SOCKETS, connect, aim, counts, move |mut stream, host, counts| {
        let request = upgrade::request(&host, &token);
        async move {
            stream.write_all(&request).await?;
            let mut pings = Vec::new();
            let mut ticks = ticks();
            loop {
                ticks.tick().await;
                pings.clear();
                while pings.len() < (PING_BYTES_PER_SECOND / TICKS_PER_SECOND) as usize {
                    write_client_frame(Opcode::Ping, &PING_PAYLOAD, *b"mask", &mut pings);
                    counts.done();
                }
                stream.write_all(&pings).await?;
            }
        }
    })
    .await
}

/// Keeps connections that ask for large answers and read nothing.
pub(super) async fn unread_answers(aim: &Arc<Aim>, counts: &Arc<Counts>) -> io::Result<()> {
    keep(UNREAD_ANSWERS, connect, aim, counts, |mut stream, host, counts| async move {
        let request = format!("GET /v1/openapi.json HTTP/1.1\r\nHost: {host}\r\n\r\n");
        loop {
            stream.write_all(request.as_bytes()).await?;
            counts.done();
            sleep(AGAIN).await;
        }
    })
    .await
}

/// Opens sockets that never say who they are.
pub(super) async fn handshakes(aim: &Arc<Aim>, counts: &Arc<Counts>) -> io::Result<()> {
    let check = Arc::new(AnswerCheck::default());
    let mut open = JoinSet::new();
    let mut ticks = ticks();
    let mut number = 0;
    loop {
        ticks.tick().await;
        while open.try_join_next().is_some() {}
        for _ in 0..HANDSHAKES_PER_SECOND / TICKS_PER_SECOND {
            if open.len() >= CONNECTIONS_MAX {
                break;
            }
            number += 1;
            let (gateway, check, counts) = (aim.gateway(number), Arc::clone(&check), Arc::clone(counts));
            open.spawn(async move {
                let anonymous = async {
                    let mut stream = connect(gateway).await?;
                    let request = upgrade::request(&gateway.to_string(), "");
                    let request = String::from_utf8_lossy(&request).replace("Authorization: Bearer \r\n", "");
                    stream.write_all(request.as_bytes()).await?;
                    let mut head = Vec::new();
                    while check.head_bytes(&head).map_err(io::Error::other)?.is_none() {
                        if stream.read_buf(&mut head).await? == 0 {
                            return Err(io::ErrorKind::UnexpectedEof.into());
                        }
                    }
                    let _held = counts.hold();
                    counts.done();
                    while stream.read(&mut [0; 1_024]).await? > 0 {}
                    io::Result::Ok(())
                };
                if anonymous.await.is_err() {
                    counts.refused();
                }
            });
        }
    }
}

/// Subscribes to rooms that do not exist.
pub(super) async fn unknown_rooms(aim: &Arc<Aim>, counts: &Arc<Counts>) -> io::Result<()> {
    let mut number = 0_u64;
    frames(aim, counts, FRAMES_PER_SECOND / ROOMS_PER_FRAME, move || {
        let rooms = (0..ROOMS_PER_FRAME).map(|_| {
            number += 1;
            format!(r#"{{"room":"00000000-0000-7000-9000-{number:012x}"}}"#)
        });
        let rooms = rooms.collect::<Vec<_>>().join(",");
        format!(r#"{{"type":"subscribe","id":"{number}","rooms":[{rooms}]}}"#)
    })
    .await
}

/// Tells of typing in a room of the load.
pub(super) async fn typing(aim: &Arc<Aim>, counts: &Arc<Counts>) -> io::Result<()> {
    let room = Arc::clone(&aim.room);
    let mut on = false;
    frames(aim, counts, FRAMES_PER_SECOND, move || {
        on = !on;
        format!(r#"{{"type":"typing","id":"t","room":"{room}","on":{on}}}"#)
    })
    .await
}

/// Sends frames on one socket of the attacker's, which is opened again whenever it is closed, and counts refusals.
async fn frames(
    aim: &Arc<Aim>,
    counts: &Arc<Counts>,
    per_second: u32,
    mut frame: impl FnMut() -> String,
) -> io::Result<()> {
    loop {
        let Ok(socket) = open(aim).await else {
            sleep(AGAIN).await;
            continue;
        };
        let _held = counts.hold();
        let (mut sink, mut stream) = socket.split();
        let mut ticks = ticks();
        let sending = async {
            let mut due = 0;
            loop {
                ticks.tick().await;
                due += per_second;
                while due >= TICKS_PER_SECOND {
                    due -= TICKS_PER_SECOND;
                    sink.feed(Message::text(frame())).await?;
                    counts.done();
                }
                sink.flush().await?;
            }
        };
        let receiving = async {
            while let Some(Ok(message)) = stream.next().await {
                if message.to_text().is_ok_and(|text| text.contains("\"error\"")) {
                    counts.refused();
                }
            }
        };
        let sent: Result<(), tokio_tungstenite::tungstenite::Error> = tokio::select! {
            sent = sending => sent,
            () = receiving => Ok(()),
        };
        // Closed by the server, in either direction: again.
        drop(sent);
        sleep(AGAIN).await;
    }
}

async fn open(aim: &Aim) -> io::Result<WebSocketStream<TcpStream>> {
    let gateway = aim.gateway(0);
    let stream = connect(gateway).await?;
    let url = format!("ws://{gateway}{}", upgrade::PATH);
    let mut request = url.into_client_request().map_err(io::Error::other)?;
    let bearer = HeaderValue::from_str(&format!("Bearer {}", aim.token)).map_err(io::Error::other)?;
    request.headers_mut().insert("authorization", bearer);
    request.headers_mut().insert("sec-websocket-protocol", HeaderValue::from_static(upgrade::SUBPROTOCOL));
    let (socket, _) = client_async(request, stream).await.map_err(io::Error::other)?;
    Ok(socket)
}
