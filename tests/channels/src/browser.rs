//! An old front end in headless Chromium, driven through `browser/driver.mjs`.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use madang_test_kit::{Home, Process, ProcessSpec, Signal, free_port, local};
use reqwest::Client;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::http::{answer, client, connectable};
use crate::transcript::Recorded;
use crate::{Entry, PATIENCE, Person, Transcript};

/// Where the driver and its libraries are.
const SOURCE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/browser");
/// The names of Chromium, of its packages and its relatives.
const CHROMIUM: [&str; 4] = ["chromium", "chromium-browser", "google-chrome-stable", "google-chrome"];
/// Chromium starts in a second or two; this is for a busy machine.
const START_DEADLINE: Duration = Duration::from_secs(90);

/// A browser. It ends with this value, or with this process.
#[derive(Debug)]
pub struct Browser {
    driver: Arc<Driver>,
    _process: Process,
    _home: Home,
}

/// How the driver is reached.
#[derive(Debug)]
struct Driver {
    http: Client,
    url: String,
}

/// Which of the front end's pages a tab shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum View {
    /// A room, by what its path names it.
    Room(String),
    /// The simple variant.
    Simple,
    /// The user's notices.
    Alarm,
}

impl View {
    /// A room by its primary key.
    #[must_use]
    pub fn room(id: u64) -> Self {
        Self::Room(id.to_string())
    }

    fn query(&self) -> String {
        match self {
            Self::Room(room) => format!("view=room&room={room}"),
            Self::Simple => "view=simple".to_owned(),
            Self::Alarm => "view=alarm".to_owned(),
        }
    }
}

/// A tab with the front end in it, and one socket.
#[derive(Debug)]
pub struct Tab {
    driver: Arc<Driver>,
    id: String,
    name: String,
}

impl Browser {
    /// Starts Chromium and the driver.
    ///
    /// # Panics
    /// When one is not installed or does not start.
    pub async fn start() -> Self {
        assert!(
            Path::new(SOURCE).join("node_modules/playwright-core").is_dir(),
            "the browser's driver is not installed; scripts/install-channels-app.sh installs it"
        );
        let node = on_path(&["node"]).expect("Node (Debian's package: nodejs)");
        let chromium = on_path(&CHROMIUM).expect("Chromium (Debian's package: chromium)");
        let home = Home::create("browser", None).expect("a directory");
        let port = free_port().expect("a free port");
        let path = std::env::var("PATH").unwrap_or_default();
        let directory = home.path().display().to_string();
        let process = Process::spawn(ProcessSpec {
            name: "browser".to_owned(),
            program: node,
            arguments: vec![format!("{SOURCE}/driver.mjs").into(), port.to_string().into(), chromium.into()],
            // What the browser writes goes with the directory.
            environment: vec![
                ("PATH".to_owned(), path),
                ("HOME".to_owned(), directory.clone()),
                ("TMPDIR".to_owned(), directory),
            ],
            directory: home.path().to_owned(),
            log: home.join("driver.log"),
            account: None,
            stop_signal: Signal::TERM,
        });
        let process = process.expect("the driver");
        let ready = process.ready(START_DEADLINE, || connectable(local(port))).await;
        ready.unwrap_or_else(|error| panic!("the browser does not start: {error}"));
        let driver = Driver { http: client(), url: format!("http://127.0.0.1:{port}") };
        Self { driver: Arc::new(driver), _process: process, _home: home }
    }

    /// Where its pages come from, as their `Origin` header says it.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.driver.url
    }

    /// Points the front end to a system: the one constant that changes in a move.
    pub async fn serve(&self, system: &str, base: &str) {
        self.driver.act(&json!({"do": "serve", "system": system, "base": base})).await;
    }

    /// Opens the front end of a system in a new tab of a user's browser. `token` is in its storage, if there is one.
    pub async fn open(
        &self,
        system: &str,
        person: &Person,
        token: Option<&str>,
        view: &View,
        name: &str,
    ) -> Tab {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let id = COUNT.fetch_add(1, Ordering::Relaxed).to_string();
        let mut storage = json!({"user_id": person.id.to_string()});
        if let Some(token) = token {
            storage["access_token"] = token.into();
        }
        // A storage is a browser's: whoever comes with another token comes with another browser.
        let user = format!("{}:{}", person.id, token.unwrap_or_default());
        self.driver
            .act(&json!({
                "do": "open", "tab": id, "system": system, "user": user, "query": view.query(), "storage": storage,
            }))
            .await;
        Tab { driver: Arc::clone(&self.driver), id, name: name.to_owned() }
    }
}

