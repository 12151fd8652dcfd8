//! PostgreSQL.

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

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use madang_database::{Connections, DatabaseError, DatabaseResult, Migrations, PostgresConnector, UrlError};
use madang_domain::{Epoch, Profile, RoomId, RoomRef, Seq, Timestamp, UserId, Username, event::Event};
use madang_kit::Metrics;
use sqlx::{PgConnection, Row as _, postgres::PgRow};

use self::{connection::Connection, driver::Connector, profiles::Reader};
use super::{
    batches::{AppendOutcome, AppendRow, RoomState},
    database::{self, Database, MIGRATIONS_TABLE},
    events::Range,
    inboxes::{InboxOpening, InboxState},
    values::seq,
};
use crate::settings::INDEX_CHUNK_EVENTS;

/// What each session is set to, besides the limits of time. Every statement here is a handful of index look-ups. A
/// nested loop is right for all of them, and the plan must not depend on what the tables looked like when it was made;
/// compiling it never pays.
const SESSION_SETTINGS: [(&str, &str); 4] =
    [("enable_seqscan", "off"), ("enable_hashjoin", "off"), ("enable_mergejoin", "off"), ("jit", "off")];

/// What the server does with letters says what its encoding and its LC_CTYPE are, whichever provider gives
/// them: `É` becomes `é` in a UTF-8 locale alone.
const CHECK_ENCODING: &str = "\
    SELECT current_setting('server_encoding') AS encoding, \
           current_setting('server_encoding') = 'UTF8' AND lower(U&'\\00C9') = U&'\\00E9' AS usable, \
           (SELECT datctype::text FROM pg_database WHERE datname = current_database()) AS ctype";

/// The migrations of this database.
pub(crate) fn migrations() -> Migrations {
    Migrations::new(sqlx::migrate!("migrations/postgres"), MIGRATIONS_TABLE)
}

/// A PostgreSQL database.
pub(crate) struct Postgres {
    connections: Connections<Connector>,
    /// Of their own, so that a storm of readers does not keep senders waiting for a connection.
    append_connections: Connections<Connector>,
    connector: Connector,
}

impl Postgres {
    /// The database of a URL, which is not spoken to yet.
    ///
    /// # Errors
    /// When the URL is malformed.
    pub(crate) fn new(
        url: &str,
        connections: u32,
        append_connections: u32,
        statement_timeout: Duration,
    ) -> Result<Self, UrlError> {
        let connector = PostgresConnector::new(url, "madang-message-store", statement_timeout)?;
        let connector = connector.with_settings(&SESSION_SETTINGS);
        let connections = Connections::new(connector.clone(), connections);
        // One more than batches run at once: operations on rooms save profiles, too.
        let append_connections = append_connections + 1;
        let append_connections = Connections::beside(&connections, connector.clone(), append_connections);
        Ok(Self { connections, append_connections, connector })
    }

    async fn check_encoding(connection: &mut PgConnection) -> DatabaseResult<()> {
        let row: PgRow = sqlx::query(CHECK_ENCODING).fetch_one(connection).await?;
        if row.try_get::<bool, _>("usable")? {
            return Ok(());
        }
        let (encoding, ctype): (String, String) = (row.try_get("encoding")?, row.try_get("ctype")?);
        Err(DatabaseError::Defect(
            format!(
                "the database has the encoding {encoding} and LC_CTYPE {ctype}, which is not UTF-8; text could be \
                 neither stored nor searched in every language. Make it with: CREATE DATABASE name ENCODING \
                 'UTF8' LC_CTYPE 'C.UTF-8' TEMPLATE template0"
            )
            .into(),
        ))
    }
}

#[async_trait]
impl Database for Postgres {
    async fn prepare(&self, new_epoch: Epoch, migrate: bool) -> DatabaseResult<()> {
        let mut connection = self.connector.connect_to_migrate().await?;
        Self::check_encoding(&mut connection).await?;
        let migrations = migrations();
        if migrate {
            migrations.apply(&mut connection).await?;
        } else {
            migrations.check(&mut connection).await?;
        }
        sqlx::query(epoch::INSERT_EPOCH).bind(i64::from(new_epoch.get())).execute(&mut connection).await?;
        text_forms::form_names(&mut connection).await?;
        sqlx::Connection::close(connection).await?;
        Ok(())
    }

