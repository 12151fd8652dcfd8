//! Why the store refuses or fails, and the one mapping of that to the public error codes.

use std::time::Duration;

use madang_database::DatabaseError;
use madang_domain::{Code, Error, limits};

/// When to come back to a store that is overloaded or whose database is away.
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
    /// The caller is not in the room.
    #[error("you are not a member of the room")]
    NotMember,
    /// The caller's role does not suffice.
    #[error("this needs the role of {0}")]
    RoleTooLow(&'static str),
    /// Only public rooms are joined.
    #[error("only public rooms can be joined; ask a member to add you")]
    NotJoinable,
    /// Another room has the slug.
    #[error("another room has this slug")]
    SlugTaken,
    /// A direct room was asked for with other than two users.
    #[error("a direct room needs exactly one other member")]
    DirectNeedsOneOther,
    /// Direct rooms stay as they were made.
    #[error("a direct room has no slug, and always the same two members and roles")]
    DirectIsFixed,
    /// The room would have members and no owner.
    #[error("the last owner of a room must name another first")]
    LastOwner,
    /// One does not remove oneself.
    #[error("leave the room instead of removing yourself")]
    RemoveSelf,
    /// Too many first members.
    #[error("a room is made with at most {max} members; add more later", max = limits::ROOM_INITIAL_MEMBERS_MAX)]
    TooManyMembers,
    /// A page's limit is out of range.
    #[error("limit must be 1 to {max}", max = limits::PAGE_MAX_ITEMS)]
    BadLimit,
    /// A page's cursor is not one that this list gave.
    #[error("the cursor is not one of this list; start again without it")]
    BadCursor,
    /// What the embedding site would put into an inbox is not what a notice is.
    #[error("the notice {0}")]
    BadNotice(&'static str),
    /// Too many things in one call.
    #[error("at most {0} in one call")]
    TooMany(usize),
    /// Too much waits already.
    #[error("the message store is overloaded")]
    Overloaded,
    /// The service ends.
    #[error("the message store is stopping")]
    Stopping,
    /// The answer did not come in time.
    #[error("not done in time; it may have been done all the same: repeat it with the same key")]
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
            E::RoomNotFound | E::MemberNotFound => Code::NotFound,
            E::NotMember | E::RoleTooLow(_) | E::NotJoinable => Code::PermissionDenied,
            E::SlugTaken => Code::AlreadyExists,
            E::DirectNeedsOneOther
            | E::TooManyMembers
            | E::BadLimit
            | E::BadCursor
            | E::BadNotice(_)
            | E::TooMany(_) => Code::InvalidArgument,
            E::DirectIsFixed | E::LastOwner | E::RemoveSelf => Code::FailedPrecondition,
            E::Overloaded | E::Stopping => Code::Unavailable,
            E::Deadline => Code::DeadlineExceeded,
            E::Database(_) | E::Shared(_) => return from_database(error),
        };
        let retry = matches!(code, Code::Unavailable | Code::DeadlineExceeded);
        let (of_slug, of_members) =
            (matches!(error, E::SlugTaken), matches!(error, E::DirectNeedsOneOther | E::TooManyMembers));
        let mut error = Self::new(code, error.to_string());
        if of_slug || of_members {
            error = error.of_field(if of_slug { "/slug" } else { "/members" });
        }
        if retry { error.retry_after(RETRY_AFTER) } else { error }
    }
}

/// The database's failures keep their cause, for the log.
fn from_database(error: OperationError) -> Error {
    match error {
        OperationError::Shared(error) => error,
        OperationError::Database(error) => error.into(),
        other => Error::internal(other),
    }
}
