//! A small file system that can be filled.

use std::fs::File;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::error::{Error, Result};
use crate::programs::Account;

/// The file that takes what is left.
const FILLER: &str = "filler";

/// Written at once while there is room; then ever less, down to a byte.
const CHUNK_BYTES: usize = 1 << 20;

/// A file system in memory (tmpfs) with a bounded size, mounted inside a [`Home`](crate::Home). Unmounted when dropped,
/// after whatever uses it has ended; by the home's guardian otherwise.
#[derive(Debug)]
pub struct SmallDisk {
    path: PathBuf,
}

impl SmallDisk {
    /// Mounts a file system of so many bytes at a new directory, for an account.
    pub(crate) fn mount(path: PathBuf, bytes: u64, account: Option<Account>) -> Result<Self> {
        std::fs::create_dir(&path).map_err(Error::io(format!("create {}", path.display())))?;
        let owner = account
            .map_or_else(String::new, |account| format!(",uid={},gid={}", account.user_id, account.group_id));
        let output = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={bytes},mode=0700{owner}"), "madang-test"])
            .arg(&path)
            .output()
            .map_err(Error::io("start mount"))?;
        if !output.status.success() {
            return Err(Error::NoDisk { reason: String::from_utf8_lossy(&output.stderr).trim().to_owned() });
        }
        Ok(Self { path })
    }

    /// Where it is mounted.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes a file until nothing fits any more.
    ///
    /// # Errors
    /// When something else than the want of space stops it.
    pub fn fill(&self) -> Result<()> {
        let failed = || Error::io("fill a small disk");
        let mut filler = File::create(self.path.join(FILLER)).map_err(failed())?;
        let zeros = vec![0; CHUNK_BYTES];
        let mut length = CHUNK_BYTES;
        while let Some(chunk) = zeros.get(..length).filter(|chunk| !chunk.is_empty()) {
            match filler.write(chunk) {
                Ok(written) if written > 0 => {}
                Ok(_) => length /= 2,
                Err(error) if error.kind() == ErrorKind::StorageFull => length /= 2,
                Err(error) => return Err(failed()(error)),
            }
        }
        Ok(())
    }

    /// Removes what [`Self::fill`] wrote.
    ///
    /// # Errors
    /// When it cannot be removed.
    pub fn release(&self) -> Result<()> {
        match std::fs::remove_file(self.path.join(FILLER)) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(Error::io("release a small disk")(error))
            }
            _ => Ok(()),
        }
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Where it fails because something still runs there, the guardian ends that and tries again.
        let _ = Command::new("umount").arg(&self.path).output();
    }
}
