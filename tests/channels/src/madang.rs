//! Madang as such a site would run it: its tokens are the site's, its back end holds an API key.

use std::time::Duration;

use madang_test_kit::{
    Cluster, ClusterOptions, Home, Process, ProcessSpec, Program, Service, Signal, binaries_directory,
};
use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};
use sqlx::Connection as _;

use crate::http::{answer, client};
use crate::{Person, Room, Signer};

/// How the API key is made and used.
const SCOPES: [&str; 5] = ["rooms", "messages", "notices", "users", "tickets"];
/// An unoptimised binary makes one row; this is for a busy machine.
const KEY_DEADLINE: Duration = Duration::from_secs(30);
/// Seconds for which somebody may be gone without an `out`: as short as can be set, for tests wait for it.
const PRESENCE_GRACE_S: &str = "1";
/// Connections of the message store for reads and changes; it has two for appends and one that watches besides.
const READERS: i64 = 2;
/// All connections of the message store, however many sockets there are.
pub const STORE_CONNECTIONS_MAX: i64 = READERS + 3;
/// More than any story sends: for those that are not about the rate limit.
const NO_RATE_LIMIT: &str = "1000000";

/// A cluster, set up for the Django site.
#[derive(Debug)]
pub struct Madang {
    cluster: Cluster,
    http: Client,
    api_key: String,
}

impl Madang {
    /// Starts a cluster that trusts the site's tokens and lets its pages in.
    ///
    /// # Panics
    /// When it does not start; the message holds the end of the log that says why.
    pub async fn start(gateways: usize, signer: &Signer, origin: &str) -> Self {
        let options =
            ClusterOptions { auth: 1, message_store: 1, gateways, nginx: false, ..Default::default() };
        let settings = [
            ("MADANG_CHANNELS_EDGE", "true"),
            ("MADANG_ISSUER_ALGORITHMS", "HS256"),
            ("MADANG_REGISTRATION", "open"),
            ("MADANG_ISSUER_SECRET", &signer.key),
            ("MADANG_ISSUER_USER_CLAIM", "user_id"),
            ("MADANG_ISSUER_REQUIRED_CLAIMS", "token_type=access"),
            ("MADANG_ALLOWED_ORIGINS", origin),
            ("MADANG_PRESENCE_GRACE_SECONDS", PRESENCE_GRACE_S),
            ("MADANG_SENDS_PER_SECOND", NO_RATE_LIMIT),
            ("MADANG_SENDS_BURST", NO_RATE_LIMIT),
            ("MADANG_ROOM_SENDS_PER_SECOND", NO_RATE_LIMIT),
            ("MADANG_ROOM_CREATIONS_PER_MINUTE", NO_RATE_LIMIT),
            ("MADANG_MEMBER_ADDITIONS_PER_MINUTE", NO_RATE_LIMIT),
        ];
        let options =
            options.with_setting(Program::MessageStore, "MADANG_STORE_CONNECTIONS", READERS.to_string());
        let options = settings
            .into_iter()
            .fold(options, |options, (name, value)| options.with_setting(Program::Gateway, name, value));
        let cluster = Cluster::start(options).await;
        let cluster = cluster.unwrap_or_else(|error| panic!("the cluster does not start: {error}"));
        let api_key = create_api_key(&cluster).await;
        Self { cluster, http: client(), api_key }
    }

    /// The processes.
    #[must_use]
    pub fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    /// The base URL of a gateway's sockets, for the front end.
    #[must_use]
    pub fn sockets(&self, gateway: usize) -> String {
        format!("ws://{}/ws", self.cluster.gateway(gateway).address())
    }

    /// Tells of a user of the site, and returns the user's id here.
    ///
    /// # Panics
    /// When that fails.
    pub async fn put_user(&self, person: &Person) -> String {
        let profile =
            json!({"username": person.username, "name": person.nickname, "avatar_url": person.profile});
        id(&self.call(Method::PUT, &format!("users/{}", external_user(person)), &profile).await)
    }

    /// Makes a public room by its primary key at the site, and returns its id here.
    ///
    /// # Panics
    /// When that fails.
    pub async fn create_room(&self, name: &str, external_id: u64, owner: &Person) -> String {
        let room = json!({
            "name": name, "kind": "public", "external_id": external_id.to_string(), "owner": external_user(owner),
        });
        id(&self.call(Method::POST, "rooms", &room).await)
    }

    /// Has a user who may do so take another into a room.
    ///
    /// # Panics
    /// When that fails.
    pub async fn invite(&self, room: &Room, inviter: &Person, invited: &Person) {
        let invited = self.put_user(invited).await;
        let url = format!("{}/v1/rooms/{}/members/{invited}", self.gateway().base_url(), room.madang_id);
        let request = self.http.put(url).bearer_auth(&inviter.access);
        answer(request.json(&json!({"role": "member"}))).await;
    }

