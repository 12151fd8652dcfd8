//! What goes wrong between the service and its database.

use std::time::Duration;

use madang_domain::Error;

/// How soon to try again when the database does not answer.
const RETRY_UNAVAILABLE: Duration = Duration::from_secs(1);

/// SQLSTATE classes that say "not now" (PostgreSQL manual, appendix A): connection exception,
/// transaction rollback, insufficient resources, operator intervention.
const TRANSIENT_CLASSES: [&str; 4] = ["08", "40", "53", "57"];

/// SQLSTATE of a write to a standby: the primary has moved, and the pool has not noticed yet.
const READ_ONLY_TRANSACTION: &str = "25006";

/// SQLite's result codes (<https://www.sqlite.org/rescode.html>) for "not now": busy, locked.
const SQLITE_TRANSIENT: [&str; 2] = ["5", "6"];

/// A call to the database that failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StoreError {
    /// It does not answer, or not now.
    #[error("the database does not answer")]
    Unavailable(#[source] sqlx::Error),
    /// It refused what it was asked: a defect of this service.
    #[error("the database refused a statement")]
    Refused(#[source] sqlx::Error),
    /// A row holds what it cannot hold: a defect, or a hand that wrote there.
    #[error("{what} in the database is not valid")]
    Corrupt {
        what: &'static str,
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl StoreError {
    pub(crate) fn corrupt(
        what: &'static str,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self::Corrupt { what, source: source.into() }
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        if is_transient(&error) { Self::Unavailable(error) } else { Self::Refused(error) }
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(_) => {
                Self::unavailable("the accounts' database does not answer; try again")
                    .retry_after(RETRY_UNAVAILABLE)
                    .caused_by(error)
            }
            StoreError::Refused(_) | StoreError::Corrupt { .. } => Self::internal(error),
        }
    }
}

/// Why the database could not be opened.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OpenError {
    /// The URL is of another kind.
    #[error("expected postgres://… or sqlite://…")]
    Scheme,
    /// The URL is malformed. What it says may hold a password, so that the cause stays out.
    #[error("not a database URL that can be read")]
    Url,
    /// Every connection of the pool would have a database of its own, and it would be empty after each start.
    #[error("accounts cannot be kept in memory; expected sqlite:// and the path of a file")]
    InMemory,
    /// The database does not answer; waiting may help.
    #[error("cannot connect to the database")]
    Connect(#[source] sqlx::Error),
    /// The file of an SQLite database cannot be made.
    #[error("cannot make the database file")]
    File(#[source] std::io::Error),
    /// A migration does not fit; waiting does not help.
    #[error("cannot migrate the database")]
    Migrate(#[source] sqlx::migrate::MigrateError),
}

impl OpenError {
    /// Whether waiting may help.
    pub(crate) fn is_transient(&self) -> bool {
        match self {
            Self::Connect(_) => true,
            Self::Scheme | Self::Url | Self::InMemory | Self::File(_) | Self::Migrate(_) => false,
        }
    }
}

impl From<sqlx::migrate::MigrateError> for OpenError {
    fn from(error: sqlx::migrate::MigrateError) -> Self {
        use sqlx::migrate::MigrateError;
        match error {
            // The connection broke in the middle; the migration rolled back.
            MigrateError::Execute(cause) | MigrateError::ExecuteMigration(cause, _)
                if is_transient(&cause) =>
            {
                Self::Connect(cause)
            }
            other => Self::Migrate(other),
        }
    }
}

fn is_transient(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::Protocol(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed => true,
        sqlx::Error::Database(error) => error.code().is_some_and(|code| {
            TRANSIENT_CLASSES.iter().any(|class| code.len() == 5 && code.starts_with(class))
                || code == READ_ONLY_TRANSACTION
                || SQLITE_TRANSIENT.contains(&&*code)
        }),
        _ => false,
    }
}
