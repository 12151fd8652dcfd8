//! Work that runs a few at a time.

use tokio::sync::{Semaphore, SemaphorePermit};

use crate::error::{OperationError, OperationResult};

/// A bound for calls that each take a connection and may wait for a lock, so that they leave connections to others. A few
/// run, some wait for their turn, and one more is refused at once.
pub(crate) struct Turns {
    running: Semaphore,
    waiting: Semaphore,
}

impl Turns {
    pub(crate) const fn new(running: usize, waiting: usize) -> Self {
        Self { running: Semaphore::const_new(running), waiting: Semaphore::const_new(waiting) }
    }

    /// Waits for a turn, which ends when it is dropped.
    pub(crate) async fn take(&self) -> OperationResult<SemaphorePermit<'_>> {
        if let Ok(turn) = self.running.try_acquire() {
            return Ok(turn);
        }
        let _place = self.waiting.try_acquire().map_err(|_| OperationError::Overloaded)?;
        // Closed by nobody, so that it only waits.
        self.running.acquire().await.map_err(|_| OperationError::Stopping)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[tokio::test]
    async fn a_few_run_some_wait_and_one_more_is_refused() {
        let turns = Arc::new(Turns::new(2, 1));
        let (first, second) = (turns.take().await.unwrap(), turns.take().await.unwrap());
        let third = tokio::spawn({
            let turns = Arc::clone(&turns);
            async move { turns.take().await.map(drop) }
        });
        tokio::task::yield_now().await;
        assert!(!third.is_finished());
        assert!(matches!(turns.take().await, Err(OperationError::Overloaded)));
        drop(first);
        assert!(third.await.unwrap().is_ok());
        drop(second);
        assert!(turns.take().await.is_ok());
    }
}
