//! A user is erased on a cluster whose gateway dies over it: what both databases, Redis and the store of files hold of the
//! user afterwards.

#![expect(clippy::expect_used, reason = "a story that cannot go on ends with a message")]

use std::{path::Path, time::Duration};

use madang_client::{Body, NewRoom};
use madang_contract::EventBody;
use madang_domain::{RoomId, Seq};
use madang_e2e::{PATIENCE, Person, Stage, fast_sends, public_room};
use madang_test_kit::{Program, eventually};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

/// What stands nowhere else.
const WORD: &str = "zyzzyva";

/// Another gateway goes on with what a dead one has begun, and Redis keeps no entry of a gateway's stream for longer than a
/// minute and a pulse.
const ALL_GONE_WITHIN: Duration = Duration::from_secs(90);

/// Messages of the user: more than one step erases.
const MESSAGES: usize = 200;

/// Every row of every table of a database, as text.
async fn dump(url: &str) -> Vec<String> {
    let mut connection = PgConnection::connect(url).await.expect("the database");
    let tables: Vec<String> = sqlx::query_scalar(
        "SELECT relname::text FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace",
    )
    .fetch_all(&mut connection)
    .await
    .expect("the tables");
    let mut lines = Vec::new();
    for table in tables {
        let rows = AssertSqlSafe(format!("SELECT t::text FROM {table} t"));
        let rows: Vec<String> = sqlx::query_scalar(rows).fetch_all(&mut connection).await.expect("the rows");
        lines.extend(rows.into_iter().map(|row| format!("{table}: {row}")));
    }
    lines
}

/// Every key of Redis with its value, as bytes that are read as text.
async fn redis_dump(stage: &Stage) -> Vec<String> {
    let mut redis = stage.cluster.redis().connection().await.expect("Redis");
    let keys: Vec<String> = redis::cmd("KEYS").arg("*").query_async(&mut redis).await.expect("the keys");
    let mut lines = Vec::new();
    for key in keys {
        let kind: String = redis::cmd("TYPE").arg(&key).query_async(&mut redis).await.expect("a type");
        let command: &[&str] = match kind.as_str() {
            "string" => &["GET"],
            "hash" => &["HGETALL"],
            "set" => &["SMEMBERS"],
            "zset" => &["ZRANGE", "0", "-1"],
            "stream" => &["XRANGE", "-", "+"],
            // It went meanwhile.
            _ => continue,
        };
        let mut read = redis::cmd(command[0]);
        read.arg(&key).arg(&command[1..]);
        let value: redis::Value = read.query_async(&mut redis).await.expect("a value");
        lines.push(format!("{key}: {}", text_of(&value)));
    }
    lines
}

fn text_of(value: &redis::Value) -> String {
    match value {
        redis::Value::BulkString(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        redis::Value::Array(values) | redis::Value::Set(values) => {
            values.iter().map(text_of).collect::<Vec<_>>().join(" ")
        }
        redis::Value::Map(pairs) => {
            pairs.iter().map(|(key, value)| format!("{} {}", text_of(key), text_of(value))).collect()
        }
        other => format!("{other:?}"),
    }
}

/// The lines that hold anything of the user: texts, names, and whatever lets the user in.
fn traces(lines: &[String], secrets: &[String]) -> Vec<String> {
    let is_trace = |line: &&String| {
        let lower = line.to_lowercase();
        lower.contains(WORD) || secrets.iter().any(|secret| line.contains(secret.as_str()))
    };
    lines.iter().filter(is_trace).map(|line| line.chars().take(300).collect()).collect()
}

/// The files of a directory, each with its path and its bytes, which are read as text.
fn files_dump(directory: &Path) -> Vec<String> {
    let mut lines = Vec::new();
    for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            lines.extend(files_dump(&path));
        } else {
            // It may go meanwhile.
            let bytes = std::fs::read(&path).unwrap_or_default();
            lines.push(format!("file: {} {}", path.display(), String::from_utf8_lossy(&bytes)));
        }
    }
    lines
}

async fn everything(stage: &Stage, files: &Path) -> Vec<String> {
    let mut lines = dump(&stage.cluster.auth_database_url()).await;
    lines.extend(dump(&stage.cluster.message_store_database_url()).await);
    lines.extend(redis_dump(stage).await);
    lines.extend(files_dump(files));
    lines
}

/// Uploads a file to a room; answers its id.
async fn upload(person: &Person, room: RoomId, text: String) -> Value {
    let path = format!("/v1/rooms/{room}/files?name={WORD}.txt");
    let answer = person.api.request(Method::POST, &path).body(text).send().await.expect("an answer");
    assert_eq!(answer.status(), StatusCode::CREATED);
    answer.json::<Value>().await.expect("a file")["file"].clone()
}

