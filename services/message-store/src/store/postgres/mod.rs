//! PostgreSQL.

mod batches;
#[path = "../statements.rs"]
mod statements;

use std::{str::FromStr as _, sync::Arc, time::Duration};

use async_trait::async_trait;
use madang_domain::{Epoch, Profile, RoomId, RoomRef, Seq, Timestamp, UserId, Username, event::Event};
use sqlx::{
    ConnectOptions as _, PgConnection, Row as _,
    postgres::{PgConnectOptions, PgRow},
};

use self::statements::Session;
use super::{
    AppendOutcome, AppendRow, Backend, InboxState, Range, RoomState, StoreError, StoreResult,
    connections::{Connect, Connections, Lease},
    migrations, sql,
};

/// What `statements.rs` speaks to here.
type Db = sqlx::Postgres;

/// FOR NO KEY UPDATE: what `append_messages` takes, and it leaves the foreign key of members alone.
const LOCK_BY_ID: &str =
    concat!("SELECT ", sql::room_columns!(), " FROM rooms r WHERE r.id = $1 FOR NO KEY UPDATE");
const LOCK_BY_SLUG: &str =
    concat!("SELECT ", sql::room_columns!(), " FROM rooms r WHERE r.slug = $1 FOR NO KEY UPDATE");
const LOCK_BY_EXTERNAL_ID: &str =
    concat!("SELECT ", sql::room_columns!(), " FROM rooms r WHERE r.external_id = $1 FOR NO KEY UPDATE");

/// What each connection is set to.
///
/// - A statement of a caller who has gone must not go on holding locks: its time ends on the server, too.
/// - A commit is answered when it is on disk, whatever the database's default is; a stronger one is kept.
/// - Every statement here is a handful of index look-ups. A nested loop is right for all of them, and the plan
///   must not depend on what the tables looked like when it was made; compiling it never pays.
const SESSION_SETTINGS: &str = "\
    SELECT set_config('statement_timeout', $1, false), \
           set_config('idle_in_transaction_session_timeout', $1, false), \
           set_config('synchronous_commit', CASE current_setting('synchronous_commit') \
               WHEN 'off' THEN 'on' ELSE current_setting('synchronous_commit') END, false), \
           set_config('enable_seqscan', 'off', false), \
           set_config('enable_hashjoin', 'off', false), \
           set_config('enable_mergejoin', 'off', false), \
           set_config('jit', 'off', false)";

/// What the server does with letters says what its encoding and its LC_CTYPE are, whichever provider gives
/// them: `É` becomes `é` in a UTF-8 locale alone.
const CHECK_ENCODING: &str = "\
    SELECT current_setting('server_encoding') AS encoding, \
           current_setting('server_encoding') = 'UTF8' AND lower(U&'\\00C9') = U&'\\00E9' AS usable, \
           (SELECT datctype::text FROM pg_database WHERE datname = current_database()) AS ctype";

/// A PostgreSQL database.
pub(crate) struct Postgres {
    connections: Connections<Connector>,
    /// Of their own, so that a storm of readers does not keep senders waiting for a connection.
    append_connections: Connections<Connector>,
    migration_connector: Connector,
}

/// Makes connections.
#[derive(Clone)]
struct Connector {
    options: PgConnectOptions,
    statement_timeout: Duration,
}

#[async_trait]
impl Connect for Connector {
    type Connection = PgConnection;

