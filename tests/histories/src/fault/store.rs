//! A store whose calls fail or are slow on demand, on their way from one gateway.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use madang_domain::{Error, Result};
use madang_rpc::{
    MessageStore,
    around::{self, Around, Layer},
    method::Method,
};
use tokio_util::task::TaskTracker;

use crate::case::{Call, How};

/// What is to go wrong with one gateway's calls.
#[derive(Debug, Default)]
pub(crate) struct StoreFaults {
    /// Each for the next call of its kind.
    planned: Mutex<Vec<(Call, How)>>,
}

impl StoreFaults {
    /// Plans a fault.
    pub(crate) fn plan(&self, call: Call, how: How) {
        self.lock().push((call, how));
    }

    /// Ends all faults.
    pub(crate) fn heal(&self) {
        self.lock().clear();
    }

    fn take(&self, call: Call) -> Option<How> {
        let mut planned = self.lock();
        let at = planned.iter().position(|(of, _)| *of == call)?;
        Some(planned.remove(at).1)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<(Call, How)>> {
        self.planned.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The store as one gateway reaches it. As behind a network, a call that has left is carried out whether or
/// not its gateway lives to hear the answer.
pub(crate) type FaultyStore = Around<Arc<dyn MessageStore>, Network>;

/// Puts faults before a store. The calls run on `calls`, so that one can wait for those that were left behind.
#[must_use]
pub(crate) fn faulty(
    store: Arc<dyn MessageStore>,
    faults: Arc<StoreFaults>,
    calls: TaskTracker,
) -> FaultyStore {
    Around::new(store, Network { faults, calls })
}

/// What lies between a gateway and its store.
pub(crate) struct Network {
    faults: Arc<StoreFaults>,
    calls: TaskTracker,
}

impl<S: Clone + Send + Sync + 'static> Layer<S> for Network {
    fn around<'a, T: Send + 'static>(
        &'a self,
        method: &'static Method,
        service: &'a S,
        call: impl for<'s> FnOnce(&'s S) -> around::Call<'s, T> + Send + 'static,
    ) -> around::Call<'a, T> {
        let Some(kind) = kind(method) else { return call(service) };
        let service = service.clone();
        Box::pin(async move {
            let how = self.faults.take(kind);
            match how {
                Some(How::FailBefore) => return Err(fault()),
                Some(How::SlowBefore(ms)) => latency(ms).await,
                Some(How::FailAfter | How::SlowAfter(_)) | None => {}
            }
            let result: Result<T> =
                self.calls.spawn(async move { call(&service).await }).await.map_err(Error::internal)?;
            match how {
                Some(How::FailAfter) => Err(fault()),
                Some(How::SlowAfter(ms)) => {
                    latency(ms).await;
                    result
                }
                Some(How::FailBefore | How::SlowBefore(_)) | None => result,
            }
        })
    }
}

/// The kind of call that a fault is planned for. None of the reads that a client asks for and of the making of rooms,
/// which go through untouched; nor of the opening of inboxes: what goes wrong is planned for the rooms'
/// subscriptions, and every socket opens its inbox.
fn kind(method: &Method) -> Option<Call> {
    match method.name {
        "append" => Some(Call::Append),
        "open" => Some(Call::Open),
        "read" => Some(Call::Read),
        "heads" => Some(Call::Heads),
        "create_room" | "get_room" | "list_rooms" | "list_members" | "resolve" | "history" | "open_inbox"
        | "inbox" => None,
        _ => Some(Call::Change),
    }
}

fn fault() -> Error {
    Error::unavailable("a fault that was asked for")
}

/// A network's latency, which is time by nature.
async fn latency(ms: u8) {
    tokio::time::sleep(Duration::from_millis(ms.into())).await;
}
