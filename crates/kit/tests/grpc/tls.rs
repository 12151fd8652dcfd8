//! Who is on the other side of a connection, by certificates; and who may call what.

use std::{
    net::SocketAddr,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};

use clap::Parser;
use futures_util::future::BoxFuture;
use madang_domain::ServiceName::{self, Auth, Gateway, MessageStore};
use madang_kit::{
    Host, Lifecycle, Secret,
    grpc::{Access, CallSecret, ClientOptions, ServerOptions, ServiceChannel, channel, serve},
    tls::{ServiceTls, ServiceTlsSettings},
};
use madang_test_kit::{Authority, CertificateFiles, IssuedCertificate};
use tempfile::TempDir;
use tokio::time::timeout;
use tonic::{Code, Status};

use crate::replica::{Handler, call, routes};

/// Longer than anything here takes.
const LONG: Duration = Duration::from_secs(20);
/// Between the tries of what comes about sometime.
const PACE: Duration = Duration::from_millis(20);

const GATEWAY: &str = "spiffe://madang/gateway";
const AUTH: &str = "spiffe://madang/auth";
const STORE: &str = "spiffe://madang/message-store";

/// The table of the small service: a method for gateways, and one for gateways and auth.
fn table() -> Vec<(String, &'static [ServiceName])> {
    vec![("/test.Names/Get".to_owned(), &[Gateway]), ("/test.Names/Both".to_owned(), &[Gateway, Auth])]
}

#[derive(Parser)]
struct Settings {
    #[command(flatten)]
    tls: ServiceTlsSettings,
}

fn settings(files: &CertificateFiles, more: &[&str]) -> ServiceTlsSettings {
    let path = |path: &PathBuf| path.display().to_string();
    let mut arguments = vec![
        "test".to_owned(),
        format!("--tls-certificate-file={}", path(&files.certificate)),
        format!("--tls-key-file={}", path(&files.key)),
        format!("--tls-ca-file={}", path(&files.authorities)),
        "--tls-reload-seconds=1".to_owned(),
    ];
    arguments.extend(more.iter().map(|more| (*more).to_owned()));
    Settings::parse_from(arguments).tls
}

fn host() -> Host {
    Host::new("test", Lifecycle::new("test", Duration::from_secs(10))).unwrap()
}

fn echo() -> Handler {
    let answer: fn(String) -> BoxFuture<'static, Result<String, Status>> =
        |method| Box::pin(async { Ok(method) });
    Arc::new(answer)
}

/// A place for files, and an authority.
struct Scene {
    directory: TempDir,
    authority: Authority,
}

impl Scene {
    fn new() -> Self {
        Self { directory: TempDir::new().unwrap(), authority: Authority::new("test").unwrap() }
    }

    /// Files with a certificate of this authority.
    fn files(&self, file: &str, names: &[&str]) -> CertificateFiles {
        let issued = self.authority.issue(names).unwrap();
        CertificateFiles::write(self.directory.path(), file, &issued, &[&self.authority]).unwrap()
    }

    /// A message store that serves its table.
    async fn server(&self) -> Server {
        self.server_with(|access| access, false).await
    }

    async fn server_with(&self, more: impl FnOnce(Access) -> Access, accepts_plaintext: bool) -> Server {
        let (host, files) = (host(), self.files("server", &[STORE]));
        let tls = ServiceTls::open(&settings(&files, &[]), MessageStore, &host).await.unwrap();
        Server::start(host, files, more(Access::new(table()).with_tls(tls, accepts_plaintext))).await
    }
}

struct Server {
    host: Host,
    files: CertificateFiles,
    address: SocketAddr,
}

impl Server {
    async fn start(host: Host, files: CertificateFiles, access: Access) -> Self {
        let any = ([127, 0, 0, 1], 0).into();
        // Short, so that connections are made anew with the certificate of the moment, also while a test rolls it.
        let options = ServerOptions { connection_age: Duration::from_secs(1), ..ServerOptions::default() };
        let life = host.lifecycle.child("server");
        let address = serve(any, routes(echo()), &host.readiness, &host.metrics, &life, access, options);
        let address = address.await.unwrap();
        Self { host, files, address }
    }

