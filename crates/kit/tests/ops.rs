//! The operations port, over HTTP as a prober sees it.

#![expect(clippy::unwrap_used, reason = "a test may panic, its helpers too")]

use std::{net::SocketAddr, time::Duration};

use madang_kit::{Lifecycle, Metrics, Readiness, StartError, ops};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
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