    async fn renew_epoch(&self, epoch: Epoch) -> DatabaseResult<()> {
        let mut lease = self.connections.lease().await?;
        let query = sqlx::query(epoch::UPDATE_EPOCH).bind(i64::from(epoch.get()));
        let result = query.execute(lease.connection()).await;
        lease.finish(result).map(drop)
    }

    fn index_chunk_events(&self) -> u32 {
        INDEX_CHUNK_EVENTS
    }

    async fn ping(&self) -> DatabaseResult<()> {
        let mut lease = self.connections.lease().await?;
        let result = sqlx::query("SELECT 1").execute(lease.connection()).await;
        lease.finish(result).map(drop)
    }

    fn observe(&self, metrics: &Metrics) {
        self.connections.observe(metrics, "messages");
        self.append_connections.observe(metrics, "appends");
    }

    async fn close(&self) {
        self.connections.close().await;
        self.append_connections.close().await;
    }

    async fn reader(&self) -> DatabaseResult<Box<dyn database::Connection>> {
        Ok(Box::new(Connection::reading(self.connections.lease().await?)))
    }

    async fn writer(&self) -> DatabaseResult<Box<dyn database::Connection>> {
        self.reader().await
    }

    async fn begin(&self) -> DatabaseResult<Box<dyn database::Connection>> {
        // READ COMMITTED, whatever the default: a statement after a lock must see what others committed.
        let begin = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE";
        Ok(Box::new(Connection::writing(self.connections.lease().await?, begin).await?))
    }

    async fn save_profiles(&self, profiles: &[Arc<Profile>]) -> DatabaseResult<()> {
        let mut lease = self.append_connections.lease().await?;
        let result = append::save_profiles(lease.connection(), profiles).await;
        lease.finish(result)
    }

    async fn named_members(&self, asked: &[(RoomId, Username)]) -> DatabaseResult<Vec<(usize, UserId)>> {
        let mut lease = self.append_connections.lease().await?;
        let result = append::named_members(lease.connection(), asked).await;
        lease.finish(result)
    }

    async fn append(&self, now: Timestamp, rows: &[AppendRow<'_>]) -> DatabaseResult<Vec<AppendOutcome>> {
        let mut lease = self.append_connections.lease().await?;
        let result = append::append(lease.connection(), now, rows).await;
        lease.finish(result)?.into_iter().map(TryInto::try_into).collect()
    }

    async fn states(&self, places: &[(RoomId, UserId)]) -> DatabaseResult<(Epoch, Vec<RoomState>)> {
        let mut lease = self.connections.lease().await?;
        let result = opens::states(lease.connection(), places).await;
        opens::read_states(&lease.finish(result)?)
    }

    async fn ranges(&self, ranges: &[Range]) -> DatabaseResult<Vec<Event>> {
        let mut lease = self.connections.lease().await?;
        let result = opens::ranges(lease.connection(), ranges).await;
        let mut events = Reader::default().events_of(ranges, lease.finish(result)?)?;
        let originals = messages::answered(&events);
        if !originals.is_empty() {
            let mut lease = self.connections.lease().await?;
            let rows = opens::originals(lease.connection(), &originals).await;
            messages::show_originals(&mut events, lease.finish(rows)?)?;
        }
        Ok(events)
    }

    async fn resolve(&self, rooms: &[RoomRef]) -> DatabaseResult<Vec<Option<RoomId>>> {
        let mut lease = self.connections.lease().await?;
        let result = opens::resolve(lease.connection(), rooms).await;
        lease.finish(result)
    }

    async fn heads(&self, rooms: &[RoomId]) -> DatabaseResult<Vec<(RoomId, Seq)>> {
        let mut lease = self.connections.lease().await?;
        let result = opens::heads(lease.connection(), rooms).await;
        let rows = lease.finish(result)?;
        rows.into_iter().map(|(room, head)| Ok((RoomId::new(room), seq(head)?))).collect()
    }

    async fn inbox_states(&self, users: &[UserId]) -> DatabaseResult<(Epoch, Vec<InboxState>)> {
        let mut lease = self.connections.lease().await?;
        let result = opens::inbox_states(lease.connection(), users).await;
        opens::read_inbox_states(&lease.finish(result)?)
    }

    async fn inbox_openings(&self, users: &[UserId]) -> DatabaseResult<(Epoch, Vec<InboxOpening>)> {
        let mut lease = self.connections.lease().await?;
        let result = opens::inbox_openings(lease.connection(), users).await;
        opens::read_inbox_openings(users, lease.finish(result)?)
    }
}
