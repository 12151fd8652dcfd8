//! Connections to SQLite: one file, one writer, no server.

use std::{
    fs::{DirBuilder, File},
    io::{self, ErrorKind},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
    str::FromStr as _,
    time::Duration,
};

use async_trait::async_trait;
use sqlx::{
    ConnectOptions as _, Connection as _, Executor as _, SqliteConnection,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
};

use crate::{Connect, DatabaseError, DatabaseResult, Migrations, UrlError};

/// How long a writer waits for another process that writes. Less than the deadline of a call.
const BUSY_TIMEOUT: Duration = Duration::from_secs(4);

/// The files hold messages, password hashes and signing keys: their owner reads them, nobody else.
const FILE_MODE: u32 = 0o600;

/// The mode of a directory that is made for them.
const DIRECTORY_MODE: u32 = 0o700;

/// Takes the write lock at once. A transaction that reads first and writes later fails where another one wrote in
/// between.
const BEGIN_WRITE: &str = "BEGIN IMMEDIATE";

/// Makes connections to an SQLite database.
#[derive(Debug, Clone)]
pub struct SqliteConnector(SqliteConnectOptions);

impl SqliteConnector {
    /// For the database of a URL, which is not opened yet.
    ///
    /// # Errors
    /// When the URL is malformed, or is that of a database in memory.
    pub fn new(url: &str) -> Result<Self, UrlError> {
        if url.contains(":memory:") || url.contains("mode=memory") {
            return Err(UrlError::InMemory);
        }
        let options = SqliteConnectOptions::from_str(url).map_err(|_| UrlError::Malformed)?;
        if options.get_filename().as_os_str().is_empty() {
            return Err(UrlError::Malformed);
        }
        let options = options
            // The file is made before the first connection, with its mode. One that vanishes later must not come back
            // empty.
            .create_if_missing(false)
            .journal_mode(SqliteJournalMode::Wal)
            // FULL syncs the log at every commit. NORMAL does so at checkpoints alone, and a commit that was
            // acknowledged could be lost with the power.
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(BUSY_TIMEOUT)
            .foreign_keys(true)
            .disable_statement_logging();
        Ok(Self(options))
    }

    /// Makes the file where there is none, and applies migrations. SQLite has no lock for migrations, of which each is
    /// a transaction; the write lock of one transaction around all of them is one. Whoever comes second waits for it,
    /// then finds nothing left to do.
    ///
    /// # Errors
    /// When the file cannot be made, or a migration fails.
    pub async fn migrate(&self, migrations: Migrations) -> DatabaseResult<()> {
        let path = self.0.get_filename().to_owned();
        let made = tokio::task::spawn_blocking(move || prepare_file(&path)).await;
        made.map_err(|error| DatabaseError::Defect(error.into()))?.map_err(of_file)?;
        let mut connection = self.0.connect().await?;
        let mut transaction = connection.begin_with(BEGIN_WRITE).await?;
        migrations.apply(&mut *transaction).await?;
        transaction.commit().await?;
        Ok(connection.close().await?)
    }
}

#[async_trait]
impl Connect for SqliteConnector {
    type Connection = SqliteConnection;

    async fn connect(&self) -> Result<SqliteConnection, sqlx::Error> {
        self.0.connect().await
    }

    async fn execute(connection: &mut SqliteConnection, statement: &'static str) -> Result<(), sqlx::Error> {
        connection.execute(sqlx::raw_sql(statement)).await.map(drop)
    }
}

/// Makes a directory, and those above it, that only their owner can look into. One that is there stays as it is.
///
/// # Errors
/// When it cannot be made.
pub fn create_private_directory(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(DIRECTORY_MODE).create(path)
}

/// Makes the file where there is none. SQLite gives its companions (`-wal`, `-shm`) the same mode. The mode of a file
/// that is there is its owner's choice, so others who may read it are only told of.
fn prepare_file(path: &Path) -> io::Result<()> {
    if let Some(directory) = path.parent().filter(|directory| !directory.as_os_str().is_empty()) {
        create_private_directory(directory)?;
    }
    match File::options().write(true).create_new(true).mode(FILE_MODE).open(path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            warn_of_readers(path);
            Ok(())
        }
        Err(error) => Err(error),
    }
}

fn warn_of_readers(path: &Path) {
    let readable: Vec<String> = ["", "-wal", "-shm"]
        .map(|suffix| {
            let mut name = path.as_os_str().to_owned();
            name.push(suffix);
            PathBuf::from(name)
        })
        .into_iter()
        .filter(|file| file.metadata().is_ok_and(|data| data.permissions().mode() & !FILE_MODE & 0o777 != 0))
        .map(|file| file.display().to_string())
        .collect();
    if !readable.is_empty() {
        tracing::warn!(
            files = readable.join(" "),
            "other accounts of this machine may read the database; `chmod 600` takes that from them"
        );
    }
}

/// What stays wrong until somebody mends it ends the start; the rest (a full disk, one that is away) is waited for.
fn of_file(error: io::Error) -> DatabaseError {
    match error.kind() {
        ErrorKind::PermissionDenied
        | ErrorKind::ReadOnlyFilesystem
        | ErrorKind::NotADirectory
        | ErrorKind::IsADirectory
        | ErrorKind::InvalidInput
        | ErrorKind::InvalidFilename
        | ErrorKind::NotFound => DatabaseError::Defect(error.into()),
        _ => DatabaseError::Unavailable(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_cannot_be_made_ends_the_start_and_a_full_disk_is_waited_for() {
        for (kind, waits) in [
            (ErrorKind::PermissionDenied, false),
            (ErrorKind::ReadOnlyFilesystem, false),
            (ErrorKind::NotADirectory, false),
            (ErrorKind::StorageFull, true),
            (ErrorKind::QuotaExceeded, true),
            (ErrorKind::Interrupted, true),
        ] {
            assert_eq!(of_file(io::Error::from(kind)).is_transient(), waits, "{kind:?}");
        }
    }

    #[test]
    fn what_is_made_is_its_owners_alone_and_what_is_there_stays() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a/b/c.db");
        prepare_file(&path).unwrap();
        let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&path), FILE_MODE);
        assert_eq!(mode(&directory.path().join("a")), DIRECTORY_MODE);
        assert_eq!(mode(&directory.path().join("a/b")), DIRECTORY_MODE);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        prepare_file(&path).unwrap();
        assert_eq!(mode(&path), 0o640);
    }

    #[test]
    fn a_path_is_taken_to_the_letter() {
        for path in
            ["data/a.db", "a%20b/a.db", "a?mode=memory/a#b.db", "/tmp/:memory:/한글 a.db", "a&b=c/\"<>'+;.db"]
        {
            let url = crate::sqlite_url(Path::new(path));
            let connector = SqliteConnector::new(&url).unwrap();
            assert_eq!(connector.0.get_filename(), Path::new(path), "{url}");
        }
        let connector = SqliteConnector::new(&crate::sqlite_url(Path::new("file:a/b.db"))).unwrap();
        assert_eq!(connector.0.get_filename(), Path::new("./file:a/b.db"));
    }

    #[test]
    fn a_database_needs_a_file() {
        for (url, refusal) in [
            ("sqlite::memory:", UrlError::InMemory),
            ("sqlite://x.db?mode=memory", UrlError::InMemory),
            ("sqlite://x.db?mode=nonsense", UrlError::Malformed),
        ] {
            assert_eq!(SqliteConnector::new(url).map(drop), Err(refusal), "{url}");
        }
    }
}
