//! How a life ended.

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
