//! A wall clock that is stepped under a running program, as NTP or a hand does it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::error::{Error, Result};

/// Where distributions keep libfaketime; the variant for programs with threads.
const LIBRARIES: [&str; 5] = [
    "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1",
    "/usr/lib/aarch64-linux-gnu/faketime/libfaketimeMT.so.1",
    "/usr/lib64/faketime/libfaketimeMT.so.1",
    "/usr/lib/faketime/libfaketimeMT.so.1",
    "/usr/local/lib/faketime/libfaketimeMT.so.1",
];

/// How long the library may go on with an old offset.
const CACHE_SECONDS: u64 = 1;

/// An offset between the wall clock of programs and the machine's, by libfaketime (`LD_PRELOAD`). Their monotonic clock
/// is left alone, as a step of the real one leaves it.
#[derive(Debug)]
pub struct StepClock {
    library: PathBuf,
    file: PathBuf,
}

impl StepClock {
    /// The bound on how long a step takes to be seen, by a program that asks for the time now and then: the library
    /// compares whole seconds, and looks at the second question past its cache.
    pub const SEEN_WITHIN: Duration = Duration::from_secs(CACHE_SECONDS + 2);

    /// A clock that goes with the machine's. Its offset is kept in a file.
    ///
    /// # Errors
    /// [`Error::NoFakeTime`]; or when the file cannot be written.
    pub fn new(file: PathBuf) -> Result<Self> {
        let library = LIBRARIES.iter().map(Path::new).find(|library| library.is_file());
        let clock = Self { library: library.ok_or(Error::NoFakeTime)?.to_owned(), file };
        clock.step(0)?;
        Ok(clock)
    }

    /// What the environment of a program needs for it to follow this clock.
    #[must_use]
    pub fn environment(&self) -> Vec<(String, String)> {
        [
            ("LD_PRELOAD", self.library.display().to_string()),
            ("FAKETIME_TIMESTAMP_FILE", self.file.display().to_string()),
            ("FAKETIME_CACHE_DURATION", CACHE_SECONDS.to_string()),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1".to_owned()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into()
    }

    /// Whether a running program has the library that follows this clock: a preload that cannot be loaded is passed over
    /// in silence. (Its `Date` header would not tell: servers keep that while their clock goes back.)
    #[must_use]
    pub fn is_followed_by(&self, pid: u32) -> bool {
        let maps = std::fs::read_to_string(format!("/proc/{pid}/maps")).unwrap_or_default();
        // The path of the file, past symbolic links.
        let library = self.library.canonicalize().unwrap_or_else(|_| self.library.clone());
        maps.lines().any(|line| line.ends_with(&*library.to_string_lossy()))
    }

    /// Steps the clock to so many seconds before or after the machine's.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn step(&self, offset_seconds: i64) -> Result<()> {
        // Renamed into place: a reader never sees half a number.
        let fresh = self.file.with_extension("new");
        std::fs::write(&fresh, format!("{offset_seconds:+}\n"))
            .and_then(|()| std::fs::rename(&fresh, &self.file))
            .map_err(Error::io("step a clock"))
    }
}
