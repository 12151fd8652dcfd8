//! SQLite: one file, one writer, no server.

mod batches;
#[path = "../statements.rs"]
mod statements;

use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
    str::FromStr as _,
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use madang_domain::{Epoch, Profile, RoomId, RoomRef, Seq, Timestamp, UserId, Username, event::Event};
use sqlx::{
    ConnectOptions as _, SqliteConnection,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
};

use self::statements::Session;
use super::{
    AppendOutcome, AppendRow, Backend, InboxState, Range, RoomState, StoreError, StoreResult,
    connections::{Connect, Connections, Lease},
    migrations, sql,
};

/// What `statements.rs` speaks to here.
type Db = sqlx::Sqlite;

/// The write transaction has locked the whole database.
const LOCK_BY_ID: &str = concat!("SELECT ", sql::room_columns!(), " FROM rooms r WHERE r.id = $1");
const LOCK_BY_SLUG: &str = concat!("SELECT ", sql::room_columns!(), " FROM rooms r WHERE r.slug = $1");
const LOCK_BY_EXTERNAL_ID: &str =
    concat!("SELECT ", sql::room_columns!(), " FROM rooms r WHERE r.external_id = $1");

/// IMMEDIATE takes the write lock at once: a transaction that reads first and writes later fails where another
/// wrote in between.
const BEGIN_WRITE: &str = "BEGIN IMMEDIATE";
/// Reads of one moment.
const BEGIN_READ: &str = "BEGIN DEFERRED";
const COMMIT: &str = "COMMIT";

/// How long a writer waits for another process that writes.
const BUSY_TIMEOUT: Duration = Duration::from_secs(4);

/// A SQLite database.
pub(crate) struct Sqlite {
    path: PathBuf,
    writer: Connections<Connector>,
    readers: Connections<Connector>,
}

/// Makes connections.
#[derive(Clone)]
struct Connector(SqliteConnectOptions);

#[async_trait]
impl Connect for Connector {
    type Connection = SqliteConnection;

    async fn connect(&self) -> Result<SqliteConnection, sqlx::Error> {
        self.0.connect().await
    }
}

impl Sqlite {
    /// The database of a URL, which is not opened yet.
    ///
    /// # Errors
    /// When the URL is malformed, or is that of a database in memory: it would be another one for each
    /// connection, and gone with the process.
    pub(crate) fn new(url: &str, connections: u32) -> Result<Self, sqlx::Error> {
        let options = SqliteConnectOptions::from_str(url)?;
        if url.contains(":memory:")
            || url.contains("mode=memory")
            || options.get_filename().as_os_str().is_empty()
        {
            return Err(sqlx::Error::Configuration("a SQLite database needs a file".into()));
        }
        let options = options
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            // FULL syncs the log at every commit. NORMAL does so at checkpoints alone, and a commit that was
            // acknowledged could be lost with the power.
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(BUSY_TIMEOUT)
            .foreign_keys(true)
            .disable_statement_logging();
        Ok(Self {
            path: options.get_filename().to_path_buf(),
            writer: Connections::new(Connector(options.clone()), 1),
            readers: Connections::new(Connector(options), connections),
        })
    }

    /// Waits until no other process migrates this database. SQLite's own locks last for a transaction, and
    /// migrations are several.
    async fn migration_lock(&self) -> StoreResult<File> {
        let path = lock_path(&self.path);
        let locked = tokio::task::spawn_blocking(move || -> io::Result<File> {
            let file = File::options().create(true).append(true).open(path)?;
            file.lock()?;
            Ok(file)
        });
        match locked.await {
            Ok(Ok(file)) => Ok(file),
            Ok(Err(error)) => Err(StoreError::Unavailable(error.into())),
            Err(error) => Err(StoreError::Defect(error.into())),
        }
    }
}

fn lock_path(database: &Path) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(".lock");
    PathBuf::from(name)
}

#[async_trait]
impl Backend for Sqlite {
    async fn prepare(&self, new_epoch: Epoch) -> StoreResult<()> {
        if let Some(directory) = self.path.parent().filter(|path| !path.as_os_str().is_empty()) {
            let made = tokio::fs::create_dir_all(directory).await;
            made.map_err(|error| StoreError::Unavailable(error.into()))?;
        }
        // Released when it is dropped, at the end of this function or of this process.
        let _lock = self.migration_lock().await?;
        let mut lease = self.writer.lease().await?;
        migrations::apply(sqlx::migrate!("migrations/sqlite"), lease.connection()).await?;
        let query = sqlx::query(sql::INSERT_EPOCH).bind(i64::from(new_epoch.get()));
        let result = query.execute(lease.connection()).await.map(drop);
        finish(lease, result)
    }