async fn call(person: &Person, method: Method, path: &str, body: &Value) {
    let request = person.api.request(method, path).json(body);
    person.api.call_for_nothing(request).await.expect("an answer");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_of_an_erased_user_is_left_though_a_gateway_dies_over_it() {
    let directory = tempfile::tempdir().expect("a directory");
    let files = directory.path().join("files");
    let at = files.to_str().expect("a path");
    let stage = Stage::start(fast_sends().with_setting(Program::Gateway, "MADANG_FILES_URL", at)).await;
    let gone = Person::register(stage.gateway(0), WORD).await;
    let jun = Person::register(stage.gateway(1), "jun").await;
    let yard = public_room(&gone, "Yard", &[&jun]).await.id;
    let left = public_room(&jun, "Left", &[&gone]).await.id;
    let alone = gone.api.create_room(&NewRoom::private("Alone", Vec::new())).await.expect("a room").id;
    let mut sent = Vec::new();
    for number in 0..MESSAGES {
        sent.push(
            gone.api.send_message(yard, &format!("{WORD} {number}"), None).await.expect("a message").id,
        );
    }
    for room in [left, alone] {
        gone.api.send_message(room, &format!("{WORD} elsewhere"), None).await.expect("a message");
    }
    gone.api.leave(left).await.expect("the end of a membership");
    let naming =
        jun.api.send_message(yard, &format!("@{}, hello", gone.username), None).await.expect("a message");
    gone.api.react(yard, &naming.id, "👍", true).await.expect("a reaction");
    gone.api.edit_message(yard, &sent[0], &format!("{WORD} edited")).await.expect("an edit");
    call(&gone, Method::PUT, "/v1/users/me/settings", &json!({"added_by": "nobody"})).await;
    // One file is in a message, the other in none yet.
    let in_message = upload(&gone, yard, format!("{WORD} in a message")).await;
    let with_file = json!({"text": "look", "attachments": [{"file": in_message}]});
    call(&gone, Method::POST, &format!("/v1/rooms/{yard}/messages"), &with_file).await;
    upload(&gone, yard, format!("{WORD} not sent yet")).await;
    let listener = jun.listen(vec![stage.gateway(1)], yard).await;
    // A socket with presence, so that Redis has the name, and a session that was refreshed.
    let mut socket = gone.socket_in(&stage.gateway(1), yard).await;
    // After it is open: the new name would come where it expects something else.
    call(&gone, Method::PATCH, "/v1/users/me", &json!({"name": "Zyzzyva Kim"})).await;
    let refreshed = gone.api.refresh(&gone.grant.refresh_token).await.expect("tokens");
    let secrets = [
        gone.username.clone(),
        gone.grant.access_token.clone(),
        gone.grant.refresh_token.clone(),
        refreshed.access_token.clone(),
        refreshed.refresh_token,
    ];
    // The dump sees the user in all four, and both files.
    let before = traces(&everything(&stage, &files).await, &secrets);
    assert_eq!(before.iter().filter(|line| line.starts_with("file: ")).count(), 2, "{before:#?}");
    for place in ["auth_users: ", "events", "profiles: ", "search: ", "madang:", "files: ", "file: "] {
        assert!(before.iter().any(|line| line.starts_with(place)), "{place}: {before:#?}");
    }

    call(&gone, Method::DELETE, "/v1/users/me", &json!(null)).await;
    // The gateway that carries it out dies when it has begun, and before it has ended.
    let is_deleted = |event: &madang_client::RoomEvent| matches!(&event.body, Body::Known(EventBody::Deleted { deleted }) if deleted.by == gone.id);
    let began = |heard: &madang_e2e::Heard| heard.events.iter().any(is_deleted);
    listener.until(PATIENCE, "the first deletion", began).await;
    stage.cluster.gateway(0).kill9().await.expect("a kill");
    let killed_at = listener.heard().events.iter().filter(|event| is_deleted(event)).count();
    assert!(killed_at < MESSAGES, "it died in the middle: {killed_at}");
    // The socket at the other gateway is closed.
    while socket.next_frame(PATIENCE).await.is_ok() {}

    eventually(ALL_GONE_WITHIN, "the end of every trace", async || {
        traces(&everything(&stage, &files).await, &secrets).is_empty().then_some(())
    })
    .await;
    let all = |heard: &madang_e2e::Heard| {
        heard.events.iter().filter(|event| is_deleted(event)).count() == MESSAGES + 1
    };
    listener.until(PATIENCE, "all deletions", all).await;
    let head = listener.heard().events.iter().map(|event| event.seq).max().expect("events");
    listener.assert_whole(Seq::START, head);
    let room = jun.api.room(&yard.to_string()).await.expect("the room");
    assert_eq!((room.members, room.role), (1, Some(madang_domain::Role::Owner)));
}
