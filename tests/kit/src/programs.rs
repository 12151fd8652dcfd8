//! Where the programs are that the kit starts, and as whom.

use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

/// Where Debian and its relatives keep PostgreSQL's server programs, one directory a version, off `PATH`.
const DEBIAN_POSTGRES_ROOT: &str = "/usr/lib/postgresql";

/// Directories of system programs that an ordinary user's `PATH` may lack (nginx lives in one).
const SYSTEM_DIRECTORIES: [&str; 3] = ["/usr/sbin", "/usr/local/sbin", "/sbin"];

/// An unprivileged account, for programs that refuse to run as root or should not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Account {
    /// The numeric user id.
    pub user_id: u32,
    /// The numeric id of its primary group.
    pub group_id: u32,
}

impl Account {
    /// `None` when this process is not root and programs can run as its own user; otherwise `postgres` or `nobody`.
    ///
    /// # Errors
    /// [`Error::NoUnprivilegedAccount`] when root finds neither.
    pub fn unprivileged() -> Result<Option<Self>> {
        if !rustix::process::geteuid().is_root() {
            return Ok(None);
        }
        let accounts = std::fs::read_to_string("/etc/passwd").map_err(Error::io("read /etc/passwd"))?;
        ["postgres", "nobody"]
            .iter()
            .find_map(|name| Self::named(&accounts, name))
            .map(Some)
            .ok_or(Error::NoUnprivilegedAccount)
    }

    /// Finds an account in the text of a passwd(5) file.
    fn named(accounts: &str, name: &str) -> Option<Self> {
        accounts.lines().find_map(|line| {
            let mut fields = line.split(':');
            (fields.next()? == name).then_some(())?;
            let user_id = fields.nth(1)?.parse().ok()?;
            let group_id = fields.next()?.parse().ok()?;
            Some(Self { user_id, group_id })
        })
    }
}

/// The directory of PostgreSQL's `initdb` and `postgres`: the newest of the system's packages, else that of `PATH`,
/// else what `pg_config` says.
///
/// # Errors
/// [`Error::ProgramMissing`] when there is none.
pub(crate) fn postgres_directory() -> Result<PathBuf> {
    newest_debian_postgres()
        .or_else(|| on_path("initdb").and_then(|program| program.parent().map(Path::to_path_buf)))
        .or_else(directory_from_pg_config)
        .filter(|directory| directory.join("postgres").is_file())
        .ok_or(Error::ProgramMissing { program: "PostgreSQL (initdb, postgres)" })
}

/// The path of `redis-server`, or of `valkey-server`, which answers to the same commands.
///
/// # Errors
/// [`Error::ProgramMissing`] when there is none.
pub(crate) fn redis_server() -> Result<PathBuf> {
    on_path("redis-server")
        .or_else(|| on_path("valkey-server"))
        .ok_or(Error::ProgramMissing { program: "redis-server" })
}

/// The path of `nginx`.
///
/// # Errors
/// [`Error::ProgramMissing`] when there is none.
pub(crate) fn nginx() -> Result<PathBuf> {
    on_path("nginx").ok_or(Error::ProgramMissing { program: "nginx" })
}

fn newest_debian_postgres() -> Option<PathBuf> {
    std::fs::read_dir(DEBIAN_POSTGRES_ROOT)
        .ok()?
        .filter_map(std::result::Result::ok)
        .filter_map(|entry| {
            let version: u32 = entry.file_name().to_str()?.parse().ok()?;
            let directory = entry.path().join("bin");
            directory.join("initdb").is_file().then_some((version, directory))
        })
        .max_by_key(|(version, _)| *version)
        .map(|(_, directory)| directory)
}

fn directory_from_pg_config() -> Option<PathBuf> {
    let output = std::process::Command::new("pg_config").arg("--bindir").output().ok()?;
    let directory = PathBuf::from(String::from_utf8(output.stdout).ok()?.trim());
    directory.join("initdb").is_file().then_some(directory)
}

fn on_path(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(SYSTEM_DIRECTORIES.iter().map(PathBuf::from))
        .map(|directory| directory.join(program))
        .find(|candidate| candidate.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_found_by_its_whole_name() {
        let passwd =
            "root:x:0:0:root:/root:/bin/sh\nnobody2:x:7:8::/:\nnobody:x:65534:65533:n:/nonexistent:/no\n";
        let expected = Account { user_id: 65534, group_id: 65533 };
        assert_eq!(Account::named(passwd, "nobody"), Some(expected));
        assert_eq!(Account::named(passwd, "postgres"), None);
    }
}
