//! The connections of a server: their number, and how long one may say nothing.

use std::{
    collections::HashSet,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use madang_kit::{
    Lifecycle, Metrics, Readiness,
    grpc::{Access, ClientOptions, Peer, ServerOptions, ServiceChannel, channel, serve},
    lifecycle::Outcome,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use tonic::{Code, Status, service::Routes};
use tonic_health::pb::{HealthCheckRequest, health_client::HealthClient};

use crate::replica::{call, routes, routes_seen_by};

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(10);
/// What a peer of HTTP/2 says first: the preface, and settings that change nothing.
const OPENING: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00";

struct Fixture {
    life: Lifecycle,
    metrics: Metrics,
    address: SocketAddr,
}

async fn fixture(options: ServerOptions) -> Fixture {
    let handler = Arc::new(|method| Box::pin(async move { Ok(method) }) as _);
    fixture_with(options, routes(handler)).await
}

async fn fixture_with(options: ServerOptions, routes: Routes) -> Fixture {
    let (life, metrics) = (Lifecycle::new("test", Duration::from_secs(10)), Metrics::new("test").unwrap());
    let server = life.child("server");
    let address = ([127, 0, 0, 1], 0).into();
    let address =
        serve(address, routes, &Readiness::new(), &metrics, &server, Access::default(), options).await;
    Fixture { life, metrics, address: address.unwrap() }
}

impl Fixture {
    fn channel(&self) -> ServiceChannel {
        channel("names", &format!("http://{}", self.address), ClientOptions::default(), &self.life).unwrap()
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }
}

/// Reads to the end of a connection, which the other side has closed or reset.
async fn read_to_end(stream: &mut TcpStream) {
    let mut bytes = Vec::new();
    let read = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut bytes)).await;
    assert!(read.is_ok(), "the connection has not ended in time");
}

#[tokio::test]
async fn a_flood_of_silent_connections_keeps_nobody_out() {
    let options =
        ServerOptions { connections: 16, opening_timeout: Duration::from_secs(600), ..Default::default() };
    let fixture = fixture(options).await;
    let mut silent = Vec::new();
    for number in 0..50 {
        let mut stream = fixture.connect().await;
        if number % 2 == 0 {
            stream.write_all(&OPENING[..10]).await.unwrap();
        }
        silent.push(stream);
    }
    let answer = tokio::time::timeout(PATIENCE, call(&fixture.channel(), "Get")).await.expect("an answer");
    assert_eq!(answer.unwrap(), "Get");
    // One address has a quarter of the places: all but the last four have ended.
    for stream in &mut silent[..46] {
        read_to_end(stream).await;
    }
    fixture.life.stop();
    assert_eq!(fixture.life.finished().await, Outcome::Drained);
}

#[tokio::test]
async fn a_peer_that_does_not_begin_to_speak_is_let_go() {
    let options = ServerOptions { opening_timeout: Duration::from_millis(200), ..Default::default() };
    let fixture = fixture(options).await;
    let channel = fixture.channel();
    call(&channel, "Get").await.unwrap();
    for opening in [&OPENING[..0], &OPENING[..10], &OPENING[..24]] {
        let mut stream = fixture.connect().await;
        stream.write_all(opening).await.unwrap();
        read_to_end(&mut stream).await;
    }
    call(&channel, "Get").await.unwrap();
}

#[tokio::test]
async fn peers_that_speak_stay_and_more_than_the_bound_are_refused() {
    let options = ServerOptions { connections: 16, ..Default::default() };
    let fixture = fixture(options).await;
    // A quarter for one address: two by the channel, which probes by one of its own, and two by hand.
    let channel = fixture.channel();
    call(&channel, "Get").await.unwrap();
    let mut speaking = Vec::new();
    for _ in 0..2 {
        let mut stream = fixture.connect().await;
        stream.write_all(OPENING).await.unwrap();
        // The server's settings.
        stream.read_exact(&mut [0; 9]).await.unwrap();
        speaking.push(stream);
    }
    let refused = |count: u64| {
        let line = format!("madang_rpc_server_refused_connections_total {count}");
        assert!(fixture.metrics.render().contains(&line), "{line}");
    };
    refused(0);
    read_to_end(&mut fixture.connect().await).await;
    refused(1);
    call(&channel, "Get").await.unwrap();
    drop(speaking.pop());
    // Its place is free as soon as the server has seen the end.
    let mut again = fixture.connect().await;
    while again.write_all(OPENING).await.is_err() || again.read_exact(&mut [0; 9]).await.is_err() {
        again = fixture.connect().await;
    }
}

