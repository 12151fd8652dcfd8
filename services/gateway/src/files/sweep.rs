//! Removing the bytes of files that are no more: the message store says which, at whatever gateway that came to pass.

use std::{sync::Arc, time::Duration};

use madang_domain::Result;
use madang_rpc::{
    MessageStore,
    store::{ForgetFiles, ListRemovedFiles},
};
use tokio::time::{MissedTickBehavior, interval};

use super::Files;

/// How often it is looked for what other gateways and the message store have had removed.
const INTERVAL: Duration = Duration::from_secs(30);
/// The files that are removed before the message store is asked again.
const FILES_MAX: u32 = 100;

impl Files {
    /// Removes what is to be removed: when this gateway has had something removed, at once; else now and then. Ends with the
    /// task that runs it.
    pub(crate) async fn sweep(self: Arc<Self>, store: Arc<dyn MessageStore>) {
        let mut ticks = interval(INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = self.removals.notified() => {}
                _ = ticks.tick() => {}
            }
            // A store that is away says so elsewhere; what is to be removed waits.
            if let Err(error) = self.remove_all(&*store).await {
                tracing::debug!(%error, "files could not be removed; trying again later");
            }
        }
    }

    async fn remove_all(&self, store: &dyn MessageStore) -> Result<()> {
        loop {
            let removed = store.list_removed_files(ListRemovedFiles { limit: FILES_MAX }).await?;
            if removed.is_empty() {
                return Ok(());
            }
            let mut gone = Vec::with_capacity(removed.len());
            for file in removed {
                // One that cannot be removed holds up no other. It is tried again with the next sweep.
                match self.remove(file).await {
                    Ok(()) => gone.push(file),
                    Err(error) => tracing::warn!(%file, %error, "a file could not be removed"),
                }
            }
            if gone.is_empty() {
                return Ok(());
            }
            // Last: whoever is cut off before this removes them once more.
            store.forget_files(ForgetFiles { files: gone }).await?;
        }
    }
}