    async fn renew_epoch(&self, epoch: Epoch) -> StoreResult<()> {
        let mut lease = self.writer.lease().await?;
        let query = sqlx::query(sql::UPDATE_EPOCH).bind(i64::from(epoch.get()));
        let result = query.execute(lease.connection()).await.map(drop);
        finish(lease, result)
    }

    async fn ping(&self) -> StoreResult<()> {
        let mut lease = self.readers.lease().await?;
        let result = sqlx::query("SELECT 1").execute(lease.connection()).await.map(drop);
        finish(lease, result)
    }

    async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }

    async fn read(&self) -> StoreResult<Box<dyn super::Session>> {
        Ok(Box::new(Session::reading(self.readers.lease().await?)))
    }

    async fn single(&self) -> StoreResult<Box<dyn super::Session>> {
        Ok(Box::new(Session::reading(self.writer.lease().await?)))
    }

    async fn write(&self) -> StoreResult<Box<dyn super::Session>> {
        Ok(Box::new(Session::writing(self.writer.lease().await?, BEGIN_WRITE).await?))
    }

    async fn save_profiles(&self, profiles: &[Arc<Profile>]) -> StoreResult<()> {
        let mut lease = self.writer.lease().await?;
        let result = async {
            sqlx::raw_sql(BEGIN_WRITE).execute(lease.connection()).await?;
            batches::save_profiles(lease.connection(), profiles).await?;
            sqlx::raw_sql(COMMIT).execute(lease.connection()).await.map(drop)
        };
        let result = result.await;
        finish(lease, result)
    }

    async fn named_members(&self, asked: &[(RoomId, Username)]) -> StoreResult<Vec<(usize, UserId)>> {
        let mut lease = self.readers.lease().await?;
        let result = batches::named_members(lease.connection(), asked).await;
        finish(lease, result)
    }

    async fn append(&self, now: Timestamp, rows: &[AppendRow<'_>]) -> StoreResult<Vec<AppendOutcome>> {
        let mut lease = self.writer.lease().await?;
        let result = async {
            sqlx::raw_sql(BEGIN_WRITE).execute(lease.connection()).await?;
            let outcomes = batches::append(lease.connection(), now, rows).await?;
            sqlx::raw_sql(COMMIT).execute(lease.connection()).await?;
            Ok(outcomes)
        };
        let result = result.await;
        finish(lease, result)
    }

    async fn states(&self, places: &[(RoomId, UserId)]) -> StoreResult<(Epoch, Vec<RoomState>)> {
        let mut lease = self.readers.lease().await?;
        let result = async {
            sqlx::raw_sql(BEGIN_READ).execute(lease.connection()).await?;
            let epoch = batches::epoch(lease.connection()).await?;
            let rows = batches::states(lease.connection(), places).await?;
            sqlx::raw_sql(COMMIT).execute(lease.connection()).await?;
            Ok((epoch, rows))
        };
        let result = result.await;
        let (epoch, rows) = finish(lease, result)?;
        batches::read_states(epoch, rows)
    }

    async fn ranges(&self, ranges: &[Range]) -> StoreResult<Vec<Event>> {
        let mut lease = self.readers.lease().await?;
        let result = batches::ranges(lease.connection(), ranges).await;
        super::rows::Reader::default().events_of(ranges, finish(lease, result)?)
    }

    async fn resolve(&self, rooms: &[RoomRef]) -> StoreResult<Vec<Option<RoomId>>> {
        let mut lease = self.readers.lease().await?;
        let result = batches::resolve(lease.connection(), rooms).await;
        finish(lease, result)
    }

    async fn heads(&self, rooms: &[RoomId]) -> StoreResult<Vec<(RoomId, Seq)>> {
        let mut lease = self.readers.lease().await?;
        let result = batches::heads(lease.connection(), rooms).await;
        let rows = finish(lease, result)?;
        rows.into_iter().map(|(room, head)| Ok((room, super::rows::seq(head)?))).collect()
    }

    async fn inbox_states(&self, users: &[UserId]) -> StoreResult<(Epoch, Vec<InboxState>)> {
        let mut lease = self.readers.lease().await?;
        let result = async {
            sqlx::raw_sql(BEGIN_READ).execute(lease.connection()).await?;
            let epoch = batches::epoch(lease.connection()).await?;
            let rows = batches::inbox_states(lease.connection(), users).await?;
            sqlx::raw_sql(COMMIT).execute(lease.connection()).await?;
            Ok((epoch, rows))
        };
        let result = result.await;
        let (epoch, rows) = finish(lease, result)?;
        batches::read_inbox_states(epoch, rows)
    }
}

/// Settles a statement's result, and keeps the connection where it was answered. A transaction that failed in
/// the middle is rolled back as its connection closes.
fn finish<T>(lease: Lease<Connector>, result: Result<T, sqlx::Error>) -> StoreResult<T> {
    let value = lease.settle(result)?;
    lease.give_back();
    Ok(value)
}
