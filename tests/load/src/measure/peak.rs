//! The most memory that processes held while something else was measured.

use std::{
    io,
    sync::mpsc::{self, RecvTimeoutError},
    thread::JoinHandle,
    time::Duration,
};

use super::process::{self, ProcessError};

/// A reading costs about a millisecond of the kernel's time for each process.
const EVERY: Duration = Duration::from_millis(100);

/// Reads again and again how much memory processes hold together.
#[derive(Debug)]
pub struct MemoryPeak {
    before: u64,
    reader: JoinHandle<Result<u64, ProcessError>>,
    /// Dropped to end it.
    stop: mpsc::Sender<()>,
}

impl MemoryPeak {
    /// Begins.
    ///
    /// # Errors
    /// When a process cannot be read, or there is no thread.
    pub fn start(pids: Vec<u32>) -> Result<Self, PeakError> {
        let before = resident_bytes(&pids)?;
        let (stop, stopped) = mpsc::channel();
        let reader = std::thread::Builder::new().name("memory peak".to_owned()).spawn(move || {
            let mut peak = before;
            while stopped.recv_timeout(EVERY) == Err(RecvTimeoutError::Timeout) {
                peak = peak.max(resident_bytes(&pids)?);
            }
            Ok(peak)
        })?;
        Ok(Self { before, reader, stop })
    }

    /// Ends, and says by how many bytes the processes grew at most.
    ///
    /// # Errors
    /// When a process could not be read: one that has ended has not been measured.
    pub fn finish(self) -> Result<u64, PeakError> {
        drop(self.stop);
        let peak = self.reader.join().map_err(|_| io::Error::other("the reader of memory panicked"))??;
        Ok(peak - self.before)
    }
}

/// Memory that could not be measured.
#[derive(Debug, thiserror::Error)]
pub enum PeakError {
    /// A process is gone.
    #[error(transparent)]
    Process(#[from] ProcessError),
    /// There is no thread to read with.
    #[error(transparent)]
    Io(#[from] io::Error),
}

fn resident_bytes(pids: &[u32]) -> Result<u64, ProcessError> {
    pids.iter().map(|pid| process::memory(*pid).map(|memory| memory.rss_bytes)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_held_for_a_while_is_the_peak_and_a_dead_process_is_an_error() {
        let peak = MemoryPeak::start(vec![std::process::id()]).unwrap();
        let block = std::hint::black_box(vec![1_u8; 64 << 20]);
        std::thread::sleep(EVERY * 5);
        drop(block);
        let grown = peak.finish().unwrap();
        assert!(grown >= 60 << 20, "{grown}");
        assert!(MemoryPeak::start(vec![u32::MAX]).is_err());
    }
}
