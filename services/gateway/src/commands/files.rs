//! Files: uploading them, and who may have them.

use std::sync::Arc;

use axum::body::Body;
use madang_domain::{Attachment, Code, Error, FileId, FileName, Limit, Result, RoomRef, UserId};
use madang_kit::clock::new_id;
use madang_rpc::store::{AbandonUpload, BeginUpload, FinishUpload, GetFile};
use tokio::sync::oneshot;
use tracing::Instrument as _;

use super::{Action, Commands};
use crate::{
    admission::{Actor, UploadPermit},
    files::{Content, Files, Place, Received, none_kept, too_large},
};

/// When a user with too many uploads under way is to come back.
const COME_BACK_AFTER: std::time::Duration = std::time::Duration::from_secs(5);

/// A file that a user wants to upload.
#[derive(Debug)]
pub(crate) struct Upload {
    pub(crate) room: RoomRef,
    pub(crate) name: FileName,
    /// What its head says of its bytes; none where it says nothing.
    pub(crate) size_bytes: Option<u64>,
    pub(crate) body: Body,
}

/// An upload that was announced. Where it is dropped, it is given up.
struct Announced {
    commands: Arc<Commands>,
    files: Arc<Files>,
    user: UserId,
    file: FileId,
    is_done: bool,
    /// Held while the upload is under way.
    _places: (Place, UploadPermit),
}

impl Commands {
    /// Uploads a file: announces it, receives it, finds out what it is and keeps it. Whatever is refused is refused before the
    /// body is read, but for what the bytes themselves say.
    pub(crate) async fn upload(self: &Arc<Self>, actor: &Actor, upload: Upload) -> Result<Attachment> {
        let Upload { room, name, size_bytes, body } = upload;
        let (spent, room) = self.spend_in(actor, Action::Upload, &room).await?;
        let files = self.files.clone().ok_or_else(none_kept)?;
        let most = files.max_bytes();
        if size_bytes.is_some_and(|size| size > most) {
            return Err(too_large(most));
        }
        let of_user = self
            .budgets
            .take_upload(actor)
            .ok_or_else(|| Error::rate_limited(Limit::UserUploads, COME_BACK_AFTER))?;
        let places = (files.take_place(actor.profile.id)?, of_user);
        let file = FileId::new(new_id(&*self.clock, &*self.random));
        // Before it is announced: whoever hangs up meanwhile has it given up all the same.
        let announced = Announced {
            commands: Arc::clone(self),
            files,
            user: actor.profile.id,
            file,
            is_done: false,
            _places: places,
        };
        let begin = BeginUpload {
            file,
            actor: self.budgets.present_profile(actor),
            room,
            name,
            size_bytes: size_bytes.unwrap_or(most),
        };
        self.store.begin_upload(begin).await?;
        spent.keep();
        let received = announced.files.receive(body).await?;
        // From here on it is of no use to hang up: what has arrived is kept, or given up, to the end.
        let (answer, answered) = oneshot::channel();
        let work = async move {
            let _ = answer.send(announced.finish(received).await);
        };
        self.tasks.spawn_contained("upload", work.in_current_span());
        answered.await.unwrap_or_else(|_| Err(Error::unavailable("the server is stopping")))
    }

    /// What is known of a file that a user may have.
    pub(crate) async fn file(&self, actor: &Actor, file: FileId) -> Result<(Attachment, Arc<Files>)> {
        self.pay_read(actor)?;
        let files = self.files.clone().ok_or_else(none_kept)?;
        let known = self.store.get_file(GetFile { user: actor.profile.id, file }).await?;
        Ok((known, files))
    }

    /// Has looked for the bytes of files that were of a message: see [`Files::look_for_removals`].
    pub(super) fn look_for_removed_files(&self) {
        if let Some(files) = &self.files {
            files.look_for_removals();
        }
    }
}

impl Announced {
    /// Keeps a file that has arrived.
    async fn finish(mut self, received: Received) -> Result<Attachment> {
        let content = self.files.examine(self.user, received).await?;
        let Content { content_type, size_bytes, image, .. } = &content;
        let finish = FinishUpload {
            user: self.user,
            file: self.file,
            content_type: content_type.clone(),
            size_bytes: *size_bytes,
            image: image.clone(),
        };
        self.files.keep(self.file, content).await?;
        let kept = self.commands.store.finish_upload(finish).await;
        // What became of it is not known: the message store has it removed once nobody uses it.
        let is_unknown =
            |error: &Error| matches!(error.code, Code::Unavailable | Code::DeadlineExceeded | Code::Internal);
        self.is_done = kept.is_ok() || kept.as_ref().is_err_and(is_unknown);
        if !self.is_done {
            // Its row may be gone meanwhile, with its user or its room, and then nothing else names these bytes.
            // The refusal is what the client is told, whatever becomes of them.
            if let Err(error) = self.files.remove(self.file).await {
                tracing::warn!(file = %self.file, %error, "the bytes of a refused upload could not be removed");
            }
        }
        kept
    }
}

impl Drop for Announced {
    fn drop(&mut self) {
        if self.is_done {
            return;
        }
        let (store, files) = (Arc::clone(&self.commands.store), Arc::clone(&self.files));
        let abandon = AbandonUpload { user: self.user, file: self.file };
        self.commands.tasks.spawn_contained("upload given up", async move {
            // Where the store is away, it removes what is on its way for too long.
            if let Err(error) = store.abandon_upload(abandon).await {
                tracing::debug!(%error, "an upload could not be given up; it expires");
            }
            files.look_for_removals();
        });
    }
}
