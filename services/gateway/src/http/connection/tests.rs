use std::time::Duration;

use axum::{
    Router,
    body::Bytes,
    middleware,
    routing::{get, post},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream},
    net::{TcpSocket, TcpStream},
    task::JoinHandle,
    time::{Instant, sleep, timeout},
};
use tower::ServiceExt as _;

use super::*;
use crate::http::guard::guard;

const TIMES: HttpTimes = HttpTimes {
    head: Duration::from_secs(10),
    keep_alive: Duration::from_secs(75),
    body: Duration::from_secs(10),
    answer: Duration::from_secs(30),
};
/// What a timer may be late by.
const SLACK: Duration = Duration::from_millis(10);
/// Longer than anything takes that comes at all.
const LONG: Duration = Duration::from_secs(3_600);
/// The bytes between the two ends of a connection.
const BUFFER_BYTES: usize = 512;
const LARGE_BYTES: usize = 256 * 1024;
const GET: &str = "GET /small HTTP/1.1\r\nHost: h\r\n\r\n";

impl Abort for DuplexStream {
    fn abort(&self) {}
}

fn router() -> Router {
    Router::new()
        .route("/small", get(|| async { "small" }))
        .route("/large", get(|| async { "x".repeat(LARGE_BYTES) }))
        // Sent in two parts, of which the second is like an answer.
        .route(
            "/parts",
            get(|| async {
                let parts = futures_util::stream::unfold(0, |part| async move {
                    sleep(SLACK).await;
                    let parts = ["first ", "HTTP/1.1 400 Bad Request\r\n\r\n"];
                    parts.get(part).map(|text| (Ok::<_, Infallible>(*text), part + 1))
                });
                ([("content-length", "34")], Body::from_stream(parts))
            }),
        )
        .route("/length", post(|body: Bytes| async move { body.len().to_string() }))
        // As a handler that cannot do with half a body, and says so in its own way.
        .layer(middleware::from_fn(guard))
}

/// A client's end of a connection, and what serves the other.
struct Client {
    io: DuplexStream,
    serving: JoinHandle<()>,
    soft: CancellationToken,
    began: Instant,
}

impl Client {
    fn connect() -> Self {
        Self::connect_at(TIMES)
    }

    fn connect_at(times: HttpTimes) -> Self {
        let (io, server) = tokio::io::duplex(BUFFER_BYTES);
        let soft = CancellationToken::new();
        let stop = soft.clone();
        let serving = tokio::spawn(async move {
            serve_connection(server, times, |request| router().oneshot(request), &stop).await;
        });
        Self { io, serving, soft, began: Instant::now() }
    }

    async fn say(&mut self, text: &str) {
        self.io.write_all(text.as_bytes()).await.unwrap();
    }

    /// The next answer: its head and body.
    async fn answer(&mut self) -> String {
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\n") {
            answer.push(self.io.read_u8().await.unwrap());
        }
        let head = String::from_utf8(answer).unwrap();
        let length = head.to_lowercase();
        let length = length.split("content-length: ").nth(1).and_then(|rest| rest.lines().next());
        let mut body = vec![0; length.unwrap().parse().unwrap()];
        self.io.read_exact(&mut body).await.unwrap();
        head + std::str::from_utf8(&body).unwrap()
    }

    /// What comes until the server hangs up, and when that is.
    async fn end(mut self) -> (String, Duration) {
        let mut rest = String::new();
        some_time(self.io.read_to_string(&mut rest)).await.unwrap();
        (rest, self.began.elapsed())
    }
}

/// What comes some time; the time is not real.
async fn some_time<T>(future: impl Future<Output = T>) -> T {
    timeout(LONG, future).await.expect("it never came")
}

/// At that time, or not noticeably later.
fn assert_at(expected: Duration, at: Duration) {
    assert!((expected..=expected + SLACK).contains(&at), "{at:?} instead of {expected:?}");
}

#[tokio::test(start_paused = true)]
async fn an_idle_connection_outlives_a_balancer_and_ends_after_its_time() {
    // As by default, shorter than the time of a head, and for a balancer that keeps connections for ten minutes.
    for seconds in [75, 4, 620] {
        let times = HttpTimes { keep_alive: Duration::from_secs(seconds), ..TIMES };
        let mut client = Client::connect_at(times);
        client.say(GET).await;
        assert!(client.answer().await.ends_with("small"));
        for _ in 0..3 {
            sleep(times.keep_alive - SLACK).await;
            client.say(GET).await;
            assert!(client.answer().await.ends_with("small"), "{seconds} s");
        }
        client.began = Instant::now();
        let (rest, at) = client.end().await;
        assert_eq!(rest, "", "no answer to a request that nobody made");
        assert_at(times.keep_alive, at);
    }
}

