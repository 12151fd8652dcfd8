//! Pages of other hosts, and what a browser is told about an answer.

use crate::{
    raw::{Answer, ask},
    support::{Gateway, Services},
};

/// A handshake without a credential, which is granted to pages that may.
async fn shake(gateway: &Gateway, headers: &[(&str, &str)]) -> u16 {
    let mut request = "GET /v1/ws HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                       Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
        .to_owned();
    request.extend(headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")));
    ask(gateway.address(), format!("{request}\r\n").as_bytes()).await.status
}

/// A request of a page for the API.
async fn call(gateway: &Gateway, first: &str, headers: &[(&str, &str)]) -> Answer {
    let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    ask(gateway.address(), format!("{first} HTTP/1.1\r\n{headers}\r\n").as_bytes()).await
}

/// The page that the answer allows to read it.
async fn allowed(gateway: &Gateway, headers: &[(&str, &str)]) -> Option<String> {
    let answer = call(gateway, "GET /v1/openapi.json", headers).await;
    assert_eq!(answer.status, 200);
    answer.header("access-control-allow-origin").map(str::to_owned)
}

#[tokio::test]
async fn an_origin_and_a_host_are_compared_after_their_defaults() {
    let services = Services::start().await;
    let gateway = services.gateway().await;
    for (host, origin, may) in [
        ("h.test:443", "https://h.test", true),
        ("h.test", "https://h.test", true),
        ("h.test:80", "http://h.test", true),
        ("h.test:8443", "https://h.test:8443", true),
        ("h.test:8443", "https://h.test", false),
        ("h.test:80", "https://h.test", false),
        ("h.test", "https://other.test", false),
        ("h.test", "null", false),
    ] {
        let headers = [("host", host), ("origin", origin)];
        assert_eq!(shake(&gateway, &headers).await, if may { 101 } else { 403 }, "{origin} at {host}");
        assert_eq!(allowed(&gateway, &headers).await.as_deref(), may.then_some(origin), "{origin} at {host}");
    }
}

#[tokio::test]
async fn listed_pages_may_and_others_may_not() {
    let services = Services::start().await;
    let gateway = services
        .gateway_with(|settings| {
            let listed = ["https://app.example.com:443", "https://*.example.org", "https://채팅.한국"];
            settings.allowed_origins = listed.iter().map(|origin| origin.parse().unwrap()).collect();
        })
        .await;
    for (origin, may) in [
        ("https://app.example.com", true),
        ("https://a.example.org", true),
        ("https://b.a.example.org", true),
        ("https://xn--ou6bo7j.xn--3e0b707e", true),
        ("https://example.org", false),
        ("https://evil-example.org", false),
        ("https://a.example.org.evil.test", false),
        ("http://app.example.com", false),
        ("https://chat.test", false),
    ] {
        let headers = [("host", "chat.test"), ("origin", origin)];
        assert_eq!(shake(&gateway, &headers).await, if may { 101 } else { 403 }, "{origin}");
        assert_eq!(allowed(&gateway, &headers).await.as_deref(), may.then_some(origin), "{origin}");
    }
}

#[tokio::test]
async fn behind_a_proxy_that_was_asked_by_https_pages_are_secure() {
    let services = Services::start().await;
    let trusting = services.gateway_with(|settings| settings.trusted_proxies = 1).await;
    let alone = services.gateway().await;
    let page = |origin| [("host", "h.test"), ("origin", origin), ("x-forwarded-proto", "https")];
    assert_eq!(shake(&trusting, &page("https://h.test")).await, 101);
    assert_eq!(shake(&trusting, &page("http://h.test")).await, 403);
    assert_eq!(shake(&alone, &page("http://h.test")).await, 101, "nobody is believed");
}

#[tokio::test]
async fn a_page_may_read_what_a_client_needs_of_an_answers_head() {
    let services = Services::start().await;
    let gateway = services.gateway().await;
    let page = [("host", "h.test"), ("origin", "https://h.test")];
    let answer = call(&gateway, "GET /v1/rooms", &page).await;
    let exposed = answer.header("access-control-expose-headers").unwrap_or_default();
    for header in ["retry-after", "etag", "allow", "www-authenticate"] {
        assert!(exposed.split(',').any(|name| name.trim() == header), "{header} in {exposed}");
    }
    let preflight = [
        ("access-control-request-method", "POST"),
        ("access-control-request-headers", "authorization,content-type,idempotency-key,if-none-match"),
    ];
    let answer = call(&gateway, "OPTIONS /v1/rooms", &[&page[..], &preflight].concat()).await;
    assert_eq!(answer.header("access-control-allow-origin"), Some("https://h.test"));
    let allowed = answer.header("access-control-allow-headers").unwrap_or_default();
    for header in ["authorization", "content-type", "idempotency-key", "if-none-match"] {
        assert!(allowed.split(',').any(|name| name.trim() == header), "{header} in {allowed}");
    }
}
