//! The database goes away in the middle of the work, and comes back.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use madang_domain::{Code, Error, Profile, Role, RoomId, RoomRef};
use madang_rpc::{
    MessageStore,
    store::{Authority, GetRoom, Notify, PutMember},
};
use madang_test_kit::{BreakableProxy, Durability, EitherDatabase, PostgresServer};
use sqlx::{Connection as _, Executor as _};
use tokio::sync::watch;

use crate::support::{Fixture, Words as _, keys, seqs, user};

/// How long anything here may take; a test that runs into it has failed.
const PATIENCE: Duration = Duration::from_secs(60);

/// Sends messages one after the other, each until it is acknowledged, and returns the acknowledged places by
/// key. `progress` counts them, `failures` hears of each failure.
pub(crate) async fn send_until_told(
    service: &(impl MessageStore + ?Sized),
    room: RoomId,
    sender: &Arc<Profile>,
    name: &str,
    stop: &AtomicBool,
    acked: &watch::Sender<usize>,
    failed: &watch::Sender<usize>,
) -> BTreeMap<String, u64> {
    let mut places = BTreeMap::new();
    for number in 0.. {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let key = format!("{name}-{number}");
        loop {
            match service.say(room, sender, &key).await {
                Ok(appended) => {
                    places.insert(key, appended.seq.get());
                    acked.send_modify(|count| *count += 1);
                    break;
                }
                Err(error) => {
                    assert_transient(&error);
                    failed.send_modify(|count| *count += 1);
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            }
        }
    }
    places
}

/// What a caller is told while the database is away: try again, and when.
fn assert_transient(error: &Error) {
    assert!(matches!(error.code, Code::Unavailable | Code::DeadlineExceeded), "{error:?}");
    assert!(error.retry_after.is_some(), "{error:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_acknowledged_message_outlives_a_killed_server_once() {
    const SENDERS: u128 = 12;
    let server = PostgresServer::start(Durability::Real).await.unwrap();
    let fixture = Fixture::of_url(server.create_database("chat").await.unwrap());
    let mut admin = sqlx::PgConnection::connect(&fixture.url).await.unwrap();
    let fsync: String = sqlx::query_scalar("SHOW fsync").fetch_one(&mut admin).await.unwrap();
    assert_eq!(fsync, "on", "a commit waits for the disk");
    let replicas = [fixture.service().await, fixture.service().await];
    let people: Vec<_> = (0..SENDERS).map(user).collect();
    let room = replicas[0].given_room(&people.iter().collect::<Vec<_>>()).await;

    let (stop, acked, failed) = (AtomicBool::new(false), watch::Sender::new(0), watch::Sender::new(0));
    let sends = join_all(people.iter().enumerate().map(|(number, person)| {
        let (service, name) = (&replicas[number % 2], number.to_string());
        let (stop, acked, failed) = (&stop, &acked, &failed);
        async move { send_until_told(service, room, person, &name, stop, acked, failed).await }
    }));
    let chaos = async {
        for _ in 0..2 {
            let before = *acked.borrow();
            acked.subscribe().wait_for(|count| *count > before + 50).await.unwrap();
            let failures = *failed.borrow();
            server.kill9().await.unwrap();
            failed.subscribe().wait_for(|count| *count > failures).await.unwrap();
            server.restart().await.unwrap();
        }
        let before = *acked.borrow();
        acked.subscribe().wait_for(|count| *count > before + 50).await.unwrap();
        stop.store(true, Ordering::Relaxed);
    };
    let (acks, ()) = tokio::time::timeout(PATIENCE, async { tokio::join!(sends, chaos) }).await.unwrap();

    assert_log_is_what_was_acknowledged(&replicas[1], room, SENDERS as usize, acks).await;
}

/// The log is contiguous, and after the `joined` events of its members holds each acknowledged message once, where its
/// acknowledgement said.
pub(crate) async fn assert_log_is_what_was_acknowledged(
    service: &(impl MessageStore + ?Sized),
    room: RoomId,
    joined: usize,
    acks: Vec<BTreeMap<String, u64>>,
) {
    let log = service.log(room).await;
    assert_eq!(seqs(&log), (1..=log.len() as u64).collect::<Vec<_>>());
    let acked: BTreeMap<String, u64> = acks.into_iter().flatten().collect();
    let logged = keys(&log);
    assert_eq!(
        logged.len(),
        acked.len(),
        "each is there once, and nothing else: every key was repeated till its ack"
    );
    for event in &log[joined..] {
        assert_eq!(acked.get(&keys(std::slice::from_ref(event))[0]), Some(&event.seq.get()));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_it_is_away_callers_hear_so_at_once_and_after_it_the_first_call_works() {
    let server = PostgresServer::start(Durability::Fast).await.unwrap();
    let fixture = Fixture::of_url(server.create_database("chat").await.unwrap());
    let service = fixture.service().await;
    let mina = user(1);
    let room = service.given_room(&[&mina]).await;
    // Several idle connections, each of which the restart breaks.
    join_all((0..8).map(|_| service.view(room, &mina))).await;

    server.stop().await.unwrap();
    let began = Instant::now();
    for _ in 0..20 {
        assert_transient(&service.say(room, &mina, "k").await.unwrap_err());
        assert_transient(
            &service.get_room(GetRoom { user: Some(mina.id), room: RoomRef::Id(room) }).await.unwrap_err(),
        );
        assert_transient(&service.open_since(room, &mina, None).await.unwrap_err());
    }
    assert!(began.elapsed() < Duration::from_secs(5), "a refused connection is not waited for");

    server.restart().await.unwrap();
    assert!(service.say(room, &mina, "k").await.is_ok());
    assert!(service.get_room(GetRoom { user: Some(mina.id), room: RoomRef::Id(room) }).await.is_ok());
    assert!(service.open_since(room, &mina, None).await.is_ok());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_does_not_answer_costs_a_caller_its_deadline_and_no_more() {
    let server = PostgresServer::start(Durability::Fast).await.unwrap();
    let url = server.create_database("chat").await.unwrap();
    let proxy = BreakableProxy::start(server.address()).unwrap();
    let fixture = Fixture::of_url(url.replace(&server.address().to_string(), &proxy.address().to_string()));
    let service = fixture.service().await;
    let mina = user(1);
    let room = service.given_room(&[&mina]).await;
    service.say(room, &mina, "before").await.unwrap();

    proxy.blackhole();
    let began = Instant::now();
    let (said, seen) = tokio::join!(
        service.say(room, &mina, "during"),
        service.get_room(GetRoom { user: Some(mina.id), room: RoomRef::Id(room) })
    );
    assert_transient(&said.unwrap_err());
    assert_transient(&seen.unwrap_err());
    assert!(began.elapsed() < Duration::from_secs(7), "{:?}", began.elapsed());

    proxy.pass();
    let recovered = async {
        while let Err(error) = service.say(room, &mina, "during").await {
            assert_transient(&error);
        }
    };
    tokio::time::timeout(PATIENCE, recovered).await.unwrap();
    // Whether or not the first try had arrived, the message is there once.
    assert_eq!(keys(&service.log(room).await), ["before", "during"]);
}

/// PostgreSQL ends one of two transactions that wait for each other. That one is done again, and its caller hears
/// nothing of it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deadlock_reaches_no_caller() {
    let database = EitherDatabase::postgres().await.unwrap();
    let (mut other, mut watch) = (
        sqlx::PgConnection::connect(database.url()).await.unwrap(),
        sqlx::PgConnection::connect(database.url()).await.unwrap(),
    );
    let fixture = Fixture::from(database);
    let service = fixture.service().await;
    let (mina, joon) = (user(1), user(2));
    let room = service.given_room(&[&mina]).await;
    service.notify(Notify { user: Arc::clone(&joon), data: "{}".into(), key: None }).await.unwrap();

    // Another program holds the inbox, and then wants the room. It never looks for deadlocks itself.
    other.execute("SET deadlock_timeout = '10min'; BEGIN; SELECT FROM inboxes FOR UPDATE").await.unwrap();
    let adding = tokio::spawn({
        let (service, mina) = (service.clone(), Arc::clone(&mina));
        let (room, role) = (RoomRef::Id(room), Role::Member);
        let put = PutMember { actor: mina, authority: Authority::User, room, user: joon, role };
        async move { service.put_member(put).await }
    });
    let waits = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    let waiting = async {
        // A server has nothing to await for this, so it is asked.
        while sqlx::query_scalar::<_, i64>(waits).fetch_one(&mut watch).await.unwrap() == 0 {}
    };
    tokio::time::timeout(PATIENCE, waiting).await.unwrap();
    let wanting = tokio::time::timeout(PATIENCE, other.execute("SELECT FROM rooms FOR UPDATE"));
    wanting.await.unwrap().expect("the service's transaction gave way");
    other.execute("COMMIT").await.unwrap();
    let added = tokio::time::timeout(PATIENCE, adding).await.unwrap().unwrap().unwrap();
    assert_eq!(added.value.role, Role::Member);
    assert_eq!(service.log(room).await.len(), 2, "the room's creator and the new member, once");
    let metrics = fixture.metrics();
    for outcome in ["conflict", "ok"] {
        let line = format!(
            "madang_database_transaction_duration_seconds_count{{outcome=\"{outcome}\",transaction=\"put_member\"}} 1"
        );
        assert!(metrics.contains(&line), "{metrics}");
    }
}
