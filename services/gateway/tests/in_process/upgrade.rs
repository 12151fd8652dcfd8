//! Handshakes as RFC 6455, section 4.2, wants them; in both dialects.

use std::net::SocketAddr;

use madang_domain::Code;

use crate::{
    raw::{Answer, ask},
    support::{Gateway, Services, User},
};

const PATHS: [&str; 4] = ["/v1/ws", "/ws/chat/", "/ws/chat/lobby", "/ws/alarm"];

async fn place() -> (Services, Gateway, User) {
    let services = Services::start().await;
    let gateway = services.gateway_with(|settings| settings.channels.channels_edge = Some(true)).await;
    let mina = services.user("mina").await;
    (services, gateway, mina)
}

/// A handshake with another first line and other headers.
async fn shake(
    address: SocketAddr,
    first: &str,
    token: &str,
    without: &[&str],
    with: &[(&str, &str)],
) -> Answer {
    let own = [
        ("host", "chat.test"),
        ("upgrade", "websocket"),
        ("connection", "Upgrade"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ];
    let own = own.iter().filter(|(name, _)| !without.contains(name));
    let headers: String = own.chain(with).map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    ask(address, format!("{first}\r\n{headers}authorization: Bearer {token}\r\n\r\n").as_bytes()).await
}

#[tokio::test]
async fn an_unknown_version_is_told_the_known_one() {
    let (_services, gateway, mina) = place().await;
    for path in PATHS {
        let get = format!("GET {path} HTTP/1.1");
        let version = ["sec-websocket-version"];
        for with in [&[("sec-websocket-version", "8")][..], &[("sec-websocket-version", "14")], &[]] {
            let answer = shake(gateway.address(), &get, &mina.token, &version, with).await;
            assert_eq!(answer.status, 426, "{path} {with:?}");
            assert_eq!(answer.header("sec-websocket-version"), Some("13"), "{path}");
            assert_eq!(answer.header("upgrade"), Some("websocket"), "{path}");
            assert_eq!(answer.problem().code, Code::InvalidArgument);
        }
    }
}

#[tokio::test]
async fn what_is_no_get_of_http_1_1_is_not_upgraded() {
    let (_services, gateway, mina) = place().await;
    for path in PATHS {
        let answer = shake(gateway.address(), &format!("HEAD {path} HTTP/1.1"), &mina.token, &[], &[]).await;
        assert_eq!((answer.status, answer.header("allow")), (405, Some("GET")), "HEAD {path}");
        let answer = shake(gateway.address(), &format!("GET {path} HTTP/1.0"), &mina.token, &[], &[]).await;
        assert_eq!(answer.status, 400, "GET {path} HTTP/1.0");
        answer.problem();
        for method in ["POST", "PUT", "DELETE"] {
            let first = format!("{method} {path} HTTP/1.1");
            let answer = shake(gateway.address(), &first, &mina.token, &[], &[]).await;
            assert_eq!(answer.status, 405, "{method} {path}");
            assert!(answer.header("allow").is_some_and(|allow| allow.contains("GET")), "{method} {path}");
            answer.problem();
        }
    }
}

#[tokio::test]
async fn headers_stand_once_and_the_key_is_a_nonce() {
    let (_services, gateway, mina) = place().await;
    for path in PATHS {
        let get = format!("GET {path} HTTP/1.1");
        let granted =
            shake(gateway.address(), &get, &mina.token, &[], &[("origin", "http://chat.test")]).await;
        assert_eq!(granted.status, 101, "{path}");
        assert_eq!(granted.header("sec-websocket-accept"), Some("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
        let origin = ("origin", "http://chat.test");
        for (without, with, what) in [
            (&["host"][..], &[][..], "no host"),
            (&[], &[("host", "chat.test")], "two hosts"),
            (&[], &[origin, origin], "two origins"),
            (&["sec-websocket-key"], &[], "no key"),
            (&["sec-websocket-key"], &[("sec-websocket-key", "x")], "a key that is none"),
            (&["sec-websocket-key"], &[("sec-websocket-key", "AAAAAAAAAAAAAAAAAAAA")], "15 bytes"),
            (&[], &[("sec-websocket-key", "AAAAAAAAAAAAAAAAAAAAAA==")], "two keys"),
            (&["upgrade"], &[], "no upgrade"),
            (&["connection"], &[("connection", "keep-alive")], "no connection for it"),
        ] {
            let answer = shake(gateway.address(), &get, &mina.token, without, with).await;
            assert_eq!(answer.status, 400, "{what} at {path}");
            assert_eq!(answer.problem().code, Code::InvalidArgument, "{what} at {path}");
        }
    }
}

/// A query that cannot be read is the contract's problem, as it is on every other route.
#[tokio::test]
async fn a_query_that_cannot_be_read_is_a_problem() {
    let (_services, gateway, mina) = place().await;
    for path in PATHS {
        for query in ["token=a&token=b", "ticket=a&ticket=b"] {
            let get = format!("GET {path}?{query} HTTP/1.1");
            let answer = shake(gateway.address(), &get, &mina.token, &[], &[]).await;
            assert_eq!(
                (answer.status, answer.problem().code),
                (400, Code::InvalidArgument),
                "{path}?{query}"
            );
        }
    }
    let answer = shake(gateway.address(), "GET /ws/chat/%FF HTTP/1.1", &mina.token, &[], &[]).await;
    assert_eq!((answer.status, answer.problem().code), (400, Code::InvalidArgument));
}

/// A request of any route names one host (RFC 9112, section 3.2).
#[tokio::test]
async fn a_request_names_one_host() {
    let (_services, gateway, _mina) = place().await;
    for headers in ["", "host: a\r\nhost: b\r\n"] {
        let request = format!("GET /v1/rooms HTTP/1.1\r\n{headers}\r\n");
        let answer = ask(gateway.address(), request.as_bytes()).await;
        assert_eq!((answer.status, answer.problem().code), (400, Code::InvalidArgument), "{headers:?}");
    }
    let answer = ask(gateway.address(), b"GET /v1/rooms HTTP/1.0\r\n\r\n").await;
    assert_eq!(answer.status, 401, "a host is a matter of HTTP/1.1");
}
