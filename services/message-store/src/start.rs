//! Starting the service: reaching the database, preparing it, and the tasks that go on beside the calls.

use std::{sync::Arc, time::Duration};

use madang_database::{DatabaseUrl, UrlError, until_open};
use madang_domain::{Epoch, Timestamp};
use madang_kit::{
    Check, Host, Lifecycle, Secret, StartError,
    clock::{Clock, Random},
};
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::{
    append::Appender,
    batch::Queue,
    inbox::InboxOpener,
    measures::Measures,
    open::Opener,
    profiles::KnownProfiles,
    service::{Inner, Metered, Operations, Service},
    settings::{PING_INTERVAL, PING_TIMEOUT, PURGE_CHUNK_EVENTS, PURGE_INTERVAL, Settings, TOMBSTONE_KEPT},
    store::{Backend, Postgres, Sqlite, StoreError, StoreResult},
};

/// The setting that names the database.
const DATABASE_URL: &str = "MADANG_DATABASE_URL";

/// How much longer a statement may run on the server than its caller waits: the caller gives up first, and
/// the server soon after.
const STATEMENT_GRACE: Duration = Duration::from_secs(1);

/// Starts the service in a child of the host's life, and answers when it can be called.
///
/// While the database does not answer it is tried again, with back-off, for as long as it takes; readiness
/// says so. Dropping the future gives up.
///
/// Once started it stays ready while the database is away, and answers `unavailable`: every replica has the
/// same database, so that turning callers away would help nobody, and would delay their return.
///
/// # Errors
///
/// When the URL cannot be used, or the database answers and cannot be used: it refuses the credentials, its
/// text is not UTF-8, or it holds another schema.
pub async fn start(settings: &Settings, database: &Secret, host: &Host) -> Result<Service, StartError> {
    let backend = backend(settings, database)?;
    let check = host.readiness.check("database");
    prepare(&*backend, host, &check).await?;
    check.ready();

    let life = host.lifecycle.child("message-store");
    let profiles = Arc::new(KnownProfiles::default());
    let appender = Appender {
        backend: Arc::clone(&backend),
        clock: Arc::clone(&host.clock),
        profiles: Arc::clone(&profiles),
    };
    let appends = Queue::start(appender, settings.append_bounds(), &life);
    let opens = Queue::start(Opener { backend: Arc::clone(&backend) }, Settings::open_bounds(), &life);
    let inbox_opener = InboxOpener { backend: Arc::clone(&backend) };
    let inbox_opens = Queue::start(inbox_opener, Settings::open_bounds(), &life);
    host.metrics.export_by_label(
        "queue",
        &[
            ("append", Arc::clone(appends.counters())),
            ("open", Arc::clone(opens.counters())),
            ("open_inbox", Arc::clone(inbox_opens.counters())),
        ],
    );

    let soft = life.soft().clone();
    life.tasks().spawn("database", watch(Arc::clone(&backend), soft.clone()));
    life.tasks().spawn("purge", purge(Arc::clone(&backend), Arc::clone(&host.clock), soft));
    close_at_end(&life, Arc::clone(&backend));

    let (clock, random) = (Arc::clone(&host.clock), Arc::clone(&host.random));
    let inner = Inner { life, backend, clock, random, profiles, appends, opens, inbox_opens, _check: check };
    Ok(Service::new(Operations::new(inner), Metered::new(Measures::new(&host.metrics))))
}

/// Applies the migrations, and does nothing else. Starting does the same; this is for a deployment that gives
/// the right to change the schema to a job of its own.
///
/// # Errors
///
/// As [`start`].
pub async fn migrate(settings: &Settings, database: &Secret, host: &Host) -> Result<(), StartError> {
    let backend = backend(settings, database)?;
    prepare(&*backend, host, &host.readiness.check("database")).await?;
    backend.close().await;
    Ok(())
}

