//! What the database answers when it does not do what it was asked.

use std::{borrow::Cow, error::Error};

/// A failure of the database.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StoreError {
    /// It does not answer, or refuses for now. Trying again helps.
    #[error("the database is unavailable")]
    Unavailable(#[source] Box<dyn Error + Send + Sync>),
    /// It did not answer in time.
    #[error("the database did not answer in time")]
    Deadline,
    /// It refuses a statement, or cannot be used: a defect or a wrong setting. Trying again does not help.
    #[error("the database refuses")]
    Defect(#[source] Box<dyn Error + Send + Sync>),
    /// A stored value is not one that the service stores.
    #[error("the database holds a bad {what}")]
    Corrupt {
        /// What kind of value.
        what: &'static str,
        /// Why it is bad.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
}

/// A result of the database.
pub(crate) type StoreResult<T> = Result<T, StoreError>;

impl StoreError {
    /// Of a bad stored value.
    pub(crate) fn corrupt(what: &'static str, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Corrupt { what, source: source.into() }
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        use sqlx::Error as E;
        match &error {
            E::Io(_) | E::Tls(_) | E::Protocol(_) | E::PoolTimedOut | E::PoolClosed | E::WorkerCrashed => {
                Self::Unavailable(error.into())
            }
            E::Database(database) => match Refusal::of(database.code()) {
                Refusal::Temporary => Self::Unavailable(error.into()),
                Refusal::Cancelled => Self::Deadline,
                Refusal::Final => Self::Defect(error.into()),
            },
            // Listed by exclusion, because sqlx may add to its errors: what is not known to pass is a defect.
            _ => Self::Defect(error.into()),
        }
    }
}

enum Refusal {
    Temporary,
    Cancelled,
    Final,
}

impl Refusal {
    fn of(code: Option<Cow<'_, str>>) -> Self {
        let Some(code) = code else { return Self::Final };
        // SQLite answers with its extended code as a number, whose low byte is the code; PostgreSQL with an
        // SQLSTATE of five characters (<https://www.postgresql.org/docs/current/errcodes-appendix.html>).
        if code.len() < 5 {
            return Self::of_sqlite(&code);
        }
        match &code[..2] {
            // Connection trouble; no resources (connections, disk, memory); the server stops or starts.
            "08" | "53" => Self::Temporary,
            "57" if code == "57014" => Self::Cancelled,
            "57" | "58" => Self::Temporary,
            // The database does not exist (yet); serialisation failure and deadlock; a standby after a failover.
            "3D" | "40" => Self::Temporary,
            "25" if code == "25006" => Self::Temporary,
            _ => Self::Final,
        }
    }

    fn of_sqlite(code: &str) -> Self {
        // BUSY 5, LOCKED 6, IOERR 10, FULL 13, CANTOPEN 14 (<https://www.sqlite.org/rescode.html>).
        match code.parse::<u32>().map(|code| code & 0xff) {
            Ok(5 | 6 | 10 | 13 | 14) => Self::Temporary,
            Ok(_) | Err(_) => Self::Final,
        }
    }
}
