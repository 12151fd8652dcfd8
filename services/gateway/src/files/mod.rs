//! Uploaded files: how they arrive, what their bytes say, where they are kept, and how they go.
//!
//! The message store knows whose they are and who may have them; nothing here decides that.

mod content;
mod fair;
mod keep;
mod receive;
mod spool;
mod store;
mod sweep;

use std::{sync::Arc, time::Duration};

use madang_domain::{Code, Error, Result, UserId};
use madang_kit::StartError;
use madang_media::PictureBounds;
use tokio::sync::Notify;

pub(crate) use self::{
    content::{Content, is_shown_inline},
    fair::Place,
    keep::{Kept, Part},
    receive::{Received, too_large},
};
use self::{
    fair::{Places, Turns},
    spool::Spool,
    store::Store,
};
use crate::settings::FileSettings;

/// How many pictures are read at once: each takes a processor, and the memory of its pixels, at most 200 MB by default where a
/// gateway may have 512. Further ones wait.
const PICTURES_MAX: usize = 1;
/// How long a picture waits for its turn. Each takes a second or two, and no user has more than one read before it.
const PICTURE_TURN: Duration = Duration::from_secs(60);
/// When a client for whose upload there is no place is to come back.
const COME_BACK_AFTER: Duration = Duration::from_secs(5);

/// Uploaded files, as this gateway handles them.
#[derive(Debug)]
pub(crate) struct Files {
    store: Store,
    spool: Spool,
    bounds: Bounds,
    /// The places for uploads.
    uploads: Arc<Places>,
    /// The turns of pictures that are read.
    pictures: Arc<Turns>,
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
        let places = usize::try_from(settings.max_uploads).unwrap_or(usize::MAX);
        Ok(Some(Self {
            store,
            spool,
            bounds: Bounds {
                bytes: settings.file_max_bytes,
                picture: PictureBounds { pixels: settings.picture_max_pixels },
                refused_types: settings.refused_file_types.clone(),
                upload: Duration::from_secs(settings.upload_seconds),
            },
            uploads: Places::new(places),
            pictures: Turns::new(PICTURES_MAX),
            removals: Notify::new(),
        }))
    }

    /// The most bytes of a file.
    pub(crate) fn max_bytes(&self) -> u64 {
        self.bounds.bytes
    }

    /// A place for an upload of a user's. `unavailable`: all are taken, or the user has one already and few are free.
    pub(crate) fn take_place(&self, user: UserId) -> Result<Place> {
        self.uploads.take(user).ok_or_else(|| {
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
