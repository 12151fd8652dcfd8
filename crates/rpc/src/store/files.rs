//! Files that users upload to rooms. The store knows of whom and of which message they are; their bytes lie elsewhere, and
//! the gateways put them there.

use std::sync::Arc;

use madang_domain::{Attachment, FileId, FileName, Image, MediaType, Profile, RoomRef, UserId};
use madang_proto::store::v1 as wire;

use crate::wire::{message, nothing};

/// Announces a file that a user uploads to a room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BeginUpload {
    /// The id that the file is to have.
    pub file: FileId,
    /// The user who uploads it.
    pub actor: Arc<Profile>,
    /// The room.
    pub room: RoomRef,
    /// What the user calls it.
    pub name: FileName,
    /// At most so many bytes, which are taken of the user's share.
    pub size_bytes: u64,
}

/// Notes that a file was uploaded, and what it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FinishUpload {
    /// The user who uploaded it.
    pub user: UserId,
    /// The file.
    pub file: FileId,
    /// What its bytes say that it is.
    pub content_type: MediaType,
    /// How many bytes it has, no more than were announced.
    pub size_bytes: u64,
    /// What is known of it where it is a picture.
    pub image: Option<Image>,
}

/// Gives an upload up, or a file that no message has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AbandonUpload {
    /// The user who uploads it.
    pub user: UserId,
    /// The file.
    pub file: FileId,
}

/// Asks for what is known of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GetFile {
    /// The user who asks.
    pub user: UserId,
    /// The file.
    pub file: FileId,
}

/// Asks for files whose bytes are to be removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListRemovedFiles {
    /// At most so many.
    pub limit: u32,
    /// Only those behind this one, which is to be removed, too. None are behind one that is forgotten.
    pub after: Option<FileId>,
}

/// Notes that the bytes of files were removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForgetFiles {
    /// The files.
    pub files: Vec<FileId>,
}

message!(BeginUpload => wire::BeginUploadRequest { file, actor, room, name, size_bytes });
nothing!(wire::BeginUploadResponse);
message!(FinishUpload => wire::FinishUploadRequest { user, file, content_type, size_bytes, image });
message!(Attachment => wire::FinishUploadResponse | wire::GetFileResponse[file]);
message!(AbandonUpload => wire::AbandonUploadRequest { user, file });
nothing!(wire::AbandonUploadResponse);
message!(GetFile => wire::GetFileRequest { user, file });
message!(ListRemovedFiles => wire::ListRemovedFilesRequest { limit, after });
message!(Vec<FileId> => wire::ListRemovedFilesResponse[files]);
message!(ForgetFiles => wire::ForgetFilesRequest { files });
nothing!(wire::ForgetFilesResponse);
