//! The directory that holds a cluster's logs and list of processes.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

/// Locked while a cluster uses the directory. The system unlocks it when the process ends, however it ends.
const LOCK_FILE: &str = "lock";

/// A data directory that this cluster has for itself.
#[derive(Debug)]
pub(super) struct DataDir {
    path: PathBuf,
    _lock: File,
}

impl DataDir {
    /// Takes the directory, making it where needed, and removes the logs of the cluster before: they would mislead.
    pub(super) fn take(path: &Path) -> Result<Self> {
        let path = std::path::absolute(path).map_err(Error::io(format!("resolve {}", path.display())))?;
        let logs = path.join("logs");
        std::fs::create_dir_all(&logs).map_err(Error::io(format!("create {}", logs.display())))?;
        let lock = File::create(path.join(LOCK_FILE)).map_err(Error::io("create the cluster's lock file"))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(Error::ClusterRuns { data_dir: path }),
            Err(TryLockError::Error(source)) => {
                return Err(Error::io("lock the cluster's data directory")(source));
            }
        }
        std::fs::remove_dir_all(&logs)
            .and_then(|()| std::fs::create_dir(&logs))
            .map_err(Error::io(format!("empty {}", logs.display())))?;
        Ok(Self { path, _lock: lock })
    }

    /// The directory, as an absolute path.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Where the log of a process goes.
    pub(super) fn log(&self, name: &str) -> PathBuf {
        self.path.join("logs").join(format!("{name}.log"))
    }
}