    async fn connect(&self) -> Result<PgConnection, sqlx::Error> {
        let mut connection = self.options.connect().await?;
        let timeout_ms = self.statement_timeout.as_millis().to_string();
        sqlx::query(SESSION_SETTINGS).bind(timeout_ms).execute(&mut connection).await?;
        Ok(connection)
    }
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
    ) -> Result<Self, sqlx::Error> {
        let options = PgConnectOptions::from_str(url)?
            .application_name("madang-message-store")
            .disable_statement_logging();
        let connector = Connector { options, statement_timeout };
        let connections = Connections::new(connector.clone(), connections);
        // One more than batches run at once: operations on rooms save profiles, too.
        let append_connections = append_connections + 1;
        Ok(Self {
            append_connections: Connections::beside(&connections, connector.clone(), append_connections),
            connections,
            // Without a limit of time: an index of a large table takes as long as it takes, and a replica
            // that starts second waits for the one that migrates.
            migration_connector: Connector { statement_timeout: Duration::ZERO, ..connector },
        })
    }

    async fn check_encoding(connection: &mut PgConnection) -> StoreResult<()> {
        let row: PgRow = sqlx::query(CHECK_ENCODING).fetch_one(connection).await?;
        if row.try_get::<bool, _>("usable")? {
            return Ok(());
        }
        let (encoding, ctype): (String, String) = (row.try_get("encoding")?, row.try_get("ctype")?);
        Err(StoreError::Defect(
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
impl Backend for Postgres {
    async fn prepare(&self, new_epoch: Epoch) -> StoreResult<()> {
        let mut connection = self.migration_connector.connect().await?;
        Self::check_encoding(&mut connection).await?;
        // The migrator takes an advisory lock of the database, so that replicas which start at once migrate
        // one after the other.
        migrations::apply(sqlx::migrate!("migrations/postgres"), &mut connection).await?;
        sqlx::query(sql::INSERT_EPOCH).bind(i64::from(new_epoch.get())).execute(&mut connection).await?;
        sqlx::Connection::close(connection).await?;
        Ok(())
    }

    async fn renew_epoch(&self, epoch: Epoch) -> StoreResult<()> {
        let mut lease = self.connections.lease().await?;
        let query = sqlx::query(sql::UPDATE_EPOCH).bind(i64::from(epoch.get()));
        let result = query.execute(lease.connection()).await;
        lease.settle(result)?;
        lease.give_back();
        Ok(())
    }

    async fn ping(&self) -> StoreResult<()> {
        let mut lease = self.connections.lease().await?;
        let result = sqlx::query("SELECT 1").execute(lease.connection()).await;
        lease.settle(result)?;
        lease.give_back();
        Ok(())
    }

    async fn close(&self) {
        self.connections.close().await;
        self.append_connections.close().await;
    }

    async fn read(&self) -> StoreResult<Box<dyn super::Session>> {
        Ok(Box::new(Session::reading(self.connections.lease().await?)))
    }

    async fn single(&self) -> StoreResult<Box<dyn super::Session>> {
        self.read().await
    }

    async fn write(&self) -> StoreResult<Box<dyn super::Session>> {
        // READ COMMITTED, whatever the default: a statement after a lock must see what others committed.
        let begin = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE";
        Ok(Box::new(Session::writing(self.connections.lease().await?, begin).await?))
    }

    async fn save_profiles(&self, profiles: &[Arc<Profile>]) -> StoreResult<()> {
        let mut lease = self.append_connections.lease().await?;
        let result = batches::save_profiles(lease.connection(), profiles).await;
        finish(lease, result)
    }

    async fn named_members(&self, asked: &[(RoomId, Username)]) -> StoreResult<Vec<(usize, UserId)>> {
        let mut lease = self.append_connections.lease().await?;
        let result = batches::named_members(lease.connection(), asked).await;
        finish(lease, result)
    }

    async fn append(&self, now: Timestamp, rows: &[AppendRow<'_>]) -> StoreResult<Vec<AppendOutcome>> {
        let mut lease = self.append_connections.lease().await?;
        let result = batches::append(lease.connection(), now, rows).await;
        finish(lease, result)?.into_iter().map(TryInto::try_into).collect()
    }

    async fn states(&self, places: &[(RoomId, UserId)]) -> StoreResult<(Epoch, Vec<RoomState>)> {
        let mut lease = self.connections.lease().await?;
        let result = batches::states(lease.connection(), places).await;
        batches::read_states(&finish(lease, result)?)
    }

    async fn ranges(&self, ranges: &[Range]) -> StoreResult<Vec<Event>> {
        let mut lease = self.connections.lease().await?;
        let result = batches::ranges(lease.connection(), ranges).await;
        super::rows::Reader::default().events_of(ranges, finish(lease, result)?)
    }

    async fn resolve(&self, rooms: &[RoomRef]) -> StoreResult<Vec<Option<RoomId>>> {
        let mut lease = self.connections.lease().await?;
        let result = batches::resolve(lease.connection(), rooms).await;
        finish(lease, result)
    }

    async fn heads(&self, rooms: &[RoomId]) -> StoreResult<Vec<(RoomId, Seq)>> {
        let mut lease = self.connections.lease().await?;
        let result = batches::heads(lease.connection(), rooms).await;
        let rows = finish(lease, result)?;
        rows.into_iter().map(|(room, head)| Ok((RoomId::new(room), super::rows::seq(head)?))).collect()
    }

    async fn inbox_states(&self, users: &[UserId]) -> StoreResult<(Epoch, Vec<InboxState>)> {
        let mut lease = self.connections.lease().await?;
        let result = batches::inbox_states(lease.connection(), users).await;
        batches::read_inbox_states(&finish(lease, result)?)
    }
}

/// Settles a statement's result, and keeps the connection where it was answered.
fn finish<T>(lease: Lease<Connector>, result: Result<T, sqlx::Error>) -> StoreResult<T> {
    let value = lease.settle(result)?;
    lease.give_back();
    Ok(value)
}
