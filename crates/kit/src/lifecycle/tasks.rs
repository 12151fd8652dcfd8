//! Tracked tasks.

use std::{
    any::Any,
    error::Error,
    fmt::Write as _,
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use futures_util::FutureExt as _;
use tokio::task::JoinHandle;
use tokio_util::task::task_tracker::TaskTrackerToken;

use super::{TaskFailure, shared::Shared};

/// Spawns the tasks of one [`Lifecycle`](super::Lifecycle). Each is named and tracked, dropped by the hard
/// shutdown, and does not limp: one that panics ends the process.
#[derive(Debug, Clone)]
pub struct Tasks {
    life: Arc<Shared>,
}

impl Tasks {
    pub(super) const fn new(life: Arc<Shared>) -> Self {
        Self { life }
    }

    /// Spawns a task that the service cannot do without. It may end; if it panics, the process stops.
    pub fn spawn<F>(&self, name: &'static str, future: F) -> JoinHandle<()>
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.track(name, self.life.tokens(), future, Shared::fail)
    }

    /// As [`spawn`](Self::spawn), for what serves the other tasks and has no end of its own, such as a
    /// connection that they call through: the soft shutdown does not wait for it, and drops it last.
    pub fn spawn_background<F>(&self, name: &'static str, future: F) -> JoinHandle<()>
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.track(name, Vec::new(), future, Shared::fail)
    }

    /// As [`spawn`](Self::spawn), for a task that can fail: an error stops the process as a panic does.
    pub fn spawn_fallible<F, E>(&self, name: &'static str, future: F) -> JoinHandle<()>
    where
        F: Future<Output = Result<(), E>> + Send + 'static,
        E: Error + Send + 'static,
    {
        let life = Arc::clone(&self.life);
        self.spawn(name, async move {
            if let Err(error) = future.await {
                let failure = TaskFailure { task: full_name(&life, name), reason: with_causes(&error) };
                tracing::error!(task = %failure.task, error = %failure.reason, "task failed; the process stops");
                life.fail(failure);
            }
        })
    }

    /// Spawns a task that works for one client alone, such as a socket's session: a panic is logged and
    /// ends that client's work, not the others'.
    pub fn spawn_contained<F>(&self, name: &'static str, future: F) -> JoinHandle<()>
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.track(name, self.life.tokens(), future, |_, _| {})
    }

    /// Work that is done to its end even if its caller gives up. It runs in the caller's task; if the caller drops it
    /// before its end, it goes on in a task of its own, as one of [`spawn_contained`](Self::spawn_contained) does. The
    /// common case, a caller who waits, so costs no task, and no wake-up of another thread.
    ///
    /// `None`: the work panicked, which is logged and does not end the caller.
    pub fn carry_through<F>(&self, name: &'static str, work: F) -> CarryThrough<F>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        CarryThrough { tasks: self.clone(), name, work: Some(Box::pin(work)) }
    }

    /// `tokens` keep the shutdown waiting. They are taken before the task's first poll: a shutdown that
    /// begins in between waits for it too.
    fn track<F>(
        &self,
        name: &'static str,
        tokens: Vec<TaskTrackerToken>,
        future: F,
        on_panic: fn(&Shared, TaskFailure),
    ) -> JoinHandle<()>
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let life = Arc::clone(&self.life);
        tokio::spawn(async move {
            if let Err(panic) = AssertUnwindSafe(life.until_hard(future)).catch_unwind().await {
                on_panic(&life, panicked(&life, name, &*panic));
            }
            drop(tokens);
        })
    }
}

/// Work that is done to its end: see [`Tasks::carry_through`].
#[must_use = "it does nothing until it is awaited or dropped"]
pub struct CarryThrough<F>
where
    F: Future<Output: Send> + Send + 'static,
{
    tasks: Tasks,
    name: &'static str,
    /// None at its end.
    work: Option<Pin<Box<F>>>,
}

impl<F> Future for CarryThrough<F>
where
    F: Future<Output: Send> + Send + 'static,
{
    type Output = Option<F::Output>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(work) = &mut self.work else { return Poll::Ready(None) };
        let ended = match catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(context))) {
            Ok(Poll::Pending) => return Poll::Pending,
            Ok(Poll::Ready(output)) => Some(output),
            Err(panic) => {
                panicked(&self.tasks.life, self.name, &*panic);
                None
            }
        };
        self.work = None;
        Poll::Ready(ended)
    }
}

impl<F> Drop for CarryThrough<F>
where
    F: Future<Output: Send> + Send + 'static,
{
    fn drop(&mut self) {
        let Some(work) = self.work.take() else { return };
        // Outside of the runtime nothing goes on any more.
        if tokio::runtime::Handle::try_current().is_ok() {
            self.tasks.spawn_contained(self.name, async move { drop(work.await) });
        }
    }
}

/// Logs the panic of a task.
fn panicked(life: &Shared, name: &str, panic: &(dyn Any + Send)) -> TaskFailure {
    let failure = TaskFailure { task: full_name(life, name), reason: panic_message(panic) };
    tracing::error!(task = %failure.task, panic = %failure.reason, "task panicked");
    failure
}

fn full_name(life: &Shared, task: &str) -> String {
    format!("{}/{task}", life.name)
}

/// What a panic said.
fn panic_message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("a panic without a message").to_owned()
}

/// An error and its causes in one line.
#[must_use]
pub fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let line = error.to_string();
        // Some errors repeat their cause in their own text.
        if !text.ends_with(&line) {
            let _ = write!(text, ": {line}");
        }
        cause = error.source();
    }
    text
}