impl Tab {
    /// Its name in the story.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Types a line and sends it.
    pub async fn say(&self, text: &str) {
        self.act("say", &json!({"text": text})).await;
    }

    /// Sends a frame that the front end would not send.
    pub async fn send(&self, frame: &str) {
        self.act("send", &json!({"frame": frame})).await;
    }

    /// Leaves by the page's button: the page closes its socket.
    pub async fn leave(&self) {
        self.act("leave", &json!({})).await;
    }

    /// Closes the tab.
    pub async fn close(&self) {
        self.act("close", &json!({})).await;
    }

    /// What the page shows, line by line.
    pub async fn shown(&self) -> Vec<String> {
        let lines = self.act("shown", &json!({})).await;
        serde_json::from_value(lines).expect("lines")
    }

    /// What its socket has said so far.
    pub async fn heard(&self) -> Vec<Entry> {
        self.entries(0, Duration::ZERO).await
    }

    /// What its socket has said so far, and what the page shows of it.
    pub async fn transcript(&self) -> Transcript {
        let heard = self.heard().await;
        Transcript::of(&self.name, &heard, &self.shown().await)
    }

    /// Waits until its socket has said something of this kind, and returns all that it has said.
    ///
    /// # Panics
    /// When it does not in time; the message says what it has said.
    pub async fn until(&self, awaited: &str, found: impl Fn(&[Entry]) -> bool) -> Vec<Entry> {
        self.until_within(PATIENCE, awaited, found).await
    }

    /// [`Self::until`], with a patience of one's own.
    ///
    /// # Panics
    /// The same.
    pub async fn until_within(
        &self,
        patience: Duration,
        awaited: &str,
        found: impl Fn(&[Entry]) -> bool,
    ) -> Vec<Entry> {
        let deadline = Instant::now() + patience;
        let mut heard = 0;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let entries = self.entries(heard, left).await;
            if found(&entries) {
                return entries;
            }
            heard = entries.len();
            assert!(
                Instant::now() < deadline,
                "waited {patience:?} in vain: {}: {awaited}; heard: {:#?}",
                self.name,
                Transcript::of(&self.name, &entries, &[]).lines
            );
        }
    }

    /// Waits for a frame with this text in this field.
    ///
    /// # Panics
    /// When it does not come in time.
    pub async fn until_frame(&self, field: &str, text: &str) -> Vec<Entry> {
        let awaited = format!("a frame with the {field} {text:?}");
        self.until(&awaited, |entries| entries.iter().any(|entry| entry.has(field, text))).await
    }

    /// Waits until the socket is open.
    ///
    /// # Panics
    /// When it does not open in time.
    pub async fn until_opened(&self) {
        self.until("an open socket", |entries| entries.contains(&Entry::Opened)).await;
    }

    /// Waits until the socket is closed.
    ///
    /// # Panics
    /// When it is not in time.
    pub async fn until_closed(&self) -> Vec<Entry> {
        self.until("a closed socket", |entries| entries.iter().any(Entry::is_closed)).await
    }

    async fn entries(&self, after: usize, within: Duration) -> Vec<Entry> {
        let within_ms = u64::try_from(within.as_millis()).unwrap_or(u64::MAX);
        let entries = self.act("transcript", &json!({"after": after, "within_ms": within_ms})).await;
        let recorded: Vec<Recorded> = serde_json::from_value(entries).expect("entries");
        recorded.into_iter().map(Entry::from).collect()
    }

    async fn act(&self, action: &str, parameters: &Value) -> Value {
        let mut request = parameters.clone();
        request["do"] = action.into();
        request["tab"] = self.id.as_str().into();
        self.driver.act(&request).await
    }
}

impl Driver {
    async fn act(&self, request: &Value) -> Value {
        let done = answer(self.http.post(&self.url).json(request)).await;
        if let Some(reason) = done.get("failed") {
            panic!("the browser cannot {request}: {reason}");
        }
        done
    }
}

fn on_path(names: &[&str]) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let directories: Vec<PathBuf> = std::env::split_paths(&path).collect();
    let candidates =
        names.iter().flat_map(|name| directories.iter().map(move |directory| directory.join(name)));
    candidates.into_iter().find(|candidate| candidate.is_file())
}
