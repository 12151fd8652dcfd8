//! SQLite: one file, one writer, no server.

// First: the statements use its macros.
#[macro_use]
mod driver;

mod append;
#[path = "../sql/blocks.rs"]
mod blocks;
#[path = "../sql/connection.rs"]
mod connection;
#[path = "../sql/epoch.rs"]
mod epoch;
#[path = "../sql/erasures.rs"]
mod erasures;
#[path = "../sql/events.rs"]
mod events;
#[path = "../sql/exports.rs"]
mod exports;
#[path = "../sql/files.rs"]
mod files;
#[path = "../sql/inboxes.rs"]
mod inboxes;
mod index;
#[path = "../sql/index_rows.rs"]
mod index_rows;
#[path = "../sql/invitation_links.rs"]
mod invitation_links;
#[path = "../sql/invitations.rs"]
mod invitations;
#[path = "../sql/member_tells.rs"]
mod member_tells;
#[path = "../sql/members.rs"]
mod members;
#[path = "../sql/messages.rs"]
mod messages;
mod opens;
#[path = "../sql/people.rs"]
mod people;
#[path = "../sql/profiles.rs"]
mod profiles;
#[path = "../sql/purge.rs"]
mod purge;
#[path = "../sql/reads.rs"]
mod reads;
#[path = "../sql/reports.rs"]
mod reports;
#[path = "../sql/restrictions.rs"]
mod restrictions;
#[path = "../sql/rooms.rs"]
mod rooms;
#[path = "../sql/search.rs"]
mod search;
#[path = "../sql/slugs.rs"]
mod slugs;
#[path = "../sql/text_forms.rs"]
mod text_forms;
#[path = "../sql/threads.rs"]
mod threads;

use std::sync::Arc;

use async_trait::async_trait;
use madang_database::{Connections, DatabaseResult, Migrations, SqliteConnector, UrlError};
use madang_domain::{Epoch, Profile, RoomId, RoomRef, Seq, Timestamp, UserId, Username, event::Event};
use madang_kit::Metrics;

use self::{connection::Connection, driver::Connector, profiles::Reader};
use super::{
    batches::{AppendOutcome, AppendRow, RoomState},
    database::{self, Database, MIGRATIONS_TABLE},
    events::Range,
    inboxes::{InboxOpening, InboxState},
    values::seq,
};
use crate::settings::INDEX_CHUNK_EVENTS_SQLITE;

/// IMMEDIATE takes the write lock at once: a transaction that reads first and writes later fails where another
/// wrote in between.
const BEGIN_WRITE: &str = "BEGIN IMMEDIATE";
/// Reads of one moment.
const BEGIN_READ: &str = "BEGIN DEFERRED";
const COMMIT: &str = "COMMIT";

/// The migrations of this database.
pub(crate) fn migrations() -> Migrations {
    Migrations::new(sqlx::migrate!("migrations/sqlite"), MIGRATIONS_TABLE)
}

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
impl Database for Sqlite {
    async fn prepare(&self, new_epoch: Epoch, _: bool) -> DatabaseResult<()> {
        // Whoever opens the file may do anything with it.
        self.connector.migrate(migrations()).await?;
        let mut lease = self.writer.lease().await?;
        let query = sqlx::query(epoch::INSERT_EPOCH).bind(i64::from(new_epoch.get()));
        let result = async {
            query.execute(lease.connection()).await?;
            text_forms::form_names(lease.connection()).await
        };
        let result = result.await;
        lease.finish(result)
    }

    async fn renew_epoch(&self, epoch: Epoch) -> DatabaseResult<()> {
        let mut lease = self.writer.lease().await?;
        let query = sqlx::query(epoch::UPDATE_EPOCH).bind(i64::from(epoch.get()));
        let result = query.execute(lease.connection()).await.map(drop);
        lease.finish(result)
    }

    fn index_chunk_events(&self) -> u32 {
        INDEX_CHUNK_EVENTS_SQLITE
    }

    async fn ping(&self) -> DatabaseResult<()> {
        let mut lease = self.readers.lease().await?;
        let result = sqlx::query("SELECT 1").execute(lease.connection()).await.map(drop);
        lease.finish(result)
    }

    fn observe(&self, metrics: &Metrics) {
        self.readers.observe(metrics, "messages");
        self.writer.observe(metrics, "messages_writer");
    }

