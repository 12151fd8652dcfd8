//! Who is in a room, over three gateways: two where somebody has tabs, and a third where somebody watches.

#![expect(clippy::expect_used, reason = "a story that cannot go on ends with a message")]

use std::{collections::BTreeMap, time::Duration};

use madang_client::{Incoming, Socket, SocketError};
use madang_contract::{Answer, ClientFrame, OkFrame, PresenceChange, ServerFrame};
use madang_domain::{Code, RoomId, UserId};
use madang_e2e::{
    LEASE, PATIENCE, PRESENCE_PULSE, Person, Stage, Standalone, error_frame, eventually, public_room, within,
};
use madang_test_kit::{ClusterOptions, Program, data_directory};
use tokio::time::Instant;

/// How long who has gone counts as present.
const GRACE: Duration = Duration::from_secs(5);

/// Three gateways, and whatever else is wanted of them.
fn three_gateways() -> ClusterOptions {
    ClusterOptions { gateways: 3, auth: 1, message_store: 1, nginx: false, ..ClusterOptions::default() }
}

async fn three_gateways_with(name: &str, value: &str) -> Stage {
    Stage::start(three_gateways().with_setting(Program::Gateway, name, value)).await
}

/// Somebody who watches a room.
struct Observer {
    socket: Socket,
    room: RoomId,
    /// All changes that were told, in order.
    told: Vec<(UserId, bool)>,
    count: u64,
}

impl Observer {
    /// Watches at a gateway, and has heard of itself.
    async fn at(base: &str, person: &Person, room: RoomId) -> Self {
        let socket = person.socket_in(base, room).await;
        let mut observer = Self { socket, room, told: Vec::new(), count: 0 };
        observer.until(PATIENCE, person.id, true).await;
        observer
    }

    /// Reads on until a user has come, or gone.
    async fn until(&mut self, patience: Duration, user: UserId, on: bool) {
        let until = Instant::now() + patience;
        while !self.told.contains(&(user, on)) {
            let left = until.saturating_duration_since(Instant::now());
            assert!(self.hear(left).await, "in vain for {user} {on}: {:?}", self.told);
        }
    }

    /// Reads on for so long, for what must not come.
    async fn silence(&mut self, time: Duration) {
        let until = Instant::now() + time;
        while self.hear(until.saturating_duration_since(Instant::now())).await {}
    }

    /// Hears the next frame; false where none comes in time.
    async fn hear(&mut self, patience: Duration) -> bool {
        match self.socket.next_frame(patience).await {
            Ok(Incoming::Frame(ServerFrame::Presence(presence))) => {
                assert_eq!(presence.room, self.room);
                self.count = presence.count;
                let told = |change: PresenceChange<'_>| (change.user.id, change.on);
                self.told.extend(presence.changes.into_iter().flatten().map(told));
                true
            }
            Ok(_) => true,
            Err(SocketError::Deadline { .. }) => false,
            Err(error) => panic!("the observer's own socket: {error}"),
        }
    }

    /// What was told of a user.
    fn told_of(&self, user: UserId) -> Vec<bool> {
        self.told.iter().filter(|(whose, _)| *whose == user).map(|(_, on)| *on).collect()
    }
}

/// The answer to a `presence`: how many, and the names.
async fn who_is_in(socket: &mut Socket, room: RoomId) -> (u64, Option<Vec<String>>) {
    let answer = socket.call(ClientFrame::Presence { room: room.into() }, PATIENCE).await.expect("an answer");
    let Incoming::Ok(OkFrame { answer: Answer::Presence(present), .. }) = answer else {
        panic!("no answer to `presence`: {answer:?}")
    };
    assert_eq!(present.room, room);
    let names = present.users.map(|users| {
        let mut names: Vec<String> = users.into_iter().map(|user| user.name.into_owned()).collect();
        names.sort();
        names
    });
    (present.count, names)
}

/// Mina, with tabs, and Sora, who watches at the third gateway.
async fn people(stage: &Stage) -> (Person, Person, RoomId) {
    let (mina, sora) =
        tokio::join!(Person::register(stage.gateway(0), "mina"), Person::register(stage.gateway(2), "sora"));
    let room = public_room(&mina, "Courtyard", &[&sora]).await.id;
    (mina, sora, room)
}

