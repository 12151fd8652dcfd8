//! What the handles of one life share.

use std::{
    future::Future,
    sync::{Arc, OnceLock},
    time::Duration,
};

use tokio_util::{
    sync::CancellationToken,
    task::{TaskTracker, task_tracker::TaskTrackerToken},
};

use super::{Outcome, TaskFailure};

/// How long tasks may take to be dropped once the hard shutdown has begun. Only one that blocks its
/// thread takes longer, and nothing can end that one but the end of the process.
const HARD_GRACE: Duration = Duration::from_secs(2);

/// The life of a process, or of one service in it.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) name: &'static str,
    parent: Option<Arc<Self>>,
    pub(super) soft: CancellationToken,
    pub(super) hard: CancellationToken,
    tracker: TaskTracker,
    failure: OnceLock<TaskFailure>,
    outcome: OnceLock<Outcome>,
    pub(super) drain: Duration,
}

impl Shared {
    pub(super) fn new(
        name: &'static str,
        parent: Option<Arc<Self>>,
        soft: CancellationToken,
        hard: CancellationToken,
        drain: Duration,
    ) -> Self {
        let (tracker, failure, outcome) = (TaskTracker::new(), OnceLock::new(), OnceLock::new());
        // Closed means that `wait` ends when the last task does; tasks can still be added.
        tracker.close();
        Self { name, parent, soft, hard, tracker, failure, outcome, drain }
    }

    pub(super) fn failure(&self) -> Option<&TaskFailure> {
        self.failure.get()
    }

    /// Records a failure here and above, and begins the soft shutdown of the whole process.
    pub(super) fn fail(&self, failure: TaskFailure) {
        if let Some(parent) = &self.parent {
            parent.fail(failure.clone());
        }
        let _ = self.failure.set(failure);
        self.soft.cancel();
    }

    /// Waits for the soft shutdown to begin, then for every task to end, and cuts off those that take
    /// longer than the drain time. Background tasks end last.
    pub(super) async fn finished(&self) -> Outcome {
        self.soft.cancelled().await;
        let drained = tokio::select! {
            biased;
            () = self.tracker.wait() => !self.hard.is_cancelled(),
            () = self.hard.cancelled() => false,
            () = tokio::time::sleep(self.drain) => false,
        };
        // Background tasks, which were not waited for, end here.
        self.hard.cancel();
        if !drained && tokio::time::timeout(HARD_GRACE, self.tracker.wait()).await.is_err() {
            tracing::error!(service = self.name, "tasks that block their thread were left behind");
        }
        let outcome = || match self.failure() {
            Some(failure) => Outcome::Failed(failure.clone()),
            None if drained => Outcome::Drained,
            None => Outcome::Cut,
        };
        self.outcome.get_or_init(outcome).clone()
    }

    /// Runs `future` unless the hard shutdown comes first.
    pub(super) async fn until_hard<T>(&self, future: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            () = self.hard.cancelled() => None,
            output = future => Some(output),
        }
    }

    /// Tokens that keep this life and those above it waiting.
    pub(super) fn tokens(&self) -> Vec<TaskTrackerToken> {
        let mut tokens = vec![self.tracker.token()];
        let mut parent = self.parent.as_ref();
        while let Some(life) = parent {
            tokens.push(life.tracker.token());
            parent = life.parent.as_ref();
        }
        tokens
    }
}
