//! How the values of this crate look in JSON: their schemas, for the documents of the public contract.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use crate::{
    AddedBy, AttachmentUrl, AvatarUrl, Code, DisplayName, Emoji, Epoch, ExternalId, FileId, FileName,
    IdempotencyKey, ListedWord, MediaType, MentionAll, MessageId, MessageText, Metadata, NotificationLevel,
    Reason, Receipts, ReportStatus, Role, RoomHistory, RoomId, RoomKind, RoomName, RoomRef, RoomTopic,
    SearchText, Seq, SessionId, Slug, StatusText, Timestamp, UserId, UserRef, Username, WordAction, limits,
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
    UserId => {"type": "string", "format": "uuid", "description": "The id of a user."};
    RoomId => {"type": "string", "format": "uuid", "description": "The id of a room."};
    FileId => {"type": "string", "format": "uuid", "description": "The id of an uploaded file."};
    SessionId => {"type": "string", "format": "uuid", "description": "The id of a session (a signed-in device)."};
    RoomRef => {
        "type": "string", "minLength": 1, "maxLength": limits::EXTERNAL_ID_MAX_BYTES + 4,
        "description": "A room: its id, its slug, or `ext:` and the embedding site's id of it."
    };
    UserRef => {
        "type": "string", "minLength": 5, "maxLength": limits::EXTERNAL_ID_MAX_BYTES + 4,
        "description": "A user: the id, or `ext:` and the embedding site's id of the user."
    };
    MessageId => {
        "type": "string", "pattern": "^[1-9][0-9]*$", "maxLength": 20,
        "description": "The id of a message in its room: its `seq` as text."
    };
    Seq => {
        "type": "integer", "format": "int64", "minimum": 0,
        "description": "The sequence number of an event in its room, or of a notice in its inbox: contiguous from 1. 0 is before the first."
    };
    Epoch => {
        "type": "string", "pattern": "^[0-9a-f]{8}$",
        "description": "The epoch of a `seq`, which changes if a backup is restored. Store it with the cursor."
    };
    Timestamp => {
        "type": "string", "format": "date-time",
        "description": "A time (RFC 3339) in UTC, with milliseconds."
    };
    MessageText => {
        "type": "string", "minLength": 1, "maxLength": limits::MESSAGE_TEXT_MAX_CHARS,
        "description": "The text of a message: at least one visible character, no NUL. The server normalizes it (NFC) and removes control characters, overrides of the text direction, and tags that belong to no flag. The length limit applies to the remaining text."
    };
    ReportStatus => {
        "type": "string", "enum": ["open", "resolved", "dismissed"],
        "description": "What became of a report: nobody has settled it (`open`), something was done (`resolved`), or nothing was to be done (`dismissed`)."
    };
    WordAction => {
        "type": "string", "enum": ["refuse", "flag"],
        "description": "What becomes of a message with a word of the list: it is refused (`refuse`), or sent and reported to the moderators (`flag`)."
    };
    ListedWord => {
        "type": "string", "minLength": 1, "maxLength": limits::WORD_MAX_CHARS,
        "description": "A word that is not accepted: one line with a letter or a digit. It is found in whatever Unicode form, case and width, with anything but letters and digits in between, and with its Korean syllables taken apart."
    };
    SearchText => {
        "type": "string", "minLength": 1, "maxLength": limits::SEARCH_QUERY_MAX_CHARS,
        "description": "What is looked for: words, and parts of words in Korean and other scripts without blanks between words. A message must have all of it."
    };
    Emoji => {
        "type": "string", "minLength": 1, "maxLength": 64,
        "description": "One emoji: a grapheme cluster of the Unicode emoji set, or `:name:` with 1 to 32 lower-case ASCII letters, digits, `_`, `+` and `-`. The server answers with its fully qualified form."
    };
    IdempotencyKey => {
        "type": "string", "minLength": 1, "maxLength": limits::IDEMPOTENCY_KEY_MAX_BYTES,
        "description": "An idempotency key: 1 to 64 bytes that the client chooses. The server executes a repeated request with the same key only once."
    };
    Username => {
        "type": "string", "minLength": 2, "maxLength": limits::USERNAME_MAX_CHARS,
        "description": "A username, for signing in and for mentions (RFC 8265, UsernameCaseMapped): letters, marks and digits of any script, `_`, `.` and `-`. Case, composition, width and surrounding blanks do not count. A username counts as taken if it looks like another user's in letters of another script."
    };
    DisplayName => {
        "type": "string", "minLength": 1, "maxLength": limits::DISPLAY_NAME_MAX_CHARS,
        "description": "A display name: one line with at least one visible character. The server normalizes it (NFC)."
    };
    RoomName => {
        "type": "string", "minLength": 1, "maxLength": limits::ROOM_NAME_MAX_CHARS,
        "description": "The name of a room: one line with at least one visible character. The server normalizes it (NFC)."
    };
    RoomTopic => {
        "type": "string", "minLength": 1, "maxLength": limits::ROOM_TOPIC_MAX_CHARS,
        "description": "What a room is about: one line with at least one visible character. The server normalizes it (NFC)."
    };
    Reason => {
        "type": "string", "minLength": 1, "maxLength": limits::REASON_MAX_CHARS,
        "description": "The reason of a ban or a mute: one line with at least one visible character. The server normalizes it (NFC)."
    };
    StatusText => {
        "type": "string", "minLength": 1, "maxLength": limits::STATUS_MAX_CHARS,
        "description": "What a user says of what the user does: one line with at least one visible character. The server normalizes it (NFC)."
    };
    RoomHistory => {
        "type": "string", "enum": RoomHistory::ALL,
        "description": "The messages that a newcomer can read: `all`, or `joined` (only those sent after the newcomer became a member)."
    };
    NotificationLevel => {
        "type": "string", "enum": NotificationLevel::ALL,
        "description": "Of what in a room the user wants to be notified: `all` (every message), `mentions`, or `none` (then mentions are no notices either)."
    };
    MentionAll => {
        "type": "string", "enum": MentionAll::ALL,
        "description": "Whom a message mentions besides those whom it names: `all` (every member) or `here` (the members with a connected device)."
    };
    Metadata => {
        "type": "object", "additionalProperties": {},
        "description": "A JSON object of the sender's program, of at most 4 KiB and 32 levels. The server carries it and does not look into it."
    };
    Receipts => {
        "type": "string", "enum": Receipts::ALL,
        "description": "What members of a room are shown of how far the others have read: `none` (nothing), `count` (how many have read up to where), or `names` (who has read up to where)."
    };
    Slug => {
        "type": "string", "pattern": "^[a-z0-9]([a-z0-9_-]*[a-z0-9])?$", "maxLength": limits::SLUG_MAX_BYTES,
        "description": "A slug: the name of a room in URLs. It never has the form of an id."
    };
    AvatarUrl => {
        "type": "string", "pattern": "^https?://[^/?#@]+([/?#]|$)", "maxLength": limits::AVATAR_URL_MAX_BYTES,
        "description": "The `http` or `https` URL of a user's picture, with a host and without a user or password. Blanks, control characters, `\"`, `<`, `>`, `` ` `` and `\\` must be percent-encoded."
    };
    ExternalId => {
        "type": "string", "minLength": 1, "maxLength": limits::EXTERNAL_ID_MAX_BYTES,
        "description": "The embedding site's own id of a user or room."
    };
    MediaType => {
        "type": "string", "minLength": 3, "maxLength": limits::MEDIA_TYPE_MAX_CHARS,
        "description": "A media type (RFC 6838), with or without parameters."
    };
    FileName => {
        "type": "string", "minLength": 1, "maxLength": limits::FILE_NAME_MAX_BYTES,
        "description": "The name of a file without its folder: at most 255 bytes, with at least one visible character. The server normalizes it (NFC)."
    };
    AttachmentUrl => {
        "type": "string", "pattern": "^(https?://[^/?#@]|/([^/]|$))", "maxLength": limits::ATTACHMENT_URL_MAX_BYTES,
        "description": "The URL of a file: `http` or `https` with a host and without a user or password, or a path on this server. Blanks, control characters, `\"`, `<`, `>`, `` ` `` and `\\` must be percent-encoded."
    };
    AddedBy => {
        "type": "string", "enum": AddedBy::ALL,
        "description": "The users who may add this user to rooms: `anyone`, `shared` (users who share a room with this user), or `nobody`. All others can only invite the user."
    };
    Role => {
        "type": "string", "enum": Role::ALL,
        "description": "The role of a member: a `guest` reads, and writes where the room lets guests; a `member` reads and writes; a `moderator` also adds, removes, bans and mutes members and pins messages; an `owner` also changes roles and the room."
    };
    RoomKind => {
        "type": "string", "enum": RoomKind::ALL,
        "description": "The kind of a room: `public` (every user can find and join it), `private` (moderators add members), or `direct` (two users, who never change)."
    };
    Code => {
        "type": "string", "enum": Code::ALL,
        "description": "The error code of a refused or failed request."
    };
}
