//! What one client may take of a gateway: frames, sockets, rooms, connections, time. Each bound is met and kept, and
//! what is within it passes.

#![expect(clippy::expect_used, clippy::unwrap_used, reason = "a story that cannot go on ends with a message")]

use std::{net::SocketAddr, time::Duration};

use madang_client::{ConnectOptions, Incoming, Socket, SocketError, close_code};
use madang_contract::{ClientFrame, ServerFrame};
use madang_domain::{Code, RoomId};
use madang_e2e::{
    PATIENCE, Person, RawSocket, Received, Stage, Standalone, error_frame, eventually, fast_sends,
    public_room, within,
};
use madang_test_kit::{ClusterOptions, Program};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    sync::OnceCell,
    time::{Instant, timeout},
};

/// The settings of the gateway that all but one of the stories use.
const USER_SOCKETS: usize = 3;
const SOCKET_ROOMS: usize = 5;
const HEARTBEAT: Duration = Duration::from_secs(1);
/// The setting of the other gateway.
const CONNECTIONS: usize = 4;
/// The frames that a socket may send at once, and in a second after that.
const FRAMES_BURST: usize = 300;
const FRAMES_PER_SECOND: f64 = 100.0;
/// How long the head of a request may take.
const HEAD_PATIENCE: Duration = Duration::from_secs(10);
/// What a close may come late by.
const SLACK: Duration = Duration::from_secs(2);
/// More than anybody leaves unread here.
const RECEIVE_BUFFER_BYTES: u32 = 64 * 1024;

/// A cluster, and two gateways with narrow bounds.
struct Place {
    _stage: Stage,
    bounded: Standalone,
    few_connections: Standalone,
}

async fn place() -> &'static Place {
    static PLACE: OnceCell<Place> = OnceCell::const_new();
    PLACE
        .get_or_init(async || {
            let options =
                ClusterOptions { gateways: 0, auth: 1, message_store: 1, nginx: false, ..fast_sends() };
            let stage = Stage::start(options).await;
            let auth = stage.cluster.auth(0).base_url();
            let store = stage.cluster.message_store(0).base_url();
            let start = async |settings: &[(&str, String)]| {
                let services = [("MADANG_AUTH_URL", &*auth), ("MADANG_STORE_URL", &*store)];
                let own = settings.iter().map(|(name, value)| (*name, value.as_str()));
                Standalone::start(Program::Gateway, &services.into_iter().chain(own).collect::<Vec<_>>())
                    .await
            };
            let bounded = [
                ("MADANG_MAX_USER_SOCKETS", USER_SOCKETS.to_string()),
                ("MADANG_MAX_SOCKET_ROOMS", SOCKET_ROOMS.to_string()),
                ("MADANG_HEARTBEAT_SECONDS", HEARTBEAT.as_secs().to_string()),
            ];
            let few_connections = [("MADANG_MAX_CONNECTIONS", CONNECTIONS.to_string())];
            let (bounded, few_connections) = tokio::join!(start(&bounded), start(&few_connections));
            Place { _stage: stage, bounded, few_connections }
        })
        .await
}

impl Place {
    fn base(&self) -> String {
        self.bounded.service.base_url()
    }

    fn address(&self) -> SocketAddr {
        self.bounded.service.address()
    }

    async fn person(&self, name: &str) -> Person {
        Person::register(self.base(), name).await
    }
}

/// The socket still answers.
async fn lives(socket: &mut Socket) {
    let pong = socket.call(ClientFrame::Ping {}, PATIENCE).await;
    assert!(matches!(pong, Ok(Incoming::Frame(ServerFrame::Pong(_)))), "the socket is dead: {pong:?}");
}

/// The pongs that a socket gets, up to so many; and the close code, where it is closed before.
async fn pongs(socket: &mut Socket, awaited: usize) -> (usize, Option<u16>) {
    let mut pongs = 0;
    while pongs < awaited {
        match socket.next_frame(PATIENCE).await {
            Ok(Incoming::Frame(ServerFrame::Pong(_))) => pongs += 1,
            Ok(_) => {}
            Err(error) => {
                let close = error.close().unwrap_or_else(|| panic!("neither pong nor close: {error}"));
                return (pongs, Some(close.code));
            }
        }
    }
    (pongs, None)
}

