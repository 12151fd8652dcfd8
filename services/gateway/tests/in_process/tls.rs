//! A gateway that terminates TLS itself.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use madang_client::{Body, Client, ConnectOptions, Credential, Incoming, NewRoom, Socket};
use madang_contract::{ClientFrame, EventBody, RoomSince, Subscribe};
use madang_domain::{RoomId, Seq};
use madang_test_kit::{Authority, CertificateFiles, eventually};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, ServerName, pem::PemObject as _},
};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::{TlsConnector, client::TlsStream};

use crate::{
    closing::{
        CLOSE_PATIENCE, DECIDED_WITHIN, RECEIVE_BUFFER_BYTES, revoke_first_session, sign_in_again,
        system_bytes,
    },
    raw::{RawSocket, connect, frame},
    support::{Gateway, PATIENCE, Services, User, within},
};

/// Connects as a browser does: it verifies the authority and the host's name.
#[derive(Clone)]
struct Browser {
    connector: TlsConnector,
    gateway: SocketAddr,
    /// What the last connection showed.
    shown: Arc<Mutex<Option<Vec<u8>>>>,
}

impl Browser {
    fn new(authority: &Authority, gateway: SocketAddr) -> Self {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(authority.pem().as_bytes()).unwrap()).unwrap();
        let mut config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Self { connector: Arc::new(config).into(), gateway, shown: Arc::default() }
    }

    async fn connect(&self) -> TlsStream<TcpStream> {
        self.connect_over(TcpStream::connect(self.gateway).await.unwrap()).await
    }

    async fn connect_over(&self, tcp: TcpStream) -> TlsStream<TcpStream> {
        let host = ServerName::try_from("localhost").unwrap();
        let stream = self.connector.connect(host, tcp).await.unwrap();
        let session = stream.get_ref().1;
        assert_eq!(
            session.alpn_protocol(),
            Some(&b"http/1.1"[..]),
            "of two, the one that the gateway speaks"
        );
        *self.shown.lock().unwrap() = Some(session.peer_certificates().unwrap()[0].to_vec());
        stream
    }

    /// A URL of HTTP that leads to the gateway by TLS, for clients that have no TLS of their own.
    async fn tunnel(&self) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let browser = self.clone();
        tokio::spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                let browser = browser.clone();
                tokio::spawn(async move {
                    let mut gateway = browser.connect().await;
                    // Either side may hang up.
                    drop(copy_bidirectional(&mut client, &mut gateway).await);
                });
            }
        });
        url
    }
}

struct Scene {
    _directory: TempDir,
    files: CertificateFiles,
    authority: Authority,
    gateway: Gateway,
    services: Services,
}

impl Scene {
    async fn new() -> Self {
        let (directory, authority) = (TempDir::new().unwrap(), Authority::new("clients").unwrap());
        let issued = authority.issue(&["localhost"]).unwrap();
        let files = CertificateFiles::write(directory.path(), "gateway", &issued, &[&authority]).unwrap();
        let services = Services::start().await;
        let gateway = gateway(&services, &files, &[]).await;
        Self { _directory: directory, files, authority, gateway, services }
    }

    fn browser(&self) -> Browser {
        Browser::new(&self.authority, self.gateway.address())
    }
}

/// A gateway with that certificate and these flags.
async fn gateway(services: &Services, files: &CertificateFiles, more: &[&str]) -> Gateway {
    let (certificate, key) = (files.certificate.display(), files.key.display());
    let flags = [
        format!("--http-tls-certificate-file={certificate}"),
        format!("--http-tls-key-file={key}"),
        "--http-tls-reload-seconds=1".to_owned(),
        "--sends-per-second=1000000".to_owned(),
        "--sends-burst=1000000".to_owned(),
    ];
    let flags: Vec<&str> = flags.iter().map(String::as_str).chain(more.iter().copied()).collect();
    services.gateway_with_flags(&flags).await
}

/// A long message: 12,000 bytes.
fn long() -> String {
    "마".repeat(4_000)
}

