//! The service's errors, and their mapping to the error codes of the whole system.

use std::time::Duration;

use madang_database::DatabaseError;
use madang_domain::{Code, Error, Limit, TextError};

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
    /// A name that no user may have any more.
    #[error(transparent)]
    Name(#[from] TextError),
    /// The password does not meet the rules.
    #[error("the password cannot be used")]
    Password(#[from] PasswordProblem),
    /// The new password of an account does not meet the rules.
    #[error("the new password cannot be used")]
    NewPassword(#[source] PasswordProblem),
    /// What was said to be the present password is not.
    #[error("the present password is another")]
    WrongPassword,
    /// The user has no password here.
    #[error("the user has no password")]
    NoPassword,
    /// The user of the embedding site was erased after that was issued by which the site names the user.
    #[error("the user was erased")]
    Erased,
    /// There is no such user, or the password is wrong. Callers must not learn which.
    #[error("the username or the password is wrong")]
    WrongCredentials,
    /// The refresh token is unknown, expired or already used.
    #[error("the refresh token is invalid")]
    RefreshToken,
    /// The refresh token was used before; its session has ended.
    #[error("the refresh token was used before")]
    RefreshTokenReused,
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
    /// A rate limit is exceeded. The duration says when to try again.
    #[error("too many attempts")]
    Throttled(Limit, Duration),
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
                let message = "the username is taken, or looks like a taken one; choose another one";
                Self::new(Code::AlreadyExists, message).of_field("/username")
            }
            AuthError::Password(problem) => Self::invalid(problem.to_string()).of_field("/password"),
            AuthError::NewPassword(problem) => Self::invalid(problem.to_string()).of_field("/new_password"),
            AuthError::WrongPassword => {
                // Not `unauthenticated`: a client would take its token for a bad one.
                let message = "the present password is another one";
                Self::new(Code::PermissionDenied, message).of_field("/current_password")
            }
            AuthError::NoPassword => Self::new(
                Code::FailedPrecondition,
                "this user signs in at the embedding site, and has no password here",
            ),
            AuthError::Erased => Self::new(
                Code::Unauthenticated,
                "this user was erased since the token was issued; get a new one to begin anew",
            ),
            AuthError::Name(error) => error.into(),
            AuthError::WrongCredentials => {
                Self::new(Code::Unauthenticated, "the username or the password is wrong")
            }
            AuthError::RefreshToken | AuthError::RefreshTokenReused => Self::new(
                Code::Unauthenticated,
                "the refresh token is unknown, expired or used before; sign in again",
            ),
            AuthError::Ticket => Self::new(
                Code::Unauthenticated,
                "the ticket is unknown, used or expired; ask for another one",
            ),
            AuthError::ApiKey => Self::new(
                Code::Unauthenticated,
                "the API key is unknown or revoked; create one with `keys create`",
            ),
            AuthError::SessionEnded => {
                Self::new(Code::Unauthenticated, "the session has ended; sign in again")
            }
            AuthError::NoSuchSession => Self::new(Code::NotFound, "you have no such session"),
            AuthError::NoSuchUser => Self::new(Code::NotFound, "there is no such user"),
            AuthError::TooManyIds => Self::invalid("too many ids in one call"),
            AuthError::Throttled(limit, after) => Self::rate_limited(limit, after),
            AuthError::Overloaded => Self::rate_limited(Limit::WaitingPasswords, RETRY_OVERLOADED),
            AuthError::Database(error) => error.into(),
            AuthError::Defect(cause) => Self::internal(cause),
        }
    }
}
