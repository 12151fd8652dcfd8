//! The domain: identifiers, positions in a log, bounded strings, profiles, events and the error codes.
//!
//! A value of these types is valid by construction. It is parsed once, where it enters the system (a frame,
//! an HTTP path, a gRPC message, a database row), and travels typed after that.

mod added_by;
mod address;
mod attachment;
mod audit;
mod bounded;
mod emoji;
mod error;
pub mod event;
mod id;
mod limit;
pub mod limits;
mod mention_all;
mod metadata;
mod notification_level;
mod permission;
mod position;
mod profile;
mod receipts;
mod report;
mod restriction;
mod role;
mod room_details;
mod room_flags;
mod room_kind;
mod schema;
mod service_name;
mod text;
mod time;
mod topic;
mod unicode;
mod username;

pub use added_by::AddedBy;
pub use attachment::{Attachment, AttachmentUrl, FileName, Image, MediaType};
pub use audit::AuditAction;
pub use bounded::TextError;
pub use emoji::Emoji;
pub use error::{Code, Error, FieldError, Result};
pub use id::{
    ConnectionId, FileId, GatewayId, MessageId, ParseIdError, RoomId, RoomRef, SessionId, UserId, UserRef,
};
pub use limit::{Counted, Limit};
pub use mention_all::MentionAll;
pub use metadata::{Metadata, MetadataError};
pub use notification_level::NotificationLevel;
pub use permission::{Authority, Guests, Members, Permission, RoomAction, Target};
pub use position::{Cursor, Epoch, Seq};
pub use profile::Profile;
pub use receipts::Receipts;
pub use report::{ReportStatus, WordAction};
pub use restriction::Restriction;
pub use role::Role;
pub use room_details::{RoomDetailChanges, RoomDetails};
pub use room_flags::{RoomFlagChanges, RoomFlags, RoomHistory};
pub use room_kind::RoomKind;
pub use service_name::{ServiceName, UnknownService};
pub use text::{
    AvatarUrl, DisplayName, ExternalId, IdempotencyKey, ListedWord, MessageText, Reason, RoomName, RoomTopic,
    SearchText, Slug, StatusText,
};
pub use time::Timestamp;
pub use topic::{TopicId, TopicKind};
pub use unicode::to_nfc;
pub use username::Username;