#[tokio::test]
async fn a_flood_of_frames_closes_with_4429_and_a_burst_does_not() {
    let place = place().await;
    let mina = place.person("mina").await;
    let mut burst = mina.socket(&place.base()).await;
    for _ in 0..FRAMES_BURST - 1 {
        burst.send_frame(ClientFrame::Ping {}).await.expect("a frame within the burst");
    }
    assert_eq!(pongs(&mut burst, FRAMES_BURST - 1).await, (FRAMES_BURST - 1, None));
    lives(&mut burst).await;

    let mut flood = mina.socket(&place.base()).await;
    let started = Instant::now();
    for _ in 0..2 * FRAMES_BURST {
        // The server may have hung up already.
        if flood.send_frame(ClientFrame::Ping {}).await.is_err() {
            break;
        }
    }
    // The answers that were not yet written are lost: whoever floods is told once.
    let (answered, close) = pongs(&mut flood, usize::MAX).await;
    let allowed = FRAMES_BURST + (started.elapsed().as_secs_f64() * FRAMES_PER_SECOND) as usize + 1;
    assert_eq!(close, Some(close_code::TOO_MANY), "after {answered} answers, and {allowed} are allowed");
    assert!(answered <= allowed, "{answered} answers, and {allowed} are allowed");
    lives(&mut burst).await;
}

#[tokio::test]
async fn one_socket_more_than_a_user_may_hold_closes_with_4429() {
    let place = place().await;
    let (mina, joon) = (place.person("mina").await, place.person("joon").await);
    let mut sockets = Vec::new();
    for _ in 0..USER_SOCKETS {
        sockets.push(mina.socket(&place.base()).await);
    }
    let opened = async |person: &Person| {
        Socket::open(&place.base(), &person.bearer(), &ConnectOptions::default())
            .await
            .map(|(socket, _)| socket)
    };
    let refused = opened(&mina).await.expect_err("one socket too many");
    assert_eq!(refused.close().map(|close| close.code), Some(close_code::TOO_MANY), "{refused}");
    opened(&joon).await.expect("another user's socket");
    for socket in &mut sockets {
        lives(socket).await;
    }
    // A place that is given up is another's.
    sockets.pop().unwrap().close().await;
    let mut again = eventually(SLACK, "a place for a socket again", async || opened(&mina).await.ok()).await;
    lives(&mut again).await;
}

#[tokio::test]
async fn a_client_that_answers_no_ping_is_closed_with_4408_and_one_that_does_is_not() {
    let place = place().await;
    let (mina, joon) = (place.person("mina").await, place.person("joon").await);
    let mut answers = mina.socket(&place.base()).await;
    let mut silent = RawSocket::open(place.address(), &joon.grant.access_token, RECEIVE_BUFFER_BYTES).await;
    silent.until_type("hello").await;
    let started = Instant::now();
    let listening = async {
        let until = started + 4 * HEARTBEAT + SLACK;
        loop {
            // Pings are answered while a frame is awaited.
            match answers.next_frame(until.saturating_duration_since(Instant::now())).await {
                Ok(_) => {}
                Err(SocketError::Deadline { .. }) => return,
                Err(error) => panic!("the client that answers was closed: {error}"),
            }
        }
    };
    let closed = within(3 * HEARTBEAT + SLACK, "the close of a silent client", async {
        let mut pings = 0;
        loop {
            match silent.next(PATIENCE).await {
                Received::Ping => pings += 1,
                Received::Close(code) => return (code, pings, started.elapsed()),
                Received::Text(_) => {}
                other => panic!("{other:?} where a close was due"),
            }
        }
    });
    let ((code, pings, after), ()) = tokio::join!(closed, listening);
    assert_eq!(code, close_code::TIMEOUT);
    assert!(pings > 0, "it was asked before");
    assert!(after >= HEARTBEAT, "closed after {after:?}");
    lives(&mut answers).await;
}

