//! The operations port, over HTTP as a prober sees it.

#![expect(clippy::unwrap_used, reason = "a test may panic, its helpers too")]

use std::{net::SocketAddr, time::Duration};

use madang_kit::{Lifecycle, Metrics, Readiness, StartError, ops};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, Interest},
    net::{TcpSocket, TcpStream},
};

/// Status line, headers and body.
async fn get(address: SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).await.unwrap();
    response
}

#[tokio::test]
async fn it_tells_life_readiness_and_metrics() {
    let (readiness, life) = (Readiness::new(), Lifecycle::new("ops", Duration::from_secs(5)));
    let metrics = Metrics::new("test").unwrap();
    let address = ops::serve(([127, 0, 0, 1], 0).into(), readiness.clone(), metrics, &life).await.unwrap();
    let postgres = readiness.check("postgres");
    postgres.failing("connection refused");

    assert!(get(address, "/livez").await.starts_with("HTTP/1.1 200"), "liveness does not depend on postgres");
    let response = get(address, "/readyz").await;
    assert!(response.starts_with("HTTP/1.1 503"), "{response}");
    let expected =
        r#"{"ready":false,"draining":false,"checks":[{"name":"postgres","failing":"connection refused"}]}"#;
    assert!(response.ends_with(expected), "{response}");

    postgres.ready();
    let response = get(address, "/readyz").await;
    assert!(
        response.starts_with("HTTP/1.1 200") && response.contains(r#"{"name":"postgres"}"#),
        "{response}"
    );

    readiness.drain();
    assert!(get(address, "/readyz").await.starts_with("HTTP/1.1 503"));
    assert!(get(address, "/livez").await.starts_with("HTTP/1.1 200"));

    let response = get(address, "/metrics").await;
    assert!(response.contains("content-type: text/plain; version=0.0.4"), "{response}");
    assert!(response.contains("process_resident_memory_bytes "), "{response}");

    let taken = ops::serve(address, readiness, Metrics::new("test").unwrap(), &life).await.unwrap_err();
    assert!(matches!(&taken, StartError::Listen { .. }) && taken.to_string().contains(&address.to_string()));
    life.stop();
    assert!(life.finished().await.is_orderly());
}

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(5);

async fn started() -> (SocketAddr, Lifecycle) {
    let life = Lifecycle::new("ops", Duration::from_secs(5));
    let address = ([127, 0, 0, 1], 0).into();
    let served = ops::serve(address, Readiness::new(), Metrics::new("test").unwrap(), &life).await;
    (served.unwrap(), life)
}

/// Waits for the end of a connection, which the other side has closed or reset.
async fn ended(stream: &mut TcpStream) {
    let mut byte = [0];
    let read = tokio::time::timeout(PATIENCE, stream.read(&mut byte)).await;
    assert!(matches!(read, Ok(Ok(0) | Err(_))), "the connection has not ended in time");
}

#[tokio::test]
async fn a_flood_of_connections_that_ask_nothing_keeps_nobody_out() {
    let (address, life) = started().await;
    let mut silent = Vec::new();
    for number in 0..200 {
        let mut stream = TcpStream::connect(address).await.unwrap();
        if number % 2 == 0 {
            stream.write_all(b"GET /livez HTTP/1.1\r\nHost: te").await.unwrap();
        }
        silent.push(stream);
    }
    let answer = tokio::time::timeout(PATIENCE, get(address, "/livez")).await.expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    // Sixty-four are held, and those who came first are not among them.
    for stream in &mut silent[..200 - 64] {
        ended(stream).await;
    }
    life.stop();
    assert!(life.finished().await.is_orderly(), "those that are left do not hold the shutdown up");
}

#[tokio::test(start_paused = true)]
async fn a_head_that_does_not_come_ends_its_connection() {
    let (address, _life) = started().await;
    let mut silent = TcpStream::connect(address).await.unwrap();
    let mut slow = TcpStream::connect(address).await.unwrap();
    slow.write_all(b"GET /livez HTTP/1.1\r\n").await.unwrap();
    let begun = tokio::time::Instant::now();
    for stream in [&mut silent, &mut slow] {
        let mut byte = [0];
        let read = tokio::time::timeout(Duration::from_secs(60), stream.read(&mut byte)).await;
        assert!(matches!(read, Ok(Ok(0) | Err(_))), "the connection has not ended in time");
    }
    assert!(begun.elapsed() <= Duration::from_secs(11), "{:?}", begun.elapsed());
}

/// More than the buffers of the system take, on both sides.
const MANY_BYTES: usize = 64 * 1024 * 1024;

#[tokio::test(start_paused = true)]
async fn an_answer_that_nobody_takes_ends_its_connection() {
    let (address, life) = started().await;
    let request = b"GET /metrics HTTP/1.1\r\nHost: test\r\n\r\n";
    // Somebody who takes one answer takes the next ones, too.
    let mut scraper = TcpStream::connect(address).await.unwrap();
    let mut answer = vec![0; 64 * 1024];
    let mut answer_bytes = 0;
    for _ in 0..3 {
        scraper.write_all(request).await.unwrap();
        answer_bytes = scraper.read(&mut answer).await.unwrap();
        assert!(answer.starts_with(b"HTTP/1.1 200 "));
    }

    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4 * 1024).unwrap();
    let mut deaf = socket.connect(address).await.unwrap();
    let begun = tokio::time::Instant::now();
    // It asks until the server reads no more questions, since it cannot write the answers.
    let asks = async {
        for _ in 0..MANY_BYTES / answer_bytes {
            if deaf.write_all(request).await.is_err() {
                break;
            }
        }
        drop(deaf.ready(Interest::ERROR).await);
    };
    tokio::time::timeout(Duration::from_secs(60), asks).await.expect("the connection has not ended in time");
    assert!(begun.elapsed() <= Duration::from_secs(11), "{:?}", begun.elapsed());
    assert!(get(address, "/livez").await.starts_with("HTTP/1.1 200"));
    life.stop();
}
