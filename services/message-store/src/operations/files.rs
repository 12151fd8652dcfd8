//! Files that users upload to rooms, and messages that have them.

use madang_domain::{
    Attachment, AttachmentUrl, Authority, Error, FileId, MentionAll, RoomId, RoomRef, Seq, UserId,
    event::Message,
};
use madang_rpc::store::{
    AbandonUpload, Append, Appended, BeginUpload, FinishUpload, ForgetFiles, GetFile, ListRemovedFiles,
};

use super::{
    append::{self, ToAppend},
    engine::Engine,
    everybody, mentions,
    room_change::RoomChange,
};
use crate::{
    error::{OperationError, OperationResult},
    settings::{FILE_MIN_SHARE_BYTES, NAMES_PER_CALL},
    store::{AppendOutcome, AppendRow, Connection, FileContent, FileRecord, NewFile, View, message_detail},
    transaction::{finish, in_transaction},
};

impl Engine {
    pub(crate) async fn begin_upload(&self, request: BeginUpload) -> OperationResult<()> {
        let BeginUpload { file, actor, room, name, size_bytes } = request;
        self.remember([&actor]).await?;
        let share_bytes = share_of(size_bytes);
        in_transaction!(self, "begin_upload", |transaction| {
            let mut change = RoomChange::begin(transaction, actor.id, &room, self.clock.now()).await?;
            // Whoever may say something there may upload something for it.
            let member = change.actor().await?;
            change.refuse_blocked().await?;
            change.may_speak(&member)?;
            if !change.room.flags.lets_send(member.role) {
                return Err(OperationError::OnlyModerators);
            }
            let new = NewFile {
                id: file,
                room: change.room.id,
                user: actor.id,
                since: change.now,
                share_bytes,
                name: name.clone(),
            };
            if !change.transaction.insert_file(&new).await? {
                // A repeat of the same call; an id of another user's is none of this one's.
                let is_own = change.transaction.is_announced(file, actor.id).await?;
                return if is_own { Ok(()) } else { Err(OperationError::FileNotFound) };
            }
            if change.transaction.take_share(actor.id, share_bytes, self.file_share).await? {
                Ok(())
            } else {
                Err(OperationError::FileShareUsed(self.file_share))
            }
        })
    }

    pub(crate) async fn finish_upload(&self, request: FinishUpload) -> OperationResult<Attachment> {
        let FinishUpload { user, file, content_type, size_bytes, image } = request;
        let content = FileContent { content_type, size_bytes, share_bytes: share_of(size_bytes), image };
        let kept = in_transaction!(self, "finish_upload", |transaction| {
            transaction.keep_file(file, user, &content, self.clock.now()).await?;
            // What a repeat finds is kept already.
            let kept = transaction.file(file).await?.filter(|kept| kept.user == user);
            kept.ok_or(OperationError::FileNotFound)
        })?;
        attachment(kept)
    }

    pub(crate) async fn abandon_upload(&self, request: AbandonUpload) -> OperationResult<()> {
        let AbandonUpload { user, file } = request;
        let mut connection = self.database.writer().await?;
        let outcome = connection.abandon_file(file, user, self.clock.now()).await;
        finish(connection, outcome.map_err(OperationError::from)).await
    }

    /// Says of a file only to who sees it that it is there.
    pub(crate) async fn file(&self, request: GetFile) -> OperationResult<Attachment> {
        let GetFile { user, file } = request;
        let mut connection = self.database.reader().await?;
        let outcome = async {
            let record = connection.file(file).await?.ok_or(OperationError::FileNotFound)?;
            let view = connection.view(user, &RoomRef::Id(record.room)).await?;
            if sees(view.as_ref(), user, &record) { Ok(record) } else { Err(OperationError::FileNotFound) }
        };
        let outcome = outcome.await;
        attachment(finish(connection, outcome).await?)
    }

    pub(crate) async fn removed_files(&self, request: ListRemovedFiles) -> OperationResult<Vec<FileId>> {
        let limit = request.limit.min(NAMES_PER_CALL as u32);
        let mut connection = self.database.reader().await?;
        let outcome = connection.removed_files(request.after, limit).await;
        finish(connection, outcome.map_err(OperationError::from)).await
    }

    pub(crate) async fn forget_files(&self, request: ForgetFiles) -> OperationResult<()> {
        if request.files.len() > NAMES_PER_CALL {
            return Err(OperationError::TooMany(NAMES_PER_CALL));
        }
        in_transaction!(self, "forget_files", |transaction| {
            for file in &request.files {
                transaction.forget_file(*file).await?;
            }
            Ok(())
        })
    }

