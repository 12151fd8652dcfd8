//! PostgreSQL or Redis are absent: at the start, they are waited for; later, senders are told and nothing is
//! lost, and all comes back without a restart.

#![expect(clippy::expect_used, clippy::unwrap_used, reason = "a story that cannot go on ends with a message")]

use std::time::Duration;

use madang_client::{Body, Client, Incoming, SessionOptions, Socket};
use madang_contract::EventBody;
use madang_domain::{Code, RoomId, Seq};
use madang_e2e::{
    COMPLETE_AGAIN, LIVE, Listener, PATIENCE, Person, Stage, Standalone, ack, error_frame, eventually,
    fast_sends, public_room, send_frame, still_running, within,
};
use madang_test_kit::{
    BreakableProxy, Cluster, ClusterOptions, Durability, PostgresServer, Program, RedisServer,
};
use tokio::time::{Instant, sleep};

/// What a sender waits at most for an answer, whatever is broken: the deadlines of the calls behind it.
const ANSWER_BOUND: Duration = Duration::from_secs(12);

/// A process that waits for something says so in its log, lives, and is ready once it has it.
async fn waits_and_starts(process: &Standalone, absent: &str, comes: impl Future<Output = ()>) {
    eventually(PATIENCE, &format!("a line of the log about {absent}"), async || {
        let log = process.log().to_lowercase();
        log.lines()
            .any(|line| line.contains(absent) && (line.contains("warn") || line.contains("error")))
            .then_some(())
    })
    .await;
    assert!(process.service.process().is_running(), "it has ended:\n{}", process.log());
    let operations = madang_client::Client::new(&process.service.ops_url()).unwrap();
    let alive = operations.request(reqwest::Method::GET, "/livez").send().await.expect("an answer of /livez");
    assert!(alive.status().is_success(), "it lives while it waits");
    let ready =
        operations.request(reqwest::Method::GET, "/readyz").send().await.expect("an answer of /readyz");
    assert_eq!(ready.status().as_u16(), 503, "it is not ready while it waits");

    comes.await;
    process.service.ready().await.expect("readiness without a restart");
    assert!(!process.log().contains("panicked"), "{}", process.log());
}

#[tokio::test]
async fn postgres_is_waited_for_at_the_start() {
    let postgres = PostgresServer::start(Durability::Fast).await.expect("PostgreSQL");
    for (program, name) in [(Program::Auth, "accounts"), (Program::MessageStore, "messages")] {
        let database = postgres.create_database(name).await.expect("a database");
        postgres.stop().await.expect("a stop");
        let process = Standalone::spawn(program, &[("MADANG_DATABASE_URL", &database)]);
        waits_and_starts(&process, "database", async { postgres.restart().await.expect("a start") }).await;
    }
}

#[tokio::test]
async fn redis_is_waited_for_at_the_start() {
    let options = ClusterOptions { gateways: 0, nginx: false, auth: 1, message_store: 1, ..fast_sends() };
    let (services, redis) = tokio::join!(Cluster::start(options), RedisServer::start());
    let (services, redis) = (services.expect("services"), redis.expect("Redis"));
    redis.stop().await.expect("a stop");
    let (auth, store, redis_url) =
        (services.auth(0).base_url(), services.message_store(0).base_url(), redis.url());
    let settings = [
        ("MADANG_AUTH_URL", auth.as_str()),
        ("MADANG_STORE_URL", store.as_str()),
        ("MADANG_REDIS_URL", redis_url.as_str()),
    ];
    let gateway = Standalone::spawn(Program::Gateway, &settings);
    waits_and_starts(&gateway, "redis", async { redis.restart().await.expect("a start") }).await;
    // And it works.
    let mina = Person::register(gateway.service.base_url(), "mina").await;
    let room = public_room(&mina, "Room", &[]).await.id;
    let listener = mina.listen(vec![gateway.service.base_url()], room).await;
    let sent = listener.session.send(room, "hello").await.expect("a send");
    listener.until_seq(LIVE, sent.seq).await;
}

/// Two people in a room, on different gateways.
struct Pair {
    room: RoomId,
    speaker: Socket,
    listener: Listener,
    member: Person,
}

async fn pair(stage: &Stage) -> Pair {
    let (mina, joon) =
        tokio::join!(Person::register(stage.gateway(0), "mina"), Person::register(stage.gateway(1), "joon"));
    let room = public_room(&mina, "Room", &[&joon]).await.id;
    let speaker = mina.socket_in(&stage.gateway(0), room).await;
    let options = SessionOptions::default();
    let listener = Listener::start(vec![stage.gateway(1)], joon.bearer(), room, options).await;
    Pair { room, speaker, listener, member: joon }
}

impl Pair {
    /// Sends a message and returns its place, or the refusal's code.
    async fn send(&mut self, key: &str) -> Result<Seq, Code> {
        self.ask(key).await.map_err(|(code, _)| code)
    }

