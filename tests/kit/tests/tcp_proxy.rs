//! The breakable proxy in front of a server that echoes.

#![expect(clippy::unwrap_used, reason = "a failed step fails its test")]

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use madang_test_kit::{BreakableProxy, Direction};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// Long enough to be no coincidence; nothing is to arrive within it.
const SILENCE: Duration = Duration::from_millis(200);

async fn echo_server() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let (mut from, mut to) = stream.split();
                let _ = tokio::io::copy(&mut from, &mut to).await;
            });
        }
    });
    address
}

async fn echo(stream: &mut TcpStream, text: &[u8]) -> std::io::Result<Vec<u8>> {
    stream.write_all(text).await?;
    let mut answer = vec![0; text.len()];
    stream.read_exact(&mut answer).await?;
    Ok(answer)
}

#[tokio::test]
async fn bytes_pass_both_ways_and_an_end_is_passed_on() {
    let proxy = BreakableProxy::start(echo_server().await).unwrap();
    let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
    let text = vec![7; 300_000];
    let (mut from, mut to) = stream.split();
    let mut answer = Vec::new();
    let send = async {
        to.write_all(&text).await.unwrap();
        to.shutdown().await.unwrap();
    };
    let (_, received) = tokio::join!(send, from.read_to_end(&mut answer));
    assert_eq!(received.unwrap(), text.len());
    assert_eq!(answer, text);
}

#[tokio::test]
async fn a_cut_resets_what_is_open_and_accepts_what_is_new() {
    let proxy = BreakableProxy::start(echo_server().await).unwrap();
    let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
    assert_eq!(echo(&mut stream, b"before").await.unwrap(), b"before");
    proxy.cut();
    let error = stream.read_u8().await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
    let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
    assert_eq!(echo(&mut stream, b"after").await.unwrap(), b"after");
}

#[tokio::test]
async fn refusing_closes_the_port_and_spares_what_is_open() {
    let proxy = BreakableProxy::start(echo_server().await).unwrap();
    let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
    assert_eq!(echo(&mut stream, b"1").await.unwrap(), b"1");
    proxy.refuse().await;
    let refused = TcpStream::connect(proxy.address()).await.unwrap_err();
    assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);
    assert_eq!(echo(&mut stream, b"2").await.unwrap(), b"2");
    proxy.accept().unwrap();
    let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
    assert_eq!(echo(&mut stream, b"3").await.unwrap(), b"3");
}

#[tokio::test]
async fn a_blackhole_is_silent_until_bytes_pass_again() {
    let proxy = BreakableProxy::start(echo_server().await).unwrap();
    let mut old = TcpStream::connect(proxy.address()).await.unwrap();
    assert_eq!(echo(&mut old, b"1").await.unwrap(), b"1");
    proxy.blackhole();
    let mut new = TcpStream::connect(proxy.address()).await.unwrap();
    old.write_all(b"2").await.unwrap();
    new.write_all(b"3").await.unwrap();
    assert!(tokio::time::timeout(SILENCE, old.read_u8()).await.is_err());
    assert!(tokio::time::timeout(SILENCE, new.read_u8()).await.is_err());
    proxy.pass();
    assert_eq!(old.read_u8().await.unwrap(), b'2');
    assert_eq!(new.read_u8().await.unwrap(), b'3');
}

#[tokio::test]
async fn a_delay_applies_to_both_directions() {
    let proxy = BreakableProxy::start(echo_server().await).unwrap();
    let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
    assert_eq!(echo(&mut stream, b"1").await.unwrap(), b"1");
    proxy.delay(Duration::from_millis(50));
    let started = Instant::now();
    assert_eq!(echo(&mut stream, b"2").await.unwrap(), b"2");
    assert!(started.elapsed() >= Duration::from_millis(100));
}

#[tokio::test]
async fn a_muted_direction_keeps_its_bytes_and_the_other_passes() {
    // A target that speaks first and echoes nothing.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let proxy = BreakableProxy::start(listener.local_addr().unwrap()).unwrap();
    let mut client = TcpStream::connect(proxy.address()).await.unwrap();
    let (mut target, _) = listener.accept().await.unwrap();
    proxy.mute(Direction::FromTarget);
    client.write_all(b"1").await.unwrap();
    assert_eq!(target.read_u8().await.unwrap(), b'1');
    target.write_all(b"2").await.unwrap();
    assert!(tokio::time::timeout(SILENCE, client.read_u8()).await.is_err());
    proxy.pass();
    assert_eq!(client.read_u8().await.unwrap(), b'2');
}

#[tokio::test]
async fn a_half_open_connection_is_lost_to_the_target_alone() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let proxy = BreakableProxy::start(listener.local_addr().unwrap()).unwrap();
    let mut client = TcpStream::connect(proxy.address()).await.unwrap();
    let (mut target, _) = listener.accept().await.unwrap();
    proxy.half_open();
    assert_eq!(target.read_u8().await.unwrap_err().kind(), std::io::ErrorKind::ConnectionReset);
    client.write_all(b"into the void").await.unwrap();
    assert!(tokio::time::timeout(SILENCE, client.read_u8()).await.is_err());
    // New connections pass, and a cut ends the half.
    let _new = TcpStream::connect(proxy.address()).await.unwrap();
    let _accepted = listener.accept().await.unwrap();
    proxy.cut();
    assert_eq!(client.read_u8().await.unwrap_err().kind(), std::io::ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn a_dropped_proxy_ends_its_connections() {
    let proxy = BreakableProxy::start(echo_server().await).unwrap();
    let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
    assert_eq!(echo(&mut stream, b"1").await.unwrap(), b"1");
    drop(proxy);
    assert!(stream.read_u8().await.is_err());
}
