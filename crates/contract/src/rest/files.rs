//! `/v1/files`: files that users upload to rooms, for those who see the messages that have them.

use std::borrow::Cow;

use madang_domain::FileName;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// The query of an upload.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
pub struct UploadQuery {
    /// The name of the file.
    pub name: FileName,
}

/// A size of thumbnails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ThumbnailSize {
    /// At most 360 pixels wide and high.
    Small,
    /// At most 1,280 pixels wide and high.
    Large,
}

/// The bytes of a file.
#[derive(Debug, Clone, Copy)]
pub struct FileBytes;

impl JsonSchema for FileBytes {
    fn schema_name() -> Cow<'static, str> {
        "FileBytes".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "format": "binary", "description": "The bytes of the file."})
    }
}

/// The routes of files.
pub mod routes {
    use madang_domain::{Attachment, Code};

    use super::{FileBytes, UploadQuery};
    use crate::rest::{Route, route::table};

    table! {
        /// Uploads a file.
        UPLOAD = Route::post("upload_file", "/v1/rooms/{room}/files", "Upload a file to a room; then send a message with `attachments: [{file}]`. The body is the file itself. A file that no message has is removed after a day")
            .query::<UploadQuery>()
            .takes_bytes::<FileBytes>()
            .answers::<Attachment>(201, "The file is kept. Its media type is what its bytes say; a picture has lost its metadata.")
            .refuses(&[Code::PermissionDenied, Code::NotFound, Code::FailedPrecondition]);
        /// Gives a file.
        GET = Route::get("get_file", "/v1/files/{id}", "Get a file, or a range of it, as a member of its room who sees the message that has it")
            .answers_as::<FileBytes>(200, "The file. With the header `Range` the answer is 206 or 416, with `If-None-Match` it may be 304.", "application/octet-stream")
            .refuses(&[Code::NotFound, Code::FailedPrecondition]);
        /// Gives a thumbnail.
        THUMBNAIL = Route::get("get_thumbnail", "/v1/files/{id}/thumbnail/{size}", "Get a smaller picture of a file that is a picture")
            .answers_as::<FileBytes>(200, "A JPEG, or a PNG of a picture with transparency. With `If-None-Match` the answer may be 304.", "application/octet-stream")
            .refuses(&[Code::NotFound, Code::FailedPrecondition]);
    }
}
