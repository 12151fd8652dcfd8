//! Two gateways on a Redis Cluster: rooms are spread over its masters, and what is sent while one of them is replaced is
//! received once and in order.

#![expect(clippy::expect_used, reason = "a story that cannot go on ends with a message")]

use std::collections::{BTreeMap, BTreeSet};

use madang_domain::{RoomId, Seq};
use madang_e2e::{
    COMPLETE_AGAIN, Listener, Person, Stage, Talk, assert_in_log_once, eventually, fast_sends, public_room,
};
use madang_test_kit::{ClusterOptions, Program, RedisCluster};
use redis::{
    cmd,
    streams::{StreamInfoStreamReply, StreamRangeReply},
};

/// By chance none of them would be with one of three masters once in half a million runs.
const ROOMS: usize = 36;
/// Rooms of each master in which somebody talks.
const TALKED_IN: usize = 2;
/// Messages of each talker before the kill, and while nothing serves the killed master's shards.
const SOME: usize = 10;
/// Shards of a Redis Cluster, unless set.
const SHARDS: usize = 12;

/// Rooms that Joon listens to, by the master that their listeners are registered with.
async fn rooms_by_master(
    redis: &RedisCluster,
    stage: &Stage,
    mina: &Person,
    joon: &Person,
) -> BTreeMap<usize, Vec<(RoomId, Listener)>> {
    let mut rooms: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for number in 0..ROOMS {
        let room = public_room(mina, &format!("Room {number}"), &[joon]).await.id;
        let listener = joon.listen(vec![stage.gateway(1)], room).await;
        let keys = redis.keys(&format!("madang:*:listeners:room:{room}")).await.expect("KEYS");
        let [key] = keys.as_slice() else { panic!("one shard has the room: {keys:?}") };
        let members: Vec<String> = redis.run(key, cmd("SMEMBERS").arg(key)).await.expect("SMEMBERS");
        assert_eq!(members.len(), 1, "Joon's gateway listens, and Mina has no socket yet");
        let (master, _) = redis.master_of(key).await.expect("a master");
        rooms.entry(master).or_default().push((room, listener));
    }
    rooms
}

/// The masters at which an inbox holds entries of another gateway.
async fn masters_that_carried(redis: &RedisCluster) -> BTreeSet<usize> {
    let mut masters = BTreeSet::new();
    for inbox in redis.keys("madang:{*}:inbox:*").await.expect("KEYS") {
        let mut range = cmd("XRANGE");
        range.arg(&inbox).arg("-").arg("+");
        let entries: StreamRangeReply = redis.run(&inbox, &range).await.expect("XRANGE");
        if entries.ids.iter().any(|entry| entry.map.contains_key("e")) {
            masters.insert(redis.master_of(&inbox).await.expect("a master").0);
        }
    }
    masters
}

#[tokio::test]
async fn a_killed_master_costs_no_message_and_no_order() {
    let redis = RedisCluster::start().await.expect("a Redis Cluster");
    let options = ClusterOptions { nginx: false, auth: 1, message_store: 1, ..fast_sends() }.with_setting(
        Program::Gateway,
        "MADANG_REDIS_URL",
        redis.url(),
    );
    let stage = Stage::start(options).await;
    let (mina, joon) =
        tokio::join!(Person::register(stage.gateway(0), "mina"), Person::register(stage.gateway(1), "joon"));
    let rooms = rooms_by_master(&redis, &stage, &mina, &joon).await;
    assert_eq!(rooms.len(), 3, "rooms are spread over all masters");
    // Each gateway has an inbox in every shard, with a probe in it at least.
    let inboxes = redis.keys("madang:{*}:inbox:*").await.expect("KEYS");
    assert_eq!(inboxes.len(), stage.cluster.gateways().len() * SHARDS, "{inboxes:?}");
    for inbox in inboxes {
        let info: StreamInfoStreamReply =
            redis.run(&inbox, cmd("XINFO").arg("STREAM").arg(&inbox)).await.expect("XINFO");
        assert!(info.length > 0, "{inbox}");
    }

    let places: Vec<_> = rooms.into_values().flat_map(|rooms| rooms.into_iter().take(TALKED_IN)).collect();
    let speaker = mina.listen(vec![stage.gateway(0)], places[0].0).await;
    let mut talks: Vec<Talk> =
        places.iter().map(|(room, _)| Talk::start(&speaker.session, *room, &format!("in {room}"))).collect();
    for talk in &mut talks {
        talk.more(SOME).await;
    }
    assert_eq!(masters_that_carried(&redis).await.len(), 3);

    let killed = redis.masters().await.first().copied().expect("masters");
    redis.kill9(killed).await.expect("a kill");
    for talk in &mut talks {
        talk.more(SOME).await;
    }
    redis.settled().await.expect("a failover");
    eventually(COMPLETE_AGAIN, "entries through all masters again", async || {
        let masters: BTreeSet<usize> = redis.masters().await.into_iter().collect();
        (masters.len() == 3 && !masters.contains(&killed) && masters_that_carried(&redis).await == masters)
            .then_some(())
    })
    .await;

    for (talk, (room, listener)) in talks.into_iter().zip(&places) {
        let sent = talk.stop().await;
        let last = sent.iter().map(|message| message.seq).max().unwrap_or(Seq::START);
        listener.until_seq(COMPLETE_AGAIN, last).await;
        listener.assert_whole(Seq::START, last);
        assert_in_log_once(&stage.log_of(*room).await, &sent);
    }
}