#[tokio::test]
async fn sockets_and_rest_by_tls_are_those_without() {
    const MESSAGES: u64 = 120;

    let scene = Scene::new().await;
    let url = scene.browser().tunnel().await;
    let mina = scene.services.user("mina").await;
    let api = Client::new(&url).unwrap().with_token(&mina.token);
    let room = api.create_room(&NewRoom::public("Yard")).await.unwrap().id;
    let mut last = Seq::START;
    for _ in 0..MESSAGES {
        last = api.send_message(room, &long(), None).await.unwrap().seq;
    }
    let options = ConnectOptions::default();
    let (mut socket, _) =
        Socket::open(&url, &Credential::Bearer(mina.token.clone()), &options).await.unwrap();
    let since = RoomSince { room: room.into(), since: Some(Seq::START), epoch: None };
    let subscribe = ClientFrame::Subscribe(Subscribe { rooms: vec![since], ..Subscribe::default() });
    socket.call(subscribe, PATIENCE).await.unwrap();
    // More than a megabyte: it waits in the gateway, in TLS and in the system until the client takes it.
    tokio::time::sleep(Duration::from_millis(300)).await;
    let (mut seen, mut messages) = (Seq::START, 0);
    while seen < last {
        if let Incoming::Event(event) = socket.next_frame(PATIENCE).await.unwrap() {
            assert_eq!(event.seq.get(), seen.get() + 1);
            seen = event.seq;
            messages += u64::from(matches!(event.body, Body::Known(EventBody::Message { .. })));
        }
    }
    assert_eq!(messages, MESSAGES);
}

