//! A gateway whose places for connections are all taken.

use reqwest::{Method, StatusCode, header};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::support::{PATIENCE, Services, within};

#[tokio::test]
async fn health_is_answered_and_all_else_is_told_why_not() {
    let services = Services::start().await;
    let gateway = services.gateway_with_flags(&["--max-connections", "1"]).await;
    let mut held = TcpStream::connect(gateway.base().trim_start_matches("http://")).await.unwrap();
    held.write_all(b"GET /v1/rooms HTTP/1.1\r\nHost: h\r\n\r\n").await.unwrap();
    // Once it is answered, it has the place.
    within(PATIENCE, "an answer", held.read_u8()).await.unwrap();

    let get = async |path: &str| gateway.api().request(Method::GET, path).send().await.unwrap();
    for path in ["/livez", "/readyz", "/metrics"] {
        let answer = get(path).await;
        assert_eq!(answer.headers()[header::CONNECTION], "close", "{path}");
        let body = answer.text().await.unwrap();
        let expected = ["ok\n", "\"ready\":", "madang_gateway_refused_connections"];
        assert!(expected.iter().any(|expected| body.contains(expected)), "{path}: {body}");
    }
    let answer = get("/v1/rooms").await;
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.headers()[header::CONTENT_TYPE], "application/problem+json");
    assert!(answer.headers().contains_key(header::RETRY_AFTER));
    let problem: Value = answer.json().await.unwrap();
    assert_eq!(problem["code"], "unavailable", "{problem}");
}
