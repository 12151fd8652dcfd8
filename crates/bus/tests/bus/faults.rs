//! Faults of Redis, from which the bus recovers or which it reports.

use std::time::{Duration, Instant};

use madang_bus::{
    BusStatus, Delivery, Published, ResetReason, ShardFault, ShardStatus, Subscribed, redis::RedisSettings,
};

use crate::support::{Gateway, entry, fast, number, proxy::StallingProxy, server::RedisServer, topic};

/// What tells that lease and topics were lost, by whichever came to be seen first.
pub(crate) const LOST: [ResetReason; 3] =
    [ResetReason::LeaseLost, ResetReason::EpochChanged, ResetReason::Reconnected];

/// A publisher and a subscriber of topic 1.
async fn pair(settings: &RedisSettings) -> (Gateway, Gateway) {
    let (publisher, subscriber) =
        (Gateway::healthy(settings.clone(), 1).await, Gateway::healthy(settings.clone(), 2).await);
    assert_eq!(subscriber.bus.subscribe(&[topic(1)]).await, Subscribed::Registered);
    (publisher, subscriber)
}

/// Publishes until the subscriber has the last entry; tells the first number that was not used.
pub(crate) async fn delivers_again(publisher: &Gateway, subscriber: &mut Gateway, mut next: u64) -> u64 {
    publisher.status(BusStatus::is_healthy).await;
    subscriber.status(BusStatus::is_healthy).await;
    assert_eq!(publisher.bus.publish(topic(1), entry(next)), Published::Queued);
    while *subscriber.numbers(1).await.last().unwrap() != next {}
    next += 1;
    next
}