    /// The same, with the time after which to ask again.
    async fn ask(&mut self, key: &str) -> Result<Seq, (Code, Duration)> {
        let frame = send_frame(self.room, key, key);
        match self.speaker.call(frame, ANSWER_BOUND).await.expect("an answer on a socket that lives") {
            answer @ Incoming::Frame(madang_contract::ServerFrame::Ack(_)) => Ok(ack(answer).seq),
            refusal => {
                let error = error_frame(refusal);
                if error.code == Code::Unavailable {
                    assert!(error.retry_after_ms.is_some(), "when to come back: {error:?}");
                }
                Err((error.code, error.retry_after_ms.map_or(Duration::ZERO, Duration::from_millis)))
            }
        }
    }

    /// Sends a message again and again, under the same key, until it is committed: soon, for the fault is over.
    async fn send_until_committed(&mut self, key: &str) -> Seq {
        within(COMPLETE_AGAIN, "a send to be committed", async {
            loop {
                match self.ask(key).await {
                    Ok(seq) => return seq,
                    Err((code, again_after)) => {
                        assert!(passes(code), "{code}");
                        // (This wait is the server's own word: who does not heed it is closed for a flood of frames.)
                        sleep(again_after).await;
                    }
                }
            }
        })
        .await
    }

    /// All is as it should be: a message arrives at once, and all before it have arrived.
    async fn whole(&mut self, key: &str) {
        let seq = self.send_until_committed(key).await;
        self.listener.until_seq(LIVE, seq).await;
        self.listener.assert_whole(Seq::START, seq);
    }
}

fn passes(code: Code) -> bool {
    matches!(code, Code::Unavailable | Code::DeadlineExceeded | Code::RateLimited)
}

#[tokio::test]
async fn without_postgres_senders_are_told_and_it_recovers() {
    let stage = Stage::start(fast_sends()).await;
    let mut pair = pair(&stage).await;
    pair.whole("before").await;
    let pids = stage.pids();

    for (round, how) in ["killed", "stopped", "paused"].into_iter().enumerate() {
        let postgres = stage.cluster.postgres();
        match how {
            "killed" => postgres.kill9().await.expect("a kill"),
            "stopped" => postgres.stop().await.expect("a stop"),
            _ => postgres.pause(),
        }
        let asked = Instant::now();
        let refusal =
            pair.send(&format!("while it is {how}")).await.expect_err("a commit without PostgreSQL");
        assert!(matches!(refusal, Code::Unavailable | Code::DeadlineExceeded), "{how}: {refusal}");
        assert!(asked.elapsed() < ANSWER_BOUND, "{how}: told after {:?}", asked.elapsed());
        // The socket answers all the while.
        let pong = pair.speaker.call(madang_contract::ClientFrame::Ping {}, PATIENCE).await;
        assert!(pong.is_ok(), "{how}: {pong:?}");
        match how {
            "paused" => postgres.resume(),
            _ => postgres.restart().await.expect("a start"),
        }
        // The same key again: it may have been committed after all, and is not committed twice.
        let seq = pair.send_until_committed(&format!("while it is {how}")).await;
        pair.listener.until_seq(COMPLETE_AGAIN, seq).await;
        pair.whole(&format!("after {round}")).await;
    }
    let mut services: Vec<_> = stage.cluster.services().map(madang_test_kit::Service::process).collect();
    services.push(stage.cluster.redis().process());
    still_running(services.into_iter(), &pids);
    let log = stage.log_of(pair.room).await;
    let mut texts: Vec<_> = log.iter().filter_map(|row| row.text.clone()).collect();
    assert_eq!(texts, pair.listener.texts());
    texts.sort();
    texts.dedup();
    assert_eq!(texts.len(), 7, "each message once: {texts:?}");
}

#[tokio::test]
async fn without_redis_messages_arrive_by_way_of_the_store() {
    let stage = Stage::start(fast_sends()).await;
    let mut pair = pair(&stage).await;
    pair.whole("before").await;
    let pids = stage.pids();
    for how in ["killed", "flushed", "paused"] {
        let redis = stage.cluster.redis();
        match how {
            "killed" => redis.kill9().await.expect("a kill"),
            "flushed" => redis.flush().await.expect("a flush"),
            _ => redis.pause(),
        }
        for number in 1..=5 {
            let sent = pair.send(&format!("while it is {how} {number}")).await;
            let seq = sent.unwrap_or_else(|code| panic!("a send does not need Redis ({how}): {code}"));
            pair.listener.until_seq(COMPLETE_AGAIN, seq).await;
        }
        match how {
            "killed" => redis.restart().await.expect("a start"),
            "flushed" => {}
            _ => redis.resume(),
        }
        // The short way is taken again: the message is in the other gateway's inbox.
        let mut round = 0;
        let awaited = format!("a message to travel through Redis again, which was {how}");
        eventually(COMPLETE_AGAIN, &awaited, async || {
            round += 1;
            let text = format!("after it was {how} {round}");
            let seq = pair.send(&text).await.expect("a send");
            pair.listener.until_seq(COMPLETE_AGAIN, seq).await;
            let counts = stage.entries_with(&text).await;
            (counts.values().sum::<usize>() == 1).then_some(())
        })
        .await;
        pair.whole(&format!("after {how}")).await;
    }
    let services = stage.cluster.services().map(madang_test_kit::Service::process);
    still_running(services, &pids);
    assert_eq!(pair.listener.heard().connections, 1, "the listener's socket lived through all of it");
}

