//! What each variant of the bus promises: one suite, run against each.

use std::{collections::HashMap, sync::Arc, time::Duration};

use crate::support::{GRACE, Gateway, cluster, entry, fast, number, server::RedisServer, topic};
use madang_bus::{Bus, Delivery, InProcessExchange, Published, ShardFault, ShardStatus, Subscribed};
use tokio::task::JoinSet;

/// A place where gateways meet.
pub(crate) enum Place {
    InProcess(InProcessExchange),
    Redis(RedisServer),
    /// The topics spread over several shards.
    ShardedRedis(RedisServer),
    /// The same, over the masters of a cluster.
    RedisCluster(cluster::Corner),
}

impl Place {
    pub(crate) fn in_process() -> Self {
        Self::InProcess(InProcessExchange::new().with_presence(Some(GRACE)))
    }

    pub(crate) async fn gateway(&self, id: u128) -> Gateway {
        match self {
            Self::InProcess(exchange) => Gateway::in_process(exchange, id),
            Self::Redis(server) => Gateway::healthy(fast(&server.url()), id).await,
            Self::ShardedRedis(server) => {
                let mut settings = fast(&server.url());
                settings.shards = 3;
                Gateway::healthy(settings, id).await
            }
            Self::RedisCluster(corner) => Gateway::healthy(corner.settings(), id).await,
        }
    }
}

macro_rules! suite {
    ($($test:ident),+ $(,)?) => {
        mod in_process {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                super::$test(super::Place::in_process()).await;
            })+
        }
        mod redis {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                super::$test(super::Place::Redis(crate::support::server::RedisServer::start())).await;
            })+
        }
        mod sharded_redis {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                super::$test(super::Place::ShardedRedis(crate::support::server::RedisServer::start())).await;
            })+
        }
        mod redis_cluster {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                super::$test(super::Place::RedisCluster(crate::support::cluster::Corner::of_shared().await)).await;
            })+
        }
    };
}

suite! {
    only_subscribers_receive,
    a_publisher_does_not_receive_its_own,
    a_topic_keeps_the_order_of_its_publisher,
    unsubscribe_stops,
    the_last_of_unsubscribe_and_subscribe_counts,
    many_subscribes_at_once_are_all_registered,
    a_burst_from_two_gateways_arrives_whole,
    large_entries_arrive,
    a_closed_gateway_is_out,
    a_gateway_that_dies_is_reported,
}

async fn only_subscribers_receive(place: Place) {
    let (publisher, mut first, mut second) =
        (place.gateway(1).await, place.gateway(2).await, place.gateway(3).await);
    assert_eq!(first.bus.subscribe(&[topic(1), topic(2)]).await, Subscribed::Registered);
    assert_eq!(second.bus.subscribe(&[topic(2)]).await, Subscribed::Registered);

    assert_eq!(publisher.bus.publish(topic(1), entry(1)), Published::Queued);
    assert_eq!(first.numbers(1).await, [1]);
    assert_eq!(publisher.bus.publish(topic(2), entry(2)), Published::Queued);
    assert_eq!(publisher.bus.publish(topic(3), entry(3)), Published::Queued);
    assert_eq!(publisher.bus.publish(topic(2), entry(4)), Published::Queued);
    assert_eq!(first.numbers(2).await, [2, 4]);
    assert_eq!(second.numbers(2).await, [2, 4]);
}

async fn a_publisher_does_not_receive_its_own(place: Place) {
    let (mut first, mut second) = (place.gateway(1).await, place.gateway(2).await);
    for gateway in [&first, &second] {
        assert_eq!(gateway.bus.subscribe(&[topic(1)]).await, Subscribed::Registered);
    }
    first.bus.publish(topic(1), entry(1));
    assert_eq!(second.numbers(1).await, [1]);
    second.bus.publish(topic(1), entry(2));
    assert_eq!(first.numbers(1).await, [2]);
}

