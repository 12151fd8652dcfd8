//! Starting the service: reaching the database, preparing it, and the tasks that go on beside the calls.

use std::{sync::Arc, time::Duration};

use madang_database::{
    DatabaseError, DatabaseResult, DatabaseUrl, Repetition, Transactions, UrlError, until_open,
};
use madang_domain::{Epoch, Timestamp};
use madang_kit::{
    Check, Host, Lifecycle, Secret, StartError,
    clock::{Clock, Random},
};
use tokio::sync::Semaphore;
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::{
    batch::Queue,
    indexing::{Hints, Indexer},
    metrics::CallMetrics,
    operations::{
        Appender, CountedMarks, Engine, InboxOpener, InboxTrimmer, KnownProfiles, Opener, ReplyNotices,
    },
    service::{Inner, Metered, Operations, Service},
    settings::{
        APART_APPENDS_WAITING, CALL_DEADLINE, EXPIRE_CHUNK_FILES, FILE_APPENDS_MAX, FORGET_CHUNK_SLUGS,
        PING_INTERVAL, PING_TIMEOUT, PURGE_CHUNK_EVENTS, PURGE_INTERVAL, SEARCHES_MAX, SLUG_REST, Settings,
        THREAD_APPENDS_MAX, TOMBSTONE_KEPT, UNUSED_FILE_EXPIRY, UPLOAD_EXPIRY, WORD_LISTS_REFRESH,
    },
    store::{Database, Expiry, Postgres, Sqlite},
    turns::Turns,
    words::WordLists,
};

/// The setting that names the database.
const DATABASE_URL: &str = "MADANG_DATABASE_URL";

/// The seconds of a day.
const DAY_SECONDS: u64 = 24 * 60 * 60;

/// How much longer a statement may run on the server than its caller waits: the caller gives up first, and
/// the server soon after.
const STATEMENT_GRACE: Duration = Duration::from_secs(1);

/// Starts the service in a child of the host's life, and answers when it can be called.
///
/// While the database does not answer it is tried again, with back-off, for as long as it takes; readiness
/// says so. Dropping the future gives up.
///
/// Once started, it stays ready while the database is unavailable, and answers `unavailable`: every replica
/// has the same database, so that turning callers away would help nobody, and would delay their return.
///
/// # Errors
///
/// When the URL cannot be used, or the database answers and cannot be used: it refuses the credentials, its
/// text is not UTF-8, or it holds another schema.
pub async fn start(settings: &Settings, url: &Secret, host: &Host) -> Result<Service, StartError> {
    let database = database(settings, url)?;
    database.observe(&host.metrics);
    let check = host.readiness.check("database");
    prepare(&*database, settings.migrate, host, &check).await?;
    check.ready();

    let life = host.lifecycle.child("message-store");
    let profiles = Arc::new(KnownProfiles::default());
    let repetition = Repetition::within(CALL_DEADLINE);
    let transactions = Arc::new(Transactions::new(&host.metrics, Arc::clone(&host.random), repetition));
    let hints = Arc::new(Hints::default());
    let appender = Appender {
        database: Arc::clone(&database),
        transactions: Arc::clone(&transactions),
        clock: Arc::clone(&host.clock),
        profiles: Arc::clone(&profiles),
        hints: Arc::clone(&hints),
    };
    let appends = Queue::start(appender, settings.append_bounds(), &life);
    let opens = Queue::start(Opener { database: Arc::clone(&database) }, Settings::open_bounds(), &life);
    let inbox_opener = InboxOpener { database: Arc::clone(&database) };
    let inbox_opens = Queue::start(inbox_opener, Settings::open_bounds(), &life);
    appends.observe(&host.metrics);
    opens.observe(&host.metrics);
    inbox_opens.observe(&host.metrics);

    let soft = life.soft().clone();
    life.tasks().spawn("database", watch(Arc::clone(&database), soft.clone()));
    life.tasks().spawn(
        "purge",
        purge(Arc::clone(&database), Arc::clone(&transactions), Arc::clone(&host.clock), soft),
    );
    let indexer = Indexer {
        database: Arc::clone(&database),
        transactions: Arc::clone(&transactions),
        random: Arc::clone(&host.random),
        hints: Arc::clone(&hints),
    };
    indexer.start(&life, &host.metrics);
    let words = Arc::new(WordLists::default());
    // Before the first message is judged.
    until_open("the database", host, &check, || words.refresh(&*database)).await?;
    let follow_words = follow_words(Arc::clone(&database), Arc::clone(&words), life.soft().clone());
    life.tasks().spawn("words", follow_words);
    let reply_notices = Arc::new(ReplyNotices {
        database: Arc::clone(&database),
        transactions: Arc::clone(&transactions),
        clock: Arc::clone(&host.clock),
    });
    Arc::clone(&reply_notices).start(&life);
    let trimmer = InboxTrimmer {
        database: Arc::clone(&database),
        transactions: Arc::clone(&transactions),
        clock: Arc::clone(&host.clock),
        age: Duration::from_secs(u64::from(settings.inbox_days) * DAY_SECONDS),
        count: settings.inbox_notices.into(),
    };
    trimmer.start(&life);
    close_at_end(&life, Arc::clone(&database));

    let engine = Engine {
        database,
        transactions,
        clock: Arc::clone(&host.clock),
        random: Arc::clone(&host.random),
        profiles,
        added_by: settings.added_by,
        edit_window: Duration::from_secs(settings.edit_window_seconds.into()),
        searches: Arc::new(Semaphore::new(SEARCHES_MAX)),
        words,
        counted_marks: CountedMarks::default(),
        hints,
        reply_notices,
        file_share: settings.user_file_bytes,
        file_appends: Turns::new(FILE_APPENDS_MAX, APART_APPENDS_WAITING),
        thread_appends: Turns::new(THREAD_APPENDS_MAX, APART_APPENDS_WAITING),
    };
    let inner = Inner { life, engine, appends, opens, inbox_opens, _check: check };
    Ok(Service::new(Operations::new(inner), Metered::new(CallMetrics::new(&host.metrics))))
}

