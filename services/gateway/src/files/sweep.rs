//! Removing the bytes of files that are no more: the message store says which, at whatever gateway that came to pass.

use std::{sync::Arc, time::Duration};

use madang_domain::{FileId, Result};
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
/// A sweep ends after so many such lists in a row of which no file could be removed: where none can be, as with a key that
/// has ended, each gateway would try all of them every time.
const FRUITLESS_MAX: u32 = 3;

impl Files {
    /// Removes what is to be removed: when this gateway has had something removed, at once; else now and then. Ends with the
    /// task that runs it.
    pub(crate) async fn sweep(self: Arc<Self>, store: Arc<dyn MessageStore>) {
        let mut ticks = interval(INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut after = None;
        loop {
            tokio::select! {
                () = self.removals.notified() => {}
                _ = ticks.tick() => {}
            }
            // A store that is away says so elsewhere; what is to be removed waits.
            if let Err(error) = self.remove_all(&*store, &mut after).await {
                tracing::debug!(%error, "files could not be removed; trying again later");
            }
        }
    }

    /// Begins behind a file, and notes where the next sweep is to begin: one that cannot be removed holds up no other, and is
    /// tried again when all have been tried.
    async fn remove_all(&self, store: &dyn MessageStore, after: &mut Option<FileId>) -> Result<()> {
        let (mut stuck, mut fruitless) = (0_u32, 0);
        let outcome = loop {
            let list = ListRemovedFiles { limit: FILES_MAX, after: *after };
            let removed = match store.list_removed_files(list).await {
                Ok(removed) if removed.is_empty() => {
                    *after = None;
                    break Ok(());
                }
                Ok(removed) => removed,
                Err(error) => break Err(error),
            };
            let mut gone = Vec::with_capacity(removed.len());
            for file in removed {
                match self.remove(file).await {
                    Ok(()) => gone.push(file),
                    Err(error) => {
                        // Of so many that fail alike, the first one says why.
                        if stuck == 0 {
                            tracing::warn!(%file, %error, "a file could not be removed");
                        }
                        (*after, stuck) = (Some(file), stuck + 1);
                    }
                }
            }
            fruitless = if gone.is_empty() { fruitless + 1 } else { 0 };
            // Last: whoever is cut off before this removes them once more.
            if !gone.is_empty()
                && let Err(error) = store.forget_files(ForgetFiles { files: gone }).await
            {
                break Err(error);
            }
            if fruitless == FRUITLESS_MAX {
                break Ok(());
            }
        };
        if stuck > 1 {
            tracing::warn!(stuck, "files could not be removed; trying again later");
        }
        outcome
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use async_trait::async_trait;
    use clap::Parser;
    use madang_rpc::{around::Double, store::MessageStoreDouble};
    use uuid::Uuid;

    use super::*;
    use crate::settings::FileSettings;

    #[derive(Parser)]
    struct Flags {
        #[command(flatten)]
        files: FileSettings,
    }

    /// The files that are to be removed, in order.
    #[derive(Default)]
    struct Removed(Mutex<Vec<FileId>>);

    #[async_trait]
    impl MessageStoreDouble for Removed {
        async fn list_removed_files(&self, request: ListRemovedFiles) -> Result<Vec<FileId>> {
            let files = self.0.lock().unwrap();
            let behind = |file: &&FileId| request.after.is_none_or(|after| **file > after);
            Ok(files.iter().filter(behind).take(request.limit as usize).copied().collect())
        }

        async fn forget_files(&self, request: ForgetFiles) -> Result<()> {
            self.0.lock().unwrap().retain(|file| !request.files.contains(file));
            Ok(())
        }
    }

    #[tokio::test]
    async fn files_that_cannot_be_removed_hold_up_no_others() {
        let directory = tempfile::tempdir().unwrap();
        let url = directory.path().to_str().unwrap();
        let flags = Flags::parse_from(["gateway", "--files-url", url]);
        let files = Files::open(&flags.files).unwrap().unwrap();
        let id = |number: u32| FileId::new(Uuid::from_u128(number.into()));
        // The first ones, more than are asked for at once: what stands in their place cannot be removed as a file.
        let stuck: Vec<FileId> = (0..2 * FILES_MAX + 7).map(id).collect();
        for file in &stuck {
            let name = file.to_string();
            let place = directory.path().join(&name[name.len() - 2..]).join(&name);
            std::fs::create_dir_all(place.join("something")).unwrap();
        }
        let all = stuck.iter().copied().chain((1_000..1_000 + 2 * FILES_MAX).map(id)).collect();
        let store = Double(Removed(Mutex::new(all)));
        files.remove_all(&store, &mut None).await.unwrap();
        assert_eq!(*store.0.0.lock().unwrap(), stuck);
    }

    #[tokio::test]
    async fn a_sweep_that_removes_nothing_ends_and_the_next_one_goes_on_behind_it() {
        let directory = tempfile::tempdir().unwrap();
        let url = directory.path().to_str().unwrap();
        let flags = Flags::parse_from(["gateway", "--files-url", url]);
        let files = Files::open(&flags.files).unwrap().unwrap();
        let id = |number: u32| FileId::new(Uuid::from_u128(number.into()));
        let most = FRUITLESS_MAX * FILES_MAX;
        let stuck: Vec<FileId> = (0..most + 5).map(id).collect();
        for file in &stuck {
            let name = file.to_string();
            std::fs::create_dir_all(
                directory.path().join(&name[name.len() - 2..]).join(&name).join("something"),
            )
            .unwrap();
        }
        let others: Vec<FileId> = (1_000..1_010).map(id).collect();
        let all: Vec<FileId> = stuck.iter().chain(&others).copied().collect();
        let (store, mut after) = (Double(Removed(Mutex::new(all.clone()))), None);
        files.remove_all(&store, &mut after).await.unwrap();
        assert_eq!((&*store.0.0.lock().unwrap(), after), (&all, Some(id(most - 1))));
        files.remove_all(&store, &mut after).await.unwrap();
        assert_eq!((&*store.0.0.lock().unwrap(), after), (&stuck, None), "and then from the beginning again");
    }
}
