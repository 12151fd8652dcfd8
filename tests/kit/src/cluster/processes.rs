//! The list of a cluster's processes, for people and for `processes.json`.

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// The file's name in the cluster's data directory.
pub const PROCESSES_FILE: &str = "processes.json";

/// One process, as `processes.json` has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessEntry {
    /// As `gateway-1`.
    pub name: String,
    /// The process id.
    pub pid: u32,
    /// Where it serves.
    pub address: SocketAddr,
    /// Where `/livez`, `/readyz` and `/metrics` are; only Madang's own services have them.
    pub ops_address: Option<SocketAddr>,
    /// Its log.
    pub log: PathBuf,
    /// How to connect, where an address does not suffice (PostgreSQL's has a password).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// Writes the list, whole or not at all: a reader never sees half a file. Only its owner may read it (a temporary file's
/// mode, 0600), for the password.
pub(super) fn write(directory: &Path, entries: &[ProcessEntry]) -> Result<()> {
    let action = || format!("write {PROCESSES_FILE}");
    let mut file = tempfile::NamedTempFile::new_in(directory).map_err(Error::io(action()))?;
    serde_json::to_writer_pretty(&mut file, entries)
        .map_err(std::io::Error::from)
        .and_then(|()| writeln!(file))
        .map_err(Error::io(action()))?;
    file.persist(directory.join(PROCESSES_FILE)).map_err(|error| error.error).map_err(Error::io(action()))?;
    Ok(())
}
