//! A gateway that terminates TLS itself.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use madang_client::{Body, Client, ConnectOptions, Credential, Incoming, NewRoom, Socket};
use madang_contract::{ClientFrame, EventBody, RoomSince, Subscribe};
use madang_domain::Seq;
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

use crate::support::{Gateway, PATIENCE, Services, within};

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
        let tcp = TcpStream::connect(self.gateway).await.unwrap();
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
        let (certificate, key) = (files.certificate.display(), files.key.display());
        let flags = [
            format!("--http-tls-certificate-file={certificate}"),
            format!("--http-tls-key-file={key}"),
            "--http-tls-reload-seconds=1".to_owned(),
            "--sends-per-second=1000000".to_owned(),
            "--sends-burst=1000000".to_owned(),
        ];
        let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
        let gateway = services.gateway_with_flags(&flags).await;
        Self { _directory: directory, files, authority, gateway, services }
    }

    fn browser(&self) -> Browser {
        Browser::new(&self.authority, self.gateway.address())
    }
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
