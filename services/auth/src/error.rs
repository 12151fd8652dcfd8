//! Why the service refuses, and how that reads in the error codes of the whole system.

use std::time::Duration;

use madang_database::DatabaseError;
use madang_domain::{Code, Error, TextError};

use crate::passwords::PasswordProblem;

/// How soon to try again when too many passwords wait to be hashed.
const RETRY_OVERLOADED: Duration = Duration::from_secs(1);

/// A result of an operation.
pub(crate) type Result<T, E = AuthError> = std::result::Result<T, E>;

/// Why an operation was refused or failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AuthError {
    /// People do not make accounts by themselves here.
    #[error("registration is closed")]
    RegistrationClosed,
    /// The name belongs to somebody.
    #[error("the username is taken")]
    NameTaken,
    /// A name that no user may have any more.
    #[error(transparent)]
    Name(#[from] TextError),
    /// The password cannot be used.
    #[error("the password cannot be used")]
    Password(#[from] PasswordProblem),
    /// No such user, or not that user's password.
    #[error("the username or the password is wrong")]
    WrongCredentials,
    /// Not a refresh token that is good.
    #[error("the refresh token is not good")]
    RefreshToken,
    /// Not a ticket that is good.
    #[error("the ticket is not good")]
    Ticket,
    /// Not an API key that is good.
    #[error("the API key is not good")]
    ApiKey,
    /// The session has ended.
    #[error("the session has ended")]
    SessionEnded,
    /// The user has no such live session.
    #[error("no such session")]
    NoSuchSession,
    /// There is no such user.
    #[error("no such user")]
    NoSuchUser,
    /// More than one call may ask for.
    #[error("too many ids in one call")]
    TooManyIds,
    /// Too many attempts.
    #[error("too many attempts")]
    Throttled(Duration),
    /// Too many passwords wait to be hashed.
    #[error("too many passwords wait to be hashed")]
    Overloaded,
    /// The database.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// A defect.
    #[error("a defect")]
    Defect(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl AuthError {
    pub(crate) fn defect(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Defect(cause.into())
    }
}

impl From<AuthError> for Error {
    fn from(error: AuthError) -> Self {
        match error {
            AuthError::RegistrationClosed => {
                Self::new(Code::PermissionDenied, "registration is closed; ask the operator for an account")
            }
            AuthError::NameTaken => {
                let message = "the username is taken, or looks like one that is; choose another one";
                Self::new(Code::AlreadyExists, message).of_field("/username")
            }
            AuthError::Password(problem) => Self::invalid(problem.to_string()).of_field("/password"),
            AuthError::Name(error) => error.into(),
            AuthError::WrongCredentials => {
                Self::new(Code::Unauthenticated, "the username or the password is wrong")
            }
            AuthError::RefreshToken => Self::new(
                Code::Unauthenticated,
                "the refresh token is unknown, expired or used before; sign in again",
            ),
            AuthError::Ticket => Self::new(
                Code::Unauthenticated,
                "the ticket is unknown, used or expired; ask for another one",
            ),
            AuthError::ApiKey => Self::new(
                Code::Unauthenticated,
                "the API key is unknown or revoked; make one with `keys create`",
            ),
            AuthError::SessionEnded => {
                Self::new(Code::Unauthenticated, "the session has ended; sign in again")
            }
            AuthError::NoSuchSession => Self::new(Code::NotFound, "you have no such session"),
            AuthError::NoSuchUser => Self::new(Code::NotFound, "there is no such user"),
            AuthError::TooManyIds => Self::invalid("too many ids in one call"),
            AuthError::Throttled(after) => {
                Self::new(Code::RateLimited, "too many attempts; try again later").retry_after(after)
            }
            AuthError::Overloaded => Self::new(Code::RateLimited, "too many sign-ins at once; try again")
                .retry_after(RETRY_OVERLOADED),
            AuthError::Database(error) => error.into(),
            AuthError::Defect(cause) => Self::internal(cause),
        }
    }
}