/// A `subscribe` to one room, and its answer.
async fn subscribe(socket: &mut Socket, room: RoomId) -> Incoming {
    let frame = json!({"type": "subscribe", "rooms": [{"room": room}]});
    socket.call(serde_json::from_value(frame).unwrap(), PATIENCE).await.expect("an answer")
}

#[tokio::test]
async fn a_socket_listens_to_so_many_rooms_and_no_more() {
    let place = place().await;
    let mina = place.person("mina").await;
    let mut rooms = Vec::new();
    for number in 0..=SOCKET_ROOMS {
        rooms.push(public_room(&mina, &format!("Room {number}"), &[]).await.id);
    }
    let mut socket = mina.socket(&place.base()).await;
    let subscribed = |answer: &Incoming| matches!(answer, Incoming::Frame(ServerFrame::Subscribed(_)));
    let (&last, first) = rooms.split_last().unwrap();
    for room in first {
        let answer = subscribe(&mut socket, *room).await;
        assert!(subscribed(&answer), "{answer:?}");
    }
    let refused = error_frame(subscribe(&mut socket, last).await);
    assert_eq!(refused.code, Code::FailedPrecondition, "{refused:?}");
    // What it listens to already is not one more.
    let answer = subscribe(&mut socket, first[0]).await;
    assert!(subscribed(&answer), "{answer:?}");
    // What it leaves makes room, and what was refused is not heard.
    let unsubscribe = serde_json::from_value(json!({"type": "unsubscribe", "rooms": [first[0]]})).unwrap();
    socket.call(unsubscribe, PATIENCE).await.expect("an answer");
    mina.api.send_message(last, "not for this socket", None).await.expect("a send");
    let answer = subscribe(&mut socket, last).await;
    assert!(subscribed(&answer), "{answer:?}");
    let sent = mina.api.send_message(last, "for this socket", None).await.expect("a send");
    loop {
        if let Incoming::Event(event) = socket.next_frame(PATIENCE).await.expect("the message") {
            break assert_eq!((event.room, event.seq), (last, sent.seq));
        }
    }
}

/// Whether the server ends a connection on which nothing was said, in time.
async fn ended(stream: &mut TcpStream, patience: Duration) -> bool {
    let mut byte = [0];
    matches!(timeout(patience, stream.read(&mut byte)).await, Ok(Ok(0) | Err(_)))
}

