//! SQLite: one file, one writer, no server.

mod batches;
#[path = "../statements.rs"]
mod statements;

use std::sync::Arc;

use async_trait::async_trait;
use madang_database::{Connections, Migrations, SqliteConnector, UrlError};
use madang_domain::{Epoch, Profile, RoomId, RoomRef, Seq, Timestamp, UserId, Username, event::Event};

use self::statements::Session;
use super::{
    AppendOutcome, AppendRow, Backend, InboxState, MIGRATIONS_TABLE, Range, RoomState, StoreResult, sql,
};

/// What `statements.rs` speaks to here.
type Db = sqlx::Sqlite;

/// What makes connections.
type Connector = SqliteConnector;

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

/// A SQLite database.
pub(crate) struct Sqlite {
    connector: Connector,
    writer: Connections<Connector>,
    readers: Connections<Connector>,
}

impl Sqlite {
    /// The database of a URL, which is not opened yet.
    ///
    /// # Errors
    /// When the URL is malformed, or is that of a database in memory: it would be another one for each
    /// connection, and gone with the process.
    pub(crate) fn new(url: &str, connections: u32) -> Result<Self, UrlError> {
        let connector = SqliteConnector::new(url)?;
        Ok(Self {
            writer: Connections::new(connector.clone(), 1),
            readers: Connections::new(connector.clone(), connections),
            connector,
        })
    }
}

#[async_trait]
impl Backend for Sqlite {
    async fn prepare(&self, new_epoch: Epoch) -> StoreResult<()> {
        let migrations = Migrations::new(sqlx::migrate!("migrations/sqlite"), MIGRATIONS_TABLE);
        self.connector.migrate(migrations).await?;
        let mut lease = self.writer.lease().await?;
        let query = sqlx::query(sql::INSERT_EPOCH).bind(i64::from(new_epoch.get()));
        let result = query.execute(lease.connection()).await.map(drop);
        lease.finish(result)
    }

    async fn renew_epoch(&self, epoch: Epoch) -> StoreResult<()> {
        let mut lease = self.writer.lease().await?;
        let query = sqlx::query(sql::UPDATE_EPOCH).bind(i64::from(epoch.get()));
        let result = query.execute(lease.connection()).await.map(drop);
        lease.finish(result)
    }

    async fn ping(&self) -> StoreResult<()> {
        let mut lease = self.readers.lease().await?;
        let result = sqlx::query("SELECT 1").execute(lease.connection()).await.map(drop);
        lease.finish(result)
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
        lease.finish(result)
    }

    async fn named_members(&self, asked: &[(RoomId, Username)]) -> StoreResult<Vec<(usize, UserId)>> {
        let mut lease = self.readers.lease().await?;
        let result = batches::named_members(lease.connection(), asked).await;
        lease.finish(result)
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
        lease.finish(result)
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
        let (epoch, rows) = lease.finish(result)?;
        batches::read_states(epoch, rows)
    }

    async fn ranges(&self, ranges: &[Range]) -> StoreResult<Vec<Event>> {
        let mut lease = self.readers.lease().await?;
        let result = batches::ranges(lease.connection(), ranges).await;
        super::rows::Reader::default().events_of(ranges, lease.finish(result)?)
    }

    async fn resolve(&self, rooms: &[RoomRef]) -> StoreResult<Vec<Option<RoomId>>> {
        let mut lease = self.readers.lease().await?;
        let result = batches::resolve(lease.connection(), rooms).await;
        lease.finish(result)
    }

    async fn heads(&self, rooms: &[RoomId]) -> StoreResult<Vec<(RoomId, Seq)>> {
        let mut lease = self.readers.lease().await?;
        let result = batches::heads(lease.connection(), rooms).await;
        let rows = lease.finish(result)?;
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
        let (epoch, rows) = lease.finish(result)?;
        batches::read_inbox_states(epoch, rows)
    }
}
