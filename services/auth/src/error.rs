//! The service's errors, and their mapping to the error codes of the whole system.

use std::time::Duration;

use madang_database::DatabaseError;
use madang_domain::{Code, Error};

use crate::passwords::PasswordProblem;

/// When to try again if too many passwords wait to be hashed.
const RETRY_OVERLOADED: Duration = Duration::from_secs(1);

/// The result of an operation.
pub(crate) type Result<T, E = AuthError> = std::result::Result<T, E>;

/// Why an operation was refused or failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AuthError {
    /// Registration is closed.
    #[error("registration is closed")]
    RegistrationClosed,
    /// Another account has the username.
    #[error("the username is taken")]
    NameTaken,
    /// The password does not meet the rules.
    #[error("the password cannot be used")]
    Password(#[from] PasswordProblem),
    /// There is no such user, or the password is wrong. Callers must not learn which.
    #[error("the username or the password is wrong")]
    WrongCredentials,
    /// The refresh token is unknown, expired or already used.
    #[error("the refresh token is invalid")]
    RefreshToken,
    /// The ticket is unknown, expired or already used.
    #[error("the ticket is invalid")]
    Ticket,
    /// The API key is unknown or revoked.
    #[error("the API key is invalid")]
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
    /// The call names more ids than are allowed.
    #[error("too many ids in one call")]
    TooManyIds,
    /// The rate limit of attempts is exceeded.
    #[error("too many attempts")]
    Throttled(Duration),
    /// The hashing queue is full.
    #[error("too many passwords wait to be hashed")]
    Overloaded,
    /// The database failed.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// A defect of this program.
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
                Self::new(Code::AlreadyExists, "the username is taken; choose another one")
            }
            AuthError::Password(problem) => Self::invalid(problem.to_string()),
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
