//! Why the store refuses or fails, and the one mapping of that to the public error codes.

use std::time::Duration;

use madang_database::DatabaseError;
use madang_domain::{Code, Error, Limit, Restriction, Timestamp, limits};

/// When to retry if the store is overloaded or its database unavailable.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// A refusal or failure of an operation.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OperationError {
    /// No room has that id or slug.
    #[error("there is no such room")]
    RoomNotFound,
    /// No such user is in the room.
    #[error("the user is not a member of the room")]
    MemberNotFound,
    /// The room has no message of that id.
    #[error("there is no such message in the room")]
    MessageNotFound,
    /// The room has as many pins as it may have.
    #[error("a room has at most {max} pinned messages: unpin one first", max = limits::ROOM_PINS_MAX)]
    TooManyPins,
    /// The user was erased.
    #[error("there is no such user")]
    UserErased,
    /// A thread was asked for under a message that stands in one.
    #[error("the message stands in a thread itself: name the thread's root")]
    NestedThread,
    /// The thread has as many followers as it may have.
    #[error("a thread has at most {max} followers", max = limits::THREAD_FOLLOWERS_MAX)]
    TooManyFollowers,
    /// Another user wrote the message.
    #[error("only the sender edits a message")]
    NotSender,
    /// The message is too old to be edited.
    #[error("a message can be edited within {} s after it was sent", .0.as_secs())]
    EditWindowOver(Duration),
    /// Users react to the message with as many emoji as they may.
    #[error("users react to a message with at most {max} different emoji", max = limits::MESSAGE_REACTIONS_MAX)]
    TooManyReactions,
    /// The caller is not in the room.
    #[error("you are not a member of the room")]
    NotMember,
    /// The caller's role does not suffice.
    #[error("this requires at least the role {0}")]
    RoleTooLow(&'static str),
    /// Nobody sends in an archived room.
    #[error("the room is archived: nobody sends, edits or reacts in it")]
    Archived,
    /// Only moderators send in an announcement room, and guests only where the room lets them.
    #[error("only moderators send in an announcement room, and guests only where the room lets them")]
    OnlyModerators,
    /// The actor is muted: until when, and how long that is from now.
    #[error("you are muted in this room{}", until(.0))]
    Muted(Timestamp, Duration),
    /// The room has slow mode, and the next message must wait so long.
    #[error("this room has slow mode: wait before the next message")]
    SlowMode(Duration),
    /// The actor is banned, until then.
    #[error("you are banned from this room{}", until(.0))]
    Banned(Timestamp),
    /// Who is to become a member is banned.
    #[error("the user is banned from this room: end the ban first")]
    MemberBanned,
    /// One does not ban or mute oneself.
    #[error("you cannot ban or mute yourself")]
    RestrictSelf,
    /// The room has as many banned or muted users as it may have.
    #[error("a room has at most {max} users who are banned, and as many who are muted", max = limits::ROOM_RESTRICTIONS_MAX)]
    TooManyRestrictions,
    /// A ban or a mute would be over when it begins.
    #[error("until must be a later time than now, and before the year 9999")]
    BadUntil,
    /// The pause of slow mode is too long.
    #[error("slow_mode_s must be 0 to {max}", max = limits::SLOW_MODE_MAX_S)]
    BadSlowMode,
    /// The time for edits is too long.
    #[error("edit_window_s must be 0 to {max}", max = limits::EDIT_WINDOW_MAX_S)]
    BadEditWindow,
    /// An invitation link would be expired when it is made, or live too long.
    #[error("expires_at must be a later time than now, within {max} days", max = limits::INVITATION_MAX_DAYS)]
    BadExpiry,
    /// An invitation link could not be used, or too often.
    #[error("uses must be 1 to {max}", max = limits::INVITATION_USES_MAX)]
    BadUses,
    /// The room has as many invitation links as it may have.
    #[error("a room has at most {max} invitation links: revoke one first", max = limits::ROOM_INVITATIONS_MAX)]
    TooManyInvitationLinks,
    /// The inbox has no such notice.
    #[error("there is no such notice in the inbox")]
    NoticeNotFound,
    /// There is no such invitation link, or none that can be used.
    #[error("there is no such invitation, or it is over")]
    InvitationNotFound,
    /// Only public rooms are joined.
    #[error("you can join only public rooms and rooms to which you are invited; ask a moderator")]
    NotJoinable,
    /// Another room has the slug.
    #[error("another room has this slug")]
    SlugTaken,
    /// Another room gave the slug up lately.
    #[error("another room had this slug recently; it becomes free after {days} days", days = .0.as_secs() / 86_400)]
    SlugRests(Duration),
    /// A public room was asked for without a name.
    #[error("a public room needs a name")]
    PublicNeedsName,
    /// A direct room was asked for with other than two users.
    #[error("a direct room needs exactly one other member")]
    DirectNeedsOneOther,
    /// Direct rooms stay as they were made.
    #[error("a direct room has no slug and no flags, and its two members and their roles do not change")]
    DirectIsFixed,
    /// The room would have members and no owner.
    #[error("the room would have no owner; make another member an owner first")]
    LastOwner,
    /// One does not remove oneself.
    #[error("leave the room instead of removing yourself")]
    RemoveSelf,
    /// Too many first members.
    #[error("a room is created with at most {max} other members; add the rest afterwards", max = limits::ROOM_INITIAL_MEMBERS_MAX)]
    TooManyMembers,
    /// Too many invitations of the actor wait for an answer.
    #[error("{0} of your invitations are unanswered; withdraw some of them first")]
    TooManyInvitations(u32),
    /// The actor's invitations are many of the latest notices of the user.
    #[error(
        "{0} of the user's latest {1} notices are invitations of yours; wait for an answer, or for other notices"
    )]
    InvitedOften(u32, u32),
    /// A page's limit is out of range.
    #[error("limit must be 1 to {max}", max = limits::PAGE_MAX_ITEMS)]
    BadLimit,
    /// A page's cursor is not one that this list gave.
    #[error("the cursor does not belong to this list; start again without a cursor")]
    BadCursor,
    /// What the embedding site would put into an inbox is not what a notice is.
    #[error("the notice {0}")]
    BadNotice(&'static str),
    /// Too many things in one call.
    #[error("a call may name at most {0} items")]
    TooMany(usize),
    /// One does not block oneself.
    #[error("you cannot block yourself")]
    BlockSelf,
    /// The caller has blocked as many users as one may.
    #[error("{0} users are blocked already; unblock one first")]
    TooManyBlocked(u32),
    /// The caller has blocked the other user of the direct room.
    #[error("you have blocked this user; unblock the user first")]
    OtherBlocked,
    /// The other user of the direct room has blocked the caller.
    #[error("this user takes no direct messages from you")]
    DirectRefused,
    /// The last export was not long ago.
    #[error("an export of this user was made not long ago")]
    ExportTooSoon(Duration),
    /// There is no such export, or it has expired.
    #[error("there is no such export, or it has expired")]
    ExportNotFound,
    /// There is no such report, or it is none of the caller's.
    #[error("there is no such report")]
    ReportNotFound,
    /// One does not report oneself.
    #[error("you cannot report a message of your own")]
    ReportOwn,
    /// A text has a word of a list.
    #[error("the text has a word that is not accepted here")]
    WordRefused,
    /// A list has too many words.
    #[error("a list has at most {max} words", max = limits::WORDS_MAX)]
    TooManyWords,
    /// The words of a list are too long together.
    #[error("the words of a list have at most {max} letters together, as they are compared", max = limits::WORD_LETTERS_MAX)]
    TooLongWords,
    /// There is no such file, or none that the user sees.
    #[error("there is no such file")]
    FileNotFound,
    /// The attachment at this place is no file that the sender has uploaded to the room.
    #[error("you have uploaded no such file to this room, or it was removed since")]
    NoSuchFile(usize),
    /// Another message has the file of the attachment at this place.
    #[error("another message has this file: upload it once more")]
    FileUsed(usize),
    /// The user's files would take more bytes than the user's share.
    #[error("your files take all of the {0} bytes that they may: delete messages with files first")]
    FileShareUsed(u64),
    /// A search for nothing.
    #[error("q has neither a letter nor a digit to search for")]
    NothingToSearch,
    /// A search for too much.
    #[error("q must have 1 to {max} characters", max = limits::SEARCH_QUERY_MAX_CHARS)]
    SearchTooLong,
    /// A search for what stands in too many messages.
    #[error("a search for single letters needs a room: name one, or search for two letters in a row")]
    SearchNeedsRoom,
    /// Too much waits already.
    #[error("the message store is overloaded")]
    Overloaded,
    /// The service ends.
    #[error("the message store is stopping")]
    Stopping,
    /// The answer did not come in time.
    #[error("the request did not finish in time and may have been executed: repeat it with the same key")]
    Deadline,
    /// The database.
    #[error("the database")]
    Database(#[from] DatabaseError),
    /// A failure of a whole batch, as its other callers are told.
    #[error(transparent)]
    Shared(Error),
}

/// A result of an operation.
pub(crate) type OperationResult<T> = Result<T, OperationError>;

impl From<OperationError> for Error {
    fn from(error: OperationError) -> Self {
        use OperationError as E;
        let code = match &error {
            E::RoomNotFound
            | E::MemberNotFound
            | E::MessageNotFound
            | E::NoticeNotFound
            | E::UserErased
            | E::ExportNotFound
            | E::ReportNotFound
            | E::InvitationNotFound
            | E::FileNotFound
            | E::NoSuchFile(_) => Code::NotFound,
            E::NotMember
            | E::RoleTooLow(_)
            | E::NotSender
            | E::NotJoinable
            | E::OnlyModerators
            | E::Muted(..)
            | E::Banned(_)
            | E::DirectRefused => Code::PermissionDenied,
            E::SlowMode(_) | E::ExportTooSoon(_) => Code::RateLimited,
            E::SlugTaken | E::SlugRests(_) => Code::AlreadyExists,
            E::DirectNeedsOneOther
            | E::TooManyMembers
            | E::BadLimit
            | E::BadCursor
            | E::BadNotice(_)
            | E::NothingToSearch
            | E::SearchTooLong
            | E::SearchNeedsRoom
            | E::BlockSelf
            | E::BadUntil
            | E::BadSlowMode
            | E::BadEditWindow
            | E::PublicNeedsName
            | E::BadExpiry
            | E::BadUses
            | E::WordRefused
            | E::TooManyWords
            | E::TooLongWords
            | E::NestedThread
            | E::TooMany(_) => Code::InvalidArgument,
            E::DirectIsFixed
            | E::TooManyFollowers
            | E::LastOwner
            | E::RemoveSelf
            | E::TooManyInvitations(_)
            | E::InvitedOften(..)
            | E::TooManyBlocked(_)
            | E::OtherBlocked
            | E::EditWindowOver(_)
            | E::TooManyReactions
            | E::Archived
            | E::MemberBanned
            | E::RestrictSelf
            | E::TooManyRestrictions
            | E::TooManyInvitationLinks
            | E::ReportOwn
            | E::TooManyPins
            | E::FileUsed(_)
            | E::FileShareUsed(_) => Code::FailedPrecondition,
            E::Overloaded | E::Stopping => Code::Unavailable,
            E::Deadline => Code::DeadlineExceeded,
            E::Database(_) | E::Shared(_) => return from_database(error),
        };
        let attached = match &error {
            E::NoSuchFile(place) | E::FileUsed(place) => Some(format!("/attachments/{place}/file")),
            _ => None,
        };
        let field = match &error {
            E::SlugTaken | E::SlugRests(_) => Some("/slug"),
            E::DirectNeedsOneOther | E::TooManyMembers => Some("/members"),
            E::BadUntil => Some("/until"),
            E::BadSlowMode => Some("/slow_mode_s"),
            E::BadEditWindow => Some("/edit_window_s"),
            E::PublicNeedsName => Some("/name"),
            E::BadExpiry => Some("/expires_at"),
            E::BadUses => Some("/uses"),
            E::WordRefused => Some("/text"),
            E::TooManyWords | E::TooLongWords => Some("/words"),
            _ => None,
        };
        let retry_after = match &error {
            E::SlowMode(after) | E::ExportTooSoon(after) => Some(*after),
            // Without an end, no retry helps.
            E::Muted(until, after) => (*until != Restriction::WITHOUT_END).then_some(*after),
            _ => matches!(code, Code::Unavailable | Code::DeadlineExceeded).then_some(RETRY_AFTER),
        };
        let limit = match &error {
            E::SlowMode(_) => Some(Limit::SlowMode),
            E::ExportTooSoon(_) => Some(Limit::Exports),
            _ => None,
        };
        let mut told = Self::new(code, error.to_string());
        if let Some(field) = field {
            told = told.of_field(field);
        }
        if let Some(field) = attached {
            told = told.of_field(field);
        }
        Self { retry_after, limit, ..told }
    }
}

/// When what is imposed ends, as it continues a sentence.
fn until(end: &Timestamp) -> String {
    if *end == Restriction::WITHOUT_END { String::new() } else { format!(" until {end}") }
}

/// The database's failures keep their cause, for the log.
fn from_database(error: OperationError) -> Error {
    match error {
        OperationError::Shared(error) => error,
        OperationError::Database(error) => error.into(),
        other => Error::internal(other),
    }
}
