//! The session against a scripted server: the test plays the gateway, line by line.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use madang_domain::{Code, Cursor, Epoch, RoomId, Seq};
use serde_json::{Value, json};
use tokio::{
    net::{TcpListener, TcpStream},
    time::{Instant, timeout},
};
use tokio_tungstenite::{
    WebSocketStream, accept_hdr_async,
    tungstenite::{
        Message,
        handshake::server::{Request, Response},
        http::HeaderValue,
        protocol::CloseFrame,
    },
};

use super::{Fault, SendError, Session, SessionEvent, SessionEvents, SessionOptions, SubscribeError};
use crate::{Backoff, socket::Credential};

/// What any one step of a test may take.
const STEP: Duration = Duration::from_secs(5);
const ROOM: &str = "01941f29-7c00-7000-8000-0000000000ab";
const USER: &str = "01941f29-7c00-7000-8000-0000000000ac";

struct Server {
    listener: TcpListener,
}

struct Peer {
    stream: WebSocketStream<TcpStream>,
}

impl Server {
    async fn new() -> Self {
        Self { listener: TcpListener::bind("127.0.0.1:0").await.unwrap() }
    }

    fn base(&self) -> String {
        format!("http://{}", self.listener.local_addr().unwrap())
    }

    /// The next connection, greeted.
    async fn greet(&self) -> Peer {
        let mut peer = self.accept().await;
        peer.say(json!({
            "type": "hello", "session": USER, "user": {"id": USER, "name": "mina", "avatar_url": null},
            "heartbeat_ms": 30_000,
            "limits": {"frame_bytes": 65_536, "text_chars": 4_000, "subscribe_rooms": 100, "replay_events": 500},
        }))
        .await;
        peer
    }

    async fn accept(&self) -> Peer {
        let (stream, _) = timeout(STEP, self.listener.accept()).await.expect("a connection").unwrap();
        #[expect(clippy::result_large_err, reason = "the signature is tungstenite's")]
        let choose = |_: &Request, mut response: Response| {
            let headers = response.headers_mut();
            headers.insert("sec-websocket-protocol", HeaderValue::from_static("madang.v1.json"));
            Ok(response)
        };
        Peer { stream: accept_hdr_async(stream, choose).await.unwrap() }
    }
}

impl Peer {
    async fn say(&mut self, frame: Value) {
        self.stream.send(Message::text(frame.to_string())).await.unwrap();
    }

    /// The next frame of the client, which is to be of that type.
    async fn hear(&mut self, kind: &str) -> Value {
        let message = timeout(STEP, self.stream.next()).await.expect(kind).expect(kind).expect(kind);
        let frame: Value = serde_json::from_str(message.to_text().unwrap()).unwrap();
        assert_eq!(frame["type"], kind, "{frame}");
        frame
    }

    async fn close(mut self, code: u16) {
        let frame = CloseFrame { code: code.into(), reason: "".into() };
        self.stream.close(Some(frame)).await.unwrap();
        // The client's own close, or its end of the connection.
        while timeout(STEP, self.stream.next()).await.expect("the client's close").is_some_and(|m| m.is_ok())
        {
        }
    }

    /// Answers a `subscribe`; returns its `since`.
    async fn open_room(&mut self, from: u64, complete: bool) -> Value {
        let frame = self.hear("subscribe").await;
        self.answer_open(&frame, from, complete).await;
        frame["rooms"][0].clone()
    }

    async fn answer_open(&mut self, frame: &Value, from: u64, complete: bool) {
        self.say(json!({
            "type": "subscribed", "re": frame["id"], "rooms": [{
                "room": ROOM, "epoch": "00000001", "head": from, "from": from, "complete": complete,
                "members": 2, "role": "member", "read": 0,
            }],
        }))
        .await;
    }

    async fn event(&mut self, seq: u64) {
        self.say(event(seq)).await;
    }

    async fn acknowledge(&mut self, send: &Value, seq: u64, duplicate: bool) {
        self.say(json!({
            "type": "ack", "re": send["id"], "room": ROOM, "key": send["key"], "id": seq.to_string(),
            "seq": seq, "at": "2026-01-01T00:00:00.000Z", "duplicate": duplicate,
        }))
        .await;
    }
}

fn event(seq: u64) -> Value {
    json!({
        "type": "event", "room": ROOM, "seq": seq, "at": "2026-01-01T00:00:00.000Z", "kind": "message",
        "message": {
            "id": seq.to_string(), "sender": {"id": USER, "name": "mina", "avatar_url": null},
            "text": format!("text {seq}"), "key": format!("key {seq}"), "reply_to": null, "mentions": [],
            "attachments": [],
        },
    })
}

fn room() -> RoomId {
    ROOM.parse().unwrap()
}