    /// Appends a message that has uploaded files, and gives them to it, or one that mentions everybody, and notes that members are
    /// to be told, in a transaction of its own: batches of other messages never look at the tables.
    pub(crate) async fn append_apart(
        &self,
        to_append: ToAppend,
        everybody: Option<MentionAll>,
    ) -> OperationResult<Appended> {
        let _turn = self.file_appends.take().await?;
        let ToAppend { append: Append { room, actor, message, authority }, report } = to_append;
        self.remember([&actor]).await?;
        let named = mentions::find(&*self.database, &[(room, actor.id, &message.text)]).await?;
        let named = named.into_iter().next().unwrap_or_default();
        let now = self.clock.now();
        let appended = in_transaction!(self, "append_apart", |transaction| {
            let filled = fill(transaction, &message.attachments).await?;
            let by = (room, actor.id, authority);
            let mentions_all = everybody::judge_append(transaction, by, everybody).await?;
            let message = Message { attachments: filled, mentions_all, ..message.clone() };
            let detail = message_detail(&message);
            let row = AppendRow {
                room,
                actor: actor.id,
                key: &message.key,
                text: &message.text,
                detail: detail.as_deref(),
                mentions: &named,
                by_site: authority == Authority::Site,
                report,
            };
            let mut appended = match transaction.append_alone(now, &row).await? {
                AppendOutcome::Appended(appended) => appended,
                refused => return append::answer(refused, now),
            };
            if appended.duplicate {
                return Ok(appended);
            }
            attach(transaction, room, actor.id, appended.seq, &message.attachments).await?;
            if let Some(whom) = mentions_all {
                let tell = everybody::tell_of(room, appended.seq, whom, authority == Authority::Site);
                transaction.insert_member_tell(&tell, now).await?;
                appended.mentions_all = mentions_all;
            }
            appended.attachments = message.attachments;
            Ok(appended)
        })?;
        if !appended.duplicate {
            self.hints.add([room]);
        }
        Ok(appended)
    }
}

/// Whether a user may have a file: a member of its room, who sees the message that has it or uploaded it.
fn sees(view: Option<&View>, user: UserId, file: &FileRecord) -> bool {
    let Some(place) = view.and_then(|view| view.place.as_ref()) else { return false };
    file.user == user || file.message.is_some_and(|message| message > place.visible_after)
}

/// The attachments of a message with what the store knows of its files. One that is not there stays as it was given: the
/// message may be a repeat of one that was deleted since.
pub(super) async fn fill(
    transaction: &mut dyn Connection,
    attachments: &[Attachment],
) -> OperationResult<Vec<Attachment>> {
    let mut filled = Vec::with_capacity(attachments.len());
    for given in attachments {
        let known = match given.file {
            Some(file) => transaction.file(file).await?.map(attachment).transpose()?,
            // Of a link nobody here knows what it leads to.
            None => Some(Attachment { image: None, ..given.clone() }),
        };
        filled.push(known.unwrap_or_else(|| given.clone()));
    }
    Ok(filled)
}

/// Gives the uploaded files among the attachments to the message that was appended with them.
pub(super) async fn attach(
    transaction: &mut dyn Connection,
    room: RoomId,
    user: UserId,
    message: Seq,
    attachments: &[Attachment],
) -> OperationResult<()> {
    for (place, attached) in attachments.iter().enumerate() {
        let Some(file) = attached.file else { continue };
        if !transaction.attach_file(file, room, user, message).await? {
            let is_there = transaction.file(file).await?;
            return Err(match is_there.filter(|there| (there.room, there.user) == (room, user)) {
                Some(_) => OperationError::FileUsed(place),
                None => OperationError::NoSuchFile(place),
            });
        }
    }
    Ok(())
}

/// What a message says of a file.
fn attachment(file: FileRecord) -> OperationResult<Attachment> {
    let url =
        AttachmentUrl::of_file(file.id).map_err(|error| OperationError::Shared(Error::internal(error)))?;
    Ok(Attachment {
        url,
        name: file.name,
        content_type: file.content_type,
        size_bytes: file.size_bytes,
        file: Some(file.id),
        image: file.image,
    })
}

/// What a file takes of a user's share: at least as much as its row costs, so that empty files are not for nothing.
fn share_of(bytes: u64) -> u64 {
    bytes.max(FILE_MIN_SHARE_BYTES)
}
