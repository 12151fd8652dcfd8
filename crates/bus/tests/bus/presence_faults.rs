//! Faults of Redis and presence: a fault makes nobody enter or leave, and arrivals and departures during it are notified later.

use std::time::Duration;

use madang_bus::{
    BusStatus, Delivery, InProcessExchange, PresenceError, Published, ShardFault, ShardStatus, Subscribed,
    redis::RedisSettings,
};
use tokio::time::sleep;

use crate::{
    faults::LOST,
    support::{
        GRACE, Gateway, cluster::Breakable, entry, fast, proxy::StallingProxy, server::RedisServer, topic,
    },
};

/// A user whose coming is told after all that is to be told.
const MARKER: u128 = 999;

/// Two gateways that are subscribed to topic 1, user 7 at the first, user 8 at the second, user 9 at both.
async fn pair(settings: &RedisSettings) -> (Gateway, Gateway) {
    pair_of(settings, settings).await
}

async fn pair_of(first: &RedisSettings, second: &RedisSettings) -> (Gateway, Gateway) {
    let (mut first, mut second) =
        (Gateway::healthy(first.clone(), 1).await, Gateway::healthy(second.clone(), 2).await);
    for gateway in [&first, &second] {
        assert_eq!(gateway.bus.subscribe(&[topic(1)]).await, Subscribed::Registered);
    }
    for (user, count) in [(7, 1), (9, 2)] {
        first.enter(1, user);
        assert_eq!(first.changes(1).await, [(user, true, count)]);
    }
    second.enter(1, 9);
    second.enter(1, 8);
    assert_eq!(first.changes(1).await, [(8, true, 3)]);
    assert_eq!(second.changes(3).await, [(7, true, 1), (9, true, 2), (8, true, 3)]);
    // The entries can arrive before the answers to the calls that published them. An arrival without an answer would be
    // notified again after a loss. Calls of one gateway follow one another, so a later one has the answers behind it.
    for gateway in [&first, &second] {
        assert_eq!(gateway.bus.subscribe(&[topic(2)]).await, Subscribed::Registered);
    }
    (first, second)
}

fn is_down(status: &BusStatus) -> bool {
    status.shards == [ShardStatus::Unhealthy(ShardFault::Unreachable)]
}