    /// The metric's line of a counter.
    fn counts(&self, name: &str) -> u64 {
        let text = self.host.metrics.render();
        let line =
            text.lines().find(|line| line.starts_with(name)).unwrap_or_else(|| panic!("{name}: {text}"));
        line.rsplit(' ').next().unwrap().parse().unwrap()
    }
}

/// A caller with a certificate, which expects `service` on the other side.
async fn caller(
    host: &Host,
    files: &CertificateFiles,
    own: ServiceName,
    service: ServiceName,
    address: SocketAddr,
) -> ServiceChannel {
    let tls = ServiceTls::open(&settings(files, &[]), own, host).await.unwrap().unwrap();
    let options = ClientOptions { tls: Some((tls, service)), ..ClientOptions::default() };
    channel("names", &format!("https://{address}"), options, &host.lifecycle).unwrap()
}

/// Calls until it succeeds: the channel connects in the background.
async fn eventually(channel: &ServiceChannel, method: &str) -> String {
    let answer = async {
        loop {
            match call(channel, method).await {
                Ok(answer) => return answer,
                Err(_) => tokio::time::sleep(PACE).await,
            }
        }
    };
    timeout(LONG, answer).await.unwrap()
}

/// A call that must fail, whatever the moment.
async fn refusal(channel: &ServiceChannel, method: &str) -> Status {
    timeout(LONG, call(channel, method)).await.unwrap().unwrap_err()
}

#[tokio::test]
async fn a_service_is_called_by_those_whom_its_table_names() {
    let scene = Scene::new();
    let server = scene.server().await;
    let life = host();
    let gateway =
        caller(&life, &scene.files("gateway", &[GATEWAY]), Gateway, MessageStore, server.address).await;
    assert_eq!(eventually(&gateway, "Get").await, "Get");
    assert_eq!(call(&gateway, "Both").await.unwrap(), "Both");

    let auth = caller(&life, &scene.files("auth", &[AUTH]), Auth, MessageStore, server.address).await;
    assert_eq!(eventually(&auth, "Both").await, "Both");
    assert_eq!(server.counts("madang_rpc_server_refused_callers_total"), 0);
    let refused = refusal(&auth, "Get").await;
    assert_eq!(
        (refused.code(), refused.message()),
        (Code::PermissionDenied, "auth may not call this method")
    );
    assert_eq!(server.counts("madang_rpc_server_refused_callers_total"), 1);
}

#[tokio::test]
async fn a_caller_without_a_good_certificate_is_refused() {
    let scene = Scene::new();
    let server = scene.server().await;
    let life = host();
    // Another authority: its own side takes both for authorities, so that the server alone refuses.
    let other = Authority::new("other").unwrap();
    let foreign = other.issue(&[GATEWAY]).unwrap();
    let authorities = [&other, &scene.authority];
    let foreign = CertificateFiles::write(scene.directory.path(), "foreign", &foreign, &authorities).unwrap();
    let foreign = caller(&life, &foreign, Gateway, MessageStore, server.address).await;
    // A good certificate of somebody who is no service here.
    let stranger = settings(
        &scene.files("stranger", &["spiffe://elsewhere/gateway"]),
        &["--tls-peers", "gateway=spiffe://elsewhere/gateway,message-store=spiffe://madang/message-store"],
    );
    let stranger = ServiceTls::open(&stranger, Gateway, &life).await.unwrap().unwrap();
    let stranger = ClientOptions { tls: Some((stranger, MessageStore)), ..ClientOptions::default() };
    let url = format!("https://{}", server.address);
    let stranger = channel("names", &url, stranger, &life.lifecycle).unwrap();
    // Without TLS.
    let url = format!("http://{}", server.address);
    let plain = channel("names", &url, ClientOptions::default(), &life.lifecycle).unwrap();
    for (name, channel) in [("foreign", foreign), ("stranger", stranger), ("plain", plain)] {
        let before = server.counts("madang_rpc_server_refused_handshakes_total");
        // Each try is refused, those of its probe too.
        let refused = async {
            while server.counts("madang_rpc_server_refused_handshakes_total") < before + 3 {
                refusal(&channel, "Get").await;
                tokio::time::sleep(PACE).await;
            }
        };
        timeout(LONG, refused).await.unwrap_or_else(|_| panic!("{name}: its handshakes are refused"));
    }
    let gateway =
        caller(&life, &scene.files("gateway", &[GATEWAY]), Gateway, MessageStore, server.address).await;
    assert_eq!(eventually(&gateway, "Get").await, "Get", "and one with a good certificate is served");
}

