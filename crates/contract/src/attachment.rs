//! What a client says of an attachment that a message is to have.

use std::borrow::Cow;

pub use madang_domain::Attachment;
use madang_domain::{AttachmentUrl, FileId, FileName, MediaType, TextError};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// An attachment that a message is to have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, try_from = "Fields")]
pub enum NewAttachment {
    /// A file that the sender has uploaded to the room, and no message has yet.
    File(FileToAttach),
    /// A link to a file elsewhere.
    Link(Link),
}

/// A file that the sender has uploaded to the room, and no message has yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FileToAttach {
    /// The id of the file.
    pub file: FileId,
}

/// A link to a file elsewhere, with what the sender says of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Link {
    /// The URL of the file.
    pub url: AttachmentUrl,
    /// The name of the file.
    pub name: FileName,
    /// The media type of the file.
    pub content_type: MediaType,
    /// The size of the file, in bytes, as the sender states it.
    pub size_bytes: u64,
}

/// The fields of both, so that a wrong one is named by itself.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Fields {
    file: Option<FileId>,
    url: Option<AttachmentUrl>,
    name: Option<FileName>,
    content_type: Option<MediaType>,
    size_bytes: Option<u64>,
}

/// A field that is missing, or one too many, in the words of the parser, which refusals read.
#[derive(Debug, thiserror::Error)]
enum Unfit {
    #[error("missing field `{0}`")]
    Missing(&'static str),
    #[error("unknown field `{0}`, expected `file`")]
    BesideFile(&'static str),
}

impl TryFrom<Fields> for NewAttachment {
    type Error = Unfit;

    fn try_from(fields: Fields) -> Result<Self, Unfit> {
        let Fields { file, url, name, content_type, size_bytes } = fields;
        if let Some(file) = file {
            let others = [
                ("url", url.is_some()),
                ("name", name.is_some()),
                ("content_type", content_type.is_some()),
                ("size_bytes", size_bytes.is_some()),
            ];
            return match others.into_iter().find(|(_, is_there)| *is_there) {
                Some((other, _)) => Err(Unfit::BesideFile(other)),
                None => Ok(Self::File(FileToAttach { file })),
            };
        }
        Ok(Self::Link(Link {
            url: url.ok_or(Unfit::Missing("url"))?,
            name: name.ok_or(Unfit::Missing("name"))?,
            content_type: content_type.ok_or(Unfit::Missing("content_type"))?,
            size_bytes: size_bytes.ok_or(Unfit::Missing("size_bytes"))?,
        }))
    }
}

impl TryFrom<NewAttachment> for Attachment {
    type Error = TextError;

    /// The attachment as a message has it. Of a file the store says what it is.
    fn try_from(new: NewAttachment) -> Result<Self, TextError> {
        match new {
            NewAttachment::File(FileToAttach { file }) => Self::of_file(file),
            NewAttachment::Link(Link { url, name, content_type, size_bytes }) => {
                Ok(Self { url, name, content_type, size_bytes, file: None, image: None })
            }
        }
    }
}

impl JsonSchema for NewAttachment {
    fn schema_name() -> Cow<'static, str> {
        "NewAttachment".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let (file, link) = (generator.subschema_for::<FileToAttach>(), generator.subschema_for::<Link>());
        json_schema!({
            "description": "An attachment of a new message: an uploaded file, or a link to a file elsewhere.",
            "anyOf": [file, link],
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const FILE: &str = "01a2024d-95d7-7ac3-8afb-e3a86cee2d1a";

    fn read(value: &Value) -> Result<NewAttachment, String> {
        serde_json::from_value(value.clone()).map_err(|error| error.to_string())
    }

    #[test]
    fn an_attachment_is_a_file_or_a_link() {
        let link = json!({"url": "/files/1", "name": "a", "content_type": "image/png", "size_bytes": 1});
        for value in [json!({"file": FILE}), link.clone()] {
            assert_eq!(serde_json::to_value(read(&value).unwrap()).unwrap(), value);
        }
        let mut both = link.clone();
        both["file"] = FILE.into();
        assert_eq!(read(&both).unwrap_err(), "unknown field `url`, expected `file`");
        for missing in ["url", "name", "content_type", "size_bytes"] {
            let mut part = link.clone();
            part.as_object_mut().unwrap().remove(missing);
            assert_eq!(read(&part).unwrap_err(), format!("missing field `{missing}`"));
        }
        assert!(read(&json!({"file": FILE, "more": 1})).unwrap_err().starts_with("unknown field `more`"));
        assert!(read(&json!({"file": "1"})).is_err());
    }
}
