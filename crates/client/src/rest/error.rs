//! Why a call failed.

use madang_domain::Code;

use super::Problem;

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The server refused.
    #[error("{0}")]
    Problem(Box<Problem>),
    /// The request or its answer did not arrive.
    #[error("the server was not reached: {0}")]
    Transport(#[from] reqwest::Error),
    /// The answer is not what the contract says.
    #[error("an answer outside the contract: status {status}, content type {content_type:?}: {reason}")]
    Contract {
        /// The HTTP status.
        status: u16,
        /// The `Content-Type`.
        content_type: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The base address is none.
    #[error("not an http address: {0}")]
    Base(String),
}

impl Error {
    /// The refusal, where the server answered with one.
    #[must_use]
    pub fn problem(&self) -> Option<&Problem> {
        match self {
            Self::Problem(problem) => Some(problem),
            Self::Transport(_) | Self::Contract { .. } | Self::Base(_) => None,
        }
    }

    /// The code, where the server answered with one.
    #[must_use]
    pub fn code(&self) -> Option<Code> {
        self.problem().map(|problem| problem.code)
    }
}
