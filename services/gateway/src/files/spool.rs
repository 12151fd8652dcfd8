//! Where files lie while they arrive: without a name, so that they are gone with whoever holds them, and with the process.

use std::{fs::File, io, path::PathBuf};

/// Where files lie while they arrive.
#[derive(Debug, Clone)]
pub(super) struct Spool {
    directory: PathBuf,
}

impl Spool {
    /// A directory that can be written.
    pub(super) fn open(directory: PathBuf) -> Result<Self, String> {
        let spool = Self { directory };
        let refused = |error| format!("cannot write into {}: {error}", spool.directory.display());
        spool.file().map_err(refused)?;
        Ok(spool)
    }

    /// A new file without a name.
    pub(super) fn file(&self) -> io::Result<File> {
        tempfile::tempfile_in(&self.directory)
    }
}
