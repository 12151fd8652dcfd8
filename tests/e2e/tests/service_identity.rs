//! The services know each other by their certificates: who is somebody else is refused, and a new certificate is used
//! without a restart.

#![expect(clippy::unwrap_used, reason = "a story that cannot go on ends with a message")]

use std::sync::Arc;

use clap::Parser;
use madang_domain::{Code, ServiceName, UserId};
use madang_e2e::{
    LIVE, PATIENCE, Person, Stage, Talk, assert_in_log_once, eventually, fast_sends, public_room,
};
use madang_kit::{
    Host, Lifecycle,
    grpc::{ClientOptions, channel},
    tls::{ServiceTls, ServiceTlsSettings},
};
use madang_rpc::{MessageStore as _, MessageStoreClient, MessageStoreSettings, store::GetUserSettings};
use madang_test_kit::{Authority, ClusterOptions, Program, Service, ServiceCertificates};

/// Messages between two steps.
const SOME: usize = 40;

#[derive(Parser)]
struct Flags {
    #[command(flatten)]
    tls: ServiceTlsSettings,
}

fn with_certificates() -> (ClusterOptions, Arc<ServiceCertificates>) {
    let certificates = Arc::new(ServiceCertificates::new().unwrap());
    (ClusterOptions { certificates: Some(Arc::clone(&certificates)), ..fast_sends() }, certificates)
}

/// A message store, called as a service that has this certificate.
async fn store_as(
    host: &Host,
    certificates: &ServiceCertificates,
    own: (Program, ServiceName),
    store: &Service,
) -> MessageStoreClient<madang_kit::grpc::ServiceChannel> {
    let files = certificates.files(own.0).unwrap();
    let flags = Flags::parse_from([
        "test".to_owned(),
        format!("--tls-certificate-file={}", files.certificate.display()),
        format!("--tls-key-file={}", files.key.display()),
        format!("--tls-ca-file={}", files.authorities.display()),
    ]);
    let tls = ServiceTls::open(&flags.tls, own.1, host).await.unwrap().unwrap();
    let options = ClientOptions { tls: Some((tls, ServiceName::MessageStore)), ..ClientOptions::default() };
    let url = format!("https://{}", store.address());
    MessageStoreClient::new(
        channel("message-store", &url, options, &host.lifecycle).unwrap(),
        MessageStoreSettings::default(),
    )
}

fn log_of(service: &Service) -> String {
    std::fs::read_to_string(service.process().log()).unwrap_or_default()
}

/// The line of a service's log that holds a text.
async fn line(service: &Service, text: &str) -> String {
    eventually(PATIENCE, &format!("a line with {text:?}"), async || {
        log_of(service).lines().find(|line| line.contains(text)).map(str::to_owned)
    })
    .await
}

async fn metric(service: &Service, name: &str) -> u64 {
    let metrics = reqwest::get(format!("{}/metrics", service.ops_url())).await.unwrap().text().await.unwrap();
    let line =
        metrics.lines().find(|line| line.starts_with(name)).unwrap_or_else(|| panic!("no {name}: {metrics}"));
    line.rsplit(' ').next().unwrap().parse().unwrap()
}

#[tokio::test]
async fn a_service_that_may_not_call_a_method_is_refused() {
    let (options, certificates) = with_certificates();
    let stage = Stage::start(options).await;
    let store = stage.cluster.message_store(0);
    let host = Host::new("test", Lifecycle::default()).unwrap();
    let ask = || GetUserSettings { user: UserId::new(uuid::Uuid::from_u128(1)) };

    let gateway = store_as(&host, &certificates, (Program::Gateway, ServiceName::Gateway), store).await;
    eventually(PATIENCE, "an answer to a gateway", async || gateway.get_user_settings(ask()).await.ok())
        .await;

    // Auth has a good certificate, and is no gateway.
    let auth = store_as(&host, &certificates, (Program::Auth, ServiceName::Auth), store).await;
    let refused = eventually(PATIENCE, "a refusal", async || {
        let error = auth.get_user_settings(ask()).await.unwrap_err();
        (error.code != Code::Unavailable).then_some(error)
    })
    .await;
    assert_eq!(refused.code, Code::Internal, "it is about the deployment, and no client's business");
    let line = line(store, "auth may not call this method").await;
    assert!(line.contains("GetUserSettings") && line.contains("\"WARN\""), "{line}");
    eprintln!("{line}");
}