async fn a_topic_keeps_the_order_of_its_publisher(place: Place) {
    const TOPICS: u64 = 5;
    const ENTRIES: u64 = 500;
    let (publisher, mut subscriber) = (place.gateway(1).await, place.gateway(2).await);
    let topics: Vec<_> = (0..TOPICS).map(|number| topic(number.into())).collect();
    assert_eq!(subscriber.bus.subscribe(&topics).await, Subscribed::Registered);
    for number in 0..TOPICS * ENTRIES {
        assert_eq!(publisher.bus.publish(topic((number % TOPICS).into()), entry(number)), Published::Queued);
        if number % 100 == 0 {
            // So that there are calls of many sizes.
            tokio::task::yield_now().await;
        }
    }
    let numbers = subscriber.numbers(usize::try_from(TOPICS * ENTRIES).unwrap()).await;
    for topic in 0..TOPICS {
        let of_topic: Vec<u64> = numbers.iter().copied().filter(|number| number % TOPICS == topic).collect();
        let expected: Vec<u64> = (0..ENTRIES).map(|number| number * TOPICS + topic).collect();
        assert_eq!(of_topic, expected);
    }
}

async fn unsubscribe_stops(place: Place) {
    let (publisher, mut subscriber) = (place.gateway(1).await, place.gateway(2).await);
    // One UUID is one shard, so that what is registered later is registered after.
    let (left, kept) = (topic(1), topic(2));
    assert_eq!(subscriber.bus.subscribe(&[left, kept]).await, Subscribed::Registered);
    subscriber.bus.unsubscribe(&[left]);
    assert_eq!(subscriber.bus.metrics().subscriptions.get(), 1);
    // It takes effect with, or before, the registrations that follow in its shard.
    let barrier: Vec<_> = (3..40).map(topic).collect();
    assert_eq!(subscriber.bus.subscribe(&barrier).await, Subscribed::Registered);
    publisher.bus.publish(left, entry(1));
    publisher.bus.publish(kept, entry(2));
    for number in 3..40 {
        publisher.bus.publish(topic(number.into()), entry(number));
    }
    let mut numbers = subscriber.numbers(38).await;
    numbers.sort_unstable();
    assert_eq!(numbers, (2..40).collect::<Vec<_>>());
}

async fn the_last_of_unsubscribe_and_subscribe_counts(place: Place) {
    let (publisher, mut subscriber) = (place.gateway(1).await, place.gateway(2).await);
    for round in 0..50 {
        assert_eq!(subscriber.bus.subscribe(&[topic(1)]).await, Subscribed::Registered);
        publisher.bus.publish(topic(1), entry(round));
        assert_eq!(subscriber.numbers(1).await, [round]);
        subscriber.bus.unsubscribe(&[topic(1)]);
    }
}

async fn many_subscribes_at_once_are_all_registered(place: Place) {
    const TOPICS: u64 = 2_000;
    let (publisher, mut subscriber) = (place.gateway(1).await, place.gateway(2).await);
    let mut subscribes = JoinSet::new();
    for number in 0..TOPICS {
        let bus: Arc<dyn Bus> = Arc::clone(&subscriber.bus);
        subscribes.spawn(async move { bus.subscribe(&[topic(number.into())]).await });
    }
    while let Some(subscribed) = subscribes.join_next().await {
        assert_eq!(subscribed.unwrap(), Subscribed::Registered);
    }
    assert_eq!(subscriber.bus.metrics().subscriptions.get(), TOPICS);
    for number in 0..TOPICS {
        publisher.bus.publish(topic(number.into()), entry(number));
    }
    let mut numbers = subscriber.numbers(usize::try_from(TOPICS).unwrap()).await;
    numbers.sort_unstable();
    assert_eq!(numbers, (0..TOPICS).collect::<Vec<_>>());
}