fn options() -> SessionOptions {
    SessionOptions {
        backoff: Backoff::full_jitter(Duration::from_millis(5), Duration::from_millis(50)),
        seed: Some(1),
        ..SessionOptions::default()
    }
}

fn start(server: &Server, options: SessionOptions) -> (Session, SessionEvents) {
    Session::start(vec![server.base()], Credential::Bearer("token".to_owned()), options)
}

/// Subscribes in a task of its own, since the test plays the server meanwhile.
fn subscribe(session: &Session, since: u64) -> tokio::task::JoinHandle<Result<Cursor, SubscribeError>> {
    let session = session.clone();
    let since = Cursor { seq: Seq::new(since), epoch: Some(Epoch::new(1)) };
    tokio::spawn(async move { session.subscribe(room(), Some(since)).await })
}

async fn next(events: &mut SessionEvents) -> Result<SessionEvent, Fault> {
    events.next_within(STEP).await.map(|event| event.expect("an event of the session"))
}

/// The places of the next events, whatever else comes between them.
async fn seqs(events: &mut SessionEvents, count: usize) -> Vec<u64> {
    let mut seqs = Vec::new();
    while seqs.len() < count {
        if let SessionEvent::Event(event) = next(events).await.unwrap() {
            seqs.push(event.seq.get());
        }
    }
    seqs
}

#[tokio::test]
async fn a_cut_session_resumes_from_its_cursor() {
    let server = Server::new().await;
    let (session, mut events) = start(&server, options());
    let mut peer = server.greet().await;
    let subscribed = subscribe(&session, 0);
    peer.open_room(0, true).await;
    subscribed.await.unwrap().unwrap();
    peer.event(1).await;
    peer.event(2).await;
    assert_eq!(seqs(&mut events, 2).await, [1, 2]);
    drop(peer);

    let mut peer = server.greet().await;
    let asked = peer.open_room(2, true).await;
    assert_eq!((&asked["since"], &asked["epoch"]), (&json!(2), &json!("00000001")));
    peer.event(3).await;
    assert_eq!(seqs(&mut events, 1).await, [3]);
    assert_eq!(session.cursor(room()).await.unwrap().seq, Seq::new(3));
}

#[tokio::test]
async fn what_was_not_acknowledged_is_sent_again_with_the_same_key() {
    let server = Server::new().await;
    let (session, _events) = start(&server, options());
    let mut peer = server.greet().await;
    let sender = session.clone();
    let sent = tokio::spawn(async move { sender.send(room(), "hello").await });
    let first = peer.hear("send").await;
    drop(peer);

    let mut peer = server.greet().await;
    let again = peer.hear("send").await;
    assert_eq!((&first["key"], &first["text"]), (&again["key"], &again["text"]));
    peer.acknowledge(&again, 7, true).await;
    let sent = sent.await.unwrap().unwrap();
    assert_eq!((sent.seq, sent.duplicate), (Seq::new(7), true));
}

#[tokio::test]
async fn the_servers_delay_is_obeyed() {
    const AFTER_MS: u64 = 400;
    let server = Server::new().await;
    let (_session, _events) = start(&server, options());
    let mut peer = server.greet().await;
    peer.say(json!({"type": "reconnect", "after_ms": AFTER_MS, "reason": "restart"})).await;
    peer.close(1012).await;
    let closed = Instant::now();
    server.greet().await;
    // The session's own back-off is at most 5 ms here. A little early: the close was read before this end
    // saw its answer.
    assert!(closed.elapsed() >= Duration::from_millis(AFTER_MS - 50), "{:?}", closed.elapsed());
}

#[tokio::test]
async fn a_busy_servers_delay_is_obeyed() {
    const AFTER_MS: u64 = 400;
    let server = Server::new().await;
    let (_session, _events) = start(&server, options());
    let mut peer = server.accept().await;
    peer.say(json!({"type": "reconnect", "after_ms": AFTER_MS, "reason": "busy"})).await;
    peer.close(1012).await;
    let closed = Instant::now();
    server.greet().await;
    assert!(closed.elapsed() >= Duration::from_millis(AFTER_MS - 50), "{:?}", closed.elapsed());
}

#[tokio::test]
async fn a_refused_credential_ends_the_session() {
    for code in [4400, 4401, 4403] {
        let server = Server::new().await;
        let (session, mut events) = start(&server, options());
        server.accept().await.close(code).await;
        let Err(Fault::Ended(reason)) = next(&mut events).await else { panic!("the session goes on") };
        assert!(reason.contains(&code.to_string()), "{reason}");
        assert_eq!(events.next_within(STEP).await, Ok(None));
        assert_eq!(session.send(room(), "hello").await, Err(SendError::Ended));
        assert_eq!(session.subscribe(room(), None).await, Err(SubscribeError::Ended));
    }
}

