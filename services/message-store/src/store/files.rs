//! Files that users upload to rooms.

use async_trait::async_trait;
use madang_database::DatabaseResult;
use madang_domain::{FileId, FileName, Image, MediaType, RoomId, Seq, Timestamp, UserId};

use super::batches::{AppendOutcome, AppendRow};

/// A file on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NewFile {
    pub(crate) id: FileId,
    pub(crate) room: RoomId,
    /// Who uploads it.
    pub(crate) user: UserId,
    pub(crate) since: Timestamp,
    /// What is taken of the user's share: the most that it may have.
    pub(crate) share_bytes: u64,
    pub(crate) name: FileName,
}

/// A file that was uploaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FileRecord {
    pub(crate) id: FileId,
    pub(crate) room: RoomId,
    /// Who uploaded it.
    pub(crate) user: UserId,
    /// The message that has it.
    pub(crate) message: Option<Seq>,
    pub(crate) size_bytes: u64,
    pub(crate) name: FileName,
    pub(crate) content_type: MediaType,
    pub(crate) image: Option<Image>,
}

/// What the bytes of a file have said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FileContent {
    pub(crate) content_type: MediaType,
    pub(crate) size_bytes: u64,
    /// What it takes of the share of who uploaded it.
    pub(crate) share_bytes: u64,
    pub(crate) image: Option<Image>,
}

/// From when on files are to be removed that nobody has done anything with.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Expiry {
    /// Those that have been on their way since before.
    pub(crate) uploads_before: Timestamp,
    /// Those that were uploaded before, and no message has.
    pub(crate) unused_before: Timestamp,
}

/// Statements on files. In a transaction rooms are locked first, and a user's share last.
#[async_trait]
pub(crate) trait Files {
    /// Takes bytes of a user's share. False, and nothing is taken, where less is left of it.
    async fn take_share(&mut self, user: UserId, bytes: u64, share: u64) -> DatabaseResult<bool>;

    /// Notes a file on its way. False where there is one of this id.
    async fn insert_file(&mut self, file: &NewFile) -> DatabaseResult<bool>;

    /// Whether a user has announced a file of this id.
    async fn is_announced(&mut self, file: FileId, user: UserId) -> DatabaseResult<bool>;

    /// Notes what a user's file is that was on its way, and gives back what it does not take of the share. False where it
    /// is not on its way, or has more bytes than were announced.
    async fn keep_file(
        &mut self,
        file: FileId,
        user: UserId,
        content: &FileContent,
        now: Timestamp,
    ) -> DatabaseResult<bool>;

    /// A file that was uploaded and is not to be removed.
    async fn file(&mut self, file: FileId) -> DatabaseResult<Option<FileRecord>>;

    /// Appends a message in this transaction.
    async fn append_alone(&mut self, now: Timestamp, row: &AppendRow<'_>) -> DatabaseResult<AppendOutcome>;

    /// Gives a file to a message of its room by who uploaded it. False where it is not there, or of another message.
    async fn attach_file(
        &mut self,
        file: FileId,
        room: RoomId,
        user: UserId,
        message: Seq,
    ) -> DatabaseResult<bool>;

    /// Has a user's file removed that no message has.
    async fn abandon_file(&mut self, file: FileId, user: UserId, now: Timestamp) -> DatabaseResult<()>;

    /// Has the files of a message removed.
    async fn remove_files_of(&mut self, room: RoomId, message: Seq, now: Timestamp) -> DatabaseResult<()>;

    /// Has up to `limit` files removed of those that nobody has done anything with, and as many of deleted rooms. Says how
    /// many these were.
    async fn expire_files(&mut self, expiry: Expiry, now: Timestamp, limit: u32) -> DatabaseResult<u64>;

    /// The first files that are to be removed, of those behind one of them.
    async fn removed_files(&mut self, after: Option<FileId>, limit: u32) -> DatabaseResult<Vec<FileId>>;

    /// Forgets a file that was to be removed, and gives its bytes back to the share of who uploaded it.
    async fn forget_file(&mut self, file: FileId) -> DatabaseResult<()>;
}