#[tokio::test]
async fn a_client_without_tls_gets_no_answer() {
    let scene = Scene::new().await;
    let mut plain = TcpStream::connect(scene.gateway.address()).await.unwrap();
    plain.write_all(b"GET /v1/rooms HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    let mut said = Vec::new();
    let ended = within(PATIENCE, "an end", plain.read_to_end(&mut said)).await;
    assert!(ended.is_err() || !said.starts_with(b"HTTP/"), "{said:?}");
}

#[tokio::test]
async fn a_handshake_that_fails_is_counted_with_the_reason() {
    let scene = Scene::new().await;
    let address = scene.gateway.address();
    let count = |reason: &str| {
        let metric = format!("madang_gateway_failed_tls_handshakes_total{{reason=\"{reason}\"}}");
        scene.gateway.metric_if_shown(&metric)
    };
    let counted = async |reason: &str| {
        eventually(PATIENCE, reason, async || (count(reason) == Some(1)).then_some(())).await;
    };
    // One that succeeds is none of them.
    drop(scene.browser().connect().await);

    // As the check of a load balancer, which connects and leaves.
    drop(TcpStream::connect(address).await.unwrap());
    counted("gone").await;
    let mut plain = TcpStream::connect(address).await.unwrap();
    plain.write_all(b"GET /v1/rooms HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    counted("protocol").await;

    let host = || ServerName::try_from("localhost").unwrap();
    let stranger = Browser::new(&Authority::new("another").unwrap(), address);
    let tcp = TcpStream::connect(address).await.unwrap();
    stranger.connector.connect(host(), tcp).await.expect_err("its authority is another");
    counted("refused_by_client").await;

    let mut config = (**scene.browser().connector.config()).clone();
    config.alpn_protocols = vec![b"h2".to_vec()];
    let tcp = TcpStream::connect(address).await.unwrap();
    let refused = TlsConnector::from(Arc::new(config)).connect(host(), tcp).await;
    refused.expect_err("the gateway speaks no HTTP/2");
    counted("incompatible").await;
    assert_eq!(count("timed_out"), Some(0));
}

#[tokio::test]
async fn a_certificate_is_replaced_and_sockets_stay() {
    let scene = Scene::new().await;
    let browser = scene.browser();
    let url = browser.tunnel().await;
    let mina = scene.services.user("mina").await;
    let options = ConnectOptions::default();
    let (mut socket, _) =
        Socket::open(&url, &Credential::Bearer(mina.token.clone()), &options).await.unwrap();
    let before = browser.shown.lock().unwrap().clone().unwrap();
    let next = scene.authority.issue(&["localhost"]).unwrap();
    scene.files.replace(&next).unwrap();
    let next = CertificateDer::from_pem_slice(next.certificate.as_bytes()).unwrap().to_vec();
    eventually(PATIENCE, "the new certificate", async || {
        drop(browser.connect().await);
        (browser.shown.lock().unwrap().as_ref() == Some(&next)).then_some(())
    })
    .await;
    assert_ne!(before, next);
    let subscribe = ClientFrame::Subscribe(Subscribe { all: true, ..Subscribe::default() });
    socket.call(subscribe, PATIENCE).await.unwrap();
}

#[tokio::test]
async fn a_handshake_that_does_not_come_to_its_end_is_given_up() {
    const HANDSHAKE_PATIENCE: Duration = Duration::from_secs(10);
    let scene = Scene::new().await;
    // Nothing at all, and the beginning of a record.
    let silent = async |said: &[u8]| {
        let began = Instant::now();
        let mut tcp = TcpStream::connect(scene.gateway.address()).await.unwrap();
        tcp.write_all(said).await.unwrap();
        let mut heard = Vec::new();
        let ended = within(HANDSHAKE_PATIENCE + DECIDED_WITHIN, "the end", tcp.read_to_end(&mut heard));
        // The end may be a reset.
        drop(ended.await);
        assert!(heard.is_empty() && began.elapsed() >= HANDSHAKE_PATIENCE, "after {:?}", began.elapsed());
    };
    tokio::join!(silent(b""), silent(&[0x16, 3, 1, 2]));
    let given_up = "madang_gateway_failed_tls_handshakes_total{reason=\"timed_out\"}";
    eventually(PATIENCE, given_up, async || (scene.gateway.metric(given_up) == 2).then_some(())).await;
}

/// A client that reads nothing, whose one place at a gateway of TLS is taken.
async fn deaf(browser: &Browser, user: &User, room: RoomId) -> RawSocket<TlsStream<TcpStream>> {
    let stream = browser.connect_over(connect(browser.gateway, RECEIVE_BUFFER_BYTES).await).await;
    let mut socket = RawSocket::over(stream, browser.gateway, "/v1/ws", Some(&user.token)).await;
    let subscribe = format!(r#"{{"type":"subscribe","rooms":[{{"room":"{room}"}}]}}"#);
    socket.send(&frame(0x81, subscribe.as_bytes())).await;
    socket.until_text("caught_up").await;
    socket
}

#[tokio::test(flavor = "multi_thread")]
async fn who_reads_nothing_by_tls_is_gone_in_time() {
    let scene = Scene::new().await;
    let services = &scene.services;
    let mina = services.user("mina").await;
    let url = scene.browser().tunnel().await;
    let api = Client::new(&url).unwrap().with_token(&mina.token);
    let room = api.create_room(&NewRoom::public("Yard")).await.unwrap().id;
    // One has too much waiting; the other, where much may wait, is signed out.
    let mut waiting = Vec::new();
    for (name, queue) in [("slow", None), ("revoked", Some("--queue-max-bytes=67108864"))] {
        let flags: Vec<&str> = ["--max-user-sockets=1"].into_iter().chain(queue).collect();
        let gateway = gateway(services, &scene.files, &flags).await;
        let browser = Browser::new(&scene.authority, gateway.address());
        let user = services.user(name).await;
        let url = browser.tunnel().await;
        Client::new(&url).unwrap().with_token(&user.token).join(room).await.unwrap();
        let socket = deaf(&browser, &user, room).await;
        waiting.push((gateway, user, url, socket));
    }
    let text = long();
    let total = system_bytes() + 64 * text.len();
    for _ in 0..total / text.len() {
        api.send_message(room, &text, None).await.unwrap();
    }
    let revoked = &waiting[1].1.profile;
    let again = sign_in_again(services, &revoked.username).await;
    revoke_first_session(services, revoked.id).await;
    let is_free = async |url: &str, token: &str| {
        let credential = Credential::Bearer(token.to_owned());
        eventually(DECIDED_WITHIN + CLOSE_PATIENCE, "the place", async || {
            Socket::open(url, &credential, &ConnectOptions::default()).await.ok().map(drop)
        })
        .await;
    };
    tokio::join!(is_free(&waiting[0].2, &waiting[0].1.token), is_free(&waiting[1].2, &again));
    // The system keeps nothing for them either: what still comes is what had reached their own.
    for (_gateway, user, _, mut socket) in waiting {
        let mut rest = Vec::new();
        let ended = within(PATIENCE, "the end of the connection", socket.stream.read_to_end(&mut rest));
        drop(ended.await);
        let name = &user.profile.username;
        assert!(rest.len() < total / 4, "{} of {total} bytes were kept for {name}", rest.len());
    }
}