#[tokio::test]
async fn without_redis_a_deletion_arrives_by_way_of_the_store() {
    let stage = Stage::start(fast_sends()).await;
    let (mina, joon) =
        tokio::join!(Person::register(stage.gateway(0), "mina"), Person::register(stage.gateway(1), "joon"));
    let room = public_room(&mina, "Room", &[&joon]).await.id;
    let listener = joon.listen(vec![stage.gateway(1)], room).await;
    // Two have joined. Then nobody publishes anything any more.
    listener.until_seq(PATIENCE, Seq::new(2)).await;
    stage.cluster.redis().kill9().await.expect("a kill");
    let path = format!("/v1/rooms/{room}");
    let answer = mina.api.request(reqwest::Method::DELETE, &path).send().await.expect("an answer");
    assert_eq!(answer.status().as_u16(), 204);
    listener.until_seq(COMPLETE_AGAIN, Seq::new(3)).await;
    listener.assert_whole(Seq::START, Seq::new(3));
    let last = listener.heard().events.last().map(|event| event.body.clone());
    assert!(
        matches!(&last, Some(Body::Known(EventBody::Room { properties })) if properties.deleted),
        "{last:?}"
    );
    // Those who come now find no room.
    let gone =
        joon.socket(&stage.gateway(1)).await.call(send_frame(room, "late", "late"), ANSWER_BOUND).await;
    assert_eq!(error_frame(gone.expect("an answer")).code, Code::NotFound);
}

#[tokio::test]
async fn a_gateway_cut_off_from_redis_is_complete_again_in_time() {
    // The second gateway's line to Redis is one that breaks; the first one's is not.
    let stage = Stage::start(fast_sends()).await;
    let line = BreakableProxy::start(stage.cluster.redis().address()).expect("a proxy");
    let (auths, stores) = (
        [0, 1].map(|index| stage.cluster.auth(index).base_url()).join(","),
        [0, 1].map(|index| stage.cluster.message_store(index).base_url()).join(","),
    );
    let redis_url = format!("redis://{}/", line.address());
    let third = Standalone::start(
        Program::Gateway,
        &[("MADANG_AUTH_URL", &auths), ("MADANG_STORE_URL", &stores), ("MADANG_REDIS_URL", &redis_url)],
    )
    .await;
    let mut pair = pair(&stage).await;
    let sora = Person::register(third.service.base_url(), "sora").await;
    sora.api.join(pair.room).await.expect("a member");
    let far = sora.listen(vec![third.service.base_url()], pair.room).await;
    let before = pair.send_until_committed("before").await;
    far.until_seq(LIVE, before).await;

    line.blackhole();
    let mut last = before;
    for number in 1..=5 {
        last = pair.send(&format!("while it is deaf {number}")).await.expect("a send");
        far.until_seq(COMPLETE_AGAIN, last).await;
    }
    line.pass();
    line.cut();
    far.until_seq(COMPLETE_AGAIN, last).await;
    let after = pair.send_until_committed("after").await;
    far.until_seq(COMPLETE_AGAIN, after).await;
    far.assert_whole(Seq::START, after);
    assert_eq!(far.heard().connections, 1);
}

#[tokio::test]
async fn a_killed_replica_of_store_or_auth_is_not_felt() {
    let stage = Stage::start(fast_sends()).await;
    let mut pair = pair(&stage).await;
    pair.whole("before").await;
    for index in 0..2 {
        stage.cluster.message_store(index).kill9().await.expect("a kill");
        stage.cluster.auth(index).kill9().await.expect("a kill");
        for number in 1..=10 {
            let sent = pair.send(&format!("without {index}: {number}")).await;
            sent.unwrap_or_else(|code| panic!("the other replica is there: {code}"));
        }
        // What may be repeated is, by the gateway itself; a registration is left to the client to repeat.
        pair.member.api.me().await.expect("an answer of the other replica");
        let guest = Client::new(&stage.ingress()).expect("an address");
        let mut attempt = 0;
        eventually(COMPLETE_AGAIN, "a registration by the other replica", async || {
            attempt += 1;
            let name = format!("newcomer-{}-{index}-{attempt}", std::process::id());
            match guest.register(&name, pair.member.password(), None).await {
                Ok(grant) => Some(grant),
                Err(error) => {
                    assert_eq!(error.code(), Some(Code::Unavailable), "{error}");
                    None
                }
            }
        })
        .await;
        stage.cluster.message_store(index).restart().await.expect("a restart");
        stage.cluster.auth(index).restart().await.expect("a restart");
    }
    pair.whole("after").await;
}
