//! What a service in the test's own process logs.

use std::{
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use serde_json::Value;
use tracing::subscriber::DefaultGuard;
use tracing_subscriber::fmt::MakeWriter;

/// What this thread logs at `info` and above, in the form in which the services write it. The runtime of a test has one
/// thread unless it says otherwise; what other threads log is not here.
#[derive(Debug, Clone, Default)]
pub struct CapturedLog(Arc<Mutex<Vec<u8>>>);

impl io::Write for CapturedLog {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for CapturedLog {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

impl CapturedLog {
    /// Begins to write down what this thread logs, until the guard is dropped.
    #[must_use]
    pub fn begin() -> (Self, DefaultGuard) {
        let log = Self::default();
        let subscriber = tracing_subscriber::fmt()
            .json()
            .flatten_event(true)
            .with_max_level(tracing::Level::INFO)
            .with_writer(log.clone())
            .finish();
        (log, tracing::subscriber::set_default(subscriber))
    }

    /// All of it.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes()).into_owned()
    }

    /// Its lines with this message.
    ///
    /// # Panics
    ///
    /// Where something in the log is no line of JSON.
    #[must_use]
    pub fn lines(&self, message: &str) -> Vec<Value> {
        let text = self.text();
        let read = |line| match serde_json::from_str::<Value>(line) {
            Ok(line) => line,
            Err(error) => panic!("{error}: {line}"),
        };
        text.lines().map(read).filter(|line| line["message"] == message).collect()
    }

    /// Its lines with this message. Nothing of it is kept.
    #[must_use]
    pub fn take(&self, message: &str) -> Vec<Value> {
        let lines = self.lines(message);
        self.bytes().clear();
        lines
    }

    fn bytes(&self) -> MutexGuard<'_, Vec<u8>> {
        // No code under the lock can panic.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
