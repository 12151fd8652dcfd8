//! What the machine's disk takes for a durable write, while something else is measured: no commit of PostgreSQL's can be
//! faster, so a late delivery of a late commit is told from a late gateway.

use std::{
    fs::File,
    io,
    sync::mpsc::{self, RecvTimeoutError},
    thread::JoinHandle,
    time::{Duration, Instant},
};

use super::histogram::Histogram;

/// Far less often than the commits beside it, so that it costs them nothing.
const EVERY: Duration = Duration::from_millis(50);
/// A page of PostgreSQL's log.
const WRITE_BYTES: usize = 8 * 1024;

/// Writes a page again and again, each time until it is on the disk.
#[derive(Debug)]
pub struct DiskProbe {
    writer: JoinHandle<io::Result<Histogram>>,
    /// Dropped to end it.
    stop: mpsc::Sender<()>,
}

impl DiskProbe {
    /// Begins, in the directory for temporary files, where the databases of this run are too.
    ///
    /// # Errors
    /// When there is no file to be written.
    pub fn start() -> io::Result<Self> {
        use std::os::unix::fs::FileExt as _;

        let file = tempfile::tempfile()?;
        let (stop, stopped) = mpsc::channel();
        let write = move |file: &File| -> io::Result<u64> {
            let began = Instant::now();
            file.write_all_at(&[0; WRITE_BYTES], 0)?;
            file.sync_data()?;
            Ok(u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX))
        };
        let writer = std::thread::Builder::new().name("disk probe".to_owned()).spawn(move || {
            // The first one makes the file longer, which is more than a write.
            write(&file)?;
            let mut times = Histogram::default();
            while stopped.recv_timeout(EVERY) == Err(RecvTimeoutError::Timeout) {
                times.record_us(write(&file)?);
            }
            Ok(times)
        })?;
        Ok(Self { writer, stop })
    }

    /// Ends, and says how long the writes took.
    ///
    /// # Errors
    /// When the disk refused one.
    pub fn finish(self) -> io::Result<Histogram> {
        drop(self.stop);
        self.writer.join().unwrap_or_else(|_| Err(io::Error::other("the disk probe panicked")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_probe_measures_until_it_is_finished() {
        let began = Instant::now();
        let probe = DiskProbe::start().unwrap();
        while began.elapsed() < 4 * EVERY {
            std::thread::yield_now();
        }
        let times = probe.finish().unwrap();
        assert!(times.count() > 0);
        assert!(times.max().unwrap() < began.elapsed());
    }
}
