//! Every hot statement names the room, or for an inbox the user: by that, tables could be divided over several servers of
//! PostgreSQL, as docs/scaling.md says. The server itself tells which plans it executed, also within functions
//! (`auto_explain`); each part of a plan that looks into a table which grows with rooms must have an equality on its key.

use std::{collections::BTreeSet, path::PathBuf, sync::Arc, time::Duration};

use madang_domain::{Cursor, Profile, RoomId, RoomRef, Seq, TopicId};
use madang_message_store::Service;
use madang_rpc::{
    MessageStore as _,
    store::{Append, Authority, Heads, HistoryFrom, Inbox, MarkInboxRead, MarkRead, OpenInbox, Read},
};
use madang_test_kit::{Durability, PostgresServer};
use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};
use uuid::Uuid;

use crate::support::{Fixture, Words as _, message, user};

/// The tables that would be divided, each by its key. All others would be on every server, as profiles and blocks, or on
/// one.
const KEYS: [(&str, &str); 13] = [
    ("rooms", "id"),
    ("members", "room"),
    ("events", "topic"),
    ("pins", "room"),
    ("purges", "topic"),
    ("invitations", "room"),
    ("revisions", "room"),
    ("reactions", "room"),
    ("deletions", "room"),
    ("restrictions", "room"),
    ("search", "room"),
    ("search_positions", "room"),
    ("inboxes", "user_id"),
];

/// What is known to be unique over all rooms: no key of a divided table says so. docs/scaling.md names them.
const UNIQUE_OVER_ALL: [&str; 4] =
    ["rooms_by_creation", "rooms_by_external_id", "rooms_by_pair", "rooms_by_slug"];

/// What goes on in the background at its own pace, and looks for rooms: those that were deleted, and those that search does
/// not know yet.
const BACKGROUND: [&str; 2] = [
    "UPDATE purges SET head = NULL",
    "FROM rooms r LEFT JOIN search_positions p ON p.room = r.id WHERE r.id > $1",
];

const DEADLINE: Duration = Duration::from_secs(10);

/// A server that logs the plan of everything that the database `postgres` executes for connections made after this.
struct Told {
    server: PostgresServer,
    log: PathBuf,
    _directory: tempfile::TempDir,
}

impl Told {
    async fn start() -> Self {
        let directory = madang_test_kit::data_directory("routing").unwrap();
        let log = directory.path().join("postgres.log");
        let server = PostgresServer::start_with(Durability::Fast, Some(log.clone())).await.unwrap();
        Self { server, log, _directory: directory }
    }

    async fn tell_plans(&self) {
        let mut connection = self.connection().await;
        for setting in [
            "session_preload_libraries = 'auto_explain'",
            "auto_explain.log_min_duration = 0",
            "auto_explain.log_nested_statements = on",
            "auto_explain.log_format = 'json'",
            "auto_explain.log_verbose = on",
        ] {
            let statement = format!("ALTER DATABASE postgres SET {setting}");
            // Its settings are known once it is loaded.
            connection.execute("LOAD 'auto_explain'").await.unwrap();
            connection.execute(AssertSqlSafe(statement)).await.unwrap();
        }
    }

    async fn connection(&self) -> PgConnection {
        PgConnection::connect(&self.server.url("postgres")).await.unwrap()
    }

    fn log(&self) -> String {
        String::from_utf8_lossy(&std::fs::read(&self.log).unwrap()).into_owned()
    }

    /// The plans that were logged after the first bytes of the log.
    fn plans(&self, after: usize) -> Vec<Value> {
        let log = self.log();
        let mut lines = log.get(after..).unwrap_or_default().lines().peekable();
        let mut plans = Vec::new();
        while let Some(line) = lines.next() {
            if line.ends_with(" plan:") {
                let mut plan = String::new();
                while let Some(more) = lines.next_if(|line| line.starts_with('\t')) {
                    plan.push_str(more);
                }
                plans.extend(serde_json::from_str::<Value>(&plan));
            }
        }
        plans
    }