#[tokio::test]
async fn one_connection_watches_health_so_often_and_no_more() {
    const MAX: usize = 8;
    let fixture = fixture(ServerOptions::default()).await;
    // A connection of its own, without the watch of a balanced channel.
    let endpoint = tonic::transport::Endpoint::from_shared(format!("http://{}", fixture.address)).unwrap();
    let mut client = HealthClient::new(endpoint.connect().await.unwrap());
    let mut watches = Vec::new();
    for _ in 0..MAX {
        watches.push(client.watch(HealthCheckRequest::default()).await.unwrap());
    }
    let refused = client.watch(HealthCheckRequest::default()).await.unwrap_err();
    assert_eq!(refused.code(), Code::ResourceExhausted);
    let mut another = HealthClient::new(endpoint.connect().await.unwrap());
    another.check(HealthCheckRequest::default()).await.unwrap();
    drop(watches.pop());
    tokio::time::timeout(PATIENCE, async {
        while client.check(HealthCheckRequest::default()).await.is_err() {
            tokio::task::yield_now().await;
        }
    })
    .await
    .expect("the place of the watch that has ended");
}

/// Calls as the client of the services does, which does a call again where nobody has answered it.
async fn call_again(channel: &ServiceChannel, method: &str) -> Result<String, Status> {
    const ATTEMPTS_MAX: usize = 3;
    let mut answer = call(channel, method).await;
    for _ in 1..ATTEMPTS_MAX {
        if answer.is_ok() {
            break;
        }
        answer = call(channel, method).await;
    }
    answer
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_are_old_are_replaced_and_no_call_fails_for_good() {
    const AGE: Duration = Duration::from_millis(150);
    const CALLERS: usize = 16;
    const LOAD: Duration = Duration::from_secs(3);
    let options = ServerOptions { connection_age: AGE, ..Default::default() };
    let peers: Arc<Mutex<HashSet<SocketAddr>>> = Arc::default();
    let seen = Arc::clone(&peers);
    // Some calls outlast the age of their connection.
    let handler = Arc::new(|method: String| {
        Box::pin(async move {
            let takes = if method == "Long" { 2 * AGE } else { Duration::from_millis(1) };
            tokio::time::sleep(takes).await;
            Ok(method)
        }) as _
    });
    let routes = routes_seen_by(handler, move |request| {
        let peer = request.extensions().get::<Peer>();
        seen.lock().unwrap().extend(peer.and_then(Peer::address));
    });
    let fixture = fixture_with(options, routes).await;
    let channel = fixture.channel();
    let until = tokio::time::Instant::now() + LOAD;
    let callers: Vec<_> = (0..CALLERS)
        .map(|number| {
            let channel = channel.clone();
            tokio::spawn(async move {
                let (mut calls, mut failed) = (0_u32, Vec::new());
                while tokio::time::Instant::now() < until {
                    calls += 1;
                    let method = if number == 0 { "Long" } else { "Get" };
                    failed.extend(call_again(&channel, method).await.err());
                }
                (calls, failed)
            })
        })
        .collect();
    let (mut calls, mut failed) = (0, Vec::new());
    for caller in callers {
        let (theirs, failures) = caller.await.unwrap();
        calls += theirs;
        failed.extend(failures);
    }
    assert!(failed.is_empty(), "{} of {calls} calls failed: {:?}", failed.len(), failed[0]);
    let connections = peers.lock().unwrap().len();
    // With the tenth that is added, at least so many in that time.
    assert!(connections >= 8, "{calls} calls on {connections} connections");
}
