//! Faults of a Redis Cluster: masters that die or are replaced, writes that are lost with them, slots that move.

use std::{
    collections::HashSet,
    time::{Duration, Instant},
};

use madang_bus::{BusStatus, Published, ResetReason, Subscribed, redis::RedisSettings};
use redis::cmd;
use tokio::time::{sleep, timeout};

use crate::{
    faults::{LOST, delivers_again},
    support::{
        Gateway,
        cluster::{Breakable, Corner},
        entry, topic,
    },
};

/// The node timeout, an election, and a second of back-off; the rest is a busy machine's.
const FAILOVER_BOUND: Duration = Duration::from_secs(12);

/// A shard of each of the three masters has at least one of these.
const TOPICS: u128 = 12;

/// A publisher and a subscriber of all topics.
async fn pair(settings: &RedisSettings) -> (Gateway, Gateway) {
    let (publisher, subscriber) =
        (Gateway::healthy(settings.clone(), 1).await, Gateway::healthy(settings.clone(), 2).await);
    let topics: Vec<_> = (0..TOPICS).map(topic).collect();
    assert_eq!(subscriber.bus.subscribe(&topics).await, Subscribed::Registered);
    (publisher, subscriber)
}

/// Publishes to every topic until the subscriber has the last of each.
async fn deliver_everywhere(publisher: &Gateway, subscriber: &mut Gateway, from: u64) {
    publisher.status(BusStatus::is_healthy).await;
    subscriber.status(BusStatus::is_healthy).await;
    let missing: HashSet<u64> = (0..TOPICS).map(|topic| from + u64::try_from(topic).unwrap()).collect();
    for (number, of) in (from..).zip(0..TOPICS) {
        // Nodes that came back may still take each other for dead for a moment, and what is published then is dropped.
        let queued = async {
            while publisher.bus.publish(topic(of), entry(number)) != Published::Queued {
                publisher.status(BusStatus::is_healthy).await;
                sleep(Duration::from_millis(20)).await;
            }
        };
        timeout(FAILOVER_BOUND, queued).await.expect("a shard that takes entries");
    }
    hear_all(subscriber, missing).await;
}

