//! The feed of sessions that ended: it must never miss one.

use std::collections::BTreeSet;

use madang_auth::Service;
use madang_domain::Code;
use madang_rpc::auth::{Auth as _, ListRevocations, Logout, Token};
use sqlx::{Connection as _, PgConnection};

use crate::support::{World, client, login, register, seconds, session_of};

madang_test_kit::on_both!(
    the_feed_goes_on_from_its_cursor,
    the_feed_misses_none_of_many_at_once,
    the_feed_starts_anew_after_a_backup_was_restored,
);

async fn revoke_one(service: &Service) -> madang_domain::SessionId {
    let grant = login(service, "mina").await;
    service
        .logout(Logout { refresh_token: Token::new(&grant.refresh_token), client: client(1) })
        .await
        .unwrap();
    session_of(&grant)
}

async fn the_feed_goes_on_from_its_cursor(world: World) {
    let service = world.service().await;
    register(&service, "mina").await;
    let empty = service.list_revocations(ListRevocations { cursor: None }).await.unwrap();
    assert!(empty.sessions.is_empty());
    let first = revoke_one(&service).await;
    let after_first = service.list_revocations(ListRevocations { cursor: Some(empty.cursor) }).await.unwrap();
    assert_eq!(after_first.sessions, [first]);
    let second = revoke_one(&service).await;
    let replica = world.service().await;
    let after_second =
        replica.list_revocations(ListRevocations { cursor: Some(after_first.cursor) }).await.unwrap();
    assert_eq!(after_second.sessions, [second]);
    assert_eq!(
        replica
            .list_revocations(ListRevocations { cursor: Some(after_second.cursor) })
            .await
            .unwrap()
            .sessions,
        []
    );
    assert_eq!(
        replica.list_revocations(ListRevocations { cursor: None }).await.unwrap().sessions,
        [first, second]
    );

    // Those that matter to no token any more are left out, and the cursor stays where it was.
    world.clock.advance(seconds(15 * 60 + 61));
    let third = revoke_one(&service).await;
    service.maintain().await.unwrap();
    assert_eq!(service.list_revocations(ListRevocations { cursor: None }).await.unwrap().sessions, [third]);
    let late = service.list_revocations(ListRevocations { cursor: Some(after_first.cursor) }).await.unwrap();
    assert!(late.sessions.ends_with(&[third]));
    assert!(late.cursor > after_second.cursor);
}

async fn the_feed_misses_none_of_many_at_once(world: World) {
    const TASKS: usize = 4;
    const EACH: usize = 15;
    let (one, two) = (world.service().await, world.service().await);
    register(&one, "mina").await;
    let mut work = Vec::new();
    for n in 0..TASKS {
        let service = if n % 2 == 0 { one.clone() } else { two.clone() };
        let mut grants = Vec::new();
        for _ in 0..EACH {
            grants.push(login(&service, "mina").await);
        }
        work.push((service, grants));
    }
    let expected: BTreeSet<_> = work.iter().flat_map(|(_, grants)| grants.iter().map(session_of)).collect();
    let start = one.list_revocations(ListRevocations { cursor: None }).await.unwrap().cursor;
    let writers: Vec<_> = work
        .into_iter()
        .map(|(service, grants)| {
            tokio::spawn(async move {
                for grant in grants {
                    log_out(&service, &grant.refresh_token).await;
                }
            })
        })
        .collect();
    let (mut seen, mut cursor) = (BTreeSet::new(), start);
    loop {
        let done = writers.iter().all(tokio::task::JoinHandle::is_finished);
        let answer = two.list_revocations(ListRevocations { cursor: Some(cursor) }).await.unwrap();
        assert!(answer.cursor >= cursor);
        cursor = answer.cursor;
        seen.extend(answer.sessions);
        // What was there before the last question has been answered by it.
        if done {
            break;
        }
    }
    for writer in writers {
        writer.await.unwrap();
    }
    assert_eq!(seen, expected);
}

/// Logs out, again where the database is busy: eight who write to one SQLite file at once on a slow disk may be told so.
async fn log_out(service: &Service, refresh_token: &str) {
    while let Err(error) =
        service.logout(Logout { refresh_token: Token::new(refresh_token), client: client(1) }).await
    {
        assert_eq!(error.code, Code::Unavailable, "{error}");
    }
}

async fn the_feed_starts_anew_after_a_backup_was_restored(world: World) {
    let service = world.service().await;
    register(&service, "mina").await;
    let known = revoke_one(&service).await;
    let from_the_future =
        service.list_revocations(ListRevocations { cursor: None }).await.unwrap().cursor + 100;
    let answer = service.list_revocations(ListRevocations { cursor: Some(from_the_future) }).await.unwrap();
    assert_eq!(answer.sessions, [known]);
    assert!(answer.cursor < from_the_future);
}

/// Two transactions that commit in the other order than they began: the case in which numbers of a
/// sequence lose one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_end_that_commits_late_is_not_missed() {
    const LATE: uuid::Uuid = uuid::Uuid::from_u128(0x01941f29_7c00_7000_8000_0000000000ab);
    let world = World::postgres().await;
    let service = world.service().await;
    register(&service, "mina").await;
    let grant = login(&service, "mina").await;
    let start = service.list_revocations(ListRevocations { cursor: None }).await.unwrap().cursor;

    // Another replica has taken its number and not committed yet.
    let mut slow = PgConnection::connect(world.url().expose()).await.unwrap();
    let mut transaction = slow.begin().await.unwrap();
    sqlx::query(
        "WITH head AS (UPDATE auth_revocation_head SET seq = seq + 1 RETURNING seq)
         INSERT INTO auth_revocations (seq, session_id, revoked_at) SELECT seq, $1, 9e15::bigint FROM head",
    )
    .bind(LATE)
    .execute(&mut *transaction)
    .await
    .unwrap();

    let quick = tokio::spawn({
        let service = service.clone();
        async move {
            service
                .logout(Logout { refresh_token: Token::new(&grant.refresh_token), client: client(1) })
                .await
                .unwrap();
        }
    });
    // Either the second is made to wait for the first, or it has committed before it.
    let mut watch = PgConnection::connect(world.url().expose()).await.unwrap();
    while !quick.is_finished() {
        let (waiting,): (i64,) = sqlx::query_as(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'",
        )
        .fetch_one(&mut watch)
        .await
        .unwrap();
        if waiting > 0 {
            break;
        }
    }
    let meanwhile = service.list_revocations(ListRevocations { cursor: Some(start) }).await.unwrap();
    transaction.commit().await.unwrap();
    quick.await.unwrap();
    let afterwards =
        service.list_revocations(ListRevocations { cursor: Some(meanwhile.cursor) }).await.unwrap();
    let all: Vec<_> = meanwhile.sessions.into_iter().chain(afterwards.sessions).collect();
    assert!(all.contains(&madang_domain::SessionId::new(LATE)), "missed: {all:?}");
    assert_eq!(all.len(), 2);
}