/// Applies the migrations, and does nothing else. Starting does the same; this is for a deployment that gives
/// the right to change the schema to a job of its own.
///
/// # Errors
///
/// As [`start`].
pub async fn migrate(settings: &Settings, url: &Secret, host: &Host) -> Result<(), StartError> {
    let database = database(settings, url)?;
    prepare(&*database, true, host, &host.readiness.check("database")).await?;
    database.close().await;
    Ok(())
}

/// Gives the log a new epoch. To be run after the database was restored from a backup and before it is
/// served: clients then know that cursors from the lost time mean nothing.
///
/// # Errors
///
/// As [`start`], and when the database does not answer.
pub async fn renew_epoch(settings: &Settings, url: &Secret, host: &Host) -> Result<Epoch, StartError> {
    let database = database(settings, url)?;
    prepare(&*database, settings.migrate, host, &host.readiness.check("database")).await?;
    let epoch = draw_epoch(&*host.random);
    database.renew_epoch(epoch).await.map_err(|error| StartError::dependency("the database", error))?;
    database.close().await;
    Ok(epoch)
}

fn database(settings: &Settings, url: &Secret) -> Result<Arc<dyn Database>, StartError> {
    let named: Result<Arc<dyn Database>, UrlError> =
        DatabaseUrl::parse(url.expose()).and_then(|url| match url {
            DatabaseUrl::Postgres(url) => {
                let limit = CALL_DEADLINE + STATEMENT_GRACE;
                let postgres = Postgres::new(url, settings.connections, settings.append_workers, limit)?;
                Ok(Arc::new(postgres) as _)
            }
            DatabaseUrl::Sqlite(url) => Ok(Arc::new(Sqlite::new(url, settings.connections)?) as _),
        });
    named.map_err(|error| StartError::setting(DATABASE_URL, error.to_string()))
}

/// Reaches the database and applies the migrations, or else waits until they are applied.
async fn prepare(
    database: &dyn Database,
    migrate: bool,
    host: &Host,
    check: &Check,
) -> Result<(), StartError> {
    let epoch = draw_epoch(&*host.random);
    until_open("the database", host, check, || database.prepare(epoch, migrate)).await
}

fn draw_epoch(random: &dyn Random) -> Epoch {
    let mut bytes = [0; 4];
    random.fill(&mut bytes);
    Epoch::new(u32::from_le_bytes(bytes))
}

