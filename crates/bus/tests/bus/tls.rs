//! Redis by TLS, with a user of its own: verified by the authorities and by its host name.

use std::{path::PathBuf, time::Duration};

use madang_bus::{
    BusStatus, Published, ShardFault, ShardStatus, Subscribed,
    redis::{RedisSettings, connect},
};
use madang_domain::GatewayId;
use madang_test_kit::{Authority, RedisServer, eventually};
use tempfile::TempDir;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::support::{Gateway, entry, fast, topic};

/// The rights of the gateways' user in the development overlay of Kubernetes.
const USERS: &str = include_str!("../../../../k8s/overlays/dev/users.acl");

/// So many tries, in time.
const TRIES: u64 = 3;
const PATIENCE: Duration = Duration::from_secs(10);

struct Scene {
    directory: TempDir,
    authority: Authority,
    server: RedisServer,
}

impl Scene {
    async fn new() -> Self {
        let authority = Authority::new("redis").unwrap();
        let server = RedisServer::start_with_tls(&authority.issue(&["localhost"]).unwrap()).await.unwrap();
        let rights = USERS.lines().find_map(|line| line.strip_prefix("user madang ")).unwrap();
        let rights = rights.replace("madang:*", "test:*");
        let mut command = redis::cmd("ACL");
        command.arg("SETUSER").arg("madang").arg(rights.split_whitespace().collect::<Vec<_>>());
        command.exec_async(&mut server.connection().await.unwrap()).await.unwrap();
        Self { directory: TempDir::new().unwrap(), authority, server }
    }

    fn file_of(&self, authority: &Authority) -> PathBuf {
        let path = self.directory.path().join("authorities.pem");
        std::fs::write(&path, authority.pem()).unwrap();
        path
    }

    fn settings(&self, host: &str) -> RedisSettings {
        let url = format!("rediss://madang:development@{host}:{}", self.server.tls_port().unwrap());
        RedisSettings { ca_file: Some(self.file_of(&self.authority)), ..fast(&url) }
    }
}

fn is_down(status: &BusStatus) -> bool {
    status.shards == [ShardStatus::Unhealthy(ShardFault::Unreachable)]
}

/// Waits until the gateway has tried several times, in vain.
async fn tries_in_vain(gateway: &Gateway) {
    let metrics = gateway.bus.metrics();
    let tries = async || (metrics.failed_connections.get() >= TRIES).then_some(());
    eventually(PATIENCE, "some tries to reach Redis", tries).await;
    gateway.status(is_down).await;
    assert_eq!(metrics.reconnects.get(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn gateways_talk_by_tls_as_a_user_of_their_own() {
    let scene = Scene::new().await;
    let settings = scene.settings("localhost");
    let (publisher, mut subscriber) =
        (Gateway::healthy(settings.clone(), 1).await, Gateway::healthy(settings, 2).await);
    assert_eq!(subscriber.bus.subscribe(&[topic(1)]).await, Subscribed::Registered);
    assert_eq!(publisher.bus.publish(topic(1), entry(42)), Published::Queued);
    assert_eq!(subscriber.numbers(1).await, [42]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_of_another_authority_or_host_is_not_spoken_to() {
    let scene = Scene::new().await;
    let other_host = Gateway::redis(scene.settings("127.0.0.1"), 1);
    tries_in_vain(&other_host).await;

    let other = Authority::new("other").unwrap();
    let settings = scene.settings("localhost");
    scene.file_of(&other);
    let gateway = Gateway::redis(settings, 2);
    tries_in_vain(&gateway).await;
    // The file is read again for each connection.
    scene.file_of(&scene.authority);
    gateway.status(BusStatus::is_healthy).await;
}

#[tokio::test]
async fn authorities_without_tls_are_a_mistake() {
    for url in ["redis://localhost", "redis+cluster://localhost"] {
        let settings = RedisSettings { ca_file: Some("/nowhere".into()), ..RedisSettings::new(url) };
        let gateway = GatewayId::new(uuid::Uuid::from_u128(1));
        let refused = connect(settings, gateway, &TaskTracker::new(), &CancellationToken::new());
        assert!(refused.is_err(), "{url}");
    }
}