/// Asks on a connection of its own; the whole answer.
async fn ask(gateway: SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(gateway).await.expect("a connection that the system accepts");
    let request = format!("GET {path} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.expect("a request");
    let mut answer = String::new();
    timeout(PATIENCE, stream.read_to_string(&mut answer)).await.expect("in time").expect("an answer");
    answer
}

#[tokio::test]
async fn a_connection_more_than_a_gateway_holds_is_refused() {
    let place = place().await;
    let gateway = place.few_connections.service.address();
    let mina = place.person("mina").await;
    let open = || RawSocket::open(gateway, &mina.grant.access_token, RECEIVE_BUFFER_BYTES);
    let mut sockets = Vec::new();
    for _ in 1..CONNECTIONS {
        let mut socket = open().await;
        socket.until_type("hello").await;
        sockets.push(socket);
    }
    // A connection without a request is one, too.
    let mut idle = TcpStream::connect(gateway).await.expect("a connection");
    assert!(!ended(&mut idle, SLACK / 4).await, "the last place was refused");
    for _ in 0..2 {
        let mut over = TcpStream::connect(gateway).await.expect("a connection that the system accepts");
        assert!(ended(&mut over, SLACK).await, "one connection more than {CONNECTIONS} is held");
        let answer = ask(gateway, "/v1/users/me").await;
        assert!(answer.starts_with("HTTP/1.1 503 ") && answer.contains("\"unavailable\""), "{answer}");
    }
    // Those who are in do not notice, and whoever leaves makes room for another.
    for socket in &mut sockets {
        socket.send(r#"{"type":"ping"}"#).await;
        socket.until_type("pong").await;
    }
    drop(idle);
    let answer = eventually(SLACK, "a place again", async || {
        let answer = ask(gateway, "/v1/users/me").await;
        (!answer.starts_with("HTTP/1.1 503 ")).then_some(answer)
    })
    .await;
    assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");
}

/// Sends the head of a request byte by byte, with a pause between two; answers how long the server put up with it, and
/// what it said.
async fn trickle(gateway: SocketAddr, head: &str, pause: Duration) -> (Duration, String) {
    let mut stream = TcpStream::connect(gateway).await.expect("a connection");
    let started = Instant::now();
    let (mut reading, mut writing) = stream.split();
    let mut said = Vec::new();
    let writes = async {
        for byte in head.bytes() {
            if writing.write_all(&[byte]).await.is_err() {
                break;
            }
            tokio::time::sleep(pause).await;
        }
        std::future::pending::<()>().await;
    };
    let reads = timeout(HEAD_PATIENCE * 2, reading.read_to_end(&mut said));
    tokio::select! {
        ended = reads => drop(ended.expect("an end of a connection whose head never ends")),
        () = writes => {}
    }
    (started.elapsed(), String::from_utf8_lossy(&said).into_owned())
}

#[tokio::test]
async fn a_request_that_takes_too_long_or_whose_head_is_too_large_is_cut_off() {
    let place = place().await;
    let head = "GET /v1/users/me HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
    let long = format!("GET /v1/users/me HTTP/1.1\r\nX: {}", "x".repeat(1_000));
    let large = format!("GET /v1/users/me HTTP/1.1\r\nX: {}\r\n\r\n", "x".repeat(20 * 1024));
    let nothing_said = async {
        let mut stream = TcpStream::connect(place.address()).await.expect("a connection");
        let started = Instant::now();
        assert!(ended(&mut stream, HEAD_PATIENCE * 2).await, "a connection without a request is held");
        started.elapsed()
    };
    let too_large = async {
        let mut stream = TcpStream::connect(place.address()).await.expect("a connection");
        stream.write_all(large.as_bytes()).await.expect("a request");
        let mut answer = String::new();
        // The server may reset what it has not read.
        drop(timeout(SLACK, stream.read_to_string(&mut answer)).await.expect("an answer at once"));
        answer
    };
    // A sign-in whose body never comes.
    let no_body = async {
        let mut stream = TcpStream::connect(place.address()).await.expect("a connection");
        let head = "POST /v1/auth/login HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n";
        stream.write_all(head.as_bytes()).await.expect("a request");
        let (started, mut answer) = (Instant::now(), String::new());
        let read = timeout(HEAD_PATIENCE * 2, stream.read_to_string(&mut answer)).await;
        read.expect("an end of a connection whose body never comes").expect("an answer");
        assert!(answer.starts_with("HTTP/1.1 408 ") && answer.contains("\"deadline_exceeded\""), "{answer}");
        started.elapsed()
    };
    let ((took, answer), (slow, _), idle, bodiless, too_large) = tokio::join!(
        trickle(place.address(), head, Duration::from_millis(20)),
        trickle(place.address(), &long, Duration::from_millis(100)),
        nothing_said,
        no_body,
        too_large,
    );
    assert!(answer.starts_with("HTTP/1.1 401 "), "a head of {took:?}: {answer}");
    for (what, took) in [("a head that trickles", slow), ("no head", idle), ("no body", bodiless)] {
        let bound = HEAD_PATIENCE - SLACK / 4..=HEAD_PATIENCE + SLACK;
        assert!(bound.contains(&took), "{what} was cut off after {took:?}");
    }
    assert!(too_large.starts_with("HTTP/1.1 431 "), "a head of 20 KiB: {too_large}");
}