/// Asks now and then which word lists have changed. What cannot be asked stays as it was.
async fn follow_words(database: Arc<dyn Database>, words: Arc<WordLists>, soft: CancellationToken) {
    let mut ticks = interval(WORD_LISTS_REFRESH);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while soft.run_until_cancelled(ticks.tick()).await.is_some() {
        // `watch` says in the log that the database does not answer.
        if let Err(error) = words.refresh(&*database).await {
            tracing::debug!(cause = %error.cause(), "the word lists could not be asked for");
        }
    }
}

/// Asks the database whether it answers, and says in the log when that changes.
async fn watch(database: Arc<dyn Database>, soft: CancellationToken) {
    let mut ticks = interval(PING_INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut answers = true;
    while soft.run_until_cancelled(ticks.tick()).await.is_some() {
        let answer = timeout(PING_TIMEOUT, database.ping()).await.unwrap_or(Err(DatabaseError::Deadline));
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
async fn purge(
    database: Arc<dyn Database>,
    transactions: Arc<Transactions>,
    clock: Arc<dyn Clock>,
    soft: CancellationToken,
) {
    let mut ticks = interval(PURGE_INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            biased;
            () = soft.cancelled() => return,
            _ = ticks.tick() => {}
        }
        if let Err(error) = forget_slugs(&*database, clock.now().minus(SLUG_REST)).await {
            tracing::warn!(cause = %error.cause(), "slugs that have rested could not be forgotten; trying again later");
        }
        if let Err(error) = end_statuses(&*database, clock.now()).await {
            tracing::warn!(cause = %error.cause(), "statuses that have ended could not be removed; trying again later");
        }
        while !soft.is_cancelled() {
            match expire_files(&*database, &transactions, clock.now()).await {
                Ok(0) => break,
                Ok(removed) => tracing::debug!(removed, "had files removed"),
                Err(error) => {
                    tracing::warn!(cause = %error.cause(), "files could not be had removed; trying again later");
                    break;
                }
            }
        }
        while !soft.is_cancelled() {
            match purge_once(&*database, &transactions, clock.now().minus(TOMBSTONE_KEPT)).await {
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

/// Nobody sees a status that has ended; this takes its text away.
async fn end_statuses(database: &dyn Database, now: Timestamp) -> DatabaseResult<()> {
    let mut connection = database.writer().await?;
    connection.end_statuses(now).await?;
    connection.commit().await
}

async fn purge_once(
    database: &dyn Database,
    transactions: &Transactions,
    deleted_before: Timestamp,
) -> DatabaseResult<Option<u64>> {
    let purge = || async {
        let mut transaction = database.begin().await?;
        let removed = transaction.purge(deleted_before, PURGE_CHUNK_EVENTS).await?;
        transaction.commit().await?;
        Ok(removed)
    };
    transactions.run("purge", purge).await
}

/// Has a bounded number of files removed that no message has had for too long, or whose room was deleted.
async fn expire_files(
    database: &dyn Database,
    transactions: &Transactions,
    now: Timestamp,
) -> DatabaseResult<u64> {
    let expiry =
        Expiry { uploads_before: now.minus(UPLOAD_EXPIRY), unused_before: now.minus(UNUSED_FILE_EXPIRY) };
    let expire = || async {
        let mut transaction = database.begin().await?;
        let removed = transaction.expire_files(expiry, now, EXPIRE_CHUNK_FILES).await?;
        transaction.commit().await?;
        Ok(removed)
    };
    transactions.run("expire_files", expire).await
}

/// Forgets slugs that have rested, a bounded number at a time; the rest of them goes the next time.
async fn forget_slugs(database: &dyn Database, given_up_before: Timestamp) -> DatabaseResult<()> {
    let mut connection = database.writer().await?;
    connection.forget_slugs(given_up_before, FORGET_CHUNK_SLUGS).await?;
    connection.commit().await
}

/// Closes the connections when the queues have ended.
fn close_at_end(life: &Lifecycle, database: Arc<dyn Database>) {
    let soft = life.soft().clone();
    life.tasks().spawn("connections", async move {
        soft.cancelled().await;
        // Queues are served a little longer than this; what is in use closes as it is given back.
        sleep(crate::batch::STOP_LINGER * 2).await;
        database.close().await;
    });
}