#[tokio::test]
async fn a_peer_without_tls_or_with_a_foreign_certificate_is_refused() {
    let (options, certificates) = with_certificates();
    let stage = Stage::start(options).await;
    let store = stage.cluster.message_store(0);
    let host = Host::new("test", Lifecycle::default()).unwrap();
    let url = format!("http://{}", store.address());
    let plain = channel("message-store", &url, ClientOptions::default(), &host.lifecycle).unwrap();
    let plain = MessageStoreClient::new(plain, MessageStoreSettings::default());
    let ask = || GetUserSettings { user: UserId::new(uuid::Uuid::from_u128(1)) };
    assert_eq!(plain.get_user_settings(ask()).await.unwrap_err().code, Code::Unavailable);
    eprintln!("{}", line(store, "the peer does not speak TLS").await);

    // Of another authority; its own side trusts both, so that the store alone refuses.
    let foreign = ServiceCertificates::new().unwrap();
    foreign.trust(&[foreign.authority(), certificates.authority()]).unwrap();
    let gateway = store_as(&host, &foreign, (Program::Gateway, ServiceName::Gateway), store).await;
    assert_eq!(gateway.get_user_settings(ask()).await.unwrap_err().code, Code::Unavailable);
    eprintln!("{}", line(store, "the peer's certificate is not accepted").await);
}

#[tokio::test]
async fn certificates_are_rolled_under_load_without_a_failed_send() {
    let (options, certificates) = with_certificates();
    let stage = Stage::start(options).await;
    let (mina, joon) =
        tokio::join!(Person::register(stage.gateway(0), "mina"), Person::register(stage.gateway(1), "joon"));
    let room = public_room(&mina, "Bridge", &[&joon]).await.id;
    let speaker = mina.listen(vec![stage.gateway(0)], room).await;
    let listener = joon.listen(vec![stage.gateway(1)], room).await;
    let mut talk = Talk::start(&speaker.session, room, "mina");
    talk.more(SOME).await;

    let next = Authority::new("next").unwrap();
    // A new certificate of the same authority; then another authority: both are trusted, it signs, the first one goes.
    for step in 1..=4 {
        match step {
            1 => certificates.renew(certificates.authority()),
            2 => certificates.trust(&[certificates.authority(), &next]),
            3 => certificates.renew(&next),
            _ => certificates.trust(&[&next]),
        }
        .unwrap();
        for service in stage.cluster.services() {
            eventually(PATIENCE, "the new files are in use", async || {
                (metric(service, "madang_tls_reloads_total").await >= step).then_some(())
            })
            .await;
        }
        talk.more(SOME).await;
    }
    let sent = talk.stop().await;
    let last = sent.last().unwrap().seq;
    listener.until_seq(LIVE, last).await;
    listener.assert_whole(madang_domain::Seq::START, last);
    assert_in_log_once(&stage.log_of(room).await, &sent);
    for service in stage.cluster.services() {
        let log = log_of(service);
        for complaint in ["a replica cannot be called", "cannot be used", "is refused"] {
            assert!(!log.contains(complaint), "{complaint}: {log}");
        }
    }
    for service in stage.cluster.services().skip(stage.cluster.gateways().len()) {
        assert_eq!(metric(service, "madang_rpc_server_refused_handshakes_total").await, 0);
    }
}

#[tokio::test]
async fn secrets_are_enough_and_their_absence_is_said() {
    let stage = Stage::start(fast_sends()).await;
    for service in [stage.cluster.auth(0), stage.cluster.message_store(0)] {
        line(service, "whoever reaches the gRPC port can call every method").await;
    }
    let (auth, store) = ("a".repeat(40), "b".repeat(40));
    let options = fast_sends()
        .with_setting(Program::Auth, "MADANG_AUTH_SECRET", &auth)
        .with_setting(Program::MessageStore, "MADANG_STORE_SECRET", "c".repeat(40))
        .with_setting(Program::MessageStore, "MADANG_STORE_SECRET_PREVIOUS", &store)
        .with_setting(Program::Gateway, "MADANG_AUTH_SECRET", &auth)
        .with_setting(Program::Gateway, "MADANG_STORE_SECRET", &store);
    let stage = Stage::start(options).await;
    let mina = Person::register(stage.gateway(0), "mina").await;
    let room = public_room(&mina, "Bridge", &[]).await.id;
    let speaker = mina.listen(vec![stage.gateway(0)], room).await;
    speaker.session.send(room, "hello").await.expect("a send");
    for service in stage.cluster.services() {
        let log = log_of(service);
        assert!(!log.contains("whoever reaches") && !log.contains(&auth) && !log.contains(&store), "{log}");
    }
}
