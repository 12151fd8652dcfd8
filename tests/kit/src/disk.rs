//! Where the data of tests lies: on a disk, so that `fsync` costs and means what it does elsewhere.
//!
//! The system's temporary directory is a file system in memory on many newer systems. `/var/tmp` is not: what lies there
//! survives a restart (Filesystem Hierarchy Standard 3.0, 5.15).

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use rustix::fs::statfs;
use tempfile::TempDir;

use crate::error::{Error, Result};

/// Names the directory in which servers of tests keep their data. (Not `MADANG_…`: the services refuse settings that they
/// do not know.)
pub const DATA_DIRECTORY_VARIABLE: &str = "TEST_DATA_DIRECTORY";

/// File systems that lie in memory, by the magic numbers of statfs(2).
const TMPFS: i64 = 0x0102_1994;
const RAMFS: i64 = 0x8584_58f6;

/// A new directory for the data of a test. It is removed with the value.
///
/// # Errors
/// When it cannot be made.
pub fn data_directory(name: &str) -> Result<TempDir> {
    let parent = parent();
    tempfile::Builder::new()
        .prefix(&format!("madang-{name}-"))
        .tempdir_in(parent)
        .map_err(Error::io(format!("create a directory in {}", parent.display())))
}

/// Refuses a directory in memory, for tests of durability: they would pass whatever is synced.
///
/// # Errors
/// [`Error::InMemory`], or when the system does not tell.
pub fn require_disk(path: &Path) -> Result<()> {
    if is_in_memory(path)? {
        return Err(Error::InMemory { path: path.to_owned() });
    }
    Ok(())
}

fn is_in_memory(path: &Path) -> Result<bool> {
    let stat =
        statfs(path).map_err(|errno| Error::io(format!("look at {}", path.display()))(errno.into()))?;
    // The type of the field differs between architectures.
    #[expect(clippy::useless_conversion, reason = "the type of the field differs between architectures")]
    let kind = i64::from(stat.f_type);
    Ok(matches!(kind, TMPFS | RAMFS))
}

/// The directory that is chosen for this process, once.
fn parent() -> &'static Path {
    static PARENT: OnceLock<PathBuf> = OnceLock::new();
    PARENT.get_or_init(|| {
        let named = std::env::var_os(DATA_DIRECTORY_VARIABLE).map(PathBuf::from);
        let (chosen, in_memory) = choose(named, std::env::temp_dir(), PathBuf::from("/var/tmp"), |path| {
            is_in_memory(path).unwrap_or(true)
        });
        if in_memory {
            eprintln!(
                "The data of these tests lies in memory, in {}: what they show of speed is not true of a disk, and \
                 tests of durability refuse to run. Set {DATA_DIRECTORY_VARIABLE} to a directory on a disk.",
                chosen.display()
            );
        }
        chosen
    })
}

/// The directory that is named, or the first of the two that is not in memory; and whether it is in memory all the same.
fn choose(
    named: Option<PathBuf>,
    temporary: PathBuf,
    kept: PathBuf,
    in_memory: impl Fn(&Path) -> bool,
) -> (PathBuf, bool) {
    match named {
        Some(named) => {
            let is_in_memory = in_memory(&named);
            (named, is_in_memory)
        }
        None if !in_memory(&temporary) => (temporary, false),
        None if !in_memory(&kept) => (kept, false),
        None => (temporary, true),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_on_a_disk_is_chosen_where_there_is_one() {
        let choose = |named: Option<&str>, in_memory: &[&str]| {
            let in_memory = |path: &Path| in_memory.contains(&path.to_str().unwrap());
            let (path, is_in_memory) =
                choose(named.map(PathBuf::from), "/tmp".into(), "/var/tmp".into(), in_memory);
            (path.display().to_string(), is_in_memory)
        };
        assert_eq!(choose(None, &[]), ("/tmp".to_owned(), false));
        assert_eq!(choose(None, &["/tmp"]), ("/var/tmp".to_owned(), false));
        assert_eq!(choose(None, &["/tmp", "/var/tmp"]), ("/tmp".to_owned(), true));
        assert_eq!(choose(Some("/data"), &["/tmp"]), ("/data".to_owned(), false));
        assert_eq!(choose(Some("/data"), &["/data"]), ("/data".to_owned(), true));
    }

    #[test]
    fn memory_is_told_from_a_disk() {
        // Where Linux mounts one at all, it is in memory.
        let shared = Path::new("/dev/shm");
        if shared.is_dir() {
            assert!(matches!(require_disk(shared), Err(Error::InMemory { .. })));
        }
        require_disk(Path::new("/proc")).unwrap();
    }
}