#[tokio::test]
async fn only_the_service_that_was_dialled_is_called() {
    let scene = Scene::new();
    let server = scene.server().await;
    let life = host();
    let files = scene.files("gateway", &[GATEWAY]);
    // It is a message store, and not auth, whatever its address is.
    let wrong = caller(&life, &files, Gateway, Auth, server.address).await;
    for _ in 0..5 {
        let refused = refusal(&wrong, "Get").await;
        assert_eq!(refused.code(), Code::Unavailable);
        tokio::time::sleep(PACE).await;
    }
    assert!(
        !server.host.metrics.render().contains("rpc_server_call_duration_seconds_count"),
        "it has seen no call"
    );
}

#[tokio::test]
async fn a_certificate_is_rolled_under_load_without_a_failed_call() {
    let scene = Scene::new();
    let server = scene.server().await;
    let life = host();
    let files = scene.files("gateway", &[GATEWAY]);
    let channel = caller(&life, &files, Gateway, MessageStore, server.address).await;
    eventually(&channel, "Get").await;

    let (stop, calls) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU32::new(0)));
    let callers: Vec<_> = (0..8)
        .map(|_| {
            let (channel, stop, calls) = (channel.clone(), Arc::clone(&stop), Arc::clone(&calls));
            tokio::spawn(async move {
                while !stop.load(Ordering::Relaxed) {
                    call(&channel, "Get").await?;
                    calls.fetch_add(1, Ordering::Relaxed);
                }
                Ok::<_, Status>(())
            })
        })
        .collect();

    let reloads = |host: &Host| {
        let text = host.metrics.render();
        let line = text.lines().find(|line| line.starts_with("madang_tls_reloads_total")).unwrap().to_owned();
        line.rsplit(' ').next().unwrap().parse::<u64>().unwrap()
    };
    let both_have_read = async |times: u64| {
        let read = async {
            while reloads(&server.host) < times || reloads(&life) < times {
                tokio::time::sleep(PACE).await;
            }
        };
        timeout(LONG, read).await.expect("both read the files again");
        // And then go on for a while.
        let before = calls.load(Ordering::Relaxed);
        while calls.load(Ordering::Relaxed) < before + 200 {
            assert!(!callers.iter().any(tokio::task::JoinHandle::is_finished), "a call failed");
            tokio::time::sleep(PACE).await;
        }
    };

    // A new certificate of the same authority, on both sides.
    server.files.replace(&scene.authority.issue(&[STORE]).unwrap()).unwrap();
    files.replace(&scene.authority.issue(&[GATEWAY]).unwrap()).unwrap();
    both_have_read(1).await;
    // Another authority: first both are trusted, then it signs, then the first one is trusted no more.
    let next = Authority::new("next").unwrap();
    for files in [&server.files, &files] {
        files.replace_authorities(&[&scene.authority, &next]).unwrap();
    }
    both_have_read(2).await;
    server.files.replace(&next.issue(&[STORE]).unwrap()).unwrap();
    files.replace(&next.issue(&[GATEWAY]).unwrap()).unwrap();
    both_have_read(3).await;
    for files in [&server.files, &files] {
        files.replace_authorities(&[&next]).unwrap();
    }
    both_have_read(4).await;

    stop.store(true, Ordering::Relaxed);
    for caller in callers {
        caller.await.unwrap().expect("no call fails, and none is repeated");
    }
    assert_eq!(server.counts("madang_rpc_server_refused_handshakes_total"), 0);
    // The new one is really in use: who trusts the first authority alone finds nobody.
    let old = caller(&life, &scene.files("old", &[GATEWAY]), Gateway, MessageStore, server.address).await;
    assert_eq!(refusal(&old, "Get").await.code(), Code::Unavailable);
}

