//! SQLite.

use std::{
    fs::File,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    str::FromStr as _,
};

use madang_kit::doctor::Finding;
use rustix::fs::{Access, access};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Row as _, sqlite::SqliteConnectOptions};

use super::{
    migrated::{self, SchemaRights},
    subject::{Examined, bad_url},
};
use crate::{SqliteConnector, UrlError};

pub(super) async fn examine(database: &Examined<'_>, url: &str) -> Vec<Finding> {
    let about = database.about;
    if let Err(error) = SqliteConnector::new(url) {
        return vec![bad_url(about, &error)];
    }
    let Ok(options) = SqliteConnectOptions::from_str(url) else {
        return vec![bad_url(about, &UrlError::Malformed)];
    };
    let path = options.get_filename().to_owned();
    let mut findings = vec![writable(about, &path)];
    if !path.is_file() {
        return findings;
    }
    findings.extend(readers(about, &path));
    let options = options.read_only(true).create_if_missing(false).disable_statement_logging();
    findings.push(match applied(&options, database.sqlite.table()).await {
        Ok(applied) => {
            // Whoever opens the file may do anything with it, and each start migrates it.
            let rights = SchemaRights { create: true, own: true };
            migrated::finding(about, &database.sqlite, &applied, rights, true)
        }
        Err(error) => Finding::error(
            "database.reachable",
            about,
            format!("{} cannot be read: {error}", path.display()),
            "check that it is an SQLite database and that this account may read it; else restore a backup",
        ),
    });
    findings
}

/// Whether the file, or the directory in which it will be made, can be written.
fn writable(about: &'static str, path: &Path) -> Finding {
    const CHECK: &str = "database.file";
    let shown = path.display();
    if path.is_file() {
        return match File::options().append(true).open(path) {
            Ok(file) => {
                let mib = file.metadata().map_or(0.0, |data| data.len() as f64 / f64::from(1 << 20));
                Finding::ok(CHECK, about, format!("SQLite in {shown}, {mib:.1} MiB"))
            }
            Err(error) => Finding::error(
                CHECK,
                about,
                format!("{shown} cannot be written: {error}"),
                "let the account of the process write the file and its directory",
            ),
        };
    }
    // The first of the directories above it that is there decides.
    let above = path.ancestors().skip(1).find(|above| above.as_os_str().is_empty() || above.exists());
    let above = above.filter(|above| !above.as_os_str().is_empty()).unwrap_or(Path::new("."));
    match access(above, Access::WRITE_OK | Access::EXEC_OK) {
        Ok(()) if above.is_dir() => {
            Finding::ok(CHECK, about, format!("SQLite; the first start makes {shown}"))
        }
        Ok(()) => Finding::error(
            CHECK,
            about,
            format!("{shown} cannot be made: {} is no directory", above.display()),
            "name another place (MADANG_DATA_DIR or MADANG_DATABASE_URL)",
        ),
        Err(error) => Finding::error(
            CHECK,
            about,
            format!("{shown} cannot be made in {}: {error}", above.display()),
            "let the account of the process write the directory, or name another (MADANG_DATA_DIR)",
        ),
    }
}

/// Whether other accounts of this machine may read the messages.
fn readers(about: &'static str, path: &Path) -> Option<Finding> {
    let files = ["", "-wal", "-shm"].map(|suffix| {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        PathBuf::from(name)
    });
    let is_open = |file: &&PathBuf| file.metadata().is_ok_and(|data| data.permissions().mode() & 0o077 != 0);
    let open: Vec<String> = files.iter().filter(is_open).map(|file| file.display().to_string()).collect();
    (!open.is_empty()).then(|| {
        Finding::warning(
            "database.readers",
            about,
            format!("other accounts of this machine may read {}", open.join(" ")),
            format!("chmod 600 {}", open.join(" ")),
        )
    })
}

async fn applied(options: &SqliteConnectOptions, table: &str) -> Result<Vec<i64>, sqlx::Error> {
    let mut connection = options.connect().await?;
    let there = "SELECT count(*) > 0 AS there FROM sqlite_master WHERE type = 'table' AND name = $1";
    let there: bool = sqlx::query(there).bind(table).fetch_one(&mut connection).await?.try_get("there")?;
    if !there {
        return Ok(Vec::new());
    }
    let list = AssertSqlSafe(format!("SELECT version FROM {table}"));
    let rows = sqlx::query(list).fetch_all(&mut connection).await?;
    rows.iter().map(|row| row.try_get("version")).collect()
}
