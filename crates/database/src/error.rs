//! What a failure of the database means to the caller.
//!
//! Both services judge by the one table below, so that the same failure gives the same answer everywhere.

use std::{error::Error, time::Duration};

use madang_domain::Code;

/// How soon a caller may try again.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// A failure of the database.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    /// It does not answer, or refuses for now. Trying again later helps.
    #[error("the database is unavailable")]
    Unavailable(#[source] Box<dyn Error + Send + Sync>),
    /// The transaction met another one and was rolled back as a whole. Trying again at once helps.
    #[error("the transaction conflicts with another one")]
    Conflict(#[source] Box<dyn Error + Send + Sync>),
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
pub type DatabaseResult<T> = Result<T, DatabaseError>;

impl DatabaseError {
    /// The error of a bad stored value.
    pub fn corrupt(what: &'static str, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Corrupt { what, source: source.into() }
    }

    /// Whether waiting may help. A start waits then, and ends otherwise.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        match self {
            Self::Unavailable(_) | Self::Conflict(_) | Self::Deadline => true,
            Self::Defect(_) | Self::Corrupt { .. } => false,
        }
    }

    /// The outcome as metrics name it.
    #[must_use]
    pub const fn outcome(&self) -> &'static str {
        match self {
            Self::Unavailable(_) => "unavailable",
            Self::Conflict(_) => "conflict",
            Self::Deadline => "deadline",
            Self::Defect(_) | Self::Corrupt { .. } => "failed",
        }
    }

    /// The error's cause as text, or the error itself where it has none.
    #[must_use]
    pub fn cause(&self) -> String {
        self.source().map_or_else(|| self.to_string(), ToString::to_string)
    }
}

impl From<sqlx::Error> for DatabaseError {
    fn from(error: sqlx::Error) -> Self {
        use sqlx::Error as E;
        match &error {
            // The connection failed, or what came over it made no sense, as when a proxy cuts it.
            E::Io(_) | E::Tls(_) | E::Protocol(_) | E::PoolTimedOut | E::PoolClosed | E::WorkerCrashed => {
                Self::Unavailable(error.into())
            }
            E::Database(database) => match database.code().as_deref().map_or(Refusal::Final, Refusal::of) {
                Refusal::Temporary => Self::Unavailable(error.into()),
                Refusal::Conflict => Self::Conflict(error.into()),
                Refusal::Cancelled => Self::Deadline,
                Refusal::Final => Self::Defect(error.into()),
            },
            // Listed by exclusion, because sqlx may add to its errors: what is not known to pass is a defect.
            _ => Self::Defect(error.into()),
        }
    }
}

impl From<DatabaseError> for madang_domain::Error {
    fn from(error: DatabaseError) -> Self {
        match error {
            DatabaseError::Unavailable(_) => Self::unavailable("the database does not answer; try again")
                .retry_after(RETRY_AFTER)
                .caused_by(error),
            DatabaseError::Conflict(_) => {
                Self::unavailable("others change the same at this moment; nothing was done, try again")
                    .retry_after(RETRY_AFTER)
                    .caused_by(error)
            }
            DatabaseError::Deadline => Self::new(
                Code::DeadlineExceeded,
                "the request did not finish in time and may have been executed: repeat it with the same key",
            )
            .retry_after(RETRY_AFTER)
            .caused_by(error),
            DatabaseError::Defect(_) | DatabaseError::Corrupt { .. } => Self::internal(error),
        }
    }
}

/// What the database's own code says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Refusal {
    /// The request is sound and the database cannot serve it now.
    Temporary,
    /// The transaction was rolled back because of another one.
    Conflict,
    /// The statement was given up at the time limit that the service itself set.
    Cancelled,
    /// The same request will fail again.
    Final,
}

impl Refusal {
    /// PostgreSQL answers with an SQLSTATE of five characters
    /// (<https://www.postgresql.org/docs/current/errcodes-appendix.html>), SQLite with its extended code as a number
    /// of at most four digits (<https://www.sqlite.org/rescode.html>).
    fn of(code: &str) -> Self {
        if code.len() == 5 { Self::of_postgres(code) } else { Self::of_sqlite(code) }
    }