async fn a_burst_from_two_gateways_arrives_whole(place: Place) {
    const ENTRIES: u64 = 10_000;
    let (first, second, mut subscriber) =
        (place.gateway(1).await, place.gateway(2).await, place.gateway(3).await);
    assert_eq!(subscriber.bus.subscribe(&[topic(1)]).await, Subscribed::Registered);
    let publish = |bus: Arc<dyn Bus>, offset: u64| {
        tokio::spawn(async move {
            for number in 0..ENTRIES {
                while bus.publish(topic(1), entry(offset + number)) == Published::Dropped {
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
                tokio::task::consume_budget().await;
            }
        })
    };
    publish(Arc::clone(&first.bus), 0);
    publish(Arc::clone(&second.bus), ENTRIES);
    let mut next = HashMap::from([(0, 0), (1, ENTRIES)]);
    let mut received = 0;
    while received < 2 * ENTRIES {
        for number in subscriber.numbers(1).await {
            let expected = next.get_mut(&(number / ENTRIES)).unwrap();
            assert_eq!(number, *expected, "nothing lost, nothing twice, in order");
            *expected += 1;
            received += 1;
        }
    }
}

async fn large_entries_arrive(place: Place) {
    let (publisher, mut subscriber) = (place.gateway(1).await, place.gateway(2).await);
    assert_eq!(subscriber.bus.subscribe(&[topic(1)]).await, Subscribed::Registered);
    // More than one call holds.
    for fill in 0..40_u8 {
        let large = bytes::Bytes::from(vec![fill; 64 * 1024]);
        assert_eq!(publisher.bus.publish(topic(1), large), Published::Queued);
    }
    let mut fills = Vec::new();
    while fills.len() < 40 {
        if let Some(Delivery::Entries(entries)) = subscriber.next().await {
            assert!(entries.iter().all(|entry| entry.len() == 64 * 1024));
            fills.extend(entries.iter().map(|entry| entry[0]));
        }
    }
    assert_eq!(fills, (0..40).collect::<Vec<u8>>());
}

async fn a_closed_gateway_is_out(place: Place) {
    let (publisher, mut closed, mut other) =
        (place.gateway(1).await, place.gateway(2).await, place.gateway(3).await);
    for gateway in [&closed, &other] {
        assert_eq!(gateway.bus.subscribe(&[topic(1)]).await, Subscribed::Registered);
    }
    // What was published before is not lost by closing.
    for number in 0..100 {
        closed.bus.publish(topic(1), entry(number));
    }
    closed.bus.close().await;
    let is_closed = |shard: &ShardStatus| *shard == ShardStatus::Unhealthy(ShardFault::Closed);
    closed.status(|status| status.shards.iter().all(is_closed)).await;
    assert_eq!(closed.bus.publish(topic(1), entry(100)), Published::Dropped);
    assert_eq!(closed.bus.subscribe(&[topic(2)]).await, Subscribed::Deferred);
    while let Some(delivery) = closed.next().await {
        assert!(!matches!(delivery, Delivery::Entries(_)));
    }
    closed.bus.close().await;

    publisher.bus.publish(topic(1), entry(101));
    // Entries of two publishers have no order between them.
    let mut received = Vec::new();
    while received.len() < 101 {
        match other.next().await.unwrap() {
            Delivery::Entries(entries) => received.extend(entries.iter().map(|entry| number(entry))),
            Delivery::PeerGone(gateway) => panic!("{gateway} closed, it did not die"),
            Delivery::Reset(_) | Delivery::Presence(_) => {}
        }
    }
    received.sort_unstable();
    assert_eq!(received, (0..100).chain([101]).collect::<Vec<_>>());
}

async fn a_gateway_that_dies_is_reported(place: Place) {
    let (mut first, mut second, dying) =
        (place.gateway(1).await, place.gateway(2).await, place.gateway(3).await);
    let dead = dying.abandon().await;
    for gateway in [&mut first, &mut second] {
        loop {
            if gateway.next().await == Some(Delivery::PeerGone(dead)) {
                break;
            }
        }
    }
}