/// Gives the log a new epoch. To be run after the database was restored from a backup and before it is
/// served: clients then know that cursors from the lost time mean nothing.
///
/// # Errors
///
/// As [`start`], and when the database does not answer.
pub async fn renew_epoch(settings: &Settings, database: &Secret, host: &Host) -> Result<Epoch, StartError> {
    let backend = backend(settings, database)?;
    prepare(&*backend, host, &host.readiness.check("database")).await?;
    let epoch = draw_epoch(&*host.random);
    backend.renew_epoch(epoch).await.map_err(|error| StartError::dependency("the database", error))?;
    backend.close().await;
    Ok(epoch)
}

fn backend(settings: &Settings, database: &Secret) -> Result<Arc<dyn Backend>, StartError> {
    let named: Result<Arc<dyn Backend>, UrlError> =
        DatabaseUrl::parse(database.expose()).and_then(|url| match url {
            DatabaseUrl::Postgres(url) => {
                let limit = crate::settings::CALL_DEADLINE + STATEMENT_GRACE;
                let postgres = Postgres::new(url, settings.connections, settings.append_workers, limit)?;
                Ok(Arc::new(postgres) as _)
            }
            DatabaseUrl::Sqlite(url) => Ok(Arc::new(Sqlite::new(url, settings.connections)?) as _),
        });
    named.map_err(|error| StartError::setting(DATABASE_URL, error.to_string()))
}

/// Reaches the database and applies the migrations.
async fn prepare(backend: &dyn Backend, host: &Host, check: &Check) -> Result<(), StartError> {
    let epoch = draw_epoch(&*host.random);
    until_open("the database", host, check, || backend.prepare(epoch)).await
}

fn draw_epoch(random: &dyn Random) -> Epoch {
    let mut bytes = [0; 4];
    random.fill(&mut bytes);
    Epoch::new(u32::from_le_bytes(bytes))
}

/// Asks the database whether it answers, and says in the log when that changes.
async fn watch(backend: Arc<dyn Backend>, soft: CancellationToken) {
    let mut ticks = interval(PING_INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut answers = true;
    while soft.run_until_cancelled(ticks.tick()).await.is_some() {
        let answer = timeout(PING_TIMEOUT, backend.ping()).await.unwrap_or(Err(StoreError::Deadline));
        match (&answer, answers) {
            (Err(error), true) => {
                tracing::error!(cause = %error.cause(), "the database does not answer; callers are told `unavailable`");
            }
            (Ok(()), false) => tracing::info!("the database answers again"),
            (Ok(()), true) | (Err(_), false) => {}
        }
        answers = answer.is_ok();
    }
}

/// Removes the logs of deleted rooms, a bounded number of events at a time, whichever replica deleted them.
async fn purge(backend: Arc<dyn Backend>, clock: Arc<dyn Clock>, soft: CancellationToken) {
    let mut ticks = interval(PURGE_INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            biased;
            () = soft.cancelled() => return,
            _ = ticks.tick() => {}
        }
        while !soft.is_cancelled() {
            match purge_once(&*backend, clock.now().minus(TOMBSTONE_KEPT)).await {
                Ok(Some(removed)) => tracing::debug!(removed, "removed events of a deleted room"),
                Ok(None) => break,
                Err(error) => {
                    tracing::warn!(cause = %error.cause(), "events of deleted rooms could not be removed; trying again later");
                    break;
                }
            }
        }
    }
}

async fn purge_once(backend: &dyn Backend, deleted_before: Timestamp) -> StoreResult<Option<u64>> {
    let mut session = backend.write().await?;
    let removed = session.purge(deleted_before, PURGE_CHUNK_EVENTS).await?;
    session.commit().await?;
    Ok(removed)
}

/// Closes the connections when the queues have ended.
fn close_at_end(life: &Lifecycle, backend: Arc<dyn Backend>) {
    let soft = life.soft().clone();
    life.tasks().spawn("connections", async move {
        soft.cancelled().await;
        // Queues are served a little longer than this; what is in use closes as it is given back.
        sleep(crate::batch::STOP_LINGER * 2).await;
        backend.close().await;
    });
}
