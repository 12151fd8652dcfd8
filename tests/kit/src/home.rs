//! A temporary directory that outlives nothing.

use std::io;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::disk::data_directory;
use crate::error::{Error, Result};
use crate::programs::Account;

/// See the file's own comment for what it does and why.
const GUARDIAN: &str = include_str!("guardian.sh");

/// A private temporary directory and the processes whose working directory lies inside it. Both end with this value,
/// and also when the test process panics, is interrupted or is killed: a small guardian process waits for that.
#[derive(Debug)]
pub struct Home {
    path: PathBuf,
    guardian: Child,
}

impl Home {
    /// Makes the directory, owned by `account` if one is given, and its guardian.
    ///
    /// # Errors
    /// When the directory or the guardian process cannot be created.
    pub fn create(name: &str, account: Option<Account>) -> Result<Self> {
        let directory = data_directory(name)?;
        // /proc shows working directories with symbolic links resolved.
        let path = directory.path().canonicalize().map_err(Error::io("resolve the temporary directory"))?;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o700))
            .map_err(Error::io("protect the temporary directory"))?;
        if let Some(account) = account {
            chown(&path, Some(account.user_id), Some(account.group_id))
                .map_err(Error::io("give the temporary directory to an unprivileged account"))?;
        }
        let guardian = guard(&path).map_err(Error::io("start the guardian of a temporary directory"))?;
        // From here the guardian removes it.
        let _ = directory.keep();
        Ok(Self { path, guardian })
    }

    /// The directory.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A path inside the directory.
    #[must_use]
    pub fn join(&self, relative: impl AsRef<Path>) -> PathBuf {
        self.path.join(relative)
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        // `wait` closes the pipe first, which is the guardian's signal. Its bound is the guardian's own (10 s).
        let _ = self.guardian.wait();
    }
}

fn guard(path: &Path) -> io::Result<Child> {
    Command::new("/bin/sh")
        .args(["-c", GUARDIAN, "madang-test-guardian"])
        .arg(path)
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        // A terminal's Ctrl-C goes to the foreground group; the guardian must survive it to clean up.
        .process_group(0)
        .spawn()
}