/// Waits until the subscriber has all of these.
async fn hear_all(subscriber: &mut Gateway, mut missing: HashSet<u64>) {
    while !missing.is_empty() {
        for number in subscriber.numbers(1).await {
            missing.remove(&number);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn shards_lie_with_all_masters_and_close_leaves_no_key() {
    let corner = Corner::of_shared().await;
    let (publisher, mut subscriber) = pair(&corner.settings()).await;
    deliver_everywhere(&publisher, &mut subscriber, 0).await;
    let keys = async |rest: &str| corner.cluster.keys(&format!("{}:*{rest}", corner.prefix)).await.unwrap();
    let mut masters = HashSet::new();
    for stream in keys(&format!(":inbox:{}", subscriber.id)).await {
        masters.insert(corner.cluster.master_of(&stream).await.unwrap().0);
    }
    assert_eq!(masters, HashSet::from([0, 1, 2]));
    publisher.bus.close().await;
    subscriber.bus.close().await;
    assert_eq!(keys("").await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_master_is_replaced_and_every_gateway_is_notified() {
    let redis = Breakable::start().await;
    let (publisher, mut subscriber) = pair(&redis.settings()).await;
    deliver_everywhere(&publisher, &mut subscriber, 0).await;
    let mut bystander = Gateway::healthy(redis.settings(), 3).await;
    let (master, _) = redis.master_of(topic(1)).await;
    let start = Instant::now();
    redis.cluster.kill9(master).await.unwrap();
    // Also a gateway without a subscription: it cannot know what was registered for it.
    for gateway in [&mut subscriber, &mut bystander] {
        gateway.reset(&[ResetReason::EpochChanged]).await;
    }
    delivers_again(&publisher, &mut subscriber, 100).await;
    assert!(start.elapsed() < FAILOVER_BOUND, "{:?}", start.elapsed());
    deliver_everywhere(&publisher, &mut subscriber, 200).await;
    assert!(subscriber.bus.metrics().epoch_changes.get() >= 1);

    // What comes back is the new master's replica, and nobody is led to it.
    redis.cluster.restart(master).await.unwrap();
    redis.cluster.settled().await.unwrap();
    deliver_everywhere(&publisher, &mut subscriber, 300).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_registration_lost_with_its_master_is_made_again() {
    let redis = Breakable::start().await;
    let (publisher, mut subscriber) = pair(&redis.settings()).await;
    deliver_everywhere(&publisher, &mut subscriber, 0).await;
    let (master, slot) = redis.master_of(topic(1)).await;
    let replica = redis.cluster.replica_of(master).await.unwrap();
    // The replica has the lease and the gateway stream. It does not get what comes now, not even in the buffers of its connection.
    redis.cluster.pause(replica);
    let mut at_master = redis.cluster.connection(master).await.unwrap();
    let cut: i64 =
        cmd("CLIENT").arg("KILL").arg("TYPE").arg("replica").query_async(&mut at_master).await.unwrap();
    assert_eq!(cut, 1);
    let newcomers: Vec<_> = (1_000..1_040).map(topic).collect();
    assert_eq!(subscriber.bus.subscribe(&newcomers).await, Subscribed::Registered);
    redis.cluster.kill9(master).await.unwrap();
    redis.cluster.resume(replica);
    subscriber.reset(&LOST).await;
    assert_eq!(redis.cluster.master_of_slot(slot).await, Some(replica));
    deliver_everywhere(&publisher, &mut subscriber, 100).await;
    // Each of them is heard, in whichever shard it is.
    let mut missing: HashSet<u64> = HashSet::new();
    for (number, of) in (2_000..).zip(newcomers) {
        assert_eq!(publisher.bus.publish(of, entry(number)), Published::Queued);
        missing.insert(number);
    }
    hear_all(&mut subscriber, missing).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_that_published_to_a_replaced_master_notifies_the_others() {
    let redis = Breakable::start().await;
    let (mut first, mut second) = pair(&redis.settings()).await;
    let (master, _) = redis.master_of(topic(1)).await;
    redis.cluster.kill9(master).await.unwrap();
    // Nobody has dropped anything: what the old master acknowledged last is what may be missing. The gateway that
    // comes to the new master last notifies the other; the notification to itself goes with its old stream, before its own reset.
    tokio::select! {
        _ = first.reset(&[ResetReason::PeerDropped]) => {}
        _ = second.reset(&[ResetReason::PeerDropped]) => {}
    }
    for gateway in [first, second] {
        assert_eq!(gateway.bus.metrics().dropped.get(), 0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_manual_failover_is_followed_while_entries_flow() {
    const ENTRIES: u64 = 3_000;
    let redis = Breakable::start().await;
    // Entries may wait for the failover however busy the machine is.
    let settings = RedisSettings { publish_patience: Duration::from_secs(10), ..redis.settings() };
    let (publisher, mut subscriber) = pair(&settings).await;
    let (master, _) = redis.master_of(topic(1)).await;
    let replica = redis.cluster.replica_of(master).await.unwrap();
    let bus = std::sync::Arc::clone(&publisher.bus);
    let publishing = tokio::spawn(async move {
        for number in 0..ENTRIES {
            assert_eq!(bus.publish(topic(1), entry(number)), Published::Queued);
            sleep(Duration::from_millis(1)).await;
        }
    });
    subscriber.numbers(50).await;
    redis.cluster.failover(replica).await.unwrap();
    // What may have been lost is told, and then entries come again, while others still are published.
    subscriber.reset(&[ResetReason::EpochChanged]).await;
    subscriber.numbers(50).await;
    publishing.await.unwrap();
    assert_eq!(redis.master_of(topic(1)).await.0, replica);
    assert_eq!(publisher.bus.metrics().dropped.get(), 0, "what was refused was sent to the new master");
    delivers_again(&publisher, &mut subscriber, ENTRIES).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failover_is_noticed_where_nothing_is_published() {
    let redis = Breakable::start().await;
    // The pulse alone would notice after the test's patience.
    let settings = RedisSettings {
        pulse_interval: Duration::from_secs(60),
        lease_ttl: Duration::from_secs(180),
        ..redis.settings()
    };
    let (_publisher, mut subscriber) = pair(&settings).await;
    let (master, _) = redis.master_of(topic(1)).await;
    let replica = redis.cluster.replica_of(master).await.unwrap();
    redis.cluster.failover(replica).await.unwrap();
    subscriber.reset(&[ResetReason::EpochChanged]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slot_that_moves_is_followed() {
    let redis = Breakable::start().await;
    let (publisher, mut subscriber) = pair(&redis.settings()).await;
    deliver_everywhere(&publisher, &mut subscriber, 0).await;
    let (from, slot) = redis.master_of(topic(1)).await;
    let to = redis.cluster.masters().await.into_iter().find(|master| *master != from).unwrap();
    redis.cluster.move_slot(slot, to).await.unwrap();
    subscriber.reset(&[ResetReason::EpochChanged]).await;
    deliver_everywhere(&publisher, &mut subscriber, 100).await;
    assert_eq!(redis.master_of(topic(1)).await, (to, slot));
    let subscribers = redis.subscribers_key(topic(1)).await;
    let members: Vec<String> =
        redis.cluster.run(&subscribers, cmd("SMEMBERS").arg(&subscribers)).await.unwrap();
    assert_eq!(members, [subscriber.id.to_string()]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_master_that_hangs_is_left_for_its_replica() {
    let redis = Breakable::start().await;
    let (publisher, mut subscriber) = pair(&redis.settings()).await;
    deliver_everywhere(&publisher, &mut subscriber, 0).await;
    let (master, slot) = redis.master_of(topic(1)).await;
    redis.cluster.pause(master);
    subscriber.reset(&[ResetReason::EpochChanged]).await;
    deliver_everywhere(&publisher, &mut subscriber, 100).await;
    assert_ne!(redis.cluster.master_of_slot(slot).await, Some(master));
    // It believes itself master until it hears otherwise, and runs what was sent to it; that disturbs nobody.
    redis.cluster.resume(master);
    redis.cluster.settled().await.unwrap();
    deliver_everywhere(&publisher, &mut subscriber, 200).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_node_that_answers_is_enough_to_find_the_others() {
    let redis = Breakable::start().await;
    let addresses = redis.cluster.addresses();
    let mut settings = redis.settings();
    // An address without a server, and a replica of the first master.
    let nobody = madang_test_kit::free_address().unwrap();
    settings.url = format!("redis+cluster://{nobody},{}", addresses[3]);
    let (publisher, mut subscriber) = pair(&settings).await;
    deliver_everywhere(&publisher, &mut subscriber, 0).await;
    // The nodes that were learnt of are asked too, once the seeds are gone.
    let (master, _) = redis.master_of(topic(1)).await;
    assert_ne!(master, 0, "its replica is what is killed here");
    redis.cluster.kill9(3).await.unwrap();
    redis.cluster.kill9(master).await.unwrap();
    subscriber.reset(&[ResetReason::EpochChanged]).await;
    delivers_again(&publisher, &mut subscriber, 100).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_whose_nodes_all_go_is_joined_again() {
    let redis = Breakable::start().await;
    let (publisher, mut subscriber) = pair(&redis.settings()).await;
    for node in 0..6 {
        redis.cluster.kill9(node).await.unwrap();
    }
    subscriber.status(|status| !status.is_healthy()).await;
    assert_eq!(subscriber.bus.subscribe(&[topic(500)]).await, Subscribed::Deferred);
    for node in 0..6 {
        redis.cluster.restart(node).await.unwrap();
    }
    // Nodes that come back one by one may take each other for dead at first.
    redis.cluster.settled().await.unwrap();
    subscriber.reset(&[ResetReason::EpochChanged]).await;
    deliver_everywhere(&publisher, &mut subscriber, 0).await;
    publisher.bus.publish(topic(500), entry(500));
    while !subscriber.numbers(1).await.contains(&500) {}
}