#[tokio::test(start_paused = true)]
async fn the_time_of_a_head_runs_from_its_first_byte() {
    let mut client = Client::connect();
    client.say(GET).await;
    client.answer().await;
    sleep(TIMES.keep_alive - Duration::from_secs(5)).await;
    client.began = Instant::now();
    let (mut reading, mut writing) = tokio::io::split(client.io);
    let trickle = async {
        for byte in GET.bytes().cycle() {
            if writing.write_all(&[byte]).await.is_err() {
                return;
            }
            sleep(Duration::from_secs(1)).await;
        }
    };
    let mut rest = Vec::new();
    tokio::select! {
        () = trickle => panic!("refused before the end"),
        read = some_time(reading.read_to_end(&mut rest)) => assert_eq!(read.unwrap(), 0),
    }
    assert_at(TIMES.head, client.began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_connection_on_which_nothing_is_said_ends_soon() {
    let (rest, at) = Client::connect().end().await;
    assert_eq!(rest, "");
    assert_at(TIMES.head, at);
}

fn assert_timed_out(answer: &str) {
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    let lower = answer.to_lowercase();
    assert!(lower.contains("\r\ncontent-type: application/problem+json\r\n"), "{answer}");
    assert!(lower.contains("\r\nconnection: close\r\n"), "{answer}");
    assert!(lower.contains("\"code\":\"deadline_exceeded\""), "{answer}");
}

#[tokio::test(start_paused = true)]
async fn a_body_that_does_not_come_is_answered_408_and_the_connection_ends() {
    for more in ["Content-Length: 100\r\n", "Transfer-Encoding: chunked\r\n"] {
        let mut client = Client::connect();
        client.say(&format!("POST /length HTTP/1.1\r\nHost: h\r\n{more}\r\n")).await;
        let (answer, at) = client.end().await;
        assert_timed_out(&answer);
        assert_at(TIMES.body, at);
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_that_was_asked_for_and_does_not_come_is_answered_408() {
    let mut client = Client::connect();
    client.say("POST /length HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\r\n").await;
    let (answer, at) = client.end().await;
    assert_timed_out(answer.strip_prefix("HTTP/1.1 100 Continue\r\n\r\n").unwrap());
    assert_at(TIMES.body, at);
}

#[tokio::test(start_paused = true)]
async fn a_body_may_be_slow_and_may_not_trickle() {
    let mut slow = Client::connect();
    slow.say("POST /length HTTP/1.1\r\nHost: h\r\nContent-Length: 65536\r\n\r\n").await;
    for _ in 0..32 {
        // Two thousand bytes a second, with pauses.
        sleep(Duration::from_millis(1_000)).await;
        slow.say(&"x".repeat(2_048)).await;
    }
    assert!(slow.answer().await.ends_with("65536"));

    let mut trickle = Client::connect();
    trickle.say("POST /length HTTP/1.1\r\nHost: h\r\nContent-Length: 65536\r\n\r\n").await;
    let (mut reading, mut writing) = tokio::io::split(trickle.io);
    let writes = async {
        loop {
            sleep(Duration::from_secs(1)).await;
            if writing.write_all(b"x").await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    };
    let mut answer = String::new();
    tokio::select! {
        () = writes => {}
        read = some_time(reading.read_to_string(&mut answer)) => drop(read.unwrap()),
    }
    assert_timed_out(&answer);
    let at = trickle.began.elapsed();
    assert!((TIMES.body..TIMES.body + Duration::from_secs(1)).contains(&at), "{at:?}");
}

const GET_LARGE: &str = "GET /large HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";

#[tokio::test(start_paused = true)]
async fn a_connection_whose_client_takes_nothing_of_an_answer_is_dropped() {
    let mut client = Client::connect();
    client.say(GET_LARGE).await;
    some_time(client.serving).await.unwrap();
    assert_at(TIMES.answer, client.began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn an_answer_may_be_taken_slowly_and_not_in_crumbs() {
    let mut slow = Client::connect();
    slow.say(GET_LARGE).await;
    let mut taken = 0;
    loop {
        sleep(Duration::from_millis(200)).await;
        // A buffer each time: 2,560 bytes a second.
        let mut bytes = [0; BUFFER_BYTES];
        match slow.io.read(&mut bytes).await.unwrap() {
            0 => break,
            bytes => taken += bytes,
        }
    }
    assert!(taken > LARGE_BYTES, "{taken}");

    let mut crumbs = Client::connect();
    crumbs.say(GET_LARGE).await;
    let reads = async {
        loop {
            sleep(Duration::from_secs(1)).await;
            if crumbs.io.read_u8().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    };
    tokio::select! {
        () = reads => {}
        ended = some_time(crumbs.serving) => ended.unwrap(),
    }
    let at = crumbs.began.elapsed();
    assert!((TIMES.answer..TIMES.answer + Duration::from_secs(2)).contains(&at), "{at:?}");
}

#[tokio::test(start_paused = true)]
async fn an_orderly_end_closes_what_is_idle_at_once() {
    let mut client = Client::connect();
    client.say(GET).await;
    client.answer().await;
    client.soft.cancel();
    client.began = Instant::now();
    let (_, at) = client.end().await;
    assert_at(Duration::ZERO, at);
}

/// What the system keeps for a client that takes nothing is given up too.
#[tokio::test]
async fn a_dropped_connection_is_reset() {
    /// More than the buffers of both sides hold.
    const ANSWER_BYTES: usize = 32 * 1024 * 1024;
    let times = HttpTimes { answer: Duration::from_millis(100), ..TIMES };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let (server, _) = listener.accept().await.unwrap();
    client.write_all(GET.as_bytes()).await.unwrap();
    let answer = |_| async { Ok(Response::new(Body::from(vec![0; ANSWER_BYTES]))) };
    serve_connection(server, times, answer, &CancellationToken::new()).await;
    let error = client.read_to_end(&mut Vec::new()).await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
}

/// The end of a connection with unread bytes is a reset, which takes from the client what it has not taken yet.
#[tokio::test]
async fn an_answer_is_whole_where_the_request_is_not_read() {
    /// What the server's buffer holds and the client's does not.
    const ANSWER_BYTES: usize = 128 * 1024;
    let listener = TcpSocket::new_v4().unwrap();
    listener.set_send_buffer_size(4 * ANSWER_BYTES as u32).unwrap();
    listener.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = listener.listen(1).unwrap();
    let client = TcpSocket::new_v4().unwrap();
    client.set_recv_buffer_size(4 * 1024).unwrap();
    let mut client = client.connect(listener.local_addr().unwrap()).await.unwrap();
    let (server, _) = listener.accept().await.unwrap();
    let serving = tokio::spawn(async move {
        let answer = |_| async { Ok(Response::new(Body::from(vec![b'x'; ANSWER_BYTES]))) };
        serve_connection(server, TIMES, answer, &CancellationToken::new()).await;
    });
    let head = format!("GET / HTTP/1.1\r\nHost: h\r\nContent-Length: {LARGE_BYTES}\r\n\r\n");
    client.write_all(head.as_bytes()).await.unwrap();
    // Not all of it, so that the server cannot read the rest.
    client.write_all(&vec![b'y'; LARGE_BYTES / 2]).await.unwrap();
    client.shutdown().await.unwrap();
    timeout(LONG, serving).await.unwrap().unwrap();
    let mut answer = Vec::new();
    client.read_to_end(&mut answer).await.unwrap();
    assert_eq!(answer.iter().filter(|byte| **byte == b'x').count(), ANSWER_BYTES);
}

/// Heads that hyper refuses by itself, and the status of each.
fn unread_heads() -> [(String, u16); 6] {
    [
        ("nonsense\r\n\r\n".to_owned(), 400),
        ("GET /small HTTP/1.1\r\nHo st: h\r\n\r\n".to_owned(), 400),
        ("GET /small HTTP/3.7\r\nHost: h\r\n\r\n".to_owned(), 400),
        ("GET /sm\u{7f}all HTTP/1.1\r\nHost: h\r\n\r\n".to_owned(), 400),
        (format!("GET /small HTTP/1.1\r\nHost: h\r\nX-Long: {}\r\n\r\n", "x".repeat(20 * 1024)), 431),
        (format!("GET /{} HTTP/1.1\r\nHost: h\r\n\r\n", "x".repeat(70 * 1024)), 431),
    ]
}

#[tokio::test(start_paused = true)]
async fn a_head_that_cannot_be_read_is_answered_by_a_problem() {
    for (head, status) in unread_heads() {
        // At once, when others were answered before, and behind one that was not.
        for (before, ahead) in [(0, ""), (2, ""), (0, GET)] {
            let mut client = Client::connect();
            for _ in 0..before {
                client.say(GET).await;
                assert!(client.answer().await.ends_with("small"));
            }
            let head = format!("{ahead}{head}");
            let (mut reading, mut writing) = tokio::io::split(client.io);
            let mut said = String::new();
            let saying = async { drop(writing.write_all(head.as_bytes()).await) };
            let (_, read) = tokio::join!(some_time(saying), some_time(reading.read_to_string(&mut said)));
            read.unwrap();
            let said = said.split_once("small").map_or(&*said, |(_, behind)| behind);
            let (head, body) = said.split_once("\r\n\r\n").unwrap();
            assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{said}");
            for line in [
                "content-type: application/problem+json",
                "cache-control: no-store",
                "x-content-type-options: nosniff",
                "connection: close",
                &format!("content-length: {}", body.len()),
            ] {
                assert!(head.lines().any(|said| said == line), "{line}: {said}");
            }
            let problem: madang_contract::rest::Problem<'_> = serde_json::from_str(body).unwrap();
            assert_eq!(problem.status, status, "{said}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_that_is_like_an_answer_is_left_as_it_is() {
    let mut client = Client::connect();
    for _ in 0..3 {
        client.say("GET /parts HTTP/1.1\r\nHost: h\r\n\r\n").await;
        let answer = client.answer().await;
        assert!(answer.ends_with("\r\n\r\nfirst HTTP/1.1 400 Bad Request\r\n\r\n"), "{answer}");
    }
}