#[tokio::test]
async fn a_tab_at_each_of_two_gateways_and_both_killed_one_after_the_other() {
    let stage = Stage::start(three_gateways()).await;
    let (mina, sora, room) = people(&stage).await;
    let mut observer = Observer::at(&stage.gateway(2), &sora, room).await;
    let (_first, _second) =
        (mina.socket_in(&stage.gateway(0), room).await, mina.socket_in(&stage.gateway(1), room).await);
    observer.until(PATIENCE, mina.id, true).await;
    assert_eq!(observer.count, 2);

    stage.cluster.gateway(0).kill9().await.expect("a kill");
    // Past the time in which a false departure would be told.
    observer.silence(LEASE + GRACE + PRESENCE_PULSE).await;
    assert_eq!(observer.told_of(mina.id), [true], "the other tab is open");
    assert_eq!(who_is_in(&mut observer.socket, room).await.0, 2);

    let killed = Instant::now();
    stage.cluster.gateway(1).kill9().await.expect("a kill");
    observer.until(LEASE + GRACE + PRESENCE_PULSE, mina.id, false).await;
    let took = killed.elapsed();
    println!("told {took:?} after the kill; lease and grace are {:?}", LEASE + GRACE);
    assert!(took > GRACE, "{took:?}");
    assert_eq!(observer.count, 1);
    // Once: also after the other gateways have come back and looked for what is due.
    for index in [0, 1] {
        stage.cluster.gateway(index).restart().await.expect("a restart");
    }
    observer.silence(GRACE).await;
    assert_eq!(observer.told_of(mina.id), [true, false]);
    assert_eq!(who_is_in(&mut observer.socket, room).await, (1, Some(vec!["sora".to_owned()])));
}

#[tokio::test]
async fn two_gateways_killed_at_once_leave_once() {
    let stage = Stage::start(three_gateways()).await;
    let (mina, sora, room) = people(&stage).await;
    let mut observer = Observer::at(&stage.gateway(2), &sora, room).await;
    let (_first, _second) =
        (mina.socket_in(&stage.gateway(0), room).await, mina.socket_in(&stage.gateway(1), room).await);
    observer.until(PATIENCE, mina.id, true).await;
    let killed = Instant::now();
    let (first, second) = tokio::join!(stage.cluster.gateway(0).kill9(), stage.cluster.gateway(1).kill9());
    first.and(second).expect("two kills");
    observer.until(LEASE + GRACE + PRESENCE_PULSE, mina.id, false).await;
    println!("told {:?} after the kills", killed.elapsed());
    observer.silence(GRACE).await;
    assert_eq!(observer.told_of(mina.id), [true, false]);
}

#[tokio::test]
async fn many_tabs_are_one_user_and_who_may_not_read_may_not_ask() {
    let stage = three_gateways_with("MADANG_PRESENCE_GRACE_SECONDS", "1").await;
    let (mina, sora, room) = people(&stage).await;
    let mut observer = Observer::at(&stage.gateway(2), &sora, room).await;
    let mut tabs = Vec::new();
    for index in [0, 0, 0, 1, 1, 2] {
        tabs.push(mina.socket_in(&stage.gateway(index), room).await);
    }
    observer.until(PATIENCE, mina.id, true).await;
    let last = tabs.pop().unwrap();
    for tab in tabs {
        tab.close().await;
    }
    // Somebody else's coming and going is told after anything that those could cause: the grace is over by then.
    let joon = Person::register(stage.gateway(1), "joon").await;
    joon.api.join(room).await.expect("a join");
    let joons = joon.socket_in(&stage.gateway(1), room).await;
    observer.until(PATIENCE, joon.id, true).await;
    assert_eq!(observer.count, 3);
    joons.close().await;
    observer.until(PATIENCE, joon.id, false).await;
    assert_eq!(observer.told_of(mina.id), [true]);

    // A reload: gone and back within the grace.
    let mut reloaded = mina.socket_in(&stage.gateway(0), room).await;
    last.close().await;
    assert_eq!(
        who_is_in(&mut reloaded, room).await,
        (2, Some(vec!["mina".to_owned(), "sora".to_owned()])),
        "at any gateway"
    );

    // A member who does not listen may ask; who is no member may not.
    let mut idle = joon.socket(&stage.gateway(1)).await;
    assert_eq!(who_is_in(&mut idle, room).await.0, 2);
    let stranger = Person::register(stage.gateway(1), "stranger").await;
    let mut outside = stranger.socket(&stage.gateway(1)).await;
    let refused =
        outside.call(ClientFrame::Presence { room: room.into() }, PATIENCE).await.expect("an answer");
    assert_eq!(error_frame(refused).code, Code::PermissionDenied);

    // Who is removed is gone, with the socket open.
    mina.api.remove_member(room, sora.id).await.expect("a removal");
    let mut watching = Observer { socket: reloaded, room, told: Vec::new(), count: 0 };
    watching.until(PATIENCE, sora.id, false).await;
    assert_eq!(watching.count, 1);
}