#[tokio::test]
async fn a_broken_new_file_keeps_the_earlier_certificate() {
    let scene = Scene::new();
    let server = scene.server().await;
    let life = host();
    let files = scene.files("gateway", &[GATEWAY]);
    let first = caller(&life, &files, Gateway, MessageStore, server.address).await;
    eventually(&first, "Get").await;
    let other = Authority::new("other").unwrap();
    let of_auth = scene.authority.issue(&[AUTH]).unwrap();
    let mismatched =
        IssuedCertificate { key: of_auth.key.clone(), ..scene.authority.issue(&[STORE]).unwrap() };
    let broken = [
        IssuedCertificate { certificate: "nothing".to_owned(), key: "nothing".to_owned() },
        mismatched,
        of_auth,
        other.issue(&[STORE]).unwrap(),
        scene.authority.issue_ended(&[STORE]).unwrap(),
    ];
    for (number, broken) in (1..).zip(broken) {
        server.files.replace(&broken).unwrap();
        let noticed = async {
            while server.counts("madang_tls_failed_reloads_total") < number {
                tokio::time::sleep(PACE).await;
            }
        };
        timeout(LONG, noticed).await.unwrap_or_else(|_| panic!("{number} is refused"));
        let fresh = caller(&life, &files, Gateway, MessageStore, server.address).await;
        assert_eq!(eventually(&fresh, "Get").await, "Get");
    }
    assert_eq!(server.counts("madang_tls_reloads_total"), 0);
}

#[tokio::test]
async fn a_wrong_certificate_of_one_s_own_stops_the_start_and_says_why() {
    let scene = Scene::new();
    let host = host();
    let other = Authority::new("other").unwrap();
    let write = |name: &str, issued: IssuedCertificate| {
        CertificateFiles::write(scene.directory.path(), name, &issued, &[&scene.authority]).unwrap()
    };
    for (files, word) in [
        (scene.files("auth", &[AUTH]), "names auth, and not gateway"),
        (scene.files("nobody", &["example.test"]), "names example.test, and not gateway"),
        (write("ended", scene.authority.issue_ended(&[GATEWAY]).unwrap()), "ended at 2020-01-01"),
        (write("foreign", other.issue(&[GATEWAY]).unwrap()), "not accepted by the own authorities"),
    ] {
        let error = ServiceTls::open(&settings(&files, &[]), Gateway, &host).await.unwrap_err().to_string();
        assert!(error.contains("MADANG_TLS_CERTIFICATE_FILE") && error.contains(word), "{word}: {error}");
    }
    let half = Settings::parse_from(["test", "--tls-key-file=/nowhere"]).tls;
    assert!(ServiceTls::open(&half, Gateway, &host).await.unwrap_err().to_string().contains("all three"));
    let none = Settings::parse_from(["test"]).tls;
    assert!(ServiceTls::open(&none, Gateway, &host).await.unwrap().is_none());
}

#[tokio::test]
async fn the_end_of_the_certificate_is_a_metric() {
    let scene = Scene::new();
    let server = scene.server().await;
    // The default of the library that makes them: the first second of 4096.
    let line = r#"madang_tls_certificate_not_after_timestamp_seconds{usage="services"} 67090118400"#;
    let text = server.host.metrics.render();
    assert!(text.contains(line), "{text}");
}

fn secret(letter: &str) -> CallSecret {
    CallSecret::try_from(Secret::from(letter.repeat(32))).unwrap()
}

fn with_secret(host: &Host, url: &str, secret: Option<CallSecret>) -> ServiceChannel {
    let options = ClientOptions { secret, ..ClientOptions::default() };
    channel("names", url, options, &host.lifecycle).unwrap()
}

