//! How the values of this crate look in JSON: their schemas, for the documents of the public contract.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use crate::{
    AttachmentUrl, AvatarUrl, Code, DisplayName, Epoch, ExternalId, FileName, IdempotencyKey, MediaType,
    MessageText, Role, RoomId, RoomKind, RoomName, RoomRef, Seq, SessionId, Slug, Timestamp, UserId, UserRef,
    Username, limits,
};

macro_rules! schemas {
    ($($name:ident => $schema:tt;)*) => {$(
        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                Cow::Borrowed(stringify!($name))
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!($schema)
            }
        }
    )*};
}

schemas! {
    UserId => {"type": "string", "format": "uuid", "description": "A user's id."};
    RoomId => {"type": "string", "format": "uuid", "description": "A room's id."};
    SessionId => {"type": "string", "format": "uuid", "description": "The id of a signed-in device."};
    RoomRef => {
        "type": "string", "minLength": 1, "maxLength": limits::EXTERNAL_ID_MAX_BYTES + 4,
        "description": "A room, by its id, by its slug, or by `ext:` and what the embedding site calls it."
    };
    UserRef => {
        "type": "string", "minLength": 5, "maxLength": limits::EXTERNAL_ID_MAX_BYTES + 4,
        "description": "A user, by the account's id, or by `ext:` and what the embedding site calls the user."
    };
    Seq => {
        "type": "integer", "format": "int64", "minimum": 0,
        "description": "A place in the log of a room or of an inbox, contiguous from 1; 0 is before the first."
    };
    Epoch => {
        "type": "string", "pattern": "^[0-9a-f]{8}$",
        "description": "Which history a `seq` belongs to."
    };
    Timestamp => {
        "type": "string", "format": "date-time",
        "description": "A time by RFC 3339, in UTC, with milliseconds."
    };
    MessageText => {
        "type": "string", "minLength": 1, "maxLength": limits::MESSAGE_TEXT_MAX_CHARS,
        "description": "A message's text, with a visible character and without NUL. The server composes it (NFC) and leaves out control characters, overrides of the direction of text, and tags outside of flags; the length is that of what is left."
    };
    IdempotencyKey => {
        "type": "string", "minLength": 1, "maxLength": limits::IDEMPOTENCY_KEY_MAX_BYTES,
        "description": "What makes a repeated request the same request: 1 to 64 bytes of the client's choice."
    };
    Username => {
        "type": "string", "minLength": 2, "maxLength": limits::USERNAME_MAX_CHARS,
        "description": "The name to sign in with and to be mentioned by (RFC 8265, UsernameCaseMapped): letters, marks and digits of any script, `_`, `.` and `-`. Case, composition, width and blanks around it do not count. One that looks like another user's by letters of other scripts is taken."
    };
    DisplayName => {
        "type": "string", "minLength": 1, "maxLength": limits::DISPLAY_NAME_MAX_CHARS,
        "description": "The name that others see, on one line, with a visible character; the server composes it (NFC)."
    };
    RoomName => {
        "type": "string", "minLength": 1, "maxLength": limits::ROOM_NAME_MAX_CHARS,
        "description": "A room's name, on one line, with a visible character; the server composes it (NFC)."
    };
    Slug => {
        "type": "string", "pattern": "^[a-z0-9]([a-z0-9_-]*[a-z0-9])?$", "maxLength": limits::SLUG_MAX_BYTES,
        "description": "A room's name in an address. It never has the form of an id."
    };
    AvatarUrl => {
        "type": "string", "pattern": "^https?://[^/?#@]+([/?#]|$)", "maxLength": limits::AVATAR_URL_MAX_BYTES,
        "description": "The address of a user's picture, with a host and without a user. Blanks, control characters, `\"`, `<`, `>`, `` ` `` and `\\` are percent-encoded."
    };
    ExternalId => {
        "type": "string", "minLength": 1, "maxLength": limits::EXTERNAL_ID_MAX_BYTES,
        "description": "What a user or a room is called at the site that embeds the chat."
    };
    MediaType => {
        "type": "string", "minLength": 3, "maxLength": limits::MEDIA_TYPE_MAX_CHARS,
        "description": "A media type (RFC 6838), with or without parameters."
    };
    FileName => {
        "type": "string", "minLength": 1, "maxLength": limits::FILE_NAME_MAX_BYTES,
        "description": "A file's name without its folder, of at most 255 bytes, with a visible character; the server composes it (NFC)."
    };
    AttachmentUrl => {
        "type": "string", "pattern": "^(https?://[^/?#@]|/([^/]|$))", "maxLength": limits::ATTACHMENT_URL_MAX_BYTES,
        "description": "The address of a file: an `http` or `https` one with a host and without a user, or a path on this server. Blanks, control characters, `\"`, `<`, `>`, `` ` `` and `\\` are percent-encoded."
    };
    Role => {
        "type": "string", "enum": [Role::Member, Role::Moderator, Role::Owner],
        "description": "What a member may do in a room: a member reads and writes, a moderator adds and removes members too, an owner changes roles and the room itself too."
    };
    RoomKind => {
        "type": "string", "enum": RoomKind::ALL,
        "description": "How a room can be found and joined: anybody finds a public one and may join it, members add members to a private one, a direct one has two users, and always the same two."
    };
    Code => {
        "type": "string", "enum": Code::ALL,
        "description": "Why a request was refused or failed."
    };
}
