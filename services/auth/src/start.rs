//! Starting: the database, the keys, and what happens by itself afterwards.

use std::{sync::Arc, time::Duration};

use madang_database::{Attempt, Repetition, Transactions, UrlError, until_open};
use madang_kit::{Check, Host, Secret, StartError};

use crate::{
    engine::Engine,
    error::AuthError,
    service::{OPERATION_DEADLINE, Observed, Operations, Service},
    settings::{Policy, Settings},
    store::{Store, Target},
};

/// The setting that names the database.
const DATABASE_URL: &str = "MADANG_DATABASE_URL";

/// How often expired things are forgotten, keys are rotated when due, and other replicas' keys seen.
const MAINTENANCE_INTERVAL: Duration = Duration::from_secs(5);

/// How long one attempt to see to the signing keys at start may take.
const FIRST_KEYS_DEADLINE: Duration = Duration::from_secs(10);

/// What messages call the database.
const DATABASE: &str = "the accounts' database";

/// Starts the service: waits for the database, migrates it, sees to the signing keys. It runs in a
/// [child](madang_kit::Lifecycle::child) of the host's life.
///
/// Once started it stays ready while the database is away and answers `unavailable`: every replica has
/// the same database, so that turning clients away would help nobody, and the public keys can still be
/// had.
///
/// # Errors
///
/// When a setting is wrong, the database cannot be migrated, or the host stops meanwhile. A database
/// that does not answer is no error; it is waited for.
pub async fn start(settings: &Settings, database: &Secret, host: &Host) -> Result<Service, StartError> {
    let (policy, target) = read(settings, database)?;
    let check = host.readiness.check("accounts");
    let store = until_open(DATABASE, host, &check, || target.open(transactions(host))).await?;
    let engine = Arc::new(ready(store, policy, host, &check).await?);
    check.ready();

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
        // Held to here: what this service says of its readiness ends with it.
        drop(check);
    });
    Ok(service)
}

/// Brings the database up to date and ends.
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

/// Adds a signing key before its time. It takes over after the overlap; or, of keys that have leaked
/// (`is_compromised`), at once, and all tokens that those signed stop being good as soon as verifiers
/// fetch the keys again. Replicas follow within seconds.
///
/// # Errors
///
/// As [`start`]; besides, when the database fails.
pub async fn rotate_key(
    settings: &Settings,
    database: &Secret,
    host: &Host,
    is_compromised: bool,
) -> Result<String, StartError> {
    let (policy, target) = read(settings, database)?;
    let check = host.readiness.check("accounts");
    let store = until_open(DATABASE, host, &check, || target.open(transactions(host))).await?;
    let engine = ready(store, policy, host, &check).await?;
    let rotated = engine.keys.rotate(host.clock.now(), is_compromised).await;
    rotated.map_err(|error| StartError::dependency("the database", error))
}

/// The database alone, open and up to date, for a task at the command line.
pub(crate) async fn open(
    settings: &Settings,
    database: &Secret,
    host: &Host,
) -> Result<Arc<dyn Store>, StartError> {
    let (_, target) = read(settings, database)?;
    let check = host.readiness.check("accounts");
    until_open(DATABASE, host, &check, || target.open(transactions(host))).await
}

fn read(settings: &Settings, database: &Secret) -> Result<(Policy, Target), StartError> {
    let target = Target::parse(database.expose(), settings.database_connections);
    let target = target.map_err(|error: UrlError| StartError::setting(DATABASE_URL, error.to_string()))?;
    Ok((settings.policy()?, target))
}

/// The transactions of this service: named, measured, and repeated within the deadline of an operation.
fn transactions(host: &Host) -> Transactions {
    Transactions::new(&host.metrics, Arc::clone(&host.random), Repetition::within(OPERATION_DEADLINE))
}

/// An engine that has its keys.
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

/// Logs the first failure of a row and its end, and says whether it failed.
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
