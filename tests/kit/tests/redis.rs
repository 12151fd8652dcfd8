//! The private Redis and its faults.

use std::time::Duration;

use madang_test_kit::{Persistence, RedisServer, test_redis_url, unique_prefix};
use redis::AsyncCommands as _;

#[tokio::test]
async fn the_shared_server_answers_and_prefixes_differ() {
    let client = redis::Client::open(test_redis_url().await.unwrap()).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let (first, second) = (unique_prefix(), unique_prefix());
    assert_ne!(first, second);
    let () = connection.set(&first, "1").await.unwrap();
    assert_eq!(connection.get::<_, Option<String>>(&second).await.unwrap(), None);
}

#[tokio::test]
async fn a_restart_loses_everything_unless_it_is_kept() {
    for (persistence, expected) in
        [(Persistence::None, None), (Persistence::AppendOnly, Some("1".to_owned()))]
    {
        let server = RedisServer::start_with(persistence, None).await.unwrap();
        let () = server.connection().await.unwrap().set("key", "1").await.unwrap();
        server.kill9().await.unwrap();
        assert!(server.connection().await.is_err());
        server.restart().await.unwrap();
        let found: Option<String> = server.connection().await.unwrap().get("key").await.unwrap();
        assert_eq!(found, expected, "{persistence:?}");
    }
}

#[tokio::test]
async fn a_flush_empties_and_a_pause_is_silence() {
    let server = RedisServer::start().await.unwrap();
    let mut connection = server.connection().await.unwrap();
    let () = connection.set("key", "1").await.unwrap();
    server.flush().await.unwrap();
    assert_eq!(connection.get::<_, Option<String>>("key").await.unwrap(), None);

    server.pause();
    let silence = Duration::from_millis(300);
    assert!(tokio::time::timeout(silence, connection.exists::<_, bool>("key")).await.is_err());
    server.resume();
    assert!(!server.connection().await.unwrap().exists::<_, bool>("key").await.unwrap());
}

#[tokio::test]
async fn an_emptied_restart_forgets_what_was_kept() {
    let server = RedisServer::start_with(Persistence::AppendOnly, None).await.unwrap();
    let () = server.connection().await.unwrap().set("key", "1").await.unwrap();
    server.restart_empty().await.unwrap();
    assert!(!server.connection().await.unwrap().exists::<_, bool>("key").await.unwrap());
}

#[tokio::test]
async fn streams_are_trimmed_and_removed_by_their_names() {
    let server = RedisServer::start().await.unwrap();
    let mut connection = server.connection().await.unwrap();
    for _ in 0..3 {
        let _: String = connection.xadd("inbox:1", "*", &[("a", "b")]).await.unwrap();
    }
    let () = connection.set("other", "1").await.unwrap();
    assert_eq!(server.trim_streams("inbox:*").await.unwrap(), 1);
    assert_eq!(connection.xlen::<_, usize>("inbox:1").await.unwrap(), 1);
    assert_eq!(server.remove_streams("inbox:*").await.unwrap(), 1);
    assert_eq!(connection.xlen::<_, usize>("inbox:1").await.unwrap(), 0);
    assert!(connection.exists::<_, bool>("other").await.unwrap());
}
