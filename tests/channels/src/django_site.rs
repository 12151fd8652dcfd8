//! The site that is replaced: Django, Channels and its Redis.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use madang_test_kit::{Home, Process, ProcessSpec, RedisServer, Signal, free_address, unique_prefix};
use reqwest::Client;
use serde_json::{Value, json};

use crate::http::{answer, client, connectable};
use crate::{Person, Signer};

/// Where the site's source is.
const SOURCE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/site");
/// Where `scripts/install-channels-app.sh` puts its libraries.
const PYTHON: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/site/.venv/bin/python");
/// Python imports Django in a second or two; this is for a busy machine.
const START_DEADLINE: Duration = Duration::from_secs(60);

/// More commands than there are in a test.
const COMMANDS_REMEMBERED: u32 = 10_000;

/// The site, with a database and a Redis of its own. It ends with this value, or with this process.
#[derive(Debug)]
pub struct DjangoSite {
    processes: Vec<DjangoProcess>,
    redis: RedisServer,
    signer: Signer,
    http: Client,
    home: Home,
}

/// One of the processes that serve the site.
#[derive(Debug)]
pub struct DjangoProcess {
    process: Process,
    address: SocketAddr,
}

impl DjangoSite {
    /// Starts the site with so many processes on one database and one Redis.
    ///
    /// # Panics
    /// When it does not start; the message holds the end of its log.
    pub async fn start(processes: usize) -> Self {
        assert!(
            Path::new(PYTHON).is_file(),
            "the site's libraries are not installed; scripts/install-channels-app.sh installs them"
        );
        let home = Home::create("django-site", None).expect("a directory");
        let redis = RedisServer::start().await.expect("Redis");
        let signer = Signer { key: unique_prefix().repeat(4) };
        let mut site = Self { processes: Vec::new(), redis, signer, http: client(), home };
        let migration = site.spawn("migrate", vec!["manage.py".into(), "migrate".into()]);
        let migrated = migration.exited(START_DEADLINE).await.expect("the end of the migrations");
        assert!(migrated.success(), "the site's migrations failed: {}", site.log("migrate"));
        for number in 1..=processes {
            let address = free_address().expect("a free port");
            let process = site.spawn(&format!("site-{number}"), server(address));
            site.processes.push(DjangoProcess { process, address });
        }
        for process in &site.processes {
            process.ready().await;
        }
        site
    }

    /// A process, counted from 0.
    ///
    /// # Panics
    /// When there is none of that number.
    #[must_use]
    pub fn process(&self, index: usize) -> &DjangoProcess {
        self.processes.get(index).expect("a process that was started")
    }

    /// The Redis behind its channel layer.
    #[must_use]
    pub fn redis(&self) -> &RedisServer {
        &self.redis
    }

    /// Who signs the site's tokens.
    #[must_use]
    pub fn signer(&self) -> &Signer {
        &self.signer
    }

    /// Signs somebody up, with an image or without.
    ///
    /// # Panics
    /// When that fails.
    pub async fn sign_up(&self, nickname: &str, image: Option<&str>) -> Person {
        // A username is unique and may have 150 characters.
        let username = format!("user-{}", unique_prefix().replace(':', "-"));
        let account = json!({
            "username": username, "password": "correct horse", "nickname": nickname, "profile_image": image,
        });
        let signed_up = self.post("/api/users/", &account).await;
        let text = |name: &str| signed_up[name].as_str().expect("a token").to_owned();
        Person {
            id: number(&signed_up, "id"),
            username,
            nickname: nickname.to_owned(),
            profile: image.map(|image| format!("https://media.example.com/{image}")),
            access: text("access"),
            refresh: text("refresh"),
        }
    }

    /// Makes a room and returns its primary key.
    ///
    /// # Panics
    /// When that fails.
    pub async fn create_room(&self, name: &str) -> u64 {
        number(&self.post("/api/rooms/", &json!({"name": name})).await, "id")
    }

    /// Sends a notice to a user from the site's back end.
    ///
    /// # Panics
    /// When that fails.
    pub async fn notify(&self, person: &Person, notice: &Value) {
        self.post(&format!("/api/users/{}/notify/", person.id), notice).await;
    }

    /// Invites a user to a room.
    ///
    /// # Panics
    /// When that fails.
    pub async fn invite(&self, room: u64, person: &Person) {
        self.post(&format!("/api/rooms/{room}/invite/"), &json!({"user_id": person.id})).await;
    }

    /// The texts that are saved in a room.
    ///
    /// # Panics
    /// When that fails.
    pub async fn saved(&self, room: u64) -> Vec<String> {
        let saved = self.get(&format!("/api/rooms/{room}/messages/")).await;
        let messages = saved["messages"].as_array().expect("messages").iter();
        messages.map(|message| message["content"].as_str().unwrap_or_default().to_owned()).collect()
    }

    /// Whom the site holds to be in a room.
    ///
    /// # Panics
    /// When that fails.
    pub async fn participants(&self, room: u64) -> Vec<u64> {
        let present = self.get(&format!("/api/rooms/{room}/participants/")).await;
        let present = present["participants"].as_array().expect("participants").iter();
        present.filter_map(Value::as_u64).collect()
    }