#[tokio::test]
async fn a_secret_stands_for_the_gateway_and_two_are_accepted() {
    let scene = Scene::new();
    let access = Access::new(table()).with_secrets(Gateway, [secret("a"), secret("b")]);
    let server = Server::start(host(), scene.files("unused", &[STORE]), access).await;
    let (life, url) = (host(), format!("http://{}", server.address));
    for letter in ["a", "b"] {
        let channel = with_secret(&life, &url, Some(secret(letter)));
        assert_eq!(eventually(&channel, "Get").await, "Get");
    }
    let none = refusal(&with_secret(&life, &url, None), "Get").await;
    assert_eq!(
        (none.code(), none.message()),
        (Code::PermissionDenied, "the caller shows neither a certificate nor a secret")
    );
    let wrong = with_secret(&life, &url, Some(secret("c")));
    let refused = refusal(&wrong, "Get").await;
    assert_eq!((refused.code(), refused.message()), (Code::PermissionDenied, "the caller's secret is wrong"));
}

#[tokio::test]
async fn readiness_tells_of_a_wrong_secret_before_a_call_does() {
    let scene = Scene::new();
    let access = Access::new(table()).with_secrets(Gateway, [secret("a")]);
    let server = Server::start(host(), scene.files("unused", &[STORE]), access).await;
    let (life, url) = (host(), format!("http://{}", server.address));
    let options = |secret, name| ClientOptions {
        secret: Some(secret),
        check: Some(life.readiness.check(name)),
        ..ClientOptions::default()
    };
    let _right = channel("names", &url, options(secret("a"), "right"), &life.lifecycle).unwrap();
    let _wrong = channel("names", &url, options(secret("b"), "wrong"), &life.lifecycle).unwrap();
    let mut watch = life.readiness.watch();
    let failing = |state: &madang_kit::health::State| {
        let failing =
            |name: &str| state.checks.iter().any(|check| check.name == name && check.failing.is_some());
        failing("wrong") && !failing("right")
    };
    timeout(LONG, watch.wait_for(failing)).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_server_takes_both_while_callers_get_their_certificates() {
    let scene = Scene::new();
    let server = scene.server_with(|access| access, true).await;
    let life = host();
    let plain = with_secret(&life, &format!("http://{}", server.address), None);
    assert_eq!(eventually(&plain, "Get").await, "Get");
    let gateway =
        caller(&life, &scene.files("gateway", &[GATEWAY]), Gateway, MessageStore, server.address).await;
    assert_eq!(eventually(&gateway, "Get").await, "Get");
    // Who shows a certificate is judged by it all the same.
    let auth = caller(&life, &scene.files("auth", &[AUTH]), Auth, MessageStore, server.address).await;
    assert_eq!(eventually(&auth, "Both").await, "Both");
    assert_eq!(refusal(&auth, "Get").await.code(), Code::PermissionDenied);

    let server = scene.server_with(|access| access.with_secrets(Gateway, [secret("a")]), true).await;
    let url = format!("http://{}", server.address);
    assert_eq!(refusal(&with_secret(&life, &url, None), "Get").await.code(), Code::PermissionDenied);
    assert_eq!(eventually(&with_secret(&life, &url, Some(secret("a"))), "Get").await, "Get");
}

#[tokio::test]
async fn a_peer_that_does_not_finish_its_handshake_is_let_go() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    let scene = Scene::new();
    let (host, files) = (host(), scene.files("server", &[STORE]));
    let tls = ServiceTls::open(&settings(&files, &[]), MessageStore, &host).await.unwrap();
    let access = Access::new(table()).with_tls(tls, false);
    let options = ServerOptions { opening_timeout: Duration::from_millis(200), ..ServerOptions::default() };
    let any = ([127, 0, 0, 1], 0).into();
    let address =
        serve(any, routes(echo()), &host.readiness, &host.metrics, &host.lifecycle, access, options);
    let address = address.await.unwrap();
    let mut silent = tokio::net::TcpStream::connect(address).await.unwrap();
    silent.write_all(&[22, 3, 1]).await.unwrap();
    let ended = timeout(LONG, silent.read(&mut [0; 64])).await.expect("it ends");
    assert!(matches!(ended, Ok(0) | Err(_)), "{ended:?}");
}
