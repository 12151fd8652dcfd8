//! Connections between requests, and whose they are.

use std::time::{Duration, Instant};

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::{
    raw::ask,
    support::{Gateway, PASSWORD, PATIENCE, Services, within},
};

/// What a busy machine adds.
const SLACK: Duration = Duration::from_secs(2);

/// How long a connection stays open behind an answer.
async fn idle_for(gateway: &Gateway) -> Duration {
    let mut stream = TcpStream::connect(gateway.address()).await.unwrap();
    let mut answer = [0; 4_096];
    // The second one shows that it stayed open behind the first.
    for _ in 0..2 {
        stream.write_all(b"GET /v1/rooms HTTP/1.1\r\nHost: h\r\n\r\n").await.unwrap();
        let read = within(PATIENCE, "an answer", stream.read(&mut answer)).await.unwrap();
        assert!(answer[..read].starts_with(b"HTTP/1.1 401 "), "{}", String::from_utf8_lossy(&answer[..read]));
    }
    let answered = Instant::now();
    let read = within(PATIENCE, "the end of an idle connection", stream.read(&mut answer)).await.unwrap();
    assert_eq!(read, 0, "nobody has asked anything");
    answered.elapsed()
}

#[tokio::test]
async fn an_idle_connection_stays_open_for_as_long_as_is_set() {
    let services = Services::start().await;
    for seconds in [1, 3] {
        let gateway = services.gateway_with_flags(&["--keep-alive-seconds", &seconds.to_string()]).await;
        let (set, idle) = (Duration::from_secs(seconds), idle_for(&gateway).await);
        // The gateway's time begins with what it has written, ours with what we have read.
        assert!(idle + Duration::from_millis(200) >= set && idle <= set + SLACK, "{idle:?} of {set:?}");
    }
}

/// Signs in as `mina`, from where a proxy says.
async fn sign_in(gateway: &Gateway, (header, from): (&str, &str), password: &str) -> (StatusCode, Value) {
    let login = gateway.api().request(Method::POST, "/v1/auth/login").header(header, from);
    let answer = login.json(&json!({"username": "mina", "password": password})).send().await.unwrap();
    (answer.status(), answer.json().await.unwrap())
}

/// Whatever form a proxy gives to an address, an attacker's tries are not counted against the owner.
#[tokio::test]
async fn who_tries_passwords_from_elsewhere_does_not_keep_the_owner_out() {
    const FORWARDED_FOR: &str = "x-forwarded-for";
    let services = Services::start().await;
    services.user("mina").await;
    let gateway = services.gateway_with_flags(&["--trusted-proxies", "1"]).await;
    let attacker = |port: u32| (FORWARDED_FOR, format!("203.0.113.9:{}", 40_000 + port));
    let mut tries = 0;
    let refused = loop {
        let (header, from) = attacker(tries);
        let (status, problem) = sign_in(&gateway, (header, &from), "a wrong password").await;
        if status != StatusCode::UNAUTHORIZED {
            break (status, problem);
        }
        tries += 1;
        assert!(tries < 20, "each port is an address of its own");
    };
    assert_eq!(refused.0, StatusCode::TOO_MANY_REQUESTS, "{}", refused.1);
    for (owner, shown) in [
        ((FORWARDED_FOR, "203.0.113.7:40212"), "203.0.113.7"),
        ((FORWARDED_FOR, "[2001:db8::7]:443"), "2001:db8::7"),
        ((FORWARDED_FOR, "[::ffff:203.0.113.8]:443"), "203.0.113.8"),
        (("forwarded", "for=\"203.0.113.6:40212\";proto=https"), "203.0.113.6"),
    ] {
        let (status, grant) = sign_in(&gateway, owner, PASSWORD).await;
        assert_eq!(status, StatusCode::OK, "{owner:?}: {grant}");
        let api = gateway.api().with_token(grant["access_token"].as_str().unwrap());
        let sessions: Value = api.call(api.request(Method::GET, "/v1/auth/sessions")).await.unwrap();
        let own = sessions["items"].as_array().unwrap().iter().find(|session| session["current"] == true);
        assert_eq!(own.unwrap()["ip"], shown, "{owner:?}: {sessions}");
    }
    // Without a proxy that is trusted, no header says anything.
    let alone = services.gateway().await;
    let request = "GET /v1/rooms HTTP/1.1\r\nHost: h\r\nX-Forwarded-For: 203.0.113.9:40212\r\n\r\n";
    assert_eq!(ask(alone.address(), request.as_bytes()).await.status, 401);
}