    async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }

    async fn reader(&self) -> DatabaseResult<Box<dyn database::Connection>> {
        Ok(Box::new(Connection::reading(self.readers.lease().await?)))
    }

    async fn writer(&self) -> DatabaseResult<Box<dyn database::Connection>> {
        Ok(Box::new(Connection::reading(self.writer.lease().await?)))
    }

    async fn begin(&self) -> DatabaseResult<Box<dyn database::Connection>> {
        Ok(Box::new(Connection::writing(self.writer.lease().await?, BEGIN_WRITE).await?))
    }

    async fn save_profiles(&self, profiles: &[Arc<Profile>]) -> DatabaseResult<()> {
        let mut lease = self.writer.lease().await?;
        let result = async {
            sqlx::raw_sql(BEGIN_WRITE).execute(lease.connection()).await?;
            append::save_profiles(lease.connection(), profiles).await?;
            sqlx::raw_sql(COMMIT).execute(lease.connection()).await.map(drop)
        };
        let result = result.await;
        lease.finish(result)
    }

    async fn named_members(&self, asked: &[(RoomId, Username)]) -> DatabaseResult<Vec<(usize, UserId)>> {
        let mut lease = self.readers.lease().await?;
        let result = append::named_members(lease.connection(), asked).await;
        lease.finish(result)
    }

    async fn append(&self, now: Timestamp, rows: &[AppendRow<'_>]) -> DatabaseResult<Vec<AppendOutcome>> {
        let mut lease = self.writer.lease().await?;
        let result = async {
            sqlx::raw_sql(BEGIN_WRITE).execute(lease.connection()).await?;
            let outcomes = append::append(lease.connection(), now, rows).await?;
            sqlx::raw_sql(COMMIT).execute(lease.connection()).await?;
            Ok(outcomes)
        };
        let result = result.await;
        lease.finish(result)
    }

    async fn states(&self, places: &[(RoomId, UserId)]) -> DatabaseResult<(Epoch, Vec<RoomState>)> {
        let mut lease = self.readers.lease().await?;
        let result = async {
            sqlx::raw_sql(BEGIN_READ).execute(lease.connection()).await?;
            let epoch = opens::epoch(lease.connection()).await?;
            let rows = opens::states(lease.connection(), places).await?;
            sqlx::raw_sql(COMMIT).execute(lease.connection()).await?;
            Ok((epoch, rows))
        };
        let result = result.await;
        let (epoch, rows) = lease.finish(result)?;
        opens::read_states(epoch, rows)
    }

    async fn ranges(&self, ranges: &[Range]) -> DatabaseResult<Vec<Event>> {
        let mut lease = self.readers.lease().await?;
        let result = opens::ranges(lease.connection(), ranges).await;
        let mut events = Reader::default().events_of(ranges, lease.finish(result)?)?;
        let originals = messages::answered(&events);
        if !originals.is_empty() {
            let mut lease = self.readers.lease().await?;
            let rows = opens::originals(lease.connection(), &originals).await;
            messages::show_originals(&mut events, lease.finish(rows)?)?;
        }
        Ok(events)
    }

    async fn resolve(&self, rooms: &[RoomRef]) -> DatabaseResult<Vec<Option<RoomId>>> {
        let mut lease = self.readers.lease().await?;
        let result = opens::resolve(lease.connection(), rooms).await;
        lease.finish(result)
    }

    async fn heads(&self, rooms: &[RoomId]) -> DatabaseResult<Vec<(RoomId, Seq)>> {
        let mut lease = self.readers.lease().await?;
        let result = opens::heads(lease.connection(), rooms).await;
        let rows = lease.finish(result)?;
        rows.into_iter().map(|(room, head)| Ok((room, seq(head)?))).collect()
    }

    async fn inbox_states(&self, users: &[UserId]) -> DatabaseResult<(Epoch, Vec<InboxState>)> {
        let mut lease = self.readers.lease().await?;
        let result = async {
            sqlx::raw_sql(BEGIN_READ).execute(lease.connection()).await?;
            let epoch = opens::epoch(lease.connection()).await?;
            let rows = opens::inbox_states(lease.connection(), users).await?;
            sqlx::raw_sql(COMMIT).execute(lease.connection()).await?;
            Ok((epoch, rows))
        };
        let result = result.await;
        let (epoch, rows) = lease.finish(result)?;
        opens::read_inbox_states(epoch, rows)
    }

    async fn inbox_openings(&self, users: &[UserId]) -> DatabaseResult<(Epoch, Vec<InboxOpening>)> {
        let mut lease = self.readers.lease().await?;
        let result = async {
            sqlx::raw_sql(BEGIN_READ).execute(lease.connection()).await?;
            let epoch = opens::epoch(lease.connection()).await?;
            let rows = opens::inbox_states(lease.connection(), users).await?;
            let profiles = opens::profiles(lease.connection(), users).await?;
            let hides = opens::hides(lease.connection(), users).await?;
            let blocked = opens::blocked(lease.connection(), users).await?;
            sqlx::raw_sql(COMMIT).execute(lease.connection()).await?;
            Ok((epoch, rows, profiles, hides, blocked))
        };
        let result = result.await;
        let (epoch, rows, profiles, hides, blocked) = lease.finish(result)?;
        let (epoch, states) = opens::read_inbox_states(epoch, rows)?;
        let openings = users.iter().zip(states).zip(profiles).zip(hides.into_iter().zip(blocked));
        let openings = openings.map(
            |(((user, state), profile), ((hides_presence, hides_typing, version, of_blocks), blocked))| {
                let user = profile.map(|profile| profile.known(*user)).transpose()?.flatten();
                let (hides_version, blocked) =
                    (Timestamp::from_micros(version), blocked.into_iter().map(UserId::new).collect());
                let blocks_version = Timestamp::from_micros(of_blocks);
                Ok(InboxOpening {
                    state,
                    user,
                    hides_presence,
                    hides_typing,
                    hides_version,
                    blocked,
                    blocks_version,
                })
            },
        );
        Ok((epoch, openings.collect::<DatabaseResult<_>>()?))
    }
}
