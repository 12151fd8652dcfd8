//! Uploaded files: how they arrive, what their bytes say, where they are kept, and how they go.
//!
//! The message store knows whose they are and who may have them; nothing here decides that.

mod content;
mod keep;
mod receive;
mod spool;
mod store;
mod sweep;

use std::{sync::Arc, time::Duration};

use madang_domain::{Code, Error, Result};
use madang_kit::StartError;
use madang_media::PictureBounds;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

pub(crate) use self::{
    content::{Content, is_shown_inline},
    keep::{Kept, Part},
    receive::{Received, too_large},
};
use self::{spool::Spool, store::Store};
use crate::settings::FileSettings;

/// How many pictures are read at once: each takes a processor, and the memory of its pixels, at most 200 MB by default where a
/// gateway may have 512. Further ones wait.
const PICTURES_MAX: usize = 1;
/// When a client for whose upload there is no place is to come back.
const COME_BACK_AFTER: Duration = Duration::from_secs(5);

/// Uploaded files, as this gateway handles them.
#[derive(Debug)]
pub(crate) struct Files {
    store: Store,
    spool: Spool,
    bounds: Bounds,
    /// The places for uploads.
    uploads: Arc<Semaphore>,
    /// The places for pictures that are read.
    pictures: Arc<Semaphore>,
    /// Woken when something may have to be removed.
    removals: Notify,
}

/// What a file may be.
#[derive(Debug, Clone)]
struct Bounds {
    bytes: u64,
    picture: PictureBounds,
    refused_types: Vec<String>,
    upload: Duration,
}

impl Files {
    /// The files that the settings name; none where they name none.
    ///
    /// # Errors
    /// When the setting names nothing in which files can be kept.
    pub(crate) fn open(settings: &FileSettings) -> Result<Option<Self>, StartError> {
        let Some(url) = &settings.files_url else { return Ok(None) };
        let store = Store::open(url, settings.access_key())
            .map_err(|why| StartError::setting("MADANG_FILES_URL", why))?;
        let spool = settings.files_spool_dir.clone().unwrap_or_else(std::env::temp_dir);
        let spool = Spool::open(spool).map_err(|why| StartError::setting("MADANG_FILES_SPOOL_DIR", why))?;
        let places = usize::try_from(settings.max_uploads).unwrap_or(Semaphore::MAX_PERMITS);
        Ok(Some(Self {
            store,
            spool,
            bounds: Bounds {
                bytes: settings.file_max_bytes,
                picture: PictureBounds { pixels: settings.picture_max_pixels },
                refused_types: settings.refused_file_types.clone(),
                upload: Duration::from_secs(settings.upload_seconds),
            },
            uploads: Arc::new(Semaphore::new(places)),
            pictures: Arc::new(Semaphore::new(PICTURES_MAX)),
            removals: Notify::new(),
        }))
    }

    /// The most bytes of a file.
    pub(crate) fn max_bytes(&self) -> u64 {
        self.bounds.bytes
    }

    /// A place for an upload. `unavailable`: all are taken.
    pub(crate) fn take_place(&self) -> Result<OwnedSemaphorePermit> {
        Arc::clone(&self.uploads).try_acquire_owned().map_err(|_| {
            Error::new(Code::Unavailable, "too many uploads are under way: try again later")
                .retry_after(COME_BACK_AFTER)
        })
    }

    /// Something may have to be removed: it is looked for now, not at the next interval.
    pub(crate) fn look_for_removals(&self) {
        self.removals.notify_one();
    }
}

/// What is answered where no files are kept.
pub(crate) fn none_kept() -> Error {
    Error::new(Code::FailedPrecondition, "this server keeps no files: see MADANG_FILES_URL")
}