#[tokio::test]
async fn other_closes_are_retried() {
    let server = Server::new().await;
    let (_session, mut events) = start(&server, options());
    for code in [1000, 1001, 1009, 1012, 4408, 4429, 4508] {
        server.greet().await.close(code).await;
        assert!(matches!(next(&mut events).await, Ok(SessionEvent::Connected(_))));
        let Ok(SessionEvent::Disconnected { close, .. }) = next(&mut events).await else { panic!() };
        assert_eq!(close.code, code);
    }
}

#[tokio::test]
async fn history_is_paged_where_too_much_was_missed() {
    let server = Server::new().await;
    let (session, mut events) = start(&server, options());
    let mut peer = server.greet().await;
    let subscribed = subscribe(&session, 2);
    peer.open_room(5, false).await;
    subscribed.await.unwrap().unwrap();
    let first = peer.hear("history").await;
    assert_eq!(first["after"], 2);
    // Live events go on while the page is on its way.
    peer.event(6).await;
    peer.say(json!({"type": "ok", "re": first["id"], "room": ROOM, "events": [event(3), event(4)]})).await;
    let second = peer.hear("history").await;
    assert_eq!(second["after"], 4);
    peer.say(
        json!({"type": "ok", "re": second["id"], "room": ROOM, "events": [event(5), event(6), event(7)]}),
    )
    .await;
    peer.event(7).await;
    peer.event(8).await;
    assert_eq!(seqs(&mut events, 6).await, [3, 4, 5, 6, 7, 8]);
}

#[tokio::test]
async fn a_gap_is_told_and_healed() {
    let server = Server::new().await;
    let (session, mut events) = start(&server, options());
    let mut peer = server.greet().await;
    let subscribed = subscribe(&session, 0);
    peer.open_room(0, true).await;
    subscribed.await.unwrap().unwrap();
    assert!(matches!(next(&mut events).await, Ok(SessionEvent::Connected(_))));
    peer.event(3).await;
    let gap = Fault::Gap { room: room(), expected: Seq::new(1), got: Seq::new(3) };
    assert_eq!(next(&mut events).await, Err(gap));
    let page = peer.hear("history").await;
    peer.say(json!({"type": "ok", "re": page["id"], "room": ROOM, "events": [event(1), event(2), event(3)]}))
        .await;
    assert_eq!(seqs(&mut events, 3).await, [1, 2, 3]);
    assert!(matches!(next(&mut events).await, Ok(SessionEvent::CaughtUp { .. })));
    peer.event(3).await;
    assert_eq!(
        next(&mut events).await,
        Err(Fault::Repeat { room: room(), last: Seq::new(3), got: Seq::new(3) })
    );
}

#[tokio::test]
async fn a_refusal_that_passes_is_tried_again_and_another_is_not() {
    let server = Server::new().await;
    let (session, _events) = start(&server, options());
    let mut peer = server.greet().await;
    let sender = session.clone();
    let sent = tokio::spawn(async move { sender.send(room(), "hello").await });
    let first = peer.hear("send").await;
    let refused = Instant::now();
    let refusal = |id: &Value, code| json!({"type": "error", "re": id, "code": code, "message": "no", "retry_after_ms": 100});
    peer.say(refusal(&first["id"], "rate_limited")).await;
    let second = peer.hear("send").await;
    assert!(refused.elapsed() >= Duration::from_millis(100));
    assert_eq!(first["key"], second["key"]);
    peer.say(refusal(&second["id"], "permission_denied")).await;
    let refused = SendError::Refused { code: Code::PermissionDenied, message: "no".to_owned() };
    assert_eq!(sent.await.unwrap(), Err(refused));
}

#[tokio::test]
async fn a_room_that_is_closed_meanwhile_is_told() {
    let server = Server::new().await;
    let (session, mut events) = start(&server, options());
    let mut peer = server.greet().await;
    let subscribed = subscribe(&session, 0);
    peer.open_room(0, true).await;
    subscribed.await.unwrap().unwrap();
    drop(peer);
    let mut peer = server.greet().await;
    let asked = peer.hear("subscribe").await;
    let error = json!({"code": "permission_denied", "message": "not a member"});
    peer.say(json!({"type": "subscribed", "re": asked["id"], "rooms": [{"room": ROOM, "error": error}]}))
        .await;
    loop {
        if let SessionEvent::RoomClosed { room: closed, code, .. } = next(&mut events).await.unwrap() {
            assert_eq!((closed, code), (room(), Code::PermissionDenied));
            break;
        }
    }
    assert_eq!(session.cursor(room()).await, None);
}

