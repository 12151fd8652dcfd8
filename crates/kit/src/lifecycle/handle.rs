//! The handle of a life.

use std::{sync::Arc, time::Duration};

use tokio_util::sync::CancellationToken;

use super::{Outcome, TaskFailure, Tasks, shared::Shared};

/// How long an orderly shutdown may take where nothing else is said.
pub const DEFAULT_DRAIN: Duration = Duration::from_secs(30);

/// The life of a process, or of one service in it. Clones are handles to the same life.
#[derive(Debug, Clone)]
pub struct Lifecycle {
    shared: Arc<Shared>,
}

impl Lifecycle {
    /// A life of its own, whose soft shutdown turns hard after `drain`.
    #[must_use]
    pub fn new(name: &'static str, drain: Duration) -> Self {
        let (soft, hard) = (CancellationToken::new(), CancellationToken::new());
        Self { shared: Arc::new(Shared::new(name, None, soft, hard, drain)) }
    }

    /// The life of one service within this one.
    #[must_use]
    pub fn child(&self, name: &'static str) -> Self {
        let (soft, hard) = (self.shared.soft.child_token(), self.shared.hard.child_token());
        let parent = Some(Arc::clone(&self.shared));
        Self { shared: Arc::new(Shared::new(name, parent, soft, hard, self.shared.drain)) }
    }

    /// The name that its tasks' names start with.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.shared.name
    }

    /// Cancelled when the soft shutdown begins: take no new work, finish what runs.
    #[must_use]
    pub fn soft(&self) -> &CancellationToken {
        &self.shared.soft
    }

    /// Cancelled when the hard shutdown begins. Tracked tasks need not watch it: they are dropped.
    #[must_use]
    pub fn hard(&self) -> &CancellationToken {
        &self.shared.hard
    }

    /// Whether the soft shutdown has begun.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        self.shared.soft.is_cancelled()
    }

    /// How long the soft shutdown may take.
    #[must_use]
    pub fn drain_time(&self) -> Duration {
        self.shared.drain
    }

    /// Begins the soft shutdown.
    pub fn stop(&self) {
        self.shared.soft.cancel();
    }

    /// Begins the hard shutdown.
    pub fn kill(&self) {
        self.shared.soft.cancel();
        self.shared.hard.cancel();
    }

    /// Where tasks are spawned.
    #[must_use]
    pub fn tasks(&self) -> Tasks {
        Tasks::new(Arc::clone(&self.shared))
    }

    /// The task that failed, in this service or (seen from the process) in any.
    #[must_use]
    pub fn failure(&self) -> Option<&TaskFailure> {
        self.shared.failure()
    }

    /// Records a failure here and above, and begins the soft shutdown of the whole process. The first
    /// failure is the one that counts: those that follow are often its consequence.
    pub fn fail(&self, failure: TaskFailure) {
        self.shared.fail(failure);
    }

    /// Waits for the soft shutdown to begin, then for every task to end, and cuts off those that take
    /// longer than the drain time. Background tasks end last. Asked again, it answers the same.
    pub async fn finished(&self) -> Outcome {
        self.shared.finished().await
    }
}

impl Default for Lifecycle {
    /// A life for a test or a tool.
    fn default() -> Self {
        Self::new("process", DEFAULT_DRAIN)
    }
}