/// Both say the same of now, and nothing was told in the meantime.
async fn nothing_was_told(first: &mut Gateway, second: &mut Gateway) {
    first.enter(1, MARKER);
    for gateway in [first, second] {
        assert_eq!(gateway.changes(1).await, [(MARKER, true, 4)]);
        assert_eq!(gateway.present(1, 10).await, (4, vec![7, 8, 9, MARKER]));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flush_tells_nothing() {
    let server = RedisServer::start();
    let (mut first, mut second) = pair(&fast(&server.url())).await;
    server.run::<()>(&["FLUSHALL"]).await;
    for gateway in [&mut first, &mut second] {
        gateway.reset(&LOST).await;
    }
    nothing_was_told(&mut first, &mut second).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_of_two_tabs_that_closes_after_a_flush_is_not_taken_for_the_last() {
    let server = RedisServer::start();
    let mut settings = fast(&server.url());
    settings.presence_grace = Some(Duration::ZERO);
    let slow = RedisSettings {
        lease_ttl: Duration::from_secs(20),
        pulse_interval: Duration::from_secs(2),
        ..settings.clone()
    };
    let (mut first, mut second) = pair_of(
        &RedisSettings {
            pulse_interval: Duration::from_secs(2),
            lease_ttl: Duration::from_secs(20),
            ..settings
        },
        &slow,
    )
    .await;
    server.run::<()>(&["FLUSHALL"]).await;
    // The first finds out by this at once, the second by its next pulse.
    first.leave(1, 9);
    first.reset(&LOST).await;
    second.reset(&LOST).await;
    nothing_was_told(&mut first, &mut second).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_comes_and_goes_while_redis_is_away_is_told_when_it_is_back_empty() {
    let mut server = RedisServer::start();
    let (mut first, mut second) = pair(&fast(&server.url())).await;
    server.kill();
    for gateway in [&first, &second] {
        gateway.status(is_down).await;
    }
    assert!(matches!(first.presence.present(topic(1), 10).await, Err(PresenceError::Unreachable)));
    first.leave(1, 7);
    // One tab of two.
    first.leave(1, 9);
    second.enter(1, 10);
    // Not new to the first.
    second.enter(1, 7);
    second.leave(1, 7);
    server.start_again();
    for gateway in [&mut first, &mut second] {
        let mut told: Vec<_> = gateway.changes(2).await;
        told.sort_unstable();
        assert_eq!(
            told.iter().map(|(user, on, _)| (*user, *on)).collect::<Vec<_>>(),
            [(7, false), (10, true)]
        );
        assert_eq!(gateway.present(1, 10).await, (3, vec![8, 9, 10]));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_departure_that_redis_lost_is_told() {
    let server = RedisServer::start();
    let (mut first, mut second) = pair(&RedisSettings {
        // Longer than the loss takes to be noticed.
        presence_grace: Some(Duration::from_secs(3)),
        ..fast(&server.url())
    })
    .await;
    first.leave(1, 7);
    let leaving = "test:{0}:leaving";
    while server.run::<u64>(&["ZCARD", leaving]).await == 0 {
        sleep(Duration::from_millis(5)).await;
    }
    server.run::<()>(&["FLUSHALL"]).await;
    for gateway in [&mut first, &mut second] {
        assert_eq!(gateway.changes(1).await, [(7, false, 2)]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_that_was_away_for_longer_than_the_leases_tells_nothing() {
    let server = RedisServer::start();
    let settings = fast(&server.url());
    let (mut first, mut second) = pair(&settings).await;
    server.pause();
    for gateway in [&first, &second] {
        gateway.status(is_down).await;
    }
    // Time itself is what is tested.
    sleep(settings.lease_ttl + GRACE).await;
    server.resume();
    for gateway in [&mut first, &mut second] {
        gateway.status(BusStatus::is_healthy).await;
    }
    nothing_was_told(&mut first, &mut second).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_users_of_a_gateway_that_was_cut_off_leave_and_come_back() {
    let server = RedisServer::start();
    let proxy = StallingProxy::start(server.address()).await;
    let (mut first, mut second) = pair_of(&fast(&proxy.url()), &fast(&server.url())).await;
    proxy.cut();
    assert_eq!(second.changes(1).await, [(7, false, 2)], "user 9 has another tab");
    proxy.mend();
    for gateway in [&mut first, &mut second] {
        assert_eq!(gateway.changes(1).await, [(7, true, 3)]);
    }
    first.status(BusStatus::is_healthy).await;
    nothing_was_told(&mut first, &mut second).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn closing_leaves_no_key() {
    let server = RedisServer::start();
    let (first, second) = pair(&fast(&server.url())).await;
    first.leave(1, 7);
    for gateway in [first, second] {
        gateway.bus.close().await;
    }
    assert_eq!(server.run::<Vec<String>>(&["KEYS", "*"]).await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_it_is_off_redis_is_not_asked() {
    let server = RedisServer::start();
    let settings = RedisSettings { presence_grace: None, ..fast(&server.url()) };
    let mut gateway = Gateway::healthy(settings, 1).await;
    gateway.enter(1, 7);
    assert!(matches!(gateway.presence.present(topic(1), 10).await, Err(PresenceError::Off)));
    assert_eq!(gateway.bus.subscribe(&[topic(1)]).await, Subscribed::Registered);
    // Nor is it told what others do: neither it nor an older version need know such entries.
    let mut other = Gateway::healthy(fast(&server.url()), 2).await;
    assert_eq!(other.bus.subscribe(&[topic(1)]).await, Subscribed::Registered);
    other.enter(1, 7);
    assert_eq!(other.changes(1).await, [(7, true, 1)]);
    assert_eq!(other.bus.publish(topic(1), entry(1)), Published::Queued);
    loop {
        match gateway.next().await.expect("an open queue") {
            Delivery::Entries(_) => break,
            Delivery::Presence(changes) => panic!("{changes:?}"),
            Delivery::Reset(_) | Delivery::PeerGone(_) => {}
        }
    }
    assert_eq!(gateway.bus.metrics().presence_calls.get(), 0);

    let alone = Gateway::in_process(&InProcessExchange::new().with_presence(None), 1);
    alone.enter(1, 7);
    assert!(matches!(alone.presence.present(topic(1), 10).await, Err(PresenceError::Off)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replaced_master_tells_nothing() {
    let redis = Breakable::start().await;
    let (mut first, mut second) = pair(&redis.settings()).await;
    let (master, _) = redis.master_of(topic(1)).await;
    redis.cluster.kill9(master).await.unwrap();
    for gateway in [&mut first, &mut second] {
        gateway.reset(&LOST).await;
        gateway.status(BusStatus::is_healthy).await;
    }
    nothing_was_told(&mut first, &mut second).await;
}
