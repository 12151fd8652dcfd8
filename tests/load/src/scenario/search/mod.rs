//! How fast messages are indexed for search and found, and what appends pay for it: Korean and English, in rooms of one
//! member of 200. First on the cluster's PostgreSQL, then by a message store of its own on SQLite.

mod size;
mod sqlite;
mod texts;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use madang_domain::{IdempotencyKey, Profile, RoomId, SearchText, event::Message};
use madang_rpc::{
    MessageStore,
    store::{Append, Authority, PageQuery, Search},
};
use tokio::{task::JoinSet, time::sleep};

use self::{
    size::Database,
    sqlite::{SqliteStore, make_room},
};
use super::{
    appends::callers::{clients, invalid, profile},
    bench::{Bench, Cluster},
    kind::Scenario,
};
use crate::{
    error::BenchError,
    measure::histogram::Histogram,
    report::{Budget, Row},
    target::{Part, Process},
};

/// How many messages there are in PostgreSQL, and in SQLite. The variables name other numbers; 0 leaves a database out.
const MESSAGES: (&str, u64) = ("MADANG_LOAD_SEARCH_MESSAGES", 100_000);
const SQLITE_MESSAGES: (&str, u64) = ("MADANG_LOAD_SEARCH_SQLITE_MESSAGES", 100_000);
/// What the rows of SQLite are called.
const ON_SQLITE: &str = "search on SQLite, messages in 200 rooms";
const ROOMS: usize = 200;
/// Each waits for its append before the next.
const CALLERS: u64 = 128;
/// Searches of each kind.
const SEARCHES: u64 = 200;
/// How long the index may take after the last append, for each message.
const INDEX_PATIENCE: Duration = Duration::from_millis(5);
/// How often it is asked whether it has caught up.
const ASK_EVERY: Duration = Duration::from_millis(100);
const P99_MAX_MS: f64 = 250.0;
const MS_PER_SECOND: f64 = 1_000.0;
const BYTES_PER_MB: f64 = 1_000_000.0;

/// A kind of search: what is searched for, and whether in one room.
struct Kind {
    p50: &'static str,
    p99: &'static str,
    text: fn(u64) -> String,
    in_room: bool,
}

macro_rules! kinds {
    ($($name:literal, $in_room:literal, $text:expr;)*) => {
        [$(Kind { p50: concat!($name, ", p50"), p99: concat!($name, ", p99"), text: $text, in_room: $in_room },)*]
    };
}

const KINDS: [Kind; 8] = kinds! {
    "one syllable in one room", true, |number| texts::korean(number).chars().take(1).collect();
    "two syllables in one room", true, |number| texts::korean(number).chars().take(2).collect();
    "two syllables in all rooms", false, |number| texts::korean(number).chars().take(2).collect();
    "a frequent Korean word in all rooms", false, |number| texts::korean(number % 8);
    "a rare Korean word with a particle in all rooms", false, |_| texts::RARE_KOREAN.to_owned();
    "a frequent English word in all rooms", false, |number| texts::english(number % 8);
    "two English words in all rooms", false, |number| format!("{} {}", texts::english(number), texts::english(number / 7));
    "a rare English word in all rooms", false, |_| texts::RARE_ENGLISH.to_owned();
};

/// Who searches, and where.
struct Stage {
    stores: Vec<Arc<dyn MessageStore>>,
    rooms: Vec<RoomId>,
    reader: Arc<Profile>,
}

pub(super) fn measure(bench: &mut Bench<'_>) -> Result<Vec<Row>, BenchError> {
    let work = Scenario::Search.name();
    // A bare server stores nothing.
    let Some(Cluster { target, api, accounts }) = &mut bench.cluster else { return Ok(Vec::new()) };
    let (progress, run) = (&bench.progress, &bench.run);
    let say = |database: &str, messages: u64| progress.say(&format!("{work}: {messages} in {database}"));
    bench.runtime.block_on(async {
        let mut rows = Vec::new();
        let messages = number_of(MESSAGES);
        if messages > 0 {
            say("PostgreSQL", messages);
            let url = target.of(Part::Database).next().and_then(|process: &Process| process.url.clone());
            let database = Database::postgres(&url.ok_or(BenchError::NoDatabaseUrl)?).await?;
            let members: Vec<Vec<usize>> =
                (0..ROOMS).map(|room| vec![0, 1 + room % (accounts.len() - 1)]).collect();
            let rooms = api.make_rooms(accounts, &members).await?;
            let stage = Stage {
                stores: clients(&target.addresses(Part::Store))?,
                rooms: rooms.iter().map(|room| room.parse().map_err(invalid)).collect::<Result<_, _>>()?,
                reader: Arc::new(profile(&accounts[0])?),
            };
            rows.extend(stage.measure(work, messages, run, database).await?);
        }
        let messages = number_of(SQLITE_MESSAGES);
        if messages > 0 {
            say("SQLite", messages);
            let store = SqliteStore::start().await?;
            let database = Database::sqlite(store.file()).await?;
            let (stores, reader) = (store.clients()?, Arc::new(profile(&accounts[0])?));
            let mut rooms = Vec::with_capacity(ROOMS);
            for number in 0..ROOMS {
                rooms.push(make_room(&*stores[0], &reader, number).await?);
            }
            let stage = Stage { stores, rooms, reader };
            rows.extend(stage.measure(ON_SQLITE, messages, run, database).await?);
            store.stop().await?;
        }
        Ok(rows)
    })
}

