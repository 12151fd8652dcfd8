//! The ingress of deploy/nginx in front of upstreams that show what they were sent.

#![expect(clippy::unwrap_used, reason = "a failed step fails its test")]

use std::net::SocketAddr;

use madang_test_kit::{NginxServer, free_address};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// Answers each request with its own head; one that upgrades gets 101 and the head after it.
async fn upstream() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let head = read_head(&mut stream).await;
                let answer = if head.to_lowercase().contains("\r\nupgrade: websocket\r\n") {
                    format!(
                        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n{head}"
                    )
                } else {
                    let length = head.len();
                    format!("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{head}")
                };
                let _ = stream.write_all(answer.as_bytes()).await;
                let _ = stream.shutdown().await;
            });
        }
    });
    address
}

/// The bytes up to the empty line that ends a head.
async fn read_head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    String::from_utf8(head).unwrap()
}

async fn start(gateways: &[SocketAddr]) -> NginxServer {
    NginxServer::start(free_address().unwrap(), gateways, None).await.unwrap()
}

async fn ask(nginx: &NginxServer, request: &str) -> String {
    let mut stream = TcpStream::connect(nginx.address()).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    String::from_utf8(answer).unwrap()
}

async fn get(nginx: &NginxServer, path: &str) -> String {
    ask(nginx, &format!("GET {path} HTTP/1.1\r\nHost: chat.example:8080\r\nConnection: close\r\n\r\n")).await
}

#[tokio::test]
async fn a_client_cannot_choose_its_own_address() {
    let nginx = start(&[upstream().await]).await;
    let request = "GET / HTTP/1.1\r\nHost: chat.example:8080\r\nX-Forwarded-For: 203.0.113.9\r\nX-Real-IP: 203.0.113.9\r\n\
                   Forwarded: for=203.0.113.9\r\nConnection: close\r\n\r\n";
    let answer = ask(&nginx, request).await;
    assert!(answer.contains("\r\nX-Forwarded-For: 127.0.0.1\r\n"), "{answer}");
    assert!(answer.contains("\r\nX-Real-IP: 127.0.0.1\r\n"), "{answer}");
    assert!(answer.contains("\r\nHost: chat.example:8080\r\n"), "{answer}");
    assert!(!answer.contains("203.0.113.9"), "{answer}");
}

#[tokio::test]
async fn a_websocket_is_upgraded_and_other_requests_keep_their_connection() {
    let nginx = start(&[upstream().await]).await;
    let upgrade =
        "GET /v1/ws HTTP/1.1\r\nHost: h\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\r\n";
    let answer = ask(&nginx, upgrade).await;
    assert!(answer.starts_with("HTTP/1.1 101 "), "{answer}");
    assert!(answer.contains("\r\nConnection: upgrade\r\n"), "{answer}");
    let (_, seen) = get(&nginx, "/v1/rooms")
        .await
        .split_once("\r\n\r\n")
        .map(|(a, b)| (a.to_owned(), b.to_owned()))
        .unwrap();
    assert!(!seen.to_lowercase().contains("\r\nconnection:"), "{seen}");
}

#[tokio::test]
async fn query_strings_stay_out_of_the_log() {
    let nginx = start(&[upstream().await]).await;
    let answer = get(&nginx, "/v1/ws?ticket=very-secret").await;
    assert!(answer.contains("GET /v1/ws?ticket=very-secret "), "the gateway needs it: {answer}");
    // A refused upstream makes nginx itself log an error.
    let alone = start(&[free_address().unwrap()]).await;
    assert!(get(&alone, "/v1/ws?ticket=very-secret").await.starts_with("HTTP/1.1 504 "));
    nginx.stop().await.unwrap();
    alone.stop().await.unwrap();
    let log = std::fs::read_to_string(nginx.process().log()).unwrap();
    assert!(log.contains("\"path\":\"/v1/ws\""), "{log}");
    assert!(!log.contains("very-secret"), "{log}");
    let log = std::fs::read_to_string(alone.process().log()).unwrap();
    assert!(!log.contains("very-secret"), "{log}");
}