fn is_down(status: &BusStatus) -> bool {
    status.shards == [ShardStatus::Unhealthy(ShardFault::Unreachable)]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_the_streams_of_subscribers_are_appended_to_and_close_leaves_no_key() {
    let server = RedisServer::start();
    let settings = fast(&server.url());
    let (publisher, mut subscriber) = pair(&settings).await;
    let bystander = Gateway::healthy(settings, 3).await;
    publisher.bus.publish(topic(1), entry(1));
    assert_eq!(subscriber.numbers(1).await, [1]);
    for (gateway, has_entry) in [(&subscriber, true), (&bystander, false), (&publisher, false)] {
        let stream = format!("test:{{0}}:inbox:{}", gateway.id);
        let content: Vec<(String, Vec<(String, redis::Value)>)> =
            server.run(&["XRANGE", &stream, "-", "+"]).await;
        let is_entry = |(_, fields): &(String, Vec<(String, redis::Value)>)| fields[0].0 == "e";
        assert_eq!(content.iter().any(is_entry), has_entry);
    }
    let members: Vec<String> = server.run(&["SMEMBERS", &format!("test:{{0}}:listeners:{}", topic(1))]).await;
    assert_eq!(members, [subscriber.id.to_string()]);

    for gateway in [publisher, subscriber, bystander] {
        gateway.bus.close().await;
    }
    assert_eq!(server.run::<Vec<String>>(&["KEYS", "*"]).await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_read_is_not_kept() {
    let server = RedisServer::start();
    let mut settings = fast(&server.url());
    settings.stream_kept = Duration::from_millis(500);
    let (publisher, mut subscriber) = pair(&settings).await;
    publisher.bus.publish(topic(1), entry(1));
    assert_eq!(subscriber.numbers(1).await, [1]);
    let stream = format!("test:{{0}}:inbox:{}", subscriber.id);
    let begin = Instant::now();
    loop {
        let content: Vec<(String, Vec<(String, redis::Value)>)> =
            server.run(&["XRANGE", &stream, "-", "+"]).await;
        if !content.iter().any(|(_, fields)| fields[0].0 == "e") {
            break;
        }
        assert!(begin.elapsed() < crate::support::PATIENCE, "the entry is kept: {content:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    // Nothing is missed by it, and nobody believes that.
    for next in 2..=20 {
        assert_eq!(publisher.bus.publish(topic(1), entry(next)), Published::Queued);
        assert_eq!(subscriber.numbers(1).await, [next]);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_killed_and_started_empty_is_registered_with_again() {
    let mut server = RedisServer::start();
    let (publisher, mut subscriber) = pair(&fast(&server.url())).await;
    let next = delivers_again(&publisher, &mut subscriber, 0).await;
    server.kill();
    publisher.status(is_down).await;
    subscriber.status(is_down).await;
    server.start_again();
    assert!(LOST.contains(&subscriber.reset(&LOST).await));
    delivers_again(&publisher, &mut subscriber, next).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_that_comes_back_with_older_data_is_registered_with_again() {
    let mut server = RedisServer::start();
    let mut settings = fast(&server.url());
    // It outlives the restart: what is missing is the registration alone.
    settings.lease_ttl = Duration::from_secs(60);
    let (publisher, subscriber) =
        (Gateway::healthy(settings.clone(), 1).await, Gateway::healthy(settings, 2).await);
    server.run::<()>(&["SAVE"]).await;
    assert_eq!(subscriber.bus.subscribe(&[topic(1)]).await, Subscribed::Registered);
    let mut subscriber = subscriber;
    server.kill();
    server.start_again();
    subscriber.reset(&LOST).await;
    delivers_again(&publisher, &mut subscriber, 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flushed_redis_is_registered_with_again() {
    let server = RedisServer::start();
    let (publisher, mut subscriber) = pair(&fast(&server.url())).await;
    let next = delivers_again(&publisher, &mut subscriber, 0).await;
    server.run::<()>(&["FLUSHALL"]).await;
    subscriber.reset(&LOST).await;
    delivers_again(&publisher, &mut subscriber, next).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cut_connections_lose_nothing() {
    const ENTRIES: u64 = 4_000;
    let server = RedisServer::start();
    let (publisher, mut subscriber) = pair(&fast(&server.url())).await;
    let mut client = server.client().await;
    let cut = tokio::spawn(async move {
        for _ in 0..8 {
            let kill = ["KILL", "TYPE", "normal", "SKIPME", "yes"];
            let _: i64 = redis::cmd("CLIENT").arg(&kill).query_async(&mut client).await.unwrap();
            tokio::time::sleep(Duration::from_millis(120)).await;
        }
    });
    let bus = std::sync::Arc::clone(&publisher.bus);
    tokio::spawn(async move {
        for number in 0..ENTRIES {
            assert_eq!(bus.publish(topic(1), entry(number)), Published::Queued);
            if number % 4 == 0 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        }
    });
    // Calls whose answer was cut off are sent again: entries may come twice, none may be skipped.
    let mut expected = 0;
    let mut seen = std::collections::HashSet::new();
    while expected < ENTRIES {
        for number in subscriber.numbers(1).await {
            seen.insert(number);
            while seen.contains(&expected) {
                expected += 1;
            }
            assert!(number <= expected, "{number} came before {expected}");
        }
    }
    cut.await.unwrap();
    assert!(subscriber.bus.metrics().reconnects.get() > 0);
    assert_eq!(publisher.bus.metrics().dropped.get(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn entries_of_a_reader_that_was_cut_off_wait_for_it() {
    let server = RedisServer::start();
    let mut settings = fast(&server.url());
    let publisher = Gateway::healthy(settings.clone(), 1).await;
    // A subscriber behind a proxy that can go away alone.
    let proxy = StallingProxy::start(server.address()).await;
    settings.url = proxy.url();
    settings.lease_ttl = Duration::from_secs(30);
    let mut subscriber = Gateway::healthy(settings, 2).await;
    assert_eq!(subscriber.bus.subscribe(&[topic(1)]).await, Subscribed::Registered);
    publisher.bus.publish(topic(1), entry(0));
    assert_eq!(subscriber.numbers(1).await, [0]);
    proxy.cut();
    subscriber.status(is_down).await;
    for number in 1..100 {
        publisher.bus.publish(topic(1), entry(number));
    }
    proxy.mend();
    let numbers = subscriber.numbers_and_reset(99, ResetReason::Reconnected).await;
    assert_eq!(numbers, (1..100).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dead_gateway_is_forgotten() {
    let server = RedisServer::start();
    let settings = fast(&server.url());
    let (mut publisher, subscriber) = pair(&settings).await;
    let id = subscriber.abandon().await;
    while publisher.next().await != Some(Delivery::PeerGone(id)) {}
    let subscribers = format!("test:{{0}}:listeners:{}", topic(1));
    assert_eq!(server.run::<i64>(&["SCARD", &subscribers]).await, 1);
    let stream = format!("test:{{0}}:inbox:{id}");
    assert_eq!(server.run::<i64>(&["EXISTS", &stream]).await, 0);
    // The next publish removes the subscriber and creates no stream.
    publisher.bus.publish(topic(1), entry(1));
    publisher.bus.close().await;
    assert_eq!(server.run::<i64>(&["EXISTS", &subscribers, &stream]).await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deleted_stream_causes_a_reset() {
    let server = RedisServer::start();
    let (publisher, mut subscriber) = pair(&fast(&server.url())).await;
    let next = delivers_again(&publisher, &mut subscriber, 0).await;
    server.run::<i64>(&["DEL", &format!("test:{{0}}:inbox:{}", subscriber.id)]).await;
    subscriber.reset(&[ResetReason::StreamTrimmed]).await;
    delivers_again(&publisher, &mut subscriber, next).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_trimmed_past_a_slow_gateway_causes_a_reset() {
    let server = RedisServer::start();
    let mut settings = fast(&server.url());
    (settings.queue_deliveries, settings.read_batch) = (1, 10);
    let (publisher, mut subscriber) = pair(&settings).await;
    // The gateway takes nothing: the reader stops, and the rest waits in the stream.
    for number in 0..1_000 {
        publisher.bus.publish(topic(1), entry(number));
    }
    // Its own probe, published after, shows that all are there.
    let stream = format!("test:{{0}}:inbox:{}", subscriber.id);
    while server.run::<i64>(&["XLEN", &stream]).await < 1_000 {
        tokio::task::yield_now().await;
    }
    server.run::<i64>(&["XTRIM", &stream, "MAXLEN", "1"]).await;
    subscriber.reset(&[ResetReason::StreamTrimmed]).await;
    // A slow gateway is not a stalled reader.
    assert_eq!(subscriber.bus.metrics().reader_rebuilds.get(), 0);
    delivers_again(&publisher, &mut subscriber, 1_000).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_whose_ids_went_back_causes_a_reset() {
    let server = RedisServer::start();
    let (publisher, mut subscriber) = pair(&fast(&server.url())).await;
    let stream = format!("test:{{0}}:inbox:{}", subscriber.id);
    // An id of the far future makes those that follow from the clock, after a deletion, smaller.
    server.run::<String>(&["XADD", &stream, "9000000000000-0", "e", "12345678"]).await;
    assert_eq!(subscriber.numbers(1).await, [u64::from_be_bytes(*b"12345678")]);
    server.run::<i64>(&["DEL", &stream]).await;
    subscriber.reset(&[ResetReason::IdsWentBack]).await;
    delivers_again(&publisher, &mut subscriber, 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_epoch_is_told() {
    let server = RedisServer::start();
    let (publisher, mut subscriber) = pair(&fast(&server.url())).await;
    server.run::<()>(&["SET", "test:{0}:epoch", "another"]).await;
    subscriber.reset(&[ResetReason::EpochChanged]).await;
    delivers_again(&publisher, &mut subscriber, 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_registration_is_noticed_by_the_next_one() {
    let server = RedisServer::start();
    let mut settings = fast(&server.url());
    // The pulse alone would need longer than the test waits.
    settings.pulse_interval = Duration::from_secs(60);
    settings.lease_ttl = Duration::from_secs(180);
    let (publisher, mut subscriber) = pair(&settings).await;
    server.run::<()>(&["FLUSHALL"]).await;
    assert_eq!(subscriber.bus.subscribe(&[topic(2)]).await, Subscribed::Registered);
    subscriber.reset(&LOST).await;
    delivers_again(&publisher, &mut subscriber, 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_absent_at_start_defers_and_is_registered_with_later() {
    let mut server = RedisServer::absent();
    let settings = fast(&server.url());
    let publisher = Gateway::redis(settings.clone(), 1);
    let mut subscriber = Gateway::redis(settings, 2);
    let start = Instant::now();
    assert_eq!(subscriber.bus.subscribe(&[topic(1)]).await, Subscribed::Deferred);
    assert!(start.elapsed() < Duration::from_secs(2));
    subscriber.status(is_down).await;
    // Known to be away: the answer is there at once.
    let start = Instant::now();
    assert_eq!(subscriber.bus.subscribe(&[topic(2)]).await, Subscribed::Deferred);
    assert!(start.elapsed() < Duration::from_millis(200));

    server.start_again();
    assert_eq!(subscriber.next().await, Some(Delivery::Reset(ResetReason::Registered)));
    delivers_again(&publisher, &mut subscriber, 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_that_hangs_makes_unhealthy_and_never_blocks() {
    let server = RedisServer::start();
    let mut settings = fast(&server.url());
    settings.publish_queue_entries = 100;
    let (publisher, mut subscriber) = pair(&settings).await;
    let next = delivers_again(&publisher, &mut subscriber, 0).await;
    server.pause();
    let start = Instant::now();
    let mut dropped = 0;
    for number in 0..10_000 {
        if publisher.bus.publish(topic(1), entry(next + number)) == Published::Dropped {
            dropped += 1;
        }
    }
    assert!(start.elapsed() < Duration::from_secs(1), "publish waited");
    assert!(dropped > 0, "the queue is bounded");
    publisher.status(is_down).await;
    subscriber.status(is_down).await;
    let start = Instant::now();
    assert_eq!(subscriber.bus.subscribe(&[topic(2)]).await, Subscribed::Deferred);
    assert!(start.elapsed() < Duration::from_secs(5), "subscribe hung");
    server.resume();
    subscriber.reset(&LOST).await;
    delivers_again(&publisher, &mut subscriber, next + 10_000).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn close_keeps_its_deadline_while_redis_hangs() {
    let server = RedisServer::start();
    let mut settings = fast(&server.url());
    settings.close_deadline = Duration::from_millis(500);
    let (publisher, _listener) = pair(&settings).await;
    server.pause();
    publisher.bus.publish(topic(1), entry(1));
    let start = Instant::now();
    publisher.bus.close().await;
    assert!(start.elapsed() < Duration::from_secs(2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stalled_reader_is_found_and_rebuilt() {
    let server = RedisServer::start();
    let mut settings = fast(&server.url());
    let publisher = Gateway::healthy(settings.clone(), 1).await;
    let proxy = StallingProxy::start(server.address()).await;
    settings.url = proxy.url();
    let mut subscriber = Gateway::healthy(settings, 2).await;
    assert_eq!(subscriber.bus.subscribe(&[topic(1)]).await, Subscribed::Registered);
    proxy.stall_readers();
    subscriber.status(|status| status.shards == [ShardStatus::Unhealthy(ShardFault::ReaderStalled)]).await;
    publisher.bus.publish(topic(1), entry(0));
    let numbers = subscriber.numbers_and_reset(1, ResetReason::ReaderRebuilt).await;
    assert_eq!(numbers, [0], "read from where the stalled reader stopped");
    subscriber.status(BusStatus::is_healthy).await;
    assert!(subscriber.bus.metrics().reader_rebuilds.get() >= 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_that_dropped_entries_tells_the_others() {
    let server = RedisServer::start();
    let mut settings = fast(&server.url());
    let mut subscriber = Gateway::healthy(settings.clone(), 2).await;
    assert_eq!(subscriber.bus.subscribe(&[topic(1)]).await, Subscribed::Registered);
    settings.publish_queue_entries = 10;
    let publisher = Gateway::healthy(settings, 1).await;
    // No other task of the publisher runs in between: its queue overflows.
    let published: Vec<Published> =
        (0..1_000).map(|number| publisher.bus.publish(topic(1), entry(number))).collect();
    assert!(published.contains(&Published::Dropped));
    subscriber.reset(&[ResetReason::PeerDropped]).await;
    assert!(publisher.bus.metrics().dropped.get() > 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn publishes_share_calls() {
    let server = RedisServer::start();
    let (publisher, mut subscriber) = pair(&fast(&server.url())).await;
    let metrics = publisher.bus.metrics();
    let calls_before = metrics.script_calls.get();
    assert_eq!((metrics.published.get(), metrics.stream_appends.get()), (0, 0));
    for number in 0..5_000 {
        assert_eq!(publisher.bus.publish(topic(1), entry(number)), Published::Queued);
    }
    assert_eq!(subscriber.numbers(5_000).await, (0..5_000).collect::<Vec<_>>());
    publisher.bus.close().await;
    assert_eq!((metrics.published.get(), metrics.stream_appends.get()), (5_000, 5_000));
    assert!(metrics.script_calls.get() - calls_before < 1_000, "{metrics:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_deliveries_of_a_dropped_bus_end() {
    let server = RedisServer::start();
    let (publisher, mut subscriber) = pair(&fast(&server.url())).await;
    drop(subscriber.bus);
    while let Some(delivery) = subscriber.deliveries.recv().await {
        assert!(
            !matches!(delivery, Delivery::Entries(entries) if entries.iter().any(|entry| number(entry) == 0))
        );
    }
    drop(publisher);
}