    /// The plans after those bytes, once those of some statements are among them: the server logs a plan after it has
    /// answered.
    async fn plans_with(&self, after: usize, statements: &[&str]) -> Vec<Value> {
        let mut missing = Vec::new();
        let complete = async {
            loop {
                let plans = self.plans(after);
                let has = |text: &str| plans.iter().any(|plan| query(plan).contains(text));
                missing = statements.iter().copied().filter(|text| !has(text)).collect();
                if missing.is_empty() {
                    return plans;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let plans = tokio::time::timeout(DEADLINE, complete).await;
        plans.unwrap_or_else(|_| panic!("no plan was told of {missing:?}"))
    }
}

fn query(plan: &Value) -> &str {
    plan["Query Text"].as_str().unwrap_or_default()
}

/// The parts of a plan that look into a divided table without its key.
fn not_routed(plan: &Value) -> Vec<String> {
    let mut wrong = Vec::new();
    visit(&plan["Plan"], &[], &mut wrong);
    wrong
}

/// `joined` are the conditions of the joins above.
fn visit(node: &Value, joined: &[&str], wrong: &mut Vec<String>) {
    let text = |name: &str| node[name].as_str().unwrap_or_default();
    let is_scan = text("Node Type").ends_with("Scan") && node["Relation Name"].is_string();
    if is_scan {
        let relation = text("Relation Name");
        // The partitions of events.
        let table = relation.trim_end_matches(|letter: char| letter.is_ascii_digit() || letter == '_');
        if let Some((_, key)) = KEYS.into_iter().find(|(of, _)| *of == table) {
            let column = format!("{}.{key}", text("Alias"));
            let own = ["Index Cond", "Recheck Cond", "Filter"].map(text);
            let conditions = [own.as_slice(), joined].concat();
            if !conditions.iter().any(|condition| equals(condition, &column)) {
                wrong.push(format!("{} of {relation} without {column}: {conditions:?}", text("Node Type")));
            }
        }
    }
    let own = ["Join Filter", "Hash Cond", "Merge Cond"].map(text);
    let joined = [joined, own.as_slice()].concat();
    for child in node["Plans"].as_array().into_iter().flatten() {
        visit(child, &joined, wrong);
    }
}

/// Whether a condition says what a column equals. In what one of several conditions would say, nothing is certain.
fn equals(condition: &str, column: &str) -> bool {
    let is_certain = !condition.contains(" OR ");
    is_certain
        && (condition.contains(&format!("({column} = ")) || condition.contains(&format!(" = {column})")))
}

/// All that people and gateways do all the time.
async fn hot_calls(service: &Service, [room, other]: [RoomId; 2], [mina, juno]: [Arc<Profile>; 2]) {
    let post = async |key: &str, text: &str| {
        let message = message(text, key);
        let actor = mina.clone();
        service.append(Append { authority: Authority::User, room, actor, message }).await.unwrap()
    };
    post("k1", "hello").await;
    // A repeat, which is looked up.
    post("k1", "hello").await;
    post("k2", "hello @user-2").await;
    let mut answer = message("an answer", "k3");
    answer.reply_to = Some(Seq::new(3));
    service
        .append(Append { authority: Authority::User, room, actor: juno.clone(), message: answer })
        .await
        .unwrap();
    for room in [room, other] {
        service.open_since(room, &juno, Some((0, None))).await.unwrap();
    }
    service.log(room).await;
    for from in [HistoryFrom::End, HistoryFrom::Before(Seq::new(4)), HistoryFrom::After(Seq::START)] {
        service.history_from(room, &juno, from, 10).await.unwrap();
        service.inbox(Inbox { user: juno.id, from, limit: 10 }).await.unwrap();
    }
    let inbox = TopicId::Inbox(juno.id);
    let topics = vec![TopicId::Room(room), TopicId::Room(other), inbox];
    service.heads(Heads { topics }).await.unwrap();
    let since = Some(Cursor { seq: Seq::START, epoch: None });
    service.open_inbox(OpenInbox { user: juno.id, since, replay_limit: 5 }).await.unwrap();
    service.read(Read { topic: inbox, after: Seq::START, limit: 10 }).await.unwrap();
    service.mark_read(MarkRead { user: juno.id, room: RoomRef::Id(room), seq: Seq::new(4) }).await.unwrap();
    service.mark_inbox_read(MarkInboxRead { user: juno.id, seq: Seq::new(1) }).await.unwrap();
}

/// What has to be among the statements, so that none is left out by chance: calls, and what stands in functions.
const STATEMENTS: [&str; 13] = [
    "FROM append_message(",
    "FROM append_messages(",
    "FROM append_with_mentions(",
    "FOR NO KEY UPDATE",
    "INSERT INTO events (topic, seq, kind, actor, at, ordinal, key, text, detail)",
    "INSERT INTO inboxes AS i",
    "LEFT JOIN members m ON m.room = asked.room",
    "AS asked (topic, beyond, up_to)",
    "AS asked (topic, seq)",
    "SELECT id, head FROM rooms WHERE id = ANY ($1)",
    "LEFT JOIN inboxes i ON i.user_id = asked.user_id",
    "UPDATE members SET read_seq",
    "UPDATE inboxes SET read_seq",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_hot_statement_names_the_room_or_the_user() {
    let told = Told::start().await;
    let fixture = Fixture::of_url(told.server.url("postgres"));
    drop(fixture.service().await);
    told.tell_plans().await;
    let service = fixture.service().await;
    let people = [user(1), user(2)];
    let mut rooms = [RoomId::new(Uuid::nil()); 2];
    for room in &mut rooms {
        *room = service.given_room(&people.each_ref()).await;
    }
    let before = told.log().len();
    hot_calls(&service, rooms, people).await;
    let plans = told.plans_with(before, &STATEMENTS).await;

    let hot = plans.iter().filter(|plan| !BACKGROUND.iter().any(|text| query(plan).contains(text)));
    let wrong: BTreeSet<String> = hot
        .flat_map(|plan| not_routed(plan).into_iter().map(|what| format!("{what}\n    {}", query(plan))))
        .collect();
    println!("{} plans were looked at", plans.len());
    assert!(wrong.is_empty(), "{}", wrong.into_iter().collect::<Vec<_>>().join("\n"));

    // What does not name it is found.
    let mut connection = told.connection().await;
    for statement in [
        "SELECT m.room FROM members m WHERE m.user_id = '00000000-0000-0000-0000-000000001001'",
        "UPDATE events SET detail = NULL WHERE seq = 1",
        "SELECT count(*) FROM rooms r JOIN events e ON e.seq = r.head",
        "SELECT e.seq FROM events e WHERE e.topic > '00000000-0000-0000-0000-000000001001'",
        "SELECT e.seq FROM events e WHERE e.topic = '00000000-0000-0000-0000-000000001001' OR e.seq = 1",
        "SELECT head FROM inboxes",
    ] {
        let before = told.log().len();
        connection.execute(statement).await.unwrap();
        let plans = told.plans_with(before, &[statement]).await;
        assert!(plans.iter().any(|plan| !not_routed(plan).is_empty()), "{statement}: {plans:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_unique_over_all_rooms_is_known() {
    let database = madang_test_kit::test_database().await.unwrap();
    let fixture = Fixture::of_url(database.url());
    let _service = fixture.service().await;
    let mut connection = PgConnection::connect(database.url()).await.unwrap();
    let mut found = BTreeSet::new();
    for (table, key) in KEYS {
        let without_key = format!(
            "SELECT i.indexrelid::regclass::text FROM pg_index i WHERE i.indrelid = '{table}'::regclass AND i.indisunique \
             AND NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = i.indexrelid AND a.attname = '{key}')"
        );
        found.extend(
            sqlx::query_scalar::<_, String>(AssertSqlSafe(without_key))
                .fetch_all(&mut connection)
                .await
                .unwrap(),
        );
    }
    assert_eq!(found, UNIQUE_OVER_ALL.map(str::to_owned).into());
    let document = include_str!("../../../../docs/scaling.md");
    for name in UNIQUE_OVER_ALL.iter().chain(KEYS.iter().map(|(table, _)| table)) {
        assert!(document.contains(&format!("`{name}`")), "docs/scaling.md does not name {name}");
    }
}