/// How many messages there are to be.
fn number_of((variable, number): (&str, u64)) -> u64 {
    std::env::var(variable).ok().and_then(|text| text.parse().ok()).unwrap_or(number)
}

fn ms(latency: &Histogram, quantile: f64) -> f64 {
    latency.quantile(quantile).map_or(f64::NAN, |latency| latency.as_secs_f64() * MS_PER_SECOND)
}

impl Stage {
    #[expect(clippy::cast_precision_loss, reason = "counts of one run are far below 2^52")]
    async fn measure(
        &self,
        work: &'static str,
        messages: u64,
        run: &str,
        mut database: Database,
    ) -> Result<Vec<Row>, BenchError> {
        let row = |figure, unit, value| Row::new(work, figure, value, unit);
        let began = Instant::now();
        let appends = self.append(messages, run).await?;
        let appended = began.elapsed();
        self.await_index(messages).await?;
        let indexed = began.elapsed();
        let mut rows = vec![
            row("messages", "", messages as f64),
            row("appends beside the indexer", "/s", messages as f64 / appended.as_secs_f64()),
            row("append p50 beside the indexer", "ms", ms(&appends, 0.5)),
            row("append p99 beside the indexer", "ms", ms(&appends, 0.99)),
            row("messages indexed", "/s", messages as f64 / indexed.as_secs_f64()),
            row("the index was behind by", "s", (indexed - appended).as_secs_f64()),
        ];
        for (figure, bytes) in database.sizes().await? {
            rows.push(row(figure, "MB", bytes / BYTES_PER_MB));
        }
        for kind in &KINDS {
            let latency = self.search(kind).await?;
            rows.push(row(kind.p50, "ms", ms(&latency, 0.5)));
            rows.push(row(kind.p99, "ms", ms(&latency, 0.99)).within(Budget::AtMost(P99_MAX_MS)));
        }
        Ok(rows)
    }

    /// Appends all messages, and answers how long each took.
    async fn append(&self, messages: u64, run: &str) -> Result<Histogram, BenchError> {
        let mut callers = JoinSet::new();
        for caller in 0..CALLERS {
            let place = |all: usize| usize::try_from(caller).unwrap_or(0) % all;
            let (store, rooms) = (Arc::clone(&self.stores[place(self.stores.len())]), self.rooms.clone());
            let (actor, run) = (Arc::clone(&self.reader), run.to_owned());
            callers.spawn(async move {
                let mut latencies = Vec::new();
                for number in (caller..messages).step_by(usize::try_from(CALLERS).unwrap_or(1)) {
                    let key = IdempotencyKey::new(format!("s{run}-{number}")).map_err(invalid)?;
                    let message = Message {
                        text: texts::text(number),
                        key,
                        reply_to: None,
                        attachments: Vec::new(),
                        mentions: Vec::new(),
                        mentions_all: None,
                        metadata: None,
                        excerpt: None,
                        changes: None,
                        thread: None,
                    };
                    // Spread over the rooms, whoever the caller is.
                    let room = rooms[usize::try_from(number / 3).unwrap_or(0) % rooms.len()];
                    let (actor, authority) = (Arc::clone(&actor), Authority::User);
                    let since = Instant::now();
                    store.append(Append { authority, room, actor, message }).await.map_err(invalid)?;
                    latencies.push(since.elapsed());
                }
                Ok::<_, BenchError>(latencies)
            });
        }
        let mut all = Histogram::default();
        while let Some(done) = callers.join_next().await {
            for latency in done.map_err(invalid)?? {
                all.record_us(u64::try_from(latency.as_micros()).unwrap_or(u64::MAX));
            }
        }
        Ok(all)
    }

    /// Waits until searches of all rooms are complete.
    async fn await_index(&self, messages: u64) -> Result<(), BenchError> {
        let caught_up = async {
            while !self.ask(0, texts::RARE_ENGLISH, None).await? {
                sleep(ASK_EVERY).await;
            }
            Ok(())
        };
        let patience = INDEX_PATIENCE.saturating_mul(u32::try_from(messages).unwrap_or(u32::MAX));
        tokio::time::timeout(patience, caught_up).await.map_err(invalid)?
    }

    /// Searches of a kind, one after the other.
    async fn search(&self, kind: &Kind) -> Result<Histogram, BenchError> {
        let mut latency = Histogram::default();
        for number in 0..SEARCHES {
            let room = self.rooms[usize::try_from(number).unwrap_or(0) % self.rooms.len()];
            let text = (kind.text)(number * 37);
            let since = Instant::now();
            self.ask(number, &text, kind.in_room.then_some(room)).await?;
            latency.record_us(u64::try_from(since.elapsed().as_micros()).unwrap_or(u64::MAX));
        }
        Ok(latency)
    }

    /// Searches once, and answers whether it was complete.
    async fn ask(&self, number: u64, text: &str, room: Option<RoomId>) -> Result<bool, BenchError> {
        let store = &self.stores[usize::try_from(number).unwrap_or(0) % self.stores.len()];
        let page = PageQuery { limit: 50, cursor: None };
        let text = SearchText::new(text).map_err(invalid)?;
        let (user, room) = (self.reader.id, room.map(Into::into));
        let search = Search { user, text, room, from: None, before: None, after: None, page };
        Ok(store.search(search).await.map_err(invalid)?.complete)
    }
}