#[tokio::test]
async fn large_bodies_and_operations_routes_stop_here() {
    let nginx = start(&[upstream().await]).await;
    let large = "POST /v1/rooms HTTP/1.1\r\nHost: h\r\nContent-Length: 200000\r\nConnection: close\r\n\r\n";
    // Not to the connection's end: nginx waits five seconds for the body that it has refused.
    let mut stream = TcpStream::connect(nginx.address()).await.unwrap();
    stream.write_all(large.as_bytes()).await.unwrap();
    let head = read_head(&mut stream).await;
    assert!(head.starts_with("HTTP/1.1 413 "), "{head}");
    assert!(head.contains("\r\nContent-Type: application/problem+json\r\n"), "{head}");
    for path in ["/metrics", "/livez", "/readyz"] {
        is_problem(&get(&nginx, path).await, 404, "not_found");
    }
    is_problem(&get(&nginx, &"/v".repeat(8 * 1024)).await, 414, "invalid_argument");
    let header = "x".repeat(40 * 1024);
    let request =
        format!("GET /v1/rooms HTTP/1.1\r\nHost: h\r\nX-Long: {header}\r\nConnection: close\r\n\r\n");
    is_problem(&ask(&nginx, &request).await, 400, "invalid_argument");
    for (line, status) in [
        ("TRACE /v1/rooms HTTP/1.1\r\nHost: h", 405),
        ("POST /v1/rooms HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip", 501),
        ("GET /v1/rooms HTTP/7.0\r\nHost: h", 505),
    ] {
        let answer = ask(&nginx, &format!("{line}\r\nConnection: close\r\n\r\n")).await;
        is_problem(&answer, status, "invalid_argument");
    }
}

/// Asserts that an answer of nginx itself is the contract's problem document.
fn is_problem(answer: &str, status: u16, code: &str) {
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
    assert!(head.contains("\r\nContent-Type: application/problem+json\r\n"), "{answer}");
    assert!(head.contains("\r\nCache-Control: no-store"), "{answer}");
    let problem: serde_json::Value = serde_json::from_str(body).unwrap();
    assert_eq!((&problem["status"], &problem["code"]), (&status.into(), &code.into()), "{answer}");
}

#[tokio::test]
async fn where_no_gateway_answers_the_problem_is_the_contracts() {
    let nginx = start(&[free_address().unwrap()]).await;
    let answer = get(&nginx, "/v1/rooms").await;
    is_problem(&answer, 504, "deadline_exceeded");
    assert!(answer.contains("\r\nRetry-After: 1"), "{answer}");
}

#[tokio::test]
async fn a_gateway_that_is_gone_is_passed_over() {
    let nginx = start(&[free_address().unwrap(), upstream().await]).await;
    for _ in 0..10 {
        assert!(get(&nginx, "/v1/rooms").await.starts_with("HTTP/1.1 200 "));
    }
    nginx.kill9().await.unwrap();
    nginx.restart().await.unwrap();
    assert!(get(&nginx, "/v1/rooms").await.starts_with("HTTP/1.1 200 "));
}

/// The limits of `deploy/nginx/limits.conf`, small enough to be met.
const SMALL_LIMITS: &str = "limit_conn client_connections 2;\n\
    limit_req_zone $client_network zone=client_requests:10m rate=1r/m;\n\
    limit_req zone=client_requests burst=6 nodelay;\n";

#[tokio::test]
async fn one_address_is_held_to_its_limits_and_told_so_in_the_contracts_words() {
    let address = free_address().unwrap();
    let nginx =
        NginxServer::start_with_limits(address, &[upstream().await], None, SMALL_LIMITS).await.unwrap();
    let refused = |answer: &str| {
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 429 "), "{answer}");
        assert!(head.contains("\r\nContent-Type: application/problem+json\r\n"), "{answer}");
        assert!(head.contains("\r\nRetry-After: 1"), "{answer}");
        assert!(
            body.contains("\"status\":429")
                && body.contains("\"code\":\"rate_limited\",\"limit\":\"address_requests\""),
            "{answer}"
        );
    };
    // Two requests that are not answered yet: their bodies are on the way.
    let mut under_way = Vec::new();
    for _ in 0..2 {
        let mut stream = TcpStream::connect(nginx.address()).await.unwrap();
        let head = "POST /v1/rooms HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n";
        stream.write_all(head.as_bytes()).await.unwrap();
        assert!(read_head(&mut stream).await.starts_with("HTTP/1.1 100 "));
        under_way.push(stream);
    }
    refused(&get(&nginx, "/v1/rooms").await);
    // They end: nginx closes a connection once it does not count any more.
    for mut stream in under_way {
        stream.write_all(b"0123456789").await.unwrap();
        stream.read_to_end(&mut Vec::new()).await.unwrap();
    }
    // A burst of seven in all, of which two were taken.
    let mut answers = Vec::new();
    for _ in 0..20 {
        answers.push(get(&nginx, "/v1/rooms").await);
    }
    let passed = answers.iter().filter(|answer| answer.starts_with("HTTP/1.1 200 ")).count();
    assert!((1..=5).contains(&passed), "{passed} passed");
    refused(answers.last().unwrap());
}
