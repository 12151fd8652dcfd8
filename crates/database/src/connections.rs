//! The connections of one database, bounded.
//!
//! `sqlx::Pool` is not used for two reasons. It pings a connection whenever it is returned, which costs a
//! round trip for each append. And while the database refuses connections, it waits for its whole timeout,
//! but callers need `unavailable` at once.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use async_trait::async_trait;
use madang_kit::{
    Metrics,
    metrics::{Described, Durations, Label, instruments},
};
use sqlx::Connection;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

use crate::{DatabaseError, DatabaseResult};

/// How long a caller waits for a connection that others use.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(2);

/// How long making a connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// A connection that nobody has used for this long is asked whether it lives before it is lent: a server that
/// restarted, or a firewall, may have closed it, and that should cost no caller an answer. One in steady use is
/// not asked; it would be a round trip for each append.
const TRUSTED_IDLE: Duration = Duration::from_secs(1);

instruments! {
    /// What a pool counts.
    struct PoolCounters {
        wait: Histogram<Durations> = "madang.database.connection.wait", "s", "Time that callers waited for a connection, its making included.";
        made: Counter = "madang.database.connections.made", "{connection}", "Connections that were made.";
        failures: CounterBy<Failure> = "madang.database.connection.failures", "{caller}", "Callers who got no connection.";
    }
}

const CONNECTIONS: Described = Described::gauge(
    "madang.database.connections",
    "{connection}",
    "Connections to the database, by whether they are used or idle.",
)
.by(&["pool", "state"]);
const MAX_CONNECTIONS: Described =
    Described::gauge("madang.database.max_connections", "{connection}", "The most connections of a pool.")
        .by(&["pool"]);

/// Why a caller got no connection.
#[derive(Debug, Clone, Copy)]
enum Failure {
    /// All were in use for too long.
    Timeout,
    /// The database refused one, or did not answer.
    Connect,
}

impl Label for Failure {
    const NAME: &'static str = "reason";
    const VALUES: &'static [&'static str] = &["all_in_use", "connect"];

    fn index(self) -> usize {
        self as usize
    }
}

/// Makes connections.
#[async_trait]
pub trait Connect: Send + Sync + 'static {
    /// What it makes.
    type Connection: Connection + 'static;

    /// Makes one, ready for statements.
    async fn connect(&self) -> Result<Self::Connection, sqlx::Error>;

    /// Executes a statement without parameters, such as `COMMIT`, without preparing it.
    async fn execute(connection: &mut Self::Connection, statement: &'static str) -> Result<(), sqlx::Error>;
}

/// A bounded number of connections, made when needed and kept while they work.
pub struct Connections<C: Connect> {
    pool: Arc<Pool<C>>,
}

struct Pool<C: Connect> {
    connector: C,
    max: usize,
    counters: Arc<PoolCounters>,
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
pub struct Lease<C: Connect> {
    connection: C::Connection,
    generation: u64,
    pool: Arc<Pool<C>>,
    _permit: OwnedSemaphorePermit,
}

impl<C: Connect> Connections<C> {
    /// At most `limit` connections.
    #[must_use]
    pub fn new(connector: C, limit: u32) -> Self {
        Self::with(connector, limit, Arc::default())
    }

    /// At most `limit` more connections to the same server as `other`'s: what one loses, both have lost.
    #[must_use]
    pub fn beside(other: &Self, connector: C, limit: u32) -> Self {
        Self::with(connector, limit, Arc::clone(&other.pool.generation))
    }

    fn with(connector: C, limit: u32, generation: Arc<AtomicU64>) -> Self {
        let max = usize::try_from(limit).unwrap_or(1).max(1);
        let permits = Arc::new(Semaphore::new(max));
        let (counters, idle) = (Arc::default(), Mutex::default());
        Self { pool: Arc::new(Pool { connector, max, counters, permits, idle, generation }) }
    }

    /// Shows the connections in metrics, under a name of this pool.
    pub fn observe(&self, metrics: &Metrics, pool: &'static str) {
        metrics.export_by_label("pool", &[(pool, Arc::clone(&self.pool.counters))]);
        let of = Arc::clone(&self.pool);
        metrics.observe(CONNECTIONS, move |observer| {
            let used = of.max.saturating_sub(of.permits.available_permits());
            observer.observe(used as f64, &[pool, "used"]);
            observer.observe(of.idle().len() as f64, &[pool, "idle"]);
        });
        let max = self.pool.max;
        metrics.observe(MAX_CONNECTIONS, move |observer| observer.observe(max as f64, &[pool]));
    }