#[tokio::test]
async fn gateways_that_stop_in_good_order_lose_nobody() {
    let stage = Stage::start(three_gateways()).await;
    let (mina, sora, room) = people(&stage).await;
    let mut observer = Observer::at(&stage.gateway(2), &sora, room).await;
    // A client that comes back by itself, to whichever gateway there is.
    let listener = mina.listen(vec![stage.gateway(0), stage.gateway(1)], room).await;
    observer.until(PATIENCE, mina.id, true).await;
    for index in [0, 1] {
        stage.cluster.gateway(index).stop().await.expect("an end");
        observer.silence(GRACE / 2).await;
        stage.cluster.gateway(index).restart().await.expect("a restart");
    }
    observer.silence(GRACE + PRESENCE_PULSE).await;
    assert_eq!(observer.told_of(mina.id), [true]);
    assert!(listener.heard().connections > 1, "it was sent away");
    drop(listener);
    observer.until(PATIENCE, mina.id, false).await;
}

#[tokio::test]
async fn a_flushed_redis_and_an_empty_one_tell_nothing() {
    const PEOPLE: usize = 8;
    let stage = Stage::start(three_gateways()).await;
    let (mina, sora, room) = people(&stage).await;
    let mut observer = Observer::at(&stage.gateway(2), &sora, room).await;
    let mut tabs: BTreeMap<UserId, Vec<Socket>> = BTreeMap::new();
    for number in 0..PEOPLE {
        let person = Person::register(stage.gateway(0), "p").await;
        person.api.join(room).await.expect("a join");
        let both = [number % 2, (number + 1) % 3];
        for index in both {
            tabs.entry(person.id).or_default().push(person.socket_in(&stage.gateway(index), room).await);
        }
        observer.until(PATIENCE, person.id, true).await;
    }
    let before = observer.told.clone();
    let mut redis = stage.cluster.redis().connection().await.expect("Redis");
    redis::cmd("FLUSHALL").query_async::<()>(&mut redis).await.expect("FLUSHALL");
    observer.silence(GRACE + PRESENCE_PULSE).await;
    assert_eq!(observer.told, before, "nobody came or went by the flush");
    eventually(PATIENCE, "all to be put back", async || {
        (who_is_in(&mut observer.socket, room).await.0 > PEOPLE as u64).then_some(())
    })
    .await;

    stage.cluster.redis().kill9().await.expect("a kill");
    let refused = observer.socket.call(ClientFrame::Presence { room: room.into() }, PATIENCE).await;
    assert_eq!(error_frame(refused.expect("an answer")).code, Code::Unavailable);
    stage.cluster.redis().restart().await.expect("a restart");
    observer.silence(GRACE + PRESENCE_PULSE).await;
    assert_eq!(observer.told, before, "nor by the restart without data");
    // And it goes on.
    let (gone, sockets) = tabs.pop_first().unwrap();
    for socket in sockets {
        socket.close().await;
    }
    observer.until(PATIENCE, gone, false).await;
    assert_eq!(observer.count, PEOPLE as u64);
    drop(mina);
}

