//! The start of the service: the database, the signing keys, and periodic maintenance.

use std::{sync::Arc, time::Duration};

use madang_database::{Attempt, Repetition, Transactions, UrlError, until_open};
use madang_kit::{Check, Host, Metrics, Secret, StartError, metrics::Described};

use crate::{
    engine::Engine,
    error::AuthError,
    service::{OPERATION_DEADLINE, Observed, Operations, Service},
    settings::{Policy, Settings},
    store::{Store, Target},
};

/// The setting that names the database.
const DATABASE_URL: &str = "MADANG_DATABASE_URL";

/// The interval of maintenance: deleting expired rows, rotating due keys, and loading the other replicas'
/// keys.
const MAINTENANCE_INTERVAL: Duration = Duration::from_secs(5);

/// The deadline of one attempt to load or create the signing keys at the start.
const FIRST_KEYS_DEADLINE: Duration = Duration::from_secs(10);

/// The name of the database in messages.
const DATABASE: &str = "the accounts' database";

/// Starts the service: waits for the database, migrates it, and loads or creates the signing keys. It runs in
/// a [child](madang_kit::Lifecycle::child) of the host's lifecycle.
///
/// Once started, it stays ready while the database is unavailable, and answers `unavailable`. All replicas
/// use the same database, so that failing readiness would help no client. The public keys are still served.
///
/// # Errors
///
/// When a setting is wrong, the database cannot be migrated, or the host stops meanwhile. A database that
/// does not answer is not an error; the service waits for it.
pub async fn start(settings: &Settings, database: &Secret, host: &Host) -> Result<Service, StartError> {
    let (policy, target) = read(settings, database)?;
    let check = host.readiness.check("accounts");
    let store = until_open(DATABASE, host, &check, || {
        target.open(transactions(host), settings.migrate, &host.metrics)
    })
    .await?;
    let engine = Arc::new(ready(store, policy, host, &check).await?);
    check.ready();
    observe(&engine, &host.metrics);

    let lifecycle = host.lifecycle.child("auth");
    let service =
        Service::new(Operations::new(Arc::clone(&engine), lifecycle.clone()), Observed::new(&host.metrics));
    let soft = lifecycle.soft().clone();
    lifecycle.tasks().spawn("maintenance", async move {
        let mut ticks = tokio::time::interval(MAINTENANCE_INTERVAL);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut failing = false;
        loop {
            tokio::select! {
                biased;
                () = soft.cancelled() => break,
                _ = ticks.tick() => {}
            }
            let result = tokio::time::timeout(MAINTENANCE_INTERVAL, engine.maintain()).await;
            failing = report(&result, failing);
        }
        // The check is held until here, since this service's readiness ends when it is dropped.
        drop(check);
    });
    Ok(service)
}

const SIGNING_KEY_AGE: Described = Described::gauge(
    "madang.auth.signing_key.age",
    "s",
    "Time since the key began to sign that signs now; a rotation begins anew.",
);

/// Shows who is refused, and how old the signing key is.
fn observe(engine: &Arc<Engine>, metrics: &Metrics) {
    metrics.export(engine.audit.counters());
    let engine = Arc::clone(engine);
    metrics.observe(SIGNING_KEY_AGE, move |observer| {
        if let Some(age) = engine.keys.signer_age(engine.clock.now()) {
            observer.observe(age.as_secs_f64(), &[]);
        }
    });
}

/// Migrates the database and returns.
///
/// # Errors
///
/// As [`start`].
pub async fn migrate(settings: &Settings, database: &Secret, host: &Host) -> Result<(), StartError> {
    let (_, target) = read(settings, database)?;
    let check = host.readiness.check("accounts");
    until_open(DATABASE, host, &check, || target.migrate()).await?;
    tracing::info!("the accounts' database is up to date");
    Ok(())
}

/// Adds a signing key before its scheduled time. It signs after the overlap. If the current keys have leaked
/// (`is_compromised`), it signs at once. Their tokens become invalid as soon as verifiers fetch the keys
/// again. Other replicas follow within seconds.
///
/// # Errors
///
/// As [`start`], and when the database fails.
pub async fn rotate_key(
    settings: &Settings,
    database: &Secret,
    host: &Host,
    is_compromised: bool,
) -> Result<String, StartError> {
    let (policy, target) = read(settings, database)?;
    let check = host.readiness.check("accounts");
    let store = until_open(DATABASE, host, &check, || {
        target.open(transactions(host), settings.migrate, &host.metrics)
    })
    .await?;
    let engine = ready(store, policy, host, &check).await?;
    let rotated = engine.keys.rotate(host.clock.now(), is_compromised).await;
    rotated.map_err(|error| StartError::dependency("the database", error))
}

/// Opens and migrates the database alone, for a command.
pub(crate) async fn open(
    settings: &Settings,
    database: &Secret,
    host: &Host,
) -> Result<Arc<dyn Store>, StartError> {
    let (_, target) = read(settings, database)?;
    let check = host.readiness.check("accounts");
    until_open(DATABASE, host, &check, || target.open(transactions(host), settings.migrate, &host.metrics))
        .await
}

fn read(settings: &Settings, database: &Secret) -> Result<(Policy, Target), StartError> {
    let target = Target::parse(database.expose(), settings.database_connections);
    let target = target.map_err(|error: UrlError| StartError::setting(DATABASE_URL, error.to_string()))?;
    Ok((settings.policy()?, target))
}

/// The transaction runner of this service: it names, measures and repeats transactions within an operation's
/// deadline.
fn transactions(host: &Host) -> Transactions {
    Transactions::new(&host.metrics, Arc::clone(&host.random), Repetition::within(OPERATION_DEADLINE))
}

/// Creates an engine and loads its signing keys.
async fn ready(
    store: Arc<dyn Store>,
    policy: Policy,
    host: &Host,
    check: &Check,
) -> Result<Engine, StartError> {
    let engine = Engine::new(store, policy, Arc::clone(&host.clock), Arc::clone(&host.random)).await;
    let engine = engine.map_err(|error| StartError::dependency("password hashing", error))?;
    // Each of its statements has a deadline; all of them take as long as there are accounts of an earlier version.
    until_open(DATABASE, host, check, || async { engine.form_all_names().await.map_err(attempt) }).await?;
    until_open(DATABASE, host, check, || async {
        match tokio::time::timeout(FIRST_KEYS_DEADLINE, engine.maintain()).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(attempt(error)),
            Err(elapsed) => Err(Attempt::Again(Box::new(elapsed))),
        }
    })
    .await?;
    Ok(engine)
}

fn attempt(error: AuthError) -> Attempt {
    match error {
        AuthError::Database(error) => Attempt::from(error),
        other => Attempt::Failed(Box::new(other)),
    }
}

/// Logs the first of consecutive failures and the first success after them. Returns whether this round
/// failed.
fn report(result: &Result<Result<(), AuthError>, tokio::time::error::Elapsed>, was_failing: bool) -> bool {
    match result {
        Ok(Ok(())) if was_failing => tracing::info!("maintenance works again"),
        Ok(Err(error)) if !was_failing => {
            tracing::warn!(
                error = error as &(dyn std::error::Error + 'static),
                "maintenance fails; it will be tried again"
            );
        }
        Err(_elapsed) if !was_failing => tracing::warn!("maintenance takes too long; it will be tried again"),
        Ok(_) | Err(_) => {}
    }
    !matches!(result, Ok(Ok(())))
}
