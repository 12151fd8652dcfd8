//! The tasks of one gateway's end of the bus, and how they end together.

use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// The tasks of one bus.
#[derive(Clone)]
pub(super) struct Tasks {
    /// The tracker of the caller.
    tracker: TaskTracker,
    /// The tasks of this bus alone.
    own: TaskTracker,
    /// The tasks that have to end before the bus is left: those that publish and leave the shards.
    leaving: TaskTracker,
    /// Stops all tasks at once.
    pub(super) stop: CancellationToken,
    /// Asks for an orderly end.
    pub(super) closing: CancellationToken,
}

impl Tasks {
    pub(super) fn new(tracker: &TaskTracker, token: &CancellationToken) -> Self {
        Self {
            tracker: tracker.clone(),
            own: TaskTracker::new(),
            leaving: TaskTracker::new(),
            stop: token.child_token(),
            closing: CancellationToken::new(),
        }
    }

    /// Runs a task whose end, by a panic or not, stops all others: the bus works whole or not at all, and
    /// the gateway sees its queue of deliveries end.
    pub(super) fn spawn_vital(&self, task: impl Future<Output = ()> + Send + 'static) {
        let stop_others = self.stop.clone().drop_guard();
        let stop = self.stop.clone();
        self.tracker.spawn(self.own.track_future(async move {
            let _stop_others = stop_others;
            tokio::select! {
                biased;
                () = stop.cancelled() => {}
                () = task => {}
            }
        }));
    }

    /// Runs a vital task that ends by itself when the bus is closed.
    pub(super) fn spawn_leaving(&self, task: impl Future<Output = ()> + Send + 'static) {
        let task = self.leaving.track_future(task);
        let stop = self.stop.clone();
        self.spawn_vital(async move {
            task.await;
            stop.cancelled().await;
        });
    }

    /// All tasks have been spawned.
    pub(super) fn all_spawned(&self) {
        self.own.close();
        self.leaving.close();
    }

    /// Waits until the leaving tasks have ended.
    pub(super) async fn left(&self) {
        self.leaving.wait().await;
    }

    /// Stops all tasks and waits until they have ended.
    pub(super) async fn stop(&self) {
        self.stop.cancel();
        self.own.wait().await;
    }
}