    /// How many channels are in a room's group.
    ///
    /// # Panics
    /// When Redis does not answer.
    pub async fn group_size(&self, room: u64) -> u64 {
        let mut redis = self.redis.connection().await.expect("Redis");
        let mut zcard = redis::cmd("ZCARD");
        zcard.arg(group_key(room)).query_async(&mut redis).await.expect("ZCARD")
    }

    /// Has Redis remember every command from here on.
    ///
    /// # Panics
    /// When Redis does not answer.
    pub async fn watch_redis(&self) {
        let mut redis = self.redis.connection().await.expect("Redis");
        for (setting, value) in [("slowlog-max-len", COMMANDS_REMEMBERED), ("slowlog-log-slower-than", 0)] {
            let mut set = redis::cmd("CONFIG");
            set.arg("SET").arg(setting).arg(value).exec_async(&mut redis).await.expect("CONFIG SET");
        }
    }

    /// Whether Redis has seen a command that begins with these words, since [`Self::watch_redis`].
    ///
    /// # Panics
    /// When Redis does not answer.
    pub async fn redis_saw(&self, words: &[&str]) -> bool {
        let mut redis = self.redis.connection().await.expect("Redis");
        let mut get = redis::cmd("SLOWLOG");
        let get = get.arg("GET").arg(COMMANDS_REMEMBERED);
        let log: Vec<redis::Value> = get.query_async(&mut redis).await.expect("SLOWLOG GET");
        log.iter().any(|entry| {
            // Number, time, duration, the command's words, who sent it.
            let redis::Value::Array(entry) = entry else { return false };
            let Some(redis::Value::Array(command)) = entry.get(3) else { return false };
            let is = |(said, word): (&redis::Value, &&str)| {
                matches!(said, redis::Value::BulkString(said) if said == word.as_bytes())
            };
            command.len() >= words.len() && command.iter().zip(words).all(is)
        })
    }

    /// What a process has logged.
    #[must_use]
    pub fn log(&self, name: &str) -> String {
        std::fs::read_to_string(self.log_path(name)).unwrap_or_default()
    }

    fn log_path(&self, name: &str) -> PathBuf {
        self.home.join(format!("{name}.log"))
    }

    fn spawn(&self, name: &str, arguments: Vec<String>) -> Process {
        let directory = self.home.join(name);
        std::fs::create_dir_all(&directory).expect("a directory");
        let own = |(name, value): (&str, String)| (name.to_owned(), value);
        let environment = [
            ("PYTHONPATH", SOURCE.to_owned()),
            // The tree of the source stays as it is.
            ("PYTHONDONTWRITEBYTECODE", "1".to_owned()),
            ("PYTHONUNBUFFERED", "1".to_owned()),
            ("SITE_SIGNING_KEY", self.signer.key.clone()),
            ("SITE_DATABASE", self.home.join("site.sqlite3").display().to_string()),
            ("SITE_REDIS_URL", self.redis.url()),
        ];
        let arguments = arguments.into_iter().map(|argument| match argument.as_str() {
            "manage.py" => format!("{SOURCE}/manage.py").into(),
            _ => argument.into(),
        });
        let process = Process::spawn(ProcessSpec {
            name: name.to_owned(),
            program: PYTHON.into(),
            arguments: arguments.collect(),
            environment: environment.into_iter().map(own).collect(),
            directory,
            log: self.log_path(name),
            account: None,
            stop_signal: Signal::TERM,
        });
        process.expect("Python")
    }

    async fn post(&self, path: &str, body: &Value) -> Value {
        answer(self.http.post(self.url(path)).json(body)).await
    }

    async fn get(&self, path: &str) -> Value {
        answer(self.http.get(self.url(path))).await
    }

    /// HTTP goes to the last process: tests end the first.
    fn url(&self, path: &str) -> String {
        let last = self.processes.last().expect("a process");
        format!("http://{}{path}", last.address)
    }
}

impl DjangoProcess {
    /// The base URL of its sockets.
    #[must_use]
    pub fn sockets(&self) -> String {
        format!("ws://{}/ws", self.address)
    }

    /// The process, to be paused or killed.
    #[must_use]
    pub fn process(&self) -> &Process {
        &self.process
    }

    /// SIGKILL, and a start on the same port.
    ///
    /// # Panics
    /// When it does not start again.
    pub async fn restart(&self) {
        self.process.restart().await.expect("a restart");
        self.ready().await;
    }

    async fn ready(&self) {
        let ready = self.process.ready(START_DEADLINE, || connectable(self.address)).await;
        ready.unwrap_or_else(|error| panic!("the site does not start: {error}"));
    }
}

/// Where `channels_redis` keeps the channels of a room's group.
pub(crate) fn group_key(room: u64) -> String {
    format!("asgi:group:chat_{room}")
}

/// The arguments of Python for uvicorn, which listens once the site is loaded.
fn server(address: SocketAddr) -> Vec<String> {
    let port = address.port().to_string();
    ["-m", "uvicorn", "config.asgi:application", "--host", "127.0.0.1", "--port", &port, "--lifespan", "off"]
        .map(str::to_owned)
        .to_vec()
}

fn number(answer: &Value, name: &str) -> u64 {
    answer[name].as_u64().unwrap_or_else(|| panic!("no {name} in {answer}"))
}