    fn of_postgres(code: &str) -> Self {
        match (code.get(..2).unwrap_or_default(), code) {
            // Query canceled: the time limit of the session, so the server works and only this statement was slow.
            (_, "57014") => Self::Cancelled,
            // A write to a standby: the primary has moved, and this connection has not noticed.
            (_, "25006") => Self::Temporary,
            // The server ended a session that rested within a transaction, or a transaction that took too long: the
            // connection is gone, the request is sound.
            (_, "25P03" | "25P04") => Self::Temporary,
            // Serialization failure, deadlock and the like: the server rolled the transaction back for another one.
            ("40", _) => Self::Conflict,
            // Connection trouble; no resources (connections, disk, memory); the server stops or starts.
            ("08" | "53" | "57", _) => Self::Temporary,
            // The server's disk failed. The request is sound, and a failover or a repair lets it pass; `internal`
            // would tell the caller that this program is wrong.
            ("58", _) => Self::Temporary,
            // There is no such database (yet): a job beside this one may make it, or a restore is under way.
            ("3D", _) => Self::Temporary,
            _ => Self::Final,
        }
    }

    fn of_sqlite(code: &str) -> Self {
        const BUSY_SNAPSHOT: u32 = 517;
        let Ok(code) = code.parse::<u32>() else { return Self::Final };
        match (code, code & 0xff) {
            // A reader that wants to write after another one wrote: the one conflict of SQLite that a repetition
            // mends at once.
            (BUSY_SNAPSHOT, _) => Self::Conflict,
            // BUSY and LOCKED: another writer held the lock for the whole time that this one waits. PROTOCOL: the
            // same, while the write-ahead log is opened.
            (_, 5 | 6 | 15) => Self::Temporary,
            // NOMEM and FULL: no resources, as class 53 of PostgreSQL.
            (_, 7 | 13) => Self::Temporary,
            // IOERR: the disk failed, as class 58 of PostgreSQL.
            (_, 10) => Self::Temporary,
            // CANTOPEN: no file descriptor is left, or the disk is away. What stays wrong (a directory that is not
            // there, a file of somebody else) ends the start before, when the file is made.
            (_, 14) => Self::Temporary,
            _ => Self::Final,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Refusal, Refusal::*};

    #[test]
    fn each_code_of_postgresql_has_its_meaning() {
        for (code, meaning, what) in [
            ("08006", Temporary, "connection failure"),
            ("08P01", Temporary, "protocol violation"),
            ("22P05", Final, "untranslatable character"),
            ("23505", Final, "unique violation"),
            ("25006", Temporary, "read-only transaction"),
            ("25P02", Final, "in failed transaction"),
            ("25P03", Temporary, "idle in transaction session timeout"),
            ("25P04", Temporary, "transaction timeout"),
            ("28P01", Final, "wrong password"),
            ("3D000", Temporary, "no such database"),
            ("3F000", Final, "no such schema"),
            ("40001", Conflict, "serialization failure"),
            ("40P01", Conflict, "deadlock"),
            ("42P01", Final, "no such table"),
            ("42501", Final, "no privilege"),
            ("53100", Temporary, "disk full"),
            ("53300", Temporary, "too many connections"),
            ("57014", Cancelled, "query canceled"),
            ("57P01", Temporary, "admin shutdown"),
            ("57P03", Temporary, "cannot connect now"),
            ("58030", Temporary, "I/O error"),
            ("58P01", Temporary, "undefined file"),
            ("XX000", Final, "internal error"),
            ("가나다", Final, "no code at all"),
        ] {
            assert_eq!(Refusal::of(code), meaning, "{code}, {what}");
        }
    }

    #[test]
    fn each_code_of_sqlite_has_its_meaning() {
        for (code, meaning, what) in [
            ("1", Final, "ERROR"),
            ("5", Temporary, "BUSY"),
            ("261", Temporary, "BUSY_RECOVERY"),
            ("517", Conflict, "BUSY_SNAPSHOT"),
            ("6", Temporary, "LOCKED"),
            ("7", Temporary, "NOMEM"),
            ("8", Final, "READONLY"),
            ("10", Temporary, "IOERR"),
            ("4618", Temporary, "IOERR_SHMOPEN"),
            ("11", Final, "CORRUPT"),
            ("13", Temporary, "FULL"),
            ("14", Temporary, "CANTOPEN"),
            ("15", Temporary, "PROTOCOL"),
            ("19", Final, "CONSTRAINT"),
            ("2067", Final, "CONSTRAINT_UNIQUE"),
            ("26", Final, "NOTADB"),
            ("", Final, "no code"),
        ] {
            assert_eq!(Refusal::of(code), meaning, "{code}, {what}");
        }
    }
}
