use std::net::Ipv4Addr;

use axum::{
    middleware,
    routing::{get, post},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpSocket,
    sync::Semaphore,
    time::timeout,
};

use super::*;
use crate::{http::guard::guard, settings::ForwardedHeader};

/// How long anything may take that is not said to take longer.
const STEP: Duration = Duration::from_secs(10);
const ME: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 1);
const OTHER: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);

/// A server with a health route, a route that answers, and one that answers when it is told to.
struct Place {
    address: SocketAddr,
    release: Arc<Semaphore>,
    life: Lifecycle,
    counters: Arc<Counters>,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.life.kill();
    }
}

async fn place(connections_max: usize, address_connections_max: u32, trusted: usize) -> Place {
    let settings = ServerSettings {
        connections_max,
        address_connections_max,
        keep_alive: Duration::from_secs(75),
        proxies: Proxies { trusted, header: ForwardedHeader::XForwardedFor },
    };
    let release = Arc::new(Semaphore::new(0));
    let released = Arc::clone(&release);
    let wait = move || {
        let released = Arc::clone(&released);
        async move { drop(released.acquire().await) }
    };
    let router = Router::new()
        .route("/v1/now", get(|| async { "now" }).post(|_: String| async { "now" }))
        .route("/v1/wait", post(wait))
        .layer(middleware::from_fn(guard))
        .merge(Router::new().route("/livez", get(|| async { "ok" })));
    let (life, counters) = (Lifecycle::default(), Arc::new(Counters::default()));
    let server = Server::new(settings, router, Arc::clone(&counters), life.clone());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    life.tasks().spawn("http", Arc::new(server).serve(listener));
    Place { address, release, life, counters }
}

impl Place {
    async fn connect(&self, from: Ipv4Addr) -> TcpStream {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind((from, 0).into()).unwrap();
        socket.connect(self.address).await.unwrap()
    }

    /// A connection that has a place, idle after an answer.
    async fn hold(&self, from: Ipv4Addr) -> TcpStream {
        let mut stream = self.connect(from).await;
        let answer = ask(&mut stream, "GET /v1/now", "").await;
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
        stream
    }

    /// Asks on a connection of its own.
    async fn get(&self, from: Ipv4Addr, path: &str) -> String {
        ask(&mut self.connect(from).await, &format!("GET {path}"), "").await
    }
}

/// The head of an answer, and as much of its body as came with it.
async fn ask(stream: &mut TcpStream, line: &str, headers: &str) -> String {
    stream.write_all(format!("{line} HTTP/1.1\r\nHost: h\r\n{headers}\r\n").as_bytes()).await.unwrap();
    answer(stream).await
}

async fn answer(stream: &mut TcpStream) -> String {
    let mut bytes = vec![0; 4_096];
    let read = timeout(STEP, stream.read(&mut bytes)).await.expect("an answer").unwrap_or_default();
    String::from_utf8_lossy(&bytes[..read]).into_owned()
}

/// A refusal is the contract's, and ends a connection that had no place.
fn assert_refused(answer: &str, status: u16, code: &str) {
    assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
    let answer = answer.to_lowercase();
    for part in [
        "\r\ncontent-type: application/problem+json\r\n",
        "\r\nretry-after: ",
        &format!("\"code\":\"{code}\""),
    ] {
        assert!(answer.contains(part), "{part} is not in {answer}");
    }
}

/// The address has all the connections that it may.
fn assert_limited(answer: &str) {
    assert_refused(answer, 429, "rate_limited");
    assert!(answer.contains(r#""limit":"address_connections""#), "{answer}");
}

#[tokio::test]
async fn health_is_answered_when_all_places_are_taken() {
    let place = place(2, 100, 0).await;
    let _held = [place.hold(ME).await, place.hold(ME).await];
    // As many as the reserve has, and more: none of them can keep it.
    let mut silent = Vec::new();
    for _ in 0..200 {
        silent.push(place.connect(ME).await);
    }
    for _ in 0..3 {
        let mut stream = place.connect(ME).await;
        let answer = ask(&mut stream, "GET /livez", "").await;
        assert!(answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("ok"), "{answer}");
        assert!(answer.to_lowercase().contains("\r\nconnection: close\r\n"), "{answer}");
        let refused = place.get(ME, "/v1/now").await;
        assert_refused(&refused, 503, "unavailable");
        assert!(refused.to_lowercase().contains("\r\nconnection: close\r\n"), "{refused}");
    }
    assert!(place.counters.refused_connections.all().iter().sum::<u64>() >= 206);
    // One without a place does not wait for long.
    let mut last = silent.pop().unwrap();
    assert_eq!(answer(&mut last).await, "");
}

#[tokio::test]
async fn who_leaves_makes_room() {
    let place = place(1, 100, 0).await;
    let held = place.hold(ME).await;
    assert_refused(&place.get(ME, "/v1/now").await, 503, "unavailable");
    drop(held);
    let room = async { while !place.get(ME, "/v1/now").await.starts_with("HTTP/1.1 200 ") {} };
    timeout(STEP, room).await.expect("a place again");
}

#[tokio::test]
async fn one_address_cannot_take_the_places_of_others() {
    let place = place(10, 2, 0).await;
    let _held = [place.hold(ME).await, place.hold(ME).await];
    assert_limited(&place.get(ME, "/v1/now").await);
    assert!(place.get(OTHER, "/v1/now").await.starts_with("HTTP/1.1 200 "));
    assert!(place.get(ME, "/livez").await.starts_with("HTTP/1.1 200 "));
}

#[tokio::test]
async fn behind_a_proxy_the_addresses_of_its_clients_count_and_its_own_does_not() {
    let place = place(100, 2, 1).await;
    let (mine, others) =
        ("X-Forwarded-For: 203.0.113.9:40212\r\n", "X-Forwarded-For: 6.6.6.6, 203.0.113.7\r\n");
    let mut waiting = Vec::new();
    for _ in 0..2 {
        let mut stream = place.connect(ME).await;
        let request = format!("POST /v1/wait HTTP/1.1\r\nHost: h\r\n{mine}\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        waiting.push(stream);
    }
    let mut stream = place.connect(ME).await;
    let refused = async {
        loop {
            let answer = ask(&mut stream, "GET /v1/now", mine).await;
            // Until both have arrived.
            if !answer.starts_with("HTTP/1.1 200 ") {
                return answer;
            }
        }
    };
    assert_limited(&timeout(STEP, refused).await.expect("a refusal"));
    // The connection is the proxy's: others use it on.
    assert!(ask(&mut stream, "GET /v1/now", others).await.starts_with("HTTP/1.1 200 "));
    let without: Vec<_> = [place.hold(ME).await, place.hold(ME).await, place.hold(ME).await].into();
    drop(without);
    place.release.add_permits(2);
    for stream in &mut waiting {
        assert!(answer(stream).await.starts_with("HTTP/1.1 200 "));
    }
    let room = async { while !ask(&mut stream, "GET /v1/now", mine).await.starts_with("HTTP/1.1 200 ") {} };
    timeout(STEP, room).await.expect("room for the address again");
}