#[tokio::test]
async fn it_can_be_switched_off() {
    let stage = three_gateways_with("MADANG_PRESENCE", "false").await;
    let (mina, sora, room) = people(&stage).await;
    let mut socket = sora.socket_in(&stage.gateway(2), room).await;
    let _tab = mina.socket_in(&stage.gateway(0), room).await;
    let refused =
        socket.call(ClientFrame::Presence { room: room.into() }, PATIENCE).await.expect("an answer");
    assert_eq!(error_frame(refused).code, Code::FailedPrecondition);
    let mut redis = stage.cluster.redis().connection().await.expect("Redis");
    let keys: Vec<String> = redis::cmd("KEYS").arg("madang:*").query_async(&mut redis).await.expect("KEYS");
    let of_presence =
        |key: &String| ["present:", "held:", "holders", "leaving"].iter().any(|part| key.contains(part));
    assert!(!keys.iter().any(of_presence), "{keys:?}");
    // Nothing was on its way: what is said next comes next.
    let said = mina.api.send_message(room, "hello", None).await.expect("a message");
    loop {
        match socket.next_frame(PATIENCE).await.expect("the message") {
            Incoming::Event(event) if event.seq == said.seq => break,
            Incoming::Frame(ServerFrame::Presence(presence)) => panic!("{presence:?}"),
            _ => {}
        }
    }
}

#[tokio::test]
async fn above_a_number_of_users_only_the_number_is_said() {
    const NAMES_MAX: u64 = 3;
    let options = three_gateways()
        .with_setting(Program::Gateway, "MADANG_PRESENCE_NAMES_MAX", NAMES_MAX.to_string())
        .with_setting(Program::Gateway, "MADANG_PRESENCE_GRACE_SECONDS", "1");
    let stage = Stage::start(options).await;
    let (mina, sora, room) = people(&stage).await;
    let mut observer = Observer::at(&stage.gateway(2), &sora, room).await;
    let mut others = Vec::new();
    for _ in 0..=NAMES_MAX {
        let person = Person::register(stage.gateway(0), "p").await;
        person.api.join(room).await.expect("a join");
        others.push((person.id, person.socket_in(&stage.gateway(0), room).await));
    }
    within(PATIENCE, "the count", async {
        while observer.count < NAMES_MAX + 2 {
            observer.hear(PATIENCE).await;
        }
    })
    .await;
    let last = others.last().unwrap().0;
    assert_eq!(observer.told_of(last), [] as [bool; 0], "nobody is named there");
    assert_eq!(who_is_in(&mut observer.socket, room).await, (NAMES_MAX + 2, None));
    // With fewer again they are named.
    let mut remaining = others.split_off(2);
    for (_, socket) in others {
        socket.close().await;
    }
    within(PATIENCE, "the count", async {
        while observer.count > NAMES_MAX {
            observer.hear(PATIENCE).await;
        }
    })
    .await;
    let (user, socket) = remaining.pop().unwrap();
    socket.close().await;
    observer.until(PATIENCE, user, false).await;
    assert_eq!(
        who_is_in(&mut observer.socket, room).await,
        (2, Some(vec!["p".to_owned(), "sora".to_owned()]))
    );
    drop(mina);
}

#[tokio::test]
async fn one_process_does_the_same() {
    let data = data_directory("all-in-one").expect("a directory");
    let directory = data.path().display().to_string();
    let settings = [("MADANG_DATA_DIR", directory.as_str()), ("MADANG_PRESENCE_GRACE_SECONDS", "1")];
    let madang = Standalone::start(Program::AllInOne, &settings).await;
    let base = madang.service.base_url();
    let (mina, sora) = tokio::join!(Person::register(&base, "mina"), Person::register(&base, "sora"));
    let room = public_room(&mina, "Courtyard", &[&sora]).await.id;
    let mut observer = Observer::at(&base, &sora, room).await;
    let (first, second) = (mina.socket_in(&base, room).await, mina.socket_in(&base, room).await);
    observer.until(PATIENCE, mina.id, true).await;
    first.close().await;
    observer.silence(PRESENCE_PULSE).await;
    assert_eq!(observer.told_of(mina.id), [true], "the other tab is open");
    second.close().await;
    observer.until(PATIENCE, mina.id, false).await;
    assert_eq!(who_is_in(&mut observer.socket, room).await, (1, Some(vec!["sora".to_owned()])));
}