    /// Sends a notice to a user from the site's back end.
    ///
    /// # Panics
    /// When that fails.
    pub async fn notify(&self, person: &Person, notice: &Value) {
        self.call(Method::POST, &format!("users/{}/notices", external_user(person)), notice).await;
    }

    /// Sends a message as a user, under a key that makes a repetition known; returns its place.
    ///
    /// # Panics
    /// When that fails.
    pub async fn send(&self, room: &Room, person: &Person, text: &str, key: &str) -> u64 {
        let message = json!({"user": external_user(person), "text": text, "key": key, "join": true});
        let sent = self.call(Method::POST, &format!("rooms/ext:{}/messages", room.id), &message).await;
        sent["seq"].as_u64().unwrap_or_else(|| panic!("no place in {sent}"))
    }

    /// A page of a room's history, as the user's own token gets it.
    ///
    /// # Panics
    /// When that fails.
    pub async fn history(&self, room: &Room, reader: &Person, query: &str) -> Value {
        let url = format!("{}/v1/rooms/ext:{}/messages?{query}", self.gateway().base_url(), room.id);
        answer(self.http.get(url).bearer_auth(&reader.access)).await
    }

    /// The texts that are kept in a room.
    ///
    /// # Panics
    /// When the answer is no page.
    pub async fn kept(&self, room: &Room, reader: &Person) -> Vec<String> {
        let page = self.history(room, reader, "after=0").await;
        let items = page["items"].as_array().unwrap_or_else(|| panic!("no items in {page}")).iter();
        items.filter_map(|item| item["text"].as_str().map(str::to_owned)).collect()
    }

    /// The gateways that listen to a room, as Redis has them.
    ///
    /// # Panics
    /// When Redis does not answer.
    pub async fn listeners(&self, room: &Room) -> Vec<String> {
        let mut redis = self.cluster.redis().connection().await.expect("Redis");
        let mut smembers = redis::cmd("SMEMBERS");
        smembers.arg(format!("madang:{{0}}:listeners:room:{}", room.madang_id));
        smembers.query_async(&mut redis).await.expect("SMEMBERS")
    }

    /// How many connections the message store holds to its database.
    ///
    /// # Panics
    /// When PostgreSQL does not answer.
    pub async fn store_connections(&self) -> i64 {
        let url = self.cluster.postgres().url("postgres");
        let mut postgres = sqlx::PgConnection::connect(&url).await.expect("PostgreSQL");
        let database = Program::MessageStore.binary().replace('-', "_");
        let count = sqlx::query_scalar("SELECT count(*) FROM pg_stat_activity WHERE datname = $1");
        count.bind(database).fetch_one(&mut postgres).await.expect("a count")
    }

    /// Tests end the first gateway; the site's back end talks to the last.
    fn gateway(&self) -> &Service {
        self.cluster.gateways().last().expect("a gateway")
    }

    async fn call(&self, method: Method, path: &str, body: &Value) -> Value {
        answer(self.request(method, path).json(body)).await
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let url = format!("{}/v1/server/{path}", self.gateway().base_url());
        self.http.request(method, url).bearer_auth(&self.api_key)
    }
}

fn id(answer: &Value) -> String {
    answer["id"].as_str().unwrap_or_else(|| panic!("no id in {answer}")).to_owned()
}

fn external_user(person: &Person) -> String {
    format!("ext:{}", person.id)
}

/// Makes the site's API key as its operator does: with the command.
async fn create_api_key(cluster: &Cluster) -> String {
    let home = Home::create("api-key", None).expect("a directory");
    let log = home.join("log");
    let scopes = SCOPES.iter().flat_map(|scope| ["--scope", scope]);
    let arguments = ["keys", "create", "--name", "site"].into_iter().chain(scopes);
    let command = Process::spawn(ProcessSpec {
        name: "madang-auth keys".to_owned(),
        program: binaries_directory().expect("the directory of the binaries").join(Program::Auth.binary()),
        arguments: arguments.map(Into::into).collect(),
        environment: vec![("MADANG_DATABASE_URL".to_owned(), cluster.auth_database_url())],
        directory: home.path().to_owned(),
        log: log.clone(),
        account: None,
        stop_signal: Signal::TERM,
    });
    let ended = command.expect("madang-auth").exited(KEY_DEADLINE).await.expect("the end of the command");
    let said = std::fs::read_to_string(&log).unwrap_or_default();
    assert!(ended.success(), "no API key was made: {said}");
    let key = said.split_whitespace().find(|word| word.starts_with("mk_"));
    key.unwrap_or_else(|| panic!("no API key in {said}")).to_owned()
}
