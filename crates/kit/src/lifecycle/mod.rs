//! Soft, then hard shutdown, and the tasks that live in between.
//!
//! - **Soft**: take no new work, finish what runs. Begun by a signal, by [`Lifecycle::stop`], or by a
//!   task that failed.
//! - **Hard**: every tracked task is dropped at its next await. Begun by a second signal, by the drain
//!   deadline, or by [`Lifecycle::kill`].
//!
//! A [`Lifecycle`] is a value, not a static: a process has one, each service in it a [child](Lifecycle::child)
//! of it, each test its own. Stopping a child stops that service alone; stopping the parent stops all.
//! A failure travels the other way: a task that panics stops the whole process, for what it kept true
//! no longer holds.

mod running;
mod tasks;

use std::{
    future::Future,
    sync::{Arc, OnceLock},
    time::Duration,
};

use tokio_util::{
    sync::CancellationToken,
    task::{TaskTracker, task_tracker::TaskTrackerToken},
};

pub use running::{Running, StartError};
pub use tasks::Tasks;
pub(crate) use tasks::with_causes;

/// How long tasks may take to be dropped once the hard shutdown has begun. Only one that blocks its
/// thread takes longer, and nothing can end that one but the end of the process.
const HARD_GRACE: Duration = Duration::from_secs(2);

/// How long an orderly shutdown may take where nothing else is said.
pub const DEFAULT_DRAIN: Duration = Duration::from_secs(30);

/// The life of a process, or of one service in it. Clones are handles to the same life.
#[derive(Debug, Clone)]
pub struct Lifecycle {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    name: &'static str,
    parent: Option<Lifecycle>,
    soft: CancellationToken,
    hard: CancellationToken,
    tracker: TaskTracker,
    failure: OnceLock<TaskFailure>,
    outcome: OnceLock<Outcome>,
    drain: Duration,
}

/// The task that ended a process, and how.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("task {task} failed: {reason}")]
pub struct TaskFailure {
    /// The task's name, with its service.
    pub task: String,
    /// The panic's message, or the error with its causes.
    pub reason: String,
}

/// How a life ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Every task ended by itself.
    Drained,
    /// The deadline, or a second signal, cut tasks off.
    Cut,
    /// A task failed, and the process with it.
    Failed(TaskFailure),
}

impl Outcome {
    /// Whether this is an orderly end: exit code 0. Work that had to be cut off is reported by 1.
    #[must_use]
    pub const fn is_orderly(&self) -> bool {
        matches!(self, Self::Drained)
    }
}

impl Lifecycle {
    /// A life of its own, whose soft shutdown turns hard after `drain`.
    #[must_use]
    pub fn new(name: &'static str, drain: Duration) -> Self {
        Self::with(name, None, CancellationToken::new(), CancellationToken::new(), drain)
    }

    /// The life of one service within this one.
    #[must_use]
    pub fn child(&self, name: &'static str) -> Self {
        let (soft, hard) = (self.inner.soft.child_token(), self.inner.hard.child_token());
        Self::with(name, Some(self.clone()), soft, hard, self.inner.drain)
    }

    fn with(
        name: &'static str,
        parent: Option<Self>,
        soft: CancellationToken,
        hard: CancellationToken,
        drain: Duration,
    ) -> Self {
        let (tracker, failure, outcome) = (TaskTracker::new(), OnceLock::new(), OnceLock::new());
        // Closed means that `wait` ends when the last task does; tasks can still be added.
        tracker.close();
        Self { inner: Arc::new(Inner { name, parent, soft, hard, tracker, failure, outcome, drain }) }
    }

    /// The name that its tasks' names start with.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.inner.name
    }

    /// Cancelled when the soft shutdown begins: take no new work, finish what runs.
    #[must_use]
    pub fn soft(&self) -> &CancellationToken {
        &self.inner.soft
    }

    /// Cancelled when the hard shutdown begins. Tracked tasks need not watch it: they are dropped.
    #[must_use]
    pub fn hard(&self) -> &CancellationToken {
        &self.inner.hard
    }

    /// Whether the soft shutdown has begun.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        self.inner.soft.is_cancelled()
    }

    /// How long the soft shutdown may take.
    #[must_use]
    pub fn drain_time(&self) -> Duration {
        self.inner.drain
    }

    /// Begins the soft shutdown.
    pub fn stop(&self) {
        self.inner.soft.cancel();
    }

    /// Begins the hard shutdown.
    pub fn kill(&self) {
        self.inner.soft.cancel();
        self.inner.hard.cancel();
    }

    /// Where tasks are spawned.
    #[must_use]
    pub fn tasks(&self) -> Tasks {
        Tasks::new(self.clone())
    }

    /// The task that failed, in this service or (seen from the process) in any.
    #[must_use]
    pub fn failure(&self) -> Option<&TaskFailure> {
        self.inner.failure.get()
    }

    /// Records a failure here and above, and begins the soft shutdown of the whole process. The first
    /// failure is the one that counts: those that follow are often its consequence.
    pub fn fail(&self, failure: TaskFailure) {
        if let Some(parent) = &self.inner.parent {
            parent.fail(failure.clone());
        }
        let _ = self.inner.failure.set(failure);
        self.stop();
    }

    /// Waits for the soft shutdown to begin, then for every task to end, and cuts off those that take
    /// longer than the drain time. Background tasks end last. Asked again, it answers the same.
    pub async fn finished(&self) -> Outcome {
        self.inner.soft.cancelled().await;
        let drained = tokio::select! {
            biased;
            () = self.inner.tracker.wait() => !self.inner.hard.is_cancelled(),
            () = self.inner.hard.cancelled() => false,
            () = tokio::time::sleep(self.inner.drain) => false,
        };
        // Background tasks, which were not waited for, end here.
        self.inner.hard.cancel();
        if !drained && tokio::time::timeout(HARD_GRACE, self.inner.tracker.wait()).await.is_err() {
            tracing::error!(service = self.inner.name, "tasks that block their thread were left behind");
        }
        let outcome = || match self.failure() {
            Some(failure) => Outcome::Failed(failure.clone()),
            None if drained => Outcome::Drained,
            None => Outcome::Cut,
        };
        self.inner.outcome.get_or_init(outcome).clone()
    }

    /// Runs `future` unless the hard shutdown comes first.
    async fn until_hard<T>(&self, future: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            () = self.inner.hard.cancelled() => None,
            output = future => Some(output),
        }
    }

    /// Tokens that keep this life and those above it waiting.
    fn tokens(&self) -> Vec<TaskTrackerToken> {
        let mut tokens = vec![self.inner.tracker.token()];
        let mut parent = self.inner.parent.as_ref();
        while let Some(life) = parent {
            tokens.push(life.inner.tracker.token());
            parent = life.inner.parent.as_ref();
        }
        tokens
    }
}

impl Default for Lifecycle {
    /// A life for a test or a tool.
    fn default() -> Self {
        Self::new("process", DEFAULT_DRAIN)
    }
}
