//! What went wrong, and what to do about it.

use std::{io, path::PathBuf};

use madang_client::Error as ApiError;
use madang_domain::Code;

/// What went wrong.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The server refused, or was not reached.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// A file could not be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The terminal, the standard input or output.
    #[error("cannot {what}: {source}")]
    Io {
        /// What was tried.
        what: &'static str,
        /// Why it failed.
        source: io::Error,
    },
    /// What was asked for cannot be done so.
    #[error("{says}")]
    Usage {
        /// What is wrong.
        says: String,
        /// What to do.
        advice: String,
    },
}

/// A result of this program.
pub(crate) type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    pub(crate) fn usage(says: impl Into<String>, advice: impl Into<String>) -> Self {
        Self::Usage { says: says.into(), advice: advice.into() }
    }

    pub(crate) fn file(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { path, source }
    }

    pub(crate) const fn io(what: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { what, source }
    }

    /// The reader of the output has gone, as `head` does: no failure.
    pub(crate) fn is_broken_pipe(&self) -> bool {
        matches!(self, Self::Io { source, .. } if source.kind() == io::ErrorKind::BrokenPipe)
    }

    /// What to do about it.
    pub(crate) fn advice(&self) -> Option<String> {
        match self {
            Self::Usage { advice, .. } => Some(advice.clone()),
            Self::File { .. } | Self::Io { .. } => None,
            Self::Api(error) => api_advice(error),
        }
    }
}

fn api_advice(error: &ApiError) -> Option<String> {
    let text = match error {
        ApiError::Transport(_) => {
            "is the server running, and is --url (or MADANGCTL_URL) its address as clients reach it?"
        }
        ApiError::Contract { .. } => {
            "is --url the address of Madang itself, with its base path if it has one?"
        }
        ApiError::Base(_) => "write it as https://host, or http://host:port",
        ApiError::Problem(problem) => match problem.code {
            Code::Unauthenticated => "sign in with `madangctl login NAME`, or give --token or --api-key",
            Code::PermissionDenied => {
                "a user reads only rooms that the user may read; an API key needs the scope that the command names"
            }
            Code::NotFound => "`madangctl rooms list` shows the rooms; a room is named by its id or slug",
            Code::RateLimited | Code::Unavailable | Code::DeadlineExceeded => "try again later",
            Code::InvalidArgument
            | Code::AlreadyExists
            | Code::FailedPrecondition
            | Code::TooLarge
            | Code::Internal => return None,
        },
    };
    Some(text.to_owned())
}