    /// A connection; waits for one, for a bounded time, when all are in use.
    ///
    /// # Errors
    /// When none is to be had in time, or the database refuses it.
    pub async fn lease(&self) -> DatabaseResult<Lease<C>> {
        let began = Instant::now();
        let pool = Arc::clone(&self.pool);
        let permit = match timeout(ACQUIRE_TIMEOUT, Arc::clone(&pool.permits).acquire_owned()).await {
            Ok(Ok(permit)) => permit,
            Ok(Err(_)) => return Err(DatabaseError::Unavailable("the connections are closed".into())),
            Err(_) => {
                pool.counters.failures.add(Failure::Timeout, 1);
                return Err(DatabaseError::Unavailable("all connections are in use".into()));
            }
        };
        let kept = pool.kept().await;
        let generation = pool.generation();
        let connection = match kept {
            Some(connection) => connection,
            None => pool.connect().await?,
        };
        pool.counters.wait.observe_duration(began.elapsed());
        Ok(Lease { connection, generation, pool, _permit: permit })
    }

    /// Closes what is idle, and lends no more.
    pub async fn close(&self) {
        self.pool.permits.close();
        let idle = std::mem::take(&mut *self.pool.idle());
        for idle in idle {
            // A server that is gone cannot be told goodbye; the socket closes either way.
            let _ = timeout(CONNECT_TIMEOUT, idle.connection.close()).await;
        }
    }
}

impl<C: Connect> Pool<C> {
    fn idle(&self) -> MutexGuard<'_, Vec<Idle<C::Connection>>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn connect(&self) -> DatabaseResult<C::Connection> {
        let failed = || self.counters.failures.add(Failure::Connect, 1);
        let connection = match timeout(CONNECT_TIMEOUT, self.connector.connect()).await {
            Ok(connected) => connected.inspect_err(|_| failed())?,
            Err(_) => {
                failed();
                return Err(DatabaseError::Unavailable("no connection was made in time".into()));
            }
        };
        self.counters.made.add(1);
        Ok(connection)
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
    pub fn connection(&mut self) -> &mut C::Connection {
        &mut self.connection
    }

    /// Turns a statement's result into the database's, and notes when the connection was lost.
    ///
    /// # Errors
    /// The statement's.
    pub fn settle<T>(&self, result: Result<T, sqlx::Error>) -> DatabaseResult<T> {
        result.map_err(|error| {
            let error = DatabaseError::from(error);
            if matches!(error, DatabaseError::Unavailable(_)) {
                self.pool.lose();
            }
            error
        })
    }

    /// Settles the result of the last statement, and keeps the connection where it was answered.
    ///
    /// # Errors
    /// The statement's. The connection closes then: nobody knows in what state it is.
    pub fn finish<T>(self, result: Result<T, sqlx::Error>) -> DatabaseResult<T> {
        let value = self.settle(result)?;
        self.give_back();
        Ok(value)
    }

    /// Keeps the connection for the next user. Only after its last statement was answered, and outside of a
    /// transaction.
    pub fn give_back(self) {
        let Self { connection, generation, pool, _permit: permit } = self;
        if generation == pool.generation() && !pool.permits.is_closed() {
            pool.idle().push(Idle { connection, since: Instant::now(), generation });
        }
        drop(permit);
    }
}

/// Runs one query by itself on a connection of `$connections` (a [`Connections`]), and gives the connection back:
/// `once!(connections, query, fetch_one)?`. `$fetch` is a method of sqlx's queries.
#[macro_export]
macro_rules! once {
    ($connections:expr, $query:expr, $fetch:ident) => {{
        let mut lease = $connections.lease().await?;
        let result = $query.$fetch(lease.connection()).await;
        lease.finish(result)
    }};
}

/// Runs one query of several on the connection of `$on` (a [`Transaction`](crate::Transaction) or a [`Lease`]):
/// `run!(transaction, query, fetch_one)?`. `$fetch` is a method of sqlx's queries.
#[macro_export]
macro_rules! run {
    ($on:expr, $query:expr, $fetch:ident) => {{
        let result = $query.$fetch($on.connection()).await;
        $on.settle(result)
    }};
}
