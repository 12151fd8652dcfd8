//! The connections of one database, bounded.
//!
//! Not `sqlx::Pool`: that one pings a connection whenever it comes back (a round trip for each append), and
//! waits out its whole timeout while the database refuses connections, where callers want to hear
//! `unavailable` at once.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use async_trait::async_trait;
use sqlx::Connection;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

use super::{StoreError, StoreResult};

/// How long a caller waits for a connection that others use.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(2);

/// How long making a connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// A connection that nobody has used for this long is asked whether it lives before it is lent: a server that
/// restarted, or a firewall, may have closed it, and that should cost no caller an answer. One in steady use is
/// not asked; it would be a round trip for each append.
const TRUSTED_IDLE: Duration = Duration::from_secs(1);

/// Makes connections.
#[async_trait]
pub(super) trait Connect: Send + Sync + 'static {
    /// What it makes.
    type Connection: Connection + 'static;

    /// Makes one, ready for statements.
    async fn connect(&self) -> Result<Self::Connection, sqlx::Error>;
}

/// A bounded number of connections, made when needed and kept while they work.
pub(super) struct Connections<C: Connect> {
    home: Arc<Home<C>>,
}

struct Home<C: Connect> {
    connector: C,
    permits: Arc<Semaphore>,
    idle: Mutex<Vec<Idle<C::Connection>>>,
    /// Counts up when connections were lost: those lent or kept before are not used again. Pools of one server
    /// share it.
    generation: Arc<AtomicU64>,
}

/// A connection that waits to be used, and since when.
struct Idle<T> {
    connection: T,
    since: Instant,
    generation: u64,
}

/// A connection in use. Dropped without [`give_back`](Lease::give_back), it is closed: nobody knows what a
/// connection is in the middle of when its user was cancelled.
pub(super) struct Lease<C: Connect> {
    connection: C::Connection,
    generation: u64,
    home: Arc<Home<C>>,
    _permit: OwnedSemaphorePermit,
}

impl<C: Connect> Connections<C> {
    /// At most `limit` connections.
    pub(super) fn new(connector: C, limit: u32) -> Self {
        Self::with(connector, limit, Arc::default())
    }

    /// At most `limit` more connections to the same server as `other`'s: what one loses, both have lost.
    pub(super) fn beside(other: &Self, connector: C, limit: u32) -> Self {
        Self::with(connector, limit, Arc::clone(&other.home.generation))
    }

    fn with(connector: C, limit: u32, generation: Arc<AtomicU64>) -> Self {
        let permits = Arc::new(Semaphore::new(usize::try_from(limit).unwrap_or(1).max(1)));
        Self { home: Arc::new(Home { connector, permits, idle: Mutex::default(), generation }) }
    }

    /// A connection; waits for one, for a bounded time, when all are in use.
    pub(super) async fn lease(&self) -> StoreResult<Lease<C>> {
        let home = Arc::clone(&self.home);
        let permit = match timeout(ACQUIRE_TIMEOUT, Arc::clone(&home.permits).acquire_owned()).await {
            Ok(Ok(permit)) => permit,
            Ok(Err(_)) => return Err(StoreError::Unavailable("the connections are closed".into())),
            Err(_) => return Err(StoreError::Unavailable("all connections are in use".into())),
        };
        let kept = home.kept().await;
        let generation = home.generation();
        let connection = match kept {
            Some(connection) => connection,
            None => match timeout(CONNECT_TIMEOUT, home.connector.connect()).await {
                Ok(connected) => connected?,
                Err(_) => return Err(StoreError::Unavailable("no connection was made in time".into())),
            },
        };
        Ok(Lease { connection, generation, home, _permit: permit })
    }

    /// Closes what is idle, and lends no more.
    pub(super) async fn close(&self) {
        self.home.permits.close();
        let idle = std::mem::take(&mut *self.home.idle());
        for idle in idle {
            // A server that is gone cannot be told goodbye; the socket closes either way.
            let _ = timeout(CONNECT_TIMEOUT, idle.connection.close()).await;
        }
    }
}

impl<C: Connect> Home<C> {
    fn idle(&self) -> MutexGuard<'_, Vec<Idle<C::Connection>>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A connection that was kept and lives.
    async fn kept(&self) -> Option<C::Connection> {
        let Idle { mut connection, since, generation } = self.idle().pop()?;
        if generation != self.generation() {
            self.idle().clear();
            return None;
        }
        if since.elapsed() > TRUSTED_IDLE
            && !matches!(timeout(CONNECT_TIMEOUT, connection.ping()).await, Ok(Ok(())))
        {
            self.lose();
            return None;
        }
        Some(connection)
    }

    fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// Connections were lost: closes the idle ones, and keeps none of those in use. A server that restarts has
    /// closed them all, and each would fail one more caller.
    fn lose(&self) {
        self.generation.fetch_add(1, Ordering::AcqRel);
        self.idle().clear();
    }
}

impl<C: Connect> Lease<C> {
    /// The connection.
    pub(super) fn connection(&mut self) -> &mut C::Connection {
        &mut self.connection
    }

    /// Turns a statement's result into the store's, and notes when the connection was lost.
    pub(super) fn settle<T>(&self, result: Result<T, sqlx::Error>) -> StoreResult<T> {
        result.map_err(|error| {
            let error = StoreError::from(error);
            if matches!(error, StoreError::Unavailable(_)) {
                self.home.lose();
            }
            error
        })
    }

    /// Keeps the connection for the next user. Only after its last statement was answered, and outside of a
    /// transaction.
    pub(super) fn give_back(self) {
        let Self { connection, generation, home, _permit: permit } = self;
        if generation == home.generation() && !home.permits.is_closed() {
            home.idle().push(Idle { connection, since: Instant::now(), generation });
        }
        drop(permit);
    }
}