#[tokio::test]
async fn rooms_that_are_refused_together_are_asked_for_one_by_one() {
    const OTHER: &str = "01941f29-7c00-7000-8000-0000000000ad";
    let server = Server::new().await;
    let (session, _events) = start(&server, options());
    let other = tokio::spawn({
        let session = session.clone();
        async move { session.subscribe(OTHER.parse().unwrap(), None).await }
    });
    let one = subscribe(&session, 0);
    // Both wait for the connection, and so they are asked for together.
    tokio::task::yield_now().await;
    let mut peer = server.greet().await;
    let together = peer.hear("subscribe").await;
    assert_eq!(together["rooms"].as_array().map(Vec::len), Some(2), "{together}");
    peer.say(json!({"type": "error", "re": together["id"], "code": "permission_denied", "message": "no"}))
        .await;
    for _ in 0..2 {
        let alone = peer.hear("subscribe").await;
        if alone["rooms"][0]["room"] == ROOM {
            peer.answer_open(&alone, 0, true).await;
        } else {
            let error =
                json!({"type": "error", "re": alone["id"], "code": "permission_denied", "message": "no"});
            peer.say(error).await;
        }
    }
    one.await.unwrap().expect("the room that is fine");
    assert!(matches!(
        other.await.unwrap(),
        Err(SubscribeError::Refused { code: Code::PermissionDenied, .. })
    ));
}

#[tokio::test]
async fn a_server_that_does_not_answer_is_left() {
    let server = Server::new().await;
    let (session, _events) =
        start(&server, SessionOptions { answer_deadline: Duration::from_millis(50), ..options() });
    let mut silent = server.greet().await;
    let sender = session.clone();
    let sent = tokio::spawn(async move { sender.send(room(), "hello").await });
    let first = silent.hear("send").await;
    let mut peer = server.greet().await;
    let again = peer.hear("send").await;
    assert_eq!(first["key"], again["key"]);
    peer.acknowledge(&again, 1, false).await;
    sent.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_send_that_takes_too_long_is_unknown() {
    let server = Server::new().await;
    let (session, _events) =
        start(&server, SessionOptions { send_deadline: Duration::from_millis(50), ..options() });
    let _silent = server.greet().await;
    let result = session.send_with_key(room(), "hello", "the key").await;
    assert!(matches!(result, Err(SendError::Unknown { key }) if key.as_str() == "the key"));
}

#[tokio::test]
async fn the_next_address_is_tried_where_one_is_dead() {
    let server = Server::new().await;
    let dead = Server::new().await.base();
    let (_session, mut events) =
        Session::start(vec![dead, server.base()], Credential::Bearer("token".to_owned()), options());
    let _peer = server.greet().await;
    assert!(matches!(next(&mut events).await, Ok(SessionEvent::Connected(_))));
}

#[tokio::test]
async fn a_slow_reader_slows_the_server_and_loses_nothing() {
    // Far more than the buffers of a loopback connection, which are a few megabytes.
    const EVENTS_MAX: u64 = 1_000;
    const EVENT_BYTES: usize = 64 * 1024;
    const BLOCKED: Duration = Duration::from_millis(300);
    let server = Server::new().await;
    let (session, mut events) = start(&server, SessionOptions { event_queue: 1, ..options() });
    let mut peer = server.greet().await;
    let subscribed = subscribe(&session, 0);
    peer.open_room(0, true).await;
    // The greeting fills the queue, so nothing more is read from the socket until it is taken.
    assert!(matches!(next(&mut events).await, Ok(SessionEvent::Connected(_))));
    subscribed.await.unwrap().unwrap();

    let mut said = 0;
    let mut blocked = false;
    while !blocked {
        said += 1;
        assert!(said < EVENTS_MAX, "the session reads on though nobody takes its events");
        let mut big = event(said);
        big["message"]["text"] = "x".repeat(EVENT_BYTES).into();
        blocked = timeout(BLOCKED, peer.say(big)).await.is_err();
    }
    // The last one is in the server's own buffer, to be flushed once the reader reads.
    let flushing = tokio::spawn(async move { peer.stream.flush().await.map(|()| peer) });
    assert_eq!(seqs(&mut events, said as usize).await, (1..=said).collect::<Vec<_>>());
    flushing.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_session_says_goodbye() {
    let server = Server::new().await;
    let (session, mut events) = start(&server, options());
    let mut peer = server.greet().await;
    assert!(matches!(next(&mut events).await, Ok(SessionEvent::Connected(_))));
    let closing = tokio::spawn(async move { session.close().await });
    let message = timeout(STEP, peer.stream.next()).await.expect("a close").unwrap().unwrap();
    assert!(message.is_close());
    drop(peer);
    closing.await.unwrap();
    assert_eq!(events.next_within(STEP).await, Ok(None));
}
